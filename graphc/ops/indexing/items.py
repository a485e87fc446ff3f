"""Subscripts: `x[index]` and `x[index] = value`.

The shape of a result indexed by a bool mask depends on the values of the mask, which are read when the result is created: a
traced function that does so raises TracingError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dispatch.arguments import from_array
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, permute, reshape, select
from graphc.ir.core.build import gather as gather_at
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I32, I64
from graphc.ops.common import Operand, number_like
from graphc.ops.indexing.basic import basic_view, box_steps, label, selection_of
from graphc.ops.indexing.nodes import (
    append_axes,
    axes_first,
    fit_value,
    index_nodes,
    read_box,
    result_order,
    scatter_add_at,
    write_box,
)
from graphc.ops.indexing.selection import (
    Selection,
    axes_taken,
    expand_ellipsis,
    index_entries,
    index_entry,
    is_mask,
)
from graphc.ops.shape.slices import known_integer
from graphc.ops.shape.slices import select as select_at
from graphc.recording.context import state
from graphc.storage.storage import Storage
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = ["getitem", "index_put", "put_item"]


def _is_place(entry: Any) -> bool:
    """Return whether an entry is a 0-d integer tensor, which selects like an int."""
    return isinstance(entry, Tensor) and not entry.ndim and entry.dtype.ir in (I32, I64)


def at_places(input: Any, index: Any) -> tuple[Any, Any]:
    """Return the part that the 0-d integer tensors of an index select, and the other entries.

    A tensor whose value is known, or may be read because nothing is traced, becomes an int.
    """
    entries = [*index] if isinstance(index, tuple) else [index]
    if not any(map(_is_place, entries)):
        return input, index
    entries = [known_integer(e._node()) if _is_place(e) else index_entry(e) for e in entries]
    axis, rest = 0, []
    for entry in expand_ellipsis(entries, input.ndim) if any(isinstance(e, Node) for e in entries) else entries:
        if isinstance(entry, Node):
            input = select_at(input, axis, Tensor._of(Storage(entry)))
        else:
            rest.append(entry)
            axis += axes_taken(entry)
    return input, tuple(rest)


def getitem(input: Tensor, index: Any) -> Tensor:
    """Return input[index]: integers, slices, None, Ellipsis, bool masks and index tensors.  Raises IndexError."""
    view = basic_view(input, index)
    return selected(input, index) if view is None else view


def selected(input: Tensor, index: Any) -> Tensor:
    """Return input[index] for an index that `basic_view` does not take.  Raises IndexError."""
    input, index = at_places(input, index)
    if state.fast is not None:
        index = with_tensors(index)
        known = _masked(input, index)
        if known is not None:
            return known
    selection, tensors = selection_of(input._type.shape, index)
    if not tensors:
        keeps_axes = selection.box == selection.shape
        return _slice(input, selection) if keeps_axes else _select(input, selection)
    return _index(input, selection, tensors)


def with_tensors(index: Any) -> Any:
    """Return an index with tensors for its lists and arrays, which may then be operands of recorded operations."""
    if type(index) is tuple:
        return tuple(map(with_tensors, index)) if any(type(entry) in (list, np.ndarray) for entry in index) else index
    if type(index) in (list, np.ndarray):
        index = index_entry(index)
    is_array = type(index) is np.ndarray and index.ndim and index.dtype.kind in "ib"
    return Tensor._of(Storage(from_array(index))) if is_array else index


def _masked(input: Tensor, mask: Any) -> Tensor | None:
    """Return the elements at a mask, which is read, of values without a gradient; None for another index."""
    if not isinstance(mask, Tensor) or mask._type.dtype is not BOOL or not mask._type.shape:
        return None
    if input._storage.requires_grad or input._storage.trace is not None or mask._storage.trace is not None:
        return None
    if mask._type.shape != input._type.shape[: len(mask._type.shape)]:
        return None
    return Tensor._of(Storage(from_array(input._array()[mask._array()], copy=False)))


def _box(input: Node, selection: Selection) -> ViewSteps:
    return box_steps(input.shape, selection)


@op("Slice", view=_box)
def _slice(input: Operand, selection: Selection) -> Node:
    return read_box(input, selection)


@op(lambda input, selection: label(input.shape, selection), view=_box)
def _select(input: Operand, selection: Selection) -> Node:
    return read_box(input, selection)


@op("Index")
def _index(input: Operand, selection: Selection, tensors: Sequence[Operand]) -> Node:
    x = read_box(input, selection)
    indices = index_nodes(x, selection.advanced, tensors)
    gathered = gather_at(axes_first(x, selection.advanced), *indices)
    return permute(gathered, result_order(x, selection.advanced, indices[0].type.rank))


def put_item(input: Tensor, index: Any, value: Tensor | float, accumulate: bool = False) -> Tensor:
    """Return input with `value` at an index of integers, slices, None, Ellipsis, masks and index tensors.

    Where index tensors repeat, the last value wins, or all add up with `accumulate`.  Raises IndexError, RuntimeError.
    """
    if state.fast is not None:
        index = with_tensors(index)
    entries = index_entries(index)
    if len(entries) == 1 and is_mask(entries[0]) and not accumulate and _is_single(value):
        return _put_mask(input, entries[0], value)
    selection, tensors = selection_of(tuple(input.shape), index)
    if not tensors:
        return _put_box(input, selection, value)
    return _put_index(input, selection, tensors, value, accumulate)


def _is_single(value: Any) -> bool:
    return not hasattr(value, "shape") or int(np.prod(tuple(value.shape))) == 1


@op("MaskedFill", varying=("value",))
def _put_mask(input: Operand, mask: Operand, value: Operand) -> Node:
    if mask.shape != input.shape[: mask.type.rank]:
        bad = next(a for a, n in enumerate(mask.shape) if a >= input.type.rank or n != input.shape[a])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {bad} does not match the shape of the indexed tensor "
            f"{list(input.shape)} at index {bad}"
        )
    single = reshape(value, ()) if isinstance(value, Node) else value
    return select(append_axes(cast(mask, BOOL), input.shape), number_like(single, input), input)


@op("CopySlices", saves=False, varying=("value",))
def _put_box(input: Operand, selection: Selection, value: Operand) -> Node:
    return write_box(input, selection, fit_value(value, input, selection.shape))


@op("IndexPut", varying=("value",))
def _put_index(input: Operand, selection: Selection, tensors: Sequence[Operand], value: Operand, accumulate: bool) -> Node:
    x = read_box(input, selection)
    axes = selection.advanced
    indices = index_nodes(x, axes, tensors)
    order = result_order(x, axes, indices[0].type.rank)
    front = axes_first(x, axes)
    natural = indices[0].shape + front.shape[len(axes) :]
    updates = permute(fit_value(value, x, tuple(natural[a] for a in order)), np.argsort(order).tolist())
    written = scatter_add_at(front, updates, *indices) if accumulate else scatter_at(front, updates, *indices)
    back = np.argsort((*axes, *(a for a in range(x.type.rank) if a not in axes))).tolist()
    return write_box(input, selection, permute(written, back))


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor | float, accumulate: bool = False) -> Tensor:
    """Return input with values written, or added, at the places that index tensors give.

    Args:
        input: tensor.
        indices: sequence of integer or bool tensors, one for each of the leading axes, as in `input[indices]`.
        values: tensor or number that broadcasts to the shape of `input[indices]`.
        accumulate: whether to add to the elements rather than replace them; where a place occurs more than once, all values
            are added, and without accumulate the last one stays.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if there are too many indices, they do not broadcast, or an entry is out of range.
        RuntimeError: if values does not broadcast to the indexed shape.

    Example:
        >>> graphc.index_put(graphc.zeros(3), [graphc.tensor([0, 2, 2])], graphc.tensor(1.0), accumulate=True)
        tensor([1., 0., 2.])
    """
    return put_item(input, tuple(indices), values, accumulate)


def is_basic(index: Any) -> bool:
    """Return whether an index selects a box: slices, integers, None and Ellipsis only."""
    return all(
        i is None or i is Ellipsis or (isinstance(i, (int, slice)) and not isinstance(i, bool)) for i in index_entries(index)
    )


@op("Expand", view=True)
def fitted(value: Node, shape: tuple[int, ...]) -> Node:
    """Return a value broadcast to the shape of the selection; leading axes of extent 1 may be dropped.  Raises RuntimeError."""
    return fit_value(value, value, shape)
