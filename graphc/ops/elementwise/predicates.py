"""Predicates on single values: NaN, infinities, finite numbers; the parts of numbers that are all real."""

from __future__ import annotations

from math import pi

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import constant, elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL
from graphc.tensors.tensor import Tensor

__all__ = [
    "angle",
    "conj",
    "conj_physical",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "real",
    "resolve_conj",
    "resolve_neg",
]


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


@op("Isreal")
def isreal(input: Node) -> Node:
    """Test which elements are real numbers: all of them are.

    Args:
        input: tensor.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isreal(graphc.tensor([1.0, 2.0]))
        tensor([True, True])
    """
    return constant(True, BOOL, input.shape)


@op("Angle")
def angle(input: Node) -> Node:
    """Return the angles of numbers in the complex plane: 0, pi for those below 0, and NaN for NaN. The gradient is 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.angle(graphc.tensor([1.0, -1.0]))
        tensor([0.0000, 3.1416])
    """
    (x,) = promote(input, float=True)
    return select(x < 0, full_like(x, pi), select(elementwise("eq", x, x), full_like(x, 0), full_like(x, float("nan"))))


def real(input: Tensor) -> Tensor:
    """Return the real part: the tensor itself, since there are no complex dtypes.

    Args:
        input: tensor of any shape.

    Returns:
        input.

    Example:
        >>> graphc.real(graphc.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    return input


def conj(input: Tensor) -> Tensor:
    """Return the complex conjugates: the tensor itself, since there are no complex dtypes.

    Args:
        input: tensor of any shape.

    Returns:
        input.

    Example:
        >>> graphc.conj(graphc.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """Return the tensor itself: no tensor is negated lazily.

    Args:
        input: tensor of any shape.

    Returns:
        input.

    Example:
        >>> graphc.resolve_neg(graphc.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    return input


def conj_physical(input: Tensor) -> Tensor:
    """Return the complex conjugates: the tensor itself, since there are no complex dtypes.

    Args:
        input: tensor of any shape.

    Returns:
        input.

    Example:
        >>> graphc.conj_physical(graphc.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    return input


def resolve_conj(input: Tensor) -> Tensor:
    """Return the tensor itself: no tensor is conjugated lazily.

    Args:
        input: tensor of any shape.

    Returns:
        input.

    Example:
        >>> graphc.resolve_conj(graphc.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    return input
