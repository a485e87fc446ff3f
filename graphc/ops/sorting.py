"""Operations that put elements in order, under torch's names.

They look at the values to find the order; while a function is traced for compiling, that is an error that says so.
What they return is gathered in that order, so gradients flow through values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ir.core.build import cast, constant, full_like, reshape, scatter_add
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops import indexing
from graphc.ops.common import Operand, axis_of
from graphc.ops.reductions import ValuesIndices
from graphc.tensors.dispatch import numpy_names, op

__all__ = ["argsort", "bincount", "median", "msort", "sort", "topk", "unique"]

_SORT = type("sort", (ValuesIndices,), {})
_TOPK = type("topk", (ValuesIndices,), {})
_MEDIAN = type("median", (ValuesIndices,), {})


def _values(x: Any) -> np.ndarray[Any, Any]:
    """Look at the values, with an axis at least."""
    found: np.ndarray[Any, Any] = np.atleast_1d(np.asarray(x.detach()))
    return found


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
    return indexing.take_along_dim.nodes(input, places, dim), cast(places, I64)


@numpy_names
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return (values, indices) in order along `dim`; equal elements stay in order.  Looks at the values."""
    axis = axis_of(dim, input.dim())
    return _SORT(*_taken(input, _order(_values(input), axis, descending), axis))


@numpy_names
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return the indices that put `input` in order along `dim`, as int64.  Looks at the values."""
    return sort(input, dim, descending).indices


def msort(input: Any) -> Any:
    """Return the elements in ascending order along the first axis.  Looks at the values."""
    return sort(input, 0).values


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return (values, indices) of the k largest or smallest elements along `dim`, in order.  Raises RuntimeError.

    Looks at the values.
    """
    axis = axis_of(dim, input.dim())
    values = _values(input)
    if not 0 <= k <= values.shape[axis]:
        raise RuntimeError(f"selected index k out of range: k is {k}, the axis has {values.shape[axis]} elements")
    return _TOPK(*_taken(input, np.take(_order(values, axis, largest), range(k), axis), axis))


@numpy_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the lower median of all elements; or (values, indices) along `dim`.  NaN where any element is.

    Looks at the values.  Raises IndexError for an axis without elements.
    """
    if dim is None and input.numel() == 0:
        return input.sum() * float("nan")
    flat = input.reshape(-1) if dim is None else input
    axis = axis_of(-1 if dim is None else dim, flat.dim())
    values = _values(flat)
    if values.shape[axis] == 0:
        raise IndexError(f"median(): Expected reduction dim {axis} to have non-zero size.")
    middle = np.take(_order(values, axis, False), [(values.shape[axis] - 1) // 2], axis)
    bad = np.isnan(values)
    places = np.where(bad.any(axis, keepdims=True), bad.argmax(axis, keepdims=True), middle)
    found, at = _taken(flat, places, axis)
    if dim is None:
        return found.squeeze()
    return _MEDIAN(found, at) if keepdim or not input.dim() else _MEDIAN(found.squeeze(axis), at.squeeze(axis))


@op("Unique", differentiable=False)
def _constants(*arrays: Operand) -> Sequence[Node]:
    return arrays


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the different elements (or slices along `dim`) in ascending order; each NaN is one of its own.

    With them, if asked, where each element of input is among them, and how often each occurs.  Looks at the values.
    """
    values = np.asarray(input.detach())
    found, inverse, counts = np.unique(values, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(values.shape if dim is None else -1)
    wanted = [found, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]
    results = _constants(*wanted)
    return results if len(wanted) > 1 else results[0]


@op("Bincount", differentiable=False)
def _counted(input: Operand, weights: Operand, size: int) -> Node:
    zeros = constant(0, I64 if weights is None else weights.dtype, (size,))
    ones = full_like(cast(input, I64), 1)
    return scatter_add(zeros, ones if weights is None else weights, cast(input, I64))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """Return how often each number from 0 up occurs in a vector of integers, or the sums of its weights.

    Looks at the values for the largest.  Raises RuntimeError for negative ones.
    """
    values = np.asarray(input.detach())
    if values.ndim != 1 or values.dtype.kind not in "iu" or (values.size and values.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    return _counted(input, weights, max(minlength, int(values.max()) + 1 if values.size else 0))
