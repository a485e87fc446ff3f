"""Cumulative reductions."""

from __future__ import annotations

from collections.abc import Callable

from graphc.dispatch.operation import op
from graphc.ir.core.build import cumsum as running_sum
from graphc.ir.core.build import pad, slice_
from graphc.ir.core.graph import Node
from graphc.ops.common import DTypeLike, axis_of
from graphc.ops.elementwise.exponential import logaddexp
from graphc.ops.reduce.sums import accumulable

__all__ = ["cumprod", "cumsum", "logcumsumexp"]


@op("Cumsum", saves=False)
def cumsum(input: Node, dim: int, *, dtype: DTypeLike = None) -> Node:
    """Return the cumulative sums along an axis: element i is the sum of the elements 0 to i.

    Args:
        input: tensor.
        dim: int, the axis.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are summed in
            int64.

    Returns:
        Tensor of the shape of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.cumsum(graphc.tensor([1, 2, 3]), dim=0)
        tensor([1, 3, 6])
    """
    x = accumulable(input, dtype)
    axis = axis_of(dim, x.type.rank)
    return running_sum(x, axis) if x.type.rank else x


def scan(x: Node, axis: int, fill: float, combine: Callable[[Node, Node], Node]) -> Node:
    """Combine each element with all before it along an axis, in log2(n) doubling steps; node level."""
    step = 1
    while step < x.shape[axis]:
        stop = [n - step if a == axis else n for a, n in enumerate(x.shape)]
        low = [step if a == axis else 0 for a in range(x.type.rank)]
        x = combine(x, pad(slice_(x, [0] * len(stop), stop), low, [0] * len(low), fill=fill))
        step *= 2
    return x


@op("Cumprod")
def cumprod(input: Node, dim: int, *, dtype: DTypeLike = None) -> Node:
    """Return the cumulative products along an axis: element i is the product of the elements 0 to i.

    Args:
        input: tensor.
        dim: int, the axis.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are multiplied
            in int64.

    Returns:
        Tensor of the shape of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.cumprod(graphc.tensor([1, 2, 3, 4]), dim=0)
        tensor([ 1,  2,  6, 24])
    """
    x = accumulable(input, dtype)
    axis = axis_of(dim, x.type.rank)
    return scan(x, axis, 1, lambda a, b: a * b) if x.type.rank else x


@op("Logcumsumexp")
def logcumsumexp(input: Node, dim: int) -> Node:
    """Return the logarithms of the cumulative sums of exponentials along an axis, without overflow.

    Args:
        input: tensor of a float dtype.
        dim: int, the axis.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.logcumsumexp(graphc.tensor([0.0, 0.0, 0.0]), dim=0)
        tensor([0.0000, 0.6931, 1.0986])
    """
    axis = axis_of(dim, input.type.rank)
    return scan(input, axis, float("-inf"), logaddexp.nodes) if input.type.rank else input
