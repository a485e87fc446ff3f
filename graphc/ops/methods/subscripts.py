"""Subscripts of tensors, and element selection."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from graphc.core.errors import guard
from graphc.ops.elementwise import comparison
from graphc.ops.indexing import items, masks
from graphc.ops.indexing.basic import basic_view, numpy_index, plain_index
from graphc.ops.reduce import logic as reduce_logic
from graphc.recording.context import state
from graphc.storage.operands import TENSORS
from graphc.storage.writes import write_in_place
from graphc.tensors.tensor import Tensor

__all__ = ["contains", "get_item", "set_item", "where"]


def get_item(self: Tensor, index: Any) -> Tensor:
    """Return the elements at an index; integers, slices, None and ... give a view, tensors and lists a copy."""
    view = basic_view(self, index)
    return _selected(self, index) if view is None else view


@guard
def _selected(self: Tensor, index: Any) -> Tensor:
    return items.selected(self, _one_per_axis(index) if type(index) is list else index)


def set_item(self: Tensor, index: Any, value: Any) -> None:
    """Write a number or a tensor, broadcast and converted to this dtype, to the elements at an index."""
    if type(index) is not int and state.fast is not None:
        index = plain_index(index)
    if (type(index) in TENSORS or numpy_index(index)) and write_in_place(self, index, value):
        return
    view = basic_view(self, index)
    if view is not None and type(value) in TENSORS and value._type.shape == view._type.shape:
        storage = view._storage
        is_there = value._storage is storage and value._view_steps == view._view_steps  # after `x[index] += 1`
        if not is_there or (state.grad and storage.requires_grad and storage._fn is None):  # a leaf, which may not be written
            view.copy_(value)
        return
    part, index = items.at_places(self, _one_per_axis(index) if type(index) is list else index)
    if items.is_basic(index):
        part = items.getitem(part, index)
        part.copy_(items.fitted(value, tuple(part.shape)) if isinstance(value, Tensor) else value)
    else:
        part._assign(items.put_item(part, index, value))


def _one_per_axis(index: list[Any]) -> Any:
    """Return a list of numbers as it is, and one of lists, slices or tensors as a tuple, as torch does with a warning."""
    if len(index) >= 32 or not any(map(_is_no_number, index)):
        return index
    message = "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq]"
    warnings.warn(message, UserWarning, stacklevel=3)
    return tuple(index)


def _is_no_number(entry: Any) -> bool:
    if entry is None or entry is Ellipsis or isinstance(entry, (list, tuple, range, slice)):
        return True
    return hasattr(entry, "shape") and not isinstance(entry, np.generic)


def contains(self: Tensor, element: Tensor | float) -> bool:
    """Return whether any element equals the given number."""
    return bool(reduce_logic.any(comparison.eq(self, element)))


def where(self: Tensor, condition: Tensor, other: Tensor | float) -> Tensor:
    """Return this tensor's elements where a condition holds, and those of another one elsewhere.

    Args:
        condition: bool tensor.
        other: tensor or number; the three shapes broadcast.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or `condition` is not of bools.

    Example:
        >>> x = graphc.tensor([-1.0, 2.0])
        >>> x.where(x > 0, 0.0)
        tensor([0., 2.])
    """
    return masks.where(condition, self, other)
