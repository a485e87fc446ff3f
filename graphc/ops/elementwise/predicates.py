"""Predicates on single values: NaN, infinities, finite numbers."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import constant, elementwise
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL

__all__ = ["isfinite", "isinf", "isnan", "isneginf", "isposinf"]


INFINITY = float("inf")


@op("Isnan")
def isnan(input: Node) -> Node:
    """Test which elements are NaN.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isnan(graphc.tensor([1.0, float("nan")]))
        tensor([False,  True])
    """
    return elementwise("ne", input, input)


@op("Isinf")
def isinf(input: Node) -> Node:
    """Test which elements are infinite, of either sign.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isinf(graphc.tensor([1.0, -float("inf")]))
        tensor([False,  True])
    """
    if not input.dtype.is_float:
        return constant(False, BOOL, input.shape)
    return elementwise("eq", elementwise("abs", input), INFINITY)


@op("Isposinf")
def isposinf(input: Node) -> Node:
    """Test which elements are inf.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isposinf(graphc.tensor([float("inf"), -float("inf")]))
        tensor([ True, False])
    """
    return elementwise("eq", input, INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isneginf")
def isneginf(input: Node) -> Node:
    """Test which elements are -inf.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isneginf(graphc.tensor([float("inf"), -float("inf")]))
        tensor([False,  True])
    """
    return elementwise("eq", input, -INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isfinite")
def isfinite(input: Node) -> Node:
    """Test which elements are finite, neither infinite nor NaN.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isfinite(graphc.tensor([1.0, float("inf"), float("nan")]))
        tensor([ True, False, False])
    """
    if not input.dtype.is_float:
        return constant(True, BOOL, input.shape)
    return elementwise("abs", input) < INFINITY
