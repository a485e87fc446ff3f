"""Cumulative reductions."""

from __future__ import annotations

from collections.abc import Callable

from graphc.dispatch.arguments import numpy_names
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, concatenate, elementwise, gather, iota, pad, select, slice_, zeros_like
from graphc.ir.core.build import cumsum as running_sum
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import DTypeLike, axis_of, positions
from graphc.ops.elementwise.exponential import logaddexp
from graphc.ops.reduce.extremes import ValuesIndices
from graphc.ops.reduce.sums import accumulable
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.tensor import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]


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


_CUMMAX: type[ValuesIndices] = type("cummax", (ValuesIndices,), {})
_CUMMIN: type[ValuesIndices] = type("cummin", (ValuesIndices,), {})


def _last_extreme(x: Node, axis: int, largest: bool) -> Node:
    """Return the index of the extreme among each element and those before it, the last of equal ones; NaN is extreme."""
    index, step = iota(x.shape, axis), 1
    while step < x.shape[axis]:
        late = [narrow_axis(y, axis, step, x.shape[axis]) for y in (x, index)]
        early = [narrow_axis(y, axis, 0, x.shape[axis] - step) for y in (x, index)]
        wins = elementwise("le", *(early[0], late[0]) if largest else (late[0], early[0]))
        wins = wins | elementwise("ne", late[0], late[0])
        kept = [narrow_axis(y, axis, 0, step) for y in (x, index)]
        x, index = (concatenate([k, select(wins, a, b)], axis) for k, a, b in zip(kept, late, early, strict=True))
        step *= 2
    return index


@op(lambda input, axis, largest: "Cummax" if largest else "Cummin")
def _running_extreme(input: Node, axis: int, largest: bool) -> tuple[Node, Node]:
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    index = _last_extreme(input, axis, largest)
    return gather(input, *positions(input, axis, index)), index


@numpy_names
def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """Return the cumulative maxima along an axis, and their indices: the last of equal ones.

    NaN from the first NaN on. The gradient flows through the values.

    Args:
        input: tensor.
        dim: int, the axis.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input; indices are int64.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> values, indices = graphc.cummax(graphc.tensor([1, 3, 2, 3]), dim=0)
        >>> values, indices
        (tensor([1, 3, 3, 3]), tensor([0, 1, 1, 3]))
    """
    return _CUMMAX(*_running_extreme(input, axis_of(dim, input.dim()), True))


@numpy_names
def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """Return the cumulative minima along an axis, and their indices: the last of equal ones.

    NaN from the first NaN on. The gradient flows through the values.

    Args:
        input: tensor.
        dim: int, the axis.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input; indices are int64.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> values, indices = graphc.cummin(graphc.tensor([3, 1, 2, 1]), dim=0)
        >>> values, indices
        (tensor([3, 1, 1, 1]), tensor([0, 1, 1, 3]))
    """
    return _CUMMIN(*_running_extreme(input, axis_of(dim, input.dim()), False))
