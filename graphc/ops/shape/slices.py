"""Slices and windows of an axis, as views; their start may be a tensor."""

from __future__ import annotations

from operator import index as as_integer
from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, slice_
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.build import select as choose
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of, squeeze_axis
from graphc.recording.context import state
from graphc.recording.lazy import realize
from graphc.storage.steps import At, Window, Windows, chain
from graphc.storage.views import ViewSteps, read

__all__ = ["narrow", "select", "unfold"]


def narrow_axis(x: Node, axis: int, start: int, stop: int, step: int = 1) -> Node:
    """Return x[start:stop:step] along one axis; node level."""
    starts = [start if a == axis else 0 for a in range(x.type.rank)]
    stops = [stop if a == axis else n for a, n in enumerate(x.shape)]
    return slice_(x, starts, stops, [step if a == axis else 1 for a in range(x.type.rank)])


def _narrowed(input: Node, dim: int, start: int | Node, length: int) -> ViewSteps:
    if input.type.rank == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, input.type.rank)
    n = input.shape[axis]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    start = known_integer(start, "start")
    if isinstance(start, Node):
        if length > n:
            raise RuntimeError(f"narrow(): length must be between 0 and the dimension size ({n}), got {length}")
        return (Window(axis, _from_front(start, input, axis), length),)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return chain(narrow_axis(input, axis, start, start + length), input) or ()


@op("Slice", view=_narrowed)
def narrow(input: Node, dim: int, start: int | Node, length: int) -> Node:
    """Return the elements start to start + length - 1 along an axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.
        start: int, or integer tensor of shape () whose value may be unknown while a function is traced; negative counts
            from the end.
        length: int, the extent of the axis in the result.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        IndexError: if start or the axis is out of range.
        RuntimeError: if length is negative or start + length exceeds the axis.

    Example:
        >>> graphc.narrow(graphc.tensor([1, 2, 3, 4]), 0, 1, 2)
        tensor([2, 3])
    """
    return read(input, _narrowed(input, dim, start, length))


def _selected(input: Node, dim: int, index: int | Node) -> ViewSteps:
    axis, position = axis_of(dim, input.type.rank), known_integer(index)
    if isinstance(position, Node):
        return (At(axis, _from_front(position, input, axis)),)
    return chain(select_axis(input, axis, position), input) or ()


@op("Select", view=_selected)
def select(input: Node, dim: int, index: int | Node) -> Node:
    """Return the slice at one index of an axis, without that axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.
        index: int, or integer tensor of shape () whose value may be unknown while a function is traced; negative counts
            from the end.

    Returns:
        Tensor of one axis less that shares the storage of input.

    Raises:
        IndexError: if the index or the axis is out of range, or input is 0-d.

    Example:
        >>> graphc.select(graphc.tensor([[1, 2], [3, 4]]), 1, 0)
        tensor([1, 3])
    """
    return read(input, _selected(input, dim, index))


def known_integer(index: Any, what: str = "index") -> Any:
    """Return an index as an int, reading a tensor's value if nothing is traced; else a node."""
    if not isinstance(index, Node):
        return as_integer(index)
    if index.type.rank or not index.dtype.is_int:
        raise RuntimeError(f"{what} must be an 0-dim integral Tensor. Got {index.type}")
    return index if state.trace is not None else int(realize([index])[0])


def _from_front(index: Node, x: Node, axis: int) -> Node:
    """Return a 0-d index of an axis, counted from the front."""
    if x.type.rank == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    wide = cast(index, I64)
    return choose(wide < 0, wide + x.shape[axis], wide)


def select_axis(x: Node, axis: int, index: int) -> Node:
    """Return the slice at one index of an axis; node level.  Raises IndexError."""
    if x.type.rank == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    n = x.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {axis}")
    return squeeze_axis(narrow_axis(x, axis, index % n, index % n + 1), axis)


def _unfolding(input: Operand, dimension: int, size: int, step: int) -> ViewSteps:
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    axis = axis_of(dimension, input.type.rank)
    n = input.shape[axis] if input.type.rank else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if input.type.rank == 0:
        vector = reshape_node(input, (1,))
        return chain(slice_(vector, (0,), (size,)), input) or ()
    return (Windows(axis, size, step),)


@op("Unfold", view=_unfolding)
def unfold(input: Node, dimension: int, size: int, step: int) -> Node:
    """Return all windows of `size` elements along an axis, `step` apart; the window is the last axis of the result.

    Args:
        input: tensor.
        dimension: int, the axis.
        size: int, the extent of a window.
        step: int, the distance between the starts of neighbouring windows.

    Returns:
        Tensor that shares the storage of input, of shape (…, (n - size) // step + 1, …, size), n being the extent of the
        axis.

    Raises:
        RuntimeError: if size is negative or larger than the axis, or step is not positive.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.arange(5).unfold(0, 3, 1)
        tensor([[0, 1, 2],
                [1, 2, 3],
                [2, 3, 4]])
    """
    return read(input, _unfolding(input, dimension, size, step))
