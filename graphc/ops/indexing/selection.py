"""The selection of an index: a box of the tensor, and index tensors for some of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.dispatch.keys import KEYED
from graphc.ir.core.cached import cached_property

__all__ = []

OTHER_INTEGERS = frozenset(map(np.dtype, (np.int8, np.int16, np.uint16, np.uint32, np.uint64)))
"""The integer dtypes of NumPy that no tensor has."""


@dataclass(frozen=True)
class Selection:
    """An index split into a box of the tensor and index tensors that read from the box.

    `start`, `stop`, `step` slice the box; `shape` is its shape without the axes that integers remove and with those that None
    adds; `advanced` are the axes of `shape` that index tensors read.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]
    shape: tuple[int, ...]
    advanced: tuple[int, ...]

    @cached_property
    def _hash(self) -> int:
        return hash((self.start, self.stop, self.step, self.shape, self.advanced))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def box(self) -> tuple[int, ...]:
        """The extents of the box, before axes are removed or added."""
        return tuple(-(-(e - s) // p) for s, e, p in zip(self.start, self.stop, self.step, strict=True))


KEYED.add(Selection)


def index_entries(index: Any) -> list[Any]:
    """Return the entries of an index; a list of numbers, a NumPy array or a bool sequence is one entry."""
    return [index_entry(i) for i in (index if isinstance(index, tuple) else (index,))]


def index_entry(entry: Any) -> Any:
    """Return one entry of an index as None, Ellipsis, bool, int, slice or array.  Raises IndexError."""
    if isinstance(entry, (list, tuple, range)):
        entry = np.asarray(entry if len(entry) else np.zeros(0, np.int64))
    if isinstance(entry, np.generic) or (isinstance(entry, np.ndarray) and not entry.ndim and entry.dtype.kind in "iu"):
        return entry.item()
    if isinstance(entry, np.ndarray) and entry.dtype in OTHER_INTEGERS:
        return entry.astype(np.int64)
    if entry is None or entry is Ellipsis or isinstance(entry, (bool, int, slice)) or hasattr(entry, "shape"):
        return entry
    if hasattr(entry, "__index__"):
        return entry.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {type(entry).__name__})"
    )


def is_mask(entry: Any) -> bool:
    """Return whether an entry of an index is a bool tensor or array."""
    return hasattr(entry, "shape") and str(entry.dtype).removeprefix("torch.") in ("bool", "uint8")


def axes_taken(entry: Any) -> int:
    """Return how many axes of the tensor an entry of an index consumes."""
    if entry is None or isinstance(entry, bool):
        return 0
    return len(entry.shape) if is_mask(entry) else 1


def expand_ellipsis(items: list[Any], rank: int) -> list[Any]:
    """Replace the ellipsis by full slices, and append missing ones.  Raises IndexError for too many entries."""
    missing = rank - sum(axes_taken(i) for i in items if i is not Ellipsis)
    if missing < 0:
        raise IndexError(_too_many(rank))
    positions = [n for n, i in enumerate(items) if i is Ellipsis]
    first = positions[0] if positions else len(items)
    after = [i for i in items[first + 1 :] if i is not Ellipsis]
    return [*items[:first], *[slice(None)] * missing, *after]


def _too_many(rank: int) -> str:
    if rank == 0:
        return (
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
            "to convert a 0-dim tensor to a number"
        )
    return f"too many indices for tensor of dimension {rank}"


def _mask_indices(mask: Any, shape: tuple[int, ...], axis: int, first: int) -> list[Any]:
    """Read a mask and return the indices of its true elements, one array per axis.  Raises IndexError."""
    if tuple(mask.shape) != shape[axis : axis + len(mask.shape)]:
        bad = next(a for a, n in enumerate(mask.shape) if n != shape[axis + a])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {bad} does not match the shape of the indexed tensor "
            f"{list(shape)} at index {first + bad}"
        )
    return list(np.nonzero(np.asarray(mask)))


def parse_index(shape: tuple[int, ...], index: Any) -> tuple[Selection, list[Any]]:
    """Return the selection of an index of a tensor of `shape`, and its index tensors.  Raises IndexError, ValueError."""
    start, stop, step = [0] * len(shape), list(shape), [1] * len(shape)
    extents: list[int] = []
    advanced: list[int] = []
    tensors: list[Any] = []
    axis = 0
    entries = [bool(i) if is_mask(i) and not len(i.shape) else i for i in index_entries(index)]
    for entry in expand_ellipsis(entries, len(shape)):
        if entry is None:
            extents.append(1)
        elif isinstance(entry, bool):  # a mask without axes: an index tensor with as many elements as it is true for
            extents.append(1)
            advanced.append(len(extents) - 1)
            tensors.append(np.zeros(int(entry), np.int64))
        elif isinstance(entry, slice):
            start[axis], stop[axis], step[axis] = _bounds(entry, shape[axis])
            extents.append(-(-(stop[axis] - start[axis]) // step[axis]))
        elif isinstance(entry, int):
            start[axis] = _from_front(entry, axis, shape[axis])
            stop[axis] = start[axis] + 1
        else:
            arrays = _mask_indices(entry, shape, axis, axis) if is_mask(entry) else [entry]
            for a, array in enumerate(arrays):
                advanced.append(len(extents))
                extents.append(shape[axis + a])
                tensors.append(array)
        axis += axes_taken(entry)
    return Selection(tuple(start), tuple(stop), tuple(step), tuple(extents), tuple(advanced)), tensors


def _bounds(entry: slice, n: int) -> tuple[int, int, int]:
    if entry.step is not None and int(entry.step) == 0:
        raise ValueError("slice step cannot be zero")
    if entry.step is not None and int(entry.step) < 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = entry.indices(n)
    return start, max(start, stop), step


def _from_front(index: int, axis: int, n: int) -> int:
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of bounds for dimension {axis} with size {n}")
    return index % n
