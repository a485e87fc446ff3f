"""Views of any shape and strides over the memory that a tensor shows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand
from graphc.ops.indexing.writing import written
from graphc.ops.shape.axes import permute
from graphc.storage.steps import Strided
from graphc.storage.views import ViewSteps, overlaps, read
from graphc.tensors.tensor import Tensor

__all__ = ["as_strided", "as_strided_scatter"]


def _memory_order(x: Tensor) -> list[int] | None:
    """Return the axes of a tensor in the order of its memory, outermost first; None if there are gaps or overlaps."""
    strides, shape = x.stride(), x.shape
    order = sorted(range(x.dim()), key=lambda a: (shape[a] != 1, -strides[a]))
    step = 1
    for a in reversed(order):
        if shape[a] != 1 and strides[a] != step:
            return None
        step *= shape[a]
    return order


def _check(x: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None) -> tuple[list[int], int]:
    """Return the axes of `x` in the order of memory, and the offset from its first element.  Raises RuntimeError."""
    if len(size) != len(stride):
        raise located(RuntimeError(f"mismatch in length of strides and shape, got {list(stride)} and {list(size)}"))
    if any(s < 0 for s in stride):
        rule = "as_strided: Negative strides are not supported at the moment"
        raise located(RuntimeError(f"{rule}, got strides: {list(stride)}"))
    if any(n < 0 for n in size):
        raise located(RuntimeError(f"as_strided: sizes must not be negative, got {list(size)}"))
    if offset is not None and offset < 0:
        raise located(RuntimeError(f"Tensor: invalid storage offset {offset}"))
    order = _memory_order(x) if x.numel() else [*range(x.dim())]
    start = 0 if offset is None or not x.numel() else offset - x.storage_offset()
    last = start + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        return order or [*range(x.dim())], 0
    if order is None or start < 0 or last >= x.numel():
        asked = f"sizes {list(size)}, strides {list(stride)}, storage offset {offset}"
        shows = f"{list(x.shape)} with strides {list(x.stride())}"
        raise located(RuntimeError(f"as_strided: {asked} are out of bounds for the elements that the tensor shows, {shows}"))
    return order, start


def _steps(input: Operand, size: tuple[int, ...], stride: tuple[int, ...], start: int) -> ViewSteps:
    return (Strided(size, stride, start),)


@op("AsStrided", view=_steps)
def _strided(input: Node, size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Node:
    return read(input, _steps(input, size, stride, start))


def _integers(values: Any, what: str) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or not all(hasattr(v, "__index__") for v in values):
        raise located(TypeError(f"as_strided() expected {what} as a sequence of ints, got {values!r:.40}"))
    return tuple(v.__index__() for v in values)


def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Return a view of the memory of a tensor: element i, j, … is at storage_offset + i * stride[0] + j * stride[1] + ….

    Elements may occur more than once. Other than in torch, the view reads only elements that input itself shows, and these
    lie in memory without gaps: call it on the whole tensor instead of on a part of it.

    Args:
        input: tensor whose elements lie densely in memory, in any order of the axes.
        size: sequence of ints, the shape.
        stride: sequence of ints, the distances in memory of neighbours along each axis, in elements.
        storage_offset: int, the place of the first element; None for that of input.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if the lengths differ, a number is negative, or an element lies outside of input.
        TypeError: if size or stride is not a sequence of ints.

    Example:
        >>> graphc.as_strided(graphc.arange(5), (3, 3), (1, 1))
        tensor([[0, 1, 2],
                [1, 2, 3],
                [2, 3, 4]])
    """
    shape, steps = _integers(size, "size"), _integers(stride, "stride")
    order, start = _check(input, shape, steps, storage_offset)
    return _strided(permute(input, order), shape, steps, start)


@op("AsStridedScatter", saves=False)
def _scattered(input: Node, src: Node, size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Node:
    return written(input, src, _steps(input, size, stride, start)) if prod(size) else input


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """Return input with the elements of the view `graphc.as_strided` replaced by src.

    Args:
        input: tensor whose elements lie densely in memory, in any order of the axes.
        src: tensor of shape size; it is converted to the dtype of input.
        size: sequence of ints, the shape of the view.
        stride: sequence of ints, the distances in memory of neighbours along each axis, in elements.
        storage_offset: int, the place of the first element; None for that of input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if src has another shape, the lengths differ, a number is negative, an element lies outside of input, or
            occurs twice.
        TypeError: if size or stride is not a sequence of ints.

    Example:
        >>> graphc.as_strided_scatter(graphc.zeros(4), graphc.ones(2), (2,), (2,))
        tensor([1., 0., 1., 0.])
    """
    shape, steps = _integers(size, "size"), _integers(stride, "stride")
    order, start = _check(input, shape, steps, storage_offset)
    if overlaps((input.numel(),), (Strided(shape, steps, start),)):
        rule = "unsupported operation: more than one element of the written-to tensor refers to a single memory location"
        raise located(RuntimeError(f"{rule}, got size {list(shape)} and stride {list(steps)}"))
    result = _scattered(permute(input, order), src, shape, steps, start)
    return permute(result, sorted(range(len(order)), key=order.__getitem__))
