"""Subscripts of integers, slices, None and Ellipsis alone: the view that one shows is remembered by the index and the shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import I32, I64, TensorType
from graphc.ops.indexing.selection import Selection, parse_index
from graphc.recording.context import state
from graphc.storage.operands import TENSORS
from graphc.storage.steps import Movement
from graphc.storage.views import Step, ViewSteps, shape_of
from graphc.tensors.tensor import Tensor

__all__ = ["basic_view", "box_steps", "label", "numpy_index", "plain_index", "selection_of"]

BOUND = 4096
"""How many views are remembered."""

_known: dict[Any, tuple[ViewSteps, str, TensorType] | None] = {}
_selections: dict[Any, Selection] = {}


def basic_view(input: Tensor, index: Any) -> Tensor | None:
    """Return the view that an index shows; None where it has other entries, is out of bounds, or a function is traced."""
    if state.fast is None:
        return None
    key = index if type(index) is int else _key(index)
    if key is None:
        index = plain_index(index)
        key = index if type(index) is int else _key(index)
    if key is None:
        return None
    dtype, shape = input._type.dtype, input._type.shape
    view = _known.get((dtype, shape, key))
    if view is None:
        try:
            selection, _ = parse_index(shape, index)
        except (IndexError, ValueError):
            return None  # the usual way raises it
        if len(_known) > BOUND:
            _known.clear()
        steps = box_steps(shape, selection)
        result = TensorType(dtype, shape_of(shape, steps))
        view = _known[dtype, shape, key] = (steps, f"{label(shape, selection)}Backward0", result)
    return input._view_along(*view)


def _key(index: Any) -> Any:
    """Return what tells an index apart that is no int; None where it has other entries than ints, slices, None and Ellipsis."""
    kind = type(index)
    if kind is not tuple:
        part = _entry_key(index)
        return None if part is None else (part,)
    key: list[Any] = []
    for entry in index:
        kind = type(entry)
        if kind is int:
            key.append(entry)
        elif kind is slice and entry.start is entry.stop is entry.step is None:
            key.append(WHOLE)
        else:
            part = _entry_key(entry)
            if part is None:
                return None
            key.append(part)
    return tuple(key)


def _entry_key(entry: Any) -> Any:
    if type(entry) is slice:
        start, stop, step = entry.start, entry.stop, entry.step
        if type(start) in INTEGERS and type(stop) in INTEGERS and type(step) in INTEGERS:
            return (start, stop, step)
        return None
    return "new axis" if entry is None else "ellipsis" if entry is Ellipsis else None


INTEGERS = (int, type(None))

PLACES = (I32, I64)
"""The dtypes of index tensors that are no masks."""

TENSORS_KEY = "tensor"
"""The key of an index tensor, with its shape."""

WHOLE = (None, None, None)
"""The key of the slice of a whole axis."""


def plain_index(index: Any) -> Any:
    """Return an index, or the bounds of its slices, with ints for NumPy integers and integer tensors of shape (), read now."""
    if type(index) is tuple:
        return tuple([entry if type(entry) is int else plain_index(entry) for entry in index])
    if type(index) is slice:
        return slice(*map(plain_index, (index.start, index.stop, index.step))) if _entry_key(index) is None else index
    if type(index) in TENSORS:
        is_place = not index._type.shape and index._type.dtype in PLACES and index._storage.trace is None
        return index._array().item() if is_place else index
    return int(index) if isinstance(index, np.integer) else index


def selection_of(shape: tuple[int, ...], index: Any) -> tuple[Selection, list[Any]]:
    """Return the selection of an index of a tensor of `shape`, and its index tensors.  Raises IndexError, ValueError.

    Those of indices of ints, slices, None, Ellipsis and integer tensors are remembered by the shapes.
    """
    entries = index if type(index) is tuple else (index,)
    key: list[Any] = [shape]
    tensors = []
    for entry in entries:
        if type(entry) in TENSORS and entry._type.shape and entry._type.dtype in PLACES:
            key.append((TENSORS_KEY, entry._type.shape))
            tensors.append(entry)
        else:
            part = entry if type(entry) is int else _entry_key(entry)
            if part is None:
                return parse_index(shape, index)
            key.append(part)
    selection = _selections.get(tuple(key))
    if selection is None:
        if len(_selections) > BOUND:
            _selections.clear()
        selection = _selections[tuple(key)] = parse_index(shape, index)[0]
    return selection, tensors


def numpy_index(index: Any) -> bool:
    """Return whether an index of integers and slices means the same in NumPy as in torch."""
    kind = type(index)
    if kind is int:
        return True
    if kind is slice:
        step = index.step
        ends = type(index.start) in INTEGERS and type(index.stop) in INTEGERS
        return ends and (step is None or (type(step) is int and step > 0))
    return kind is tuple and all(type(i) is not tuple and numpy_index(i) for i in index)


def label(shape: tuple[int, ...], selection: Selection) -> str:
    """Return torch's name of what a selection without index tensors is."""
    box = selection.box
    return "Slice" if box == selection.shape else "Unsqueeze" if box == shape else "Select"


def box_steps(shape: tuple[int, ...], selection: Selection) -> ViewSteps:
    """Return the view steps of a selection without index tensors."""
    steps: list[Step] = []
    if (selection.box, selection.step) != (shape, (1,) * len(shape)):
        box = {"start": selection.start, "stop": selection.stop, "step": selection.step}
        steps.append(Movement(PRIMITIVES["slice"], box))
    if selection.shape != selection.box:
        steps.append(Movement(PRIMITIVES["reshape"], {"shape": selection.shape}))
    return tuple(steps)
