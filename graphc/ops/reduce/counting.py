"""Distinct values and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, overload

import numpy as np

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, full_like, scatter_add
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of
from graphc.tensors.tensor import Tensor

__all__ = ["bincount", "unique", "unique_consecutive"]


@op("Unique", differentiable=False)
def _constants(*arrays: Operand) -> Sequence[Node]:
    return arrays


@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> Tensor: ...
@overload
def unique(
    input: Tensor, sorted: bool = True, *, return_inverse: Literal[True], return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    *,
    return_inverse: Literal[True],
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    *,
    return_counts: Literal[True],
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]: ...
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]:
    """Return the distinct elements, or the distinct slices along an axis, in ascending order.

    No NaN equals another one. There is no gradient.

    Args:
        input: tensor.
        sorted: accepted; the elements are always in order.
        return_inverse: whether to return the index of each element of input among the distinct ones.
        return_counts: whether to return how often each occurs.
        dim: int, the axis along which slices are compared; None compares the elements of the flattened tensor.

    Returns:
        Vector of the distinct elements (or the slices, stacked along dim), or a tuple of it, the inverse, int64 of the
        shape of input (or of shape (extent of dim,)), and the counts, int64.

    Raises:
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.unique(graphc.tensor([3, 1, 3]), return_counts=True)
        (tensor([1, 3]), tensor([1, 2]))
    """
    values = np.asarray(input.detach())
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(values.shape if dim is None else -1)
    arrays = [distinct, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]
    results: tuple[Tensor, ...] = tuple(_constants(*arrays))
    return results if len(arrays) > 1 else results[0]


def _begins(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return where slices along the first axis differ from those before them; the first one does."""
    flat = values.reshape(len(values), prod(values.shape[1:]))
    return np.concatenate([np.ones(min(len(flat), 1), np.bool_), (flat[1:] != flat[:-1]).any(1)])


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]:
    """Return the elements, or the slices along an axis, without those that equal the one before them.

    No NaN equals another one. There is no gradient.

    Args:
        input: tensor.
        return_inverse: whether to return the index of each element of input in the result.
        return_counts: whether to return how often each is repeated.
        dim: int, the axis along which slices are compared; None compares the elements of the flattened tensor.

    Returns:
        Vector of the elements (or the slices, stacked along dim), or a tuple of it, the inverse, int64 of the shape of
        input (or of shape (extent of dim,)), and the counts, int64.

    Raises:
        IndexError: if the axis is out of range, or input is 0-d and has none.
        RuntimeError: if another axis than dim is empty.
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.unique_consecutive(graphc.tensor([1, 1, 2, 1]), return_counts=True)
        (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    values = np.asarray(input.detach())
    axis = 0 if dim is None else axis_of(dim, values.ndim)
    if dim is not None and not values.ndim:
        raise located(IndexError(f"Dimension specified as {dim} but tensor has no dimensions"))
    if dim is not None and 0 in (*values.shape[:axis], *values.shape[axis + 1 :]):
        rule = "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        raise located(RuntimeError(f"{rule}: {list(values.shape)}, dim={dim}"))
    rows = values.reshape(-1) if dim is None else np.moveaxis(values, axis, 0)
    begins = _begins(rows)
    inverse = (np.cumsum(begins) - 1).reshape(values.shape if dim is None else -1)
    counts = np.diff(np.append(np.flatnonzero(begins), len(rows)))
    kept = np.moveaxis(rows[begins], 0, axis)
    arrays = [kept, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]
    results: tuple[Tensor, ...] = tuple(_constants(*arrays))
    return results if len(arrays) > 1 else results[0]


@op("Bincount", differentiable=False)
def _counted(input: Operand, weights: Operand, size: int) -> Node:
    zeros = constant(0, I64 if weights is None else weights.dtype, (size,))
    ones = full_like(cast(input, I64), 1)
    return scatter_add(zeros, ones if weights is None else weights, cast(input, I64))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each integer from 0 up occurs in a vector, or the sum of the weights at its occurrences.

    Args:
        input: 1-d tensor of non-negative integers.
        weights: tensor of the shape of input, added up instead of ones.
        minlength: int, the least number of bins.

    Returns:
        Vector of max(minlength, largest element + 1) elements; int64, or of the dtype of weights.

    Raises:
        RuntimeError: if input is not a vector of non-negative integers, or weights has another shape.
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.bincount(graphc.tensor([0, 1, 1, 3]))
        tensor([1, 2, 0, 1])
    """
    values = np.asarray(input.detach())
    if values.ndim != 1 or values.dtype.kind not in "iu" or (values.size and values.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and tuple(weights.shape) != values.shape:
        raise located(RuntimeError("weights should be 1-d and have the same length as input"))
    return _counted(input, weights, max(minlength, int(values.max()) + 1 if values.size else 0))
