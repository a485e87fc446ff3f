"""Sorting, and selection by order.

The order is computed from the values by NumPy, outside of the graph: a traced function that sorts raises TracingError.
The results are gathered in that order, so that gradients flow through the values.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from graphc.ir.core.build import cast, reshape
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of
from graphc.ops.indexing.gather import take_along_dim
from graphc.ops.reduce.extremes import ValuesIndices
from graphc.ops.reduce.sums import sum
from graphc.tensors.dispatch import numpy_names, op
from graphc.tensors.tensor import Tensor

__all__ = ["argsort", "median", "msort", "sort", "topk"]


_SORT: type[ValuesIndices] = type("sort", (ValuesIndices,), {})
_TOPK: type[ValuesIndices] = type("topk", (ValuesIndices,), {})
_MEDIAN: type[ValuesIndices] = type("median", (ValuesIndices,), {})


def _values(x: Tensor) -> np.ndarray[Any, Any]:
    """Look at the values, with an axis at least."""
    values: np.ndarray[Any, Any] = np.atleast_1d(np.asarray(x.detach()))
    return values


def _order(values: np.ndarray[Any, Any], axis: int, descending: bool) -> np.ndarray[Any, Any]:
    """Return the places in stable order; NaN counts as larger than every number."""
    if not descending:
        return np.argsort(values, axis, kind="stable")
    backwards = np.flip(np.argsort(np.flip(values, axis), axis, kind="stable"), axis)
    last: int = values.shape[axis] - 1
    return last - backwards


@op("Sort")
def _taken(input: Operand, places: Operand, dim: int) -> tuple[Node, Node]:
    if input.type.rank == 0:
        return input, cast(reshape(places, ()), I64)
    return take_along_dim.nodes(input, places, dim), cast(places, I64)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesIndices:
    """Return the elements sorted along an axis and their indices; the order of equal elements is kept.

    NaN counts as the largest. The order is found from the values, so that a function that sorts cannot be traced by
    `graphc.compile`; the gradient flows through the values.

    Args:
        input: tensor.
        dim: int, the axis.
        descending: whether the largest elements come first.
        stable: accepted; the sort is always stable.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input; indices are int64.

    Raises:
        IndexError: if the axis is out of range.
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> values, indices = graphc.sort(graphc.tensor([3.0, 1.0, 2.0]))
        >>> values
        tensor([1., 2., 3.])
        >>> indices
        tensor([1, 2, 0])
    """
    axis = axis_of(dim, input.dim())
    return _SORT(*_taken(input, _order(_values(input), axis, descending), axis))


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
        TracingError: if the values are not known because a function is being traced.

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

    Raises:
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.msort(graphc.tensor([[3, 1], [2, 4]]))
        tensor([[2, 1],
                [3, 4]])
    """
    return sort(input, 0).values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """Return the k largest or smallest elements along an axis, in order, and their indices.

    NaN counts as the largest. The order is found from the values, so that the function cannot be traced by
    `graphc.compile`; the gradient flows through the values.

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
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> values, indices = graphc.topk(graphc.tensor([3.0, 1.0, 2.0]), k=2)
        >>> values
        tensor([3., 2.])
        >>> indices
        tensor([0, 2])
    """
    axis = axis_of(dim, input.dim())
    values = _values(input)
    if not 0 <= k <= values.shape[axis]:
        raise RuntimeError(f"selected index k out of range: k is {k}, the axis has {values.shape[axis]} elements")
    return _TOPK(*_taken(input, np.take(_order(values, axis, largest), range(k), axis), axis))


@overload
def median(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(input: Tensor, dim: int, keepdim: bool = False) -> ValuesIndices: ...
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | ValuesIndices:
    """Return the median of all elements, or the medians along an axis and their indices.

    Of an even number of elements it is the lower of the middle two. It is NaN where any element is.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all elements.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Tensor of shape (); with dim a named tuple (values, indices) of the shape of input without the axis, indices being
        int64.

    Raises:
        IndexError: if the axis is empty or out of range.
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.median(graphc.tensor([4.0, 1.0, 3.0, 2.0]))
        tensor(2.)
    """
    if dim is None and input.numel() == 0:
        return sum(input) * float("nan")
    flat = input.reshape(-1) if dim is None else input
    axis = axis_of(-1 if dim is None else dim, flat.dim())
    values = _values(flat)
    if values.shape[axis] == 0:
        raise IndexError(f"median(): Expected reduction dim {axis} to have non-zero size.")
    middle = np.take(_order(values, axis, False), [(values.shape[axis] - 1) // 2], axis)
    bad = np.isnan(values)
    places = np.where(bad.any(axis, keepdims=True), bad.argmax(axis, keepdims=True), middle)
    medians, indices = _taken(flat, places, axis)
    if dim is None:
        return medians.squeeze()
    if keepdim or not input.dim():
        return _MEDIAN(medians, indices)
    return _MEDIAN(medians.squeeze(axis), indices.squeeze(axis))
