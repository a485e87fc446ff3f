"""Helpers of the special functions: Chebyshev series, work in double precision, derivatives given by another formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.core.promotion import promote
from graphc.ir.core.build import cast, derived, elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F64
from graphc.ops.common import Operand

__all__ = ["EXACT", "chebyshev", "exp_minus_square", "inside", "ratio", "scaled", "with_slope", "without_slope", "worked"]

EXACT = 134217729.0
"""2**27 + 1, which splits a double into halves whose products are exact.  Source: Dekker, Numerische Mathematik 18, 1971."""


def worked(function: Callable[..., Node], *operands: Operand) -> Node:
    """Apply a function in double precision; the result has the promoted float dtype of the operands."""
    xs = promote(*operands, float=True)
    return cast(function(*(cast(x, F64) for x in xs)), xs[0].dtype)


def inside(x: Node, low: float, high: float) -> Node:
    """Return x where it is in [low, high], else `high`: the argument of a formula that is not used elsewhere."""
    return select((x >= low) & (x <= high), x, full_like(x, high))


def chebyshev(t: Node, coefficients: Sequence[float]) -> Node:
    """Return the sum of coefficient k times the Chebyshev polynomial T_k(t), by Clenshaw's recurrence."""
    twice = t + t
    later = full_like(t, 0)
    total = full_like(t, coefficients[-1])
    for c in coefficients[-2:0:-1]:
        later, total = total, total * twice - later + c
    return total * t - later + coefficients[0]


def scaled(x: Node, low: float, high: float) -> Node:
    """Map [low, high] to [-1, 1]."""
    return (x - (low + high) / 2) * (2 / (high - low))


def with_slope(value: Node, x: Node, slope: Node) -> Node:
    """Return a value whose derivative with respect to `x` is `slope`."""
    return derived("checked", value, x, slope)


def without_slope(value: Node, x: Node) -> Node:
    """Return a value that keeps its other derivatives, and whose derivative with respect to `x` is NaN: it is not known."""
    return value + with_slope(full_like(value, 0), x, full_like(value, float("nan")))


def ratio(x: Node, y: Node) -> Node:
    """Return x / y, and 0 where y is 0; also its derivatives."""
    zero = elementwise("eq", y, 0)
    return select(zero, 0, x / select(zero, 1, y))


def exp_minus_square(x: Node, factor: float) -> Node:
    """Return exp(-factor x²), factor being a power of two: the square is split into its rounded value and the rest."""
    big = elementwise("abs", x) > 1e15
    y = select(big, 1e15, x)  # where the square overflows the result is 0
    split = y * EXACT
    high = split - (split - y)
    low = y - high
    square = y * y
    rest = ((high * high - square) + high * low * 2) + low * low
    return elementwise("exp", square * -factor) * (1 - rest * factor)
