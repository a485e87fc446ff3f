"""Exponentials and logarithms."""

from __future__ import annotations

import math

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, derived, elementwise, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F64
from graphc.ops.common import Operand, float_function

__all__ = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2"]


LOG_2 = math.log(2.0)

LOG_10 = math.log(10.0)


@op("Exp")
def exp(input: Node) -> Node:
    """Return e to the power input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.exp(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """
    return float_function("exp", input)


@op("Exp2")
def exp2(input: Node) -> Node:
    """Return 2 to the power input, exact for integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.exp2(graphc.tensor([3.0, -1.0]))
        tensor([8.0000, 0.5000])
    """
    (x,) = promote(input, float=True)
    return elementwise("pow", full_like(x, 2), x)


@op("Expm1")
def expm1(input: Node) -> Node:
    """Return exp(input) - 1, accurate near 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.expm1(graphc.tensor([1e-08, 1.0]))
        tensor([1.0000e-08, 1.7183e+00])
    """
    return float_function("expm1", input)


@op("Log")
def log(input: Node) -> Node:
    """Return the natural logarithm; -inf at 0, NaN below.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log(graphc.tensor([1.0, 10.0]))
        tensor([0.0000, 2.3026])
    """
    return float_function("log", input)


def _log_base(input: Node, log_base: float) -> Node:
    """Divide by the base's logarithm in f64, so that f32 powers of the base give integers."""
    (x,) = promote(input, float=True)
    return cast(elementwise("log", cast(x, F64)) / log_base, x.dtype)


@op("Log2")
def log2(input: Node) -> Node:
    """Return the logarithm to base 2; -inf at 0, NaN below.

    Computed in float64, so that powers of 2 give integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log2(graphc.tensor([8.0, 0.5]))
        tensor([ 3., -1.])
    """
    return _log_base(input, LOG_2)


@op("Log10")
def log10(input: Node) -> Node:
    """Return the logarithm to base 10; -inf at 0, NaN below.

    Computed in float64, so that powers of 10 give integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log10(graphc.tensor([1000.0, 0.1]))
        tensor([ 3., -1.])
    """
    return _log_base(input, LOG_10)


@op("Log1P")
def log1p(input: Node) -> Node:
    """Return log(1 + input), accurate near 0; -inf at -1, NaN below.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log1p(graphc.tensor([1e-08, 1.0]))
        tensor([1.0000e-08, 6.9315e-01])
    """
    return float_function("log1p", input)


def _ordered(x: Node, y: Node) -> tuple[Node, Node]:
    """Return the larger operand, and the other one minus it: 0 for equal infinities.

    One condition selects both, so that what is made of them is the same smooth function on either side of a tie, and
    all its derivatives are right there.
    """
    first = x >= y
    top, low = select(first, x, y), select(first, y, x)
    return top, derived("difference", select(elementwise("eq", x, y), zeros_like(x), low - top), low, top)


@op("Logaddexp")
def logaddexp(input: Operand, other: Operand) -> Node:
    """Return log(exp(input) + exp(other)) without overflow.

    Computed as maximum(input, other) + log1p(exp(-abs(input - other))).

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logaddexp(graphc.tensor([0.0, 1000.0]), graphc.tensor([0.0, 1000.0]))
        tensor([6.9315e-01, 1.0007e+03])
    """
    top, gap = _ordered(*promote(input, other, float=True))
    return top + elementwise("log1p", elementwise("exp", gap))


@op("Logaddexp2")
def logaddexp2(input: Operand, other: Operand) -> Node:
    """Return log2(2**input + 2**other) without overflow.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logaddexp2(graphc.tensor([0.0, 1000.0]), graphc.tensor([0.0, 1000.0]))
        tensor([1.0000e+00, 1.0010e+03])
    """
    top, gap = _ordered(*promote(input, other, float=True))
    power = elementwise("pow", full_like(top, 2), gap)
    return top + elementwise("log1p", power) * (1 / LOG_2)
