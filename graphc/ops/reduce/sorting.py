"""Sorting, and selection by order.

The results are gathered in the order of `argsort`, so gradients flow through the values.
"""

from __future__ import annotations

from typing import overload

from graphc.dispatch.arguments import numpy_names
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, broadcast, cast, derived, elementwise, full_like, reduce, reshape, select, zeros_like
from graphc.ir.core.build import argsort as order_of
from graphc.ir.core.build import gather as gather_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32, I64
from graphc.ops.common import axis_of, positions
from graphc.ops.reduce.extremes import ValuesIndices
from graphc.ops.reduce.sums import sum
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.tensor import Tensor

__all__ = ["argsort", "median", "msort", "sort", "topk"]


_SORT: type[ValuesIndices] = type("sort", (ValuesIndices,), {})
_TOPK: type[ValuesIndices] = type("topk", (ValuesIndices,), {})
_MEDIAN: type[ValuesIndices] = type("median", (ValuesIndices,), {})


def _at(x: Node, order: Node, axis: int) -> tuple[Node, Node]:
    """Return the elements at indices along an axis, and the indices."""
    return gather_at(x, *positions(x, axis, order)), order


@op("Sort")
def _sorted(input: Node, axis: int, descending: bool, count: int | None = None) -> tuple[Node, Node]:
    """Return the first `count` elements in order, and their indices."""
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    order = order_of(input, axis, descending)
    return _at(input, order if count is None else narrow_axis(order, axis, 0, count), axis)


@op("Median")
def _middle(input: Node, axis: int) -> tuple[Node, Node]:
    """Return the lower of the two middle elements along an axis, or the first NaN, and its index; the axis is kept."""
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    at = (input.shape[axis] - 1) // 2
    index = narrow_axis(order_of(input, axis), axis, at, at + 1)
    if input.dtype.is_float:
        bad = elementwise("ne", input, input)
        shape = (*input.shape[:axis], 1, *input.shape[axis + 1 :])
        first = reshape(apply("argmax", cast(bad, I32), axis=axis), shape)
        index = select(reshape(reduce("any", bad, (axis,)), shape), first, index)
    return _at(input, index, axis)


@op("MedianBackward0")
def _middle_of_all(x: Node) -> Node:
    """Return the median of a vector; elements that are equal to it share its gradient, as in torch."""
    value = reshape(_middle.nodes(x, 0)[0], ())
    if not x.dtype.is_float or not x.type.rank:
        return value
    wide = broadcast(value, x.shape, ())
    equal = elementwise("eq", x, wide) | (elementwise("ne", x, x) & elementwise("ne", wide, wide))
    share = reduce("sum", select(equal, x, 0), (0,)) / reduce("sum", cast(equal, x.dtype), (0,))
    return derived("checked", value, share, full_like(value, 1))


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesIndices:
    """Return the elements sorted along an axis and their indices; the order of equal elements is kept.

    NaN counts as the largest. The gradient flows through the values.

    Args:
        input: tensor.
        dim: int, the axis.
        descending: whether the largest elements come first.
        stable: accepted; the sort is always stable.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input; indices are int64.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> values, indices = graphc.sort(graphc.tensor([3.0, 1.0, 2.0]))
        >>> values
        tensor([1., 2., 3.])
        >>> indices
        tensor([1, 2, 0])
    """
    return _SORT(*_sorted(input, axis_of(dim, input.dim()), descending))


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return the indices that sort input along an axis; the order of equal elements is kept.

    Args:
        input: tensor.
        dim: int, the axis.
        descending: whether the largest elements come first.
        stable: accepted; the sort is always stable.

    Returns:
        int64 tensor of the shape of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.argsort(graphc.tensor([3.0, 1.0, 2.0]))
        tensor([1, 2, 0])
    """
    return sort(input, dim, descending).indices


def msort(input: Tensor) -> Tensor:
    """Return the elements sorted in ascending order along the first axis.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.msort(graphc.tensor([[3, 1], [2, 4]]))
        tensor([[2, 1],
                [3, 4]])
    """
    return sort(input, 0).values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """Return the k largest or smallest elements along an axis, in order, and their indices.

    NaN counts as the largest. The gradient flows through the values.

    Args:
        input: tensor.
        k: int, the number of elements.
        dim: int, the axis.
        largest: whether the largest or the smallest elements are returned.
        sorted: accepted; the elements are always in order.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input with extent k at dim; indices are int64.

    Raises:
        RuntimeError: if k is negative or larger than the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> values, indices = graphc.topk(graphc.tensor([3.0, 1.0, 2.0]), k=2)
        >>> values
        tensor([3., 2.])
        >>> indices
        tensor([0, 2])
    """
    axis = axis_of(dim, input.dim())
    extent = input.shape[axis] if input.dim() else 1
    if not 0 <= k <= extent:
        raise RuntimeError(f"selected index k out of range: k is {k}, the axis has {extent} elements")
    return _TOPK(*_sorted(input, axis, largest, k))


@overload
def median(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(input: Tensor, dim: int, keepdim: bool = False) -> ValuesIndices: ...
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | ValuesIndices:
    """Return the median of all elements, or the medians along an axis and their indices.

    Of an even number of elements it is the lower of the middle two. It is NaN where any element is. The gradient of the
    median of all elements is shared by those that are equal to it; with dim, that of indices has all of it.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all elements.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Tensor of shape (); with dim a named tuple (values, indices) of the shape of input without the axis, indices being
        int64.

    Raises:
        IndexError: if the axis is empty or out of range.

    Example:
        >>> graphc.median(graphc.tensor([4.0, 1.0, 3.0, 2.0]))
        tensor(2.)
    """
    if dim is None and input.numel() == 0:
        return sum(input) * float("nan")
    flat = input.reshape(-1) if dim is None else input
    axis = axis_of(-1 if dim is None else dim, flat.dim())
    if flat.dim() and flat.shape[axis] == 0:
        raise IndexError(f"median(): Expected reduction dim {axis} to have non-zero size.")
    if dim is None:
        return _middle_of_all(flat)
    medians, indices = _middle(flat, axis)
    if keepdim or not input.dim():
        return _MEDIAN(medians, indices)
    return _MEDIAN(medians.squeeze(axis), indices.squeeze(axis))
