"""Bindings of names, compared by identity before a program runs: entries of dicts, cells of closures, items of lists.

`Bindings` holds the objects that were bound when a function was traced.  `block` describes them to the native entry, which
compares pointers: one comparison for a dict whose version has not changed (CPython up to 3.12), else a look-up per entry.
The contents of a bound container are bindings of their own.

The block has 64-bit words: the number of records, then for each

    SLOT   address of the pointer, pointer (null for an empty cell)
    LIST   address of the list, n, n pointers
    DICT   address of the dict, version, size or -1, n, n pairs of key and pointer (null for a key that is absent)
"""

from __future__ import annotations

import ctypes
import operator
import sys
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from types import CellType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABSENT", "DICT", "LIST", "VERSIONED", "VERSION_OFFSET", "Bindings", "DictBinding", "SlotBinding", "cell_binding",
    "contents",
]  # fmt: skip

SLOT, LIST, DICT = range(3)

CONTENTS = 16
"""Offset of the contents of a cell."""

VERSIONED = sys.implementation.name == "cpython" and sys.version_info < (3, 13)
"""Whether every change of a dict changes its version number."""

VERSION_OFFSET = 24


class _Absent:
    """The value of an absent key."""

    def __repr__(self) -> str:
        return "<absent>"


ABSENT: Any = _Absent()


@dataclass(eq=False)
class DictBinding:
    """Required entries of a dict; with `complete`, no others, and in this order."""

    mapping: dict[Any, Any]
    entries: dict[Any, Any]
    complete: bool = False

    def now(self) -> dict[Any, Any]:
        """Return the current entries."""
        return dict(self.mapping) if self.complete else {k: self.mapping.get(k, ABSENT) for k in self.entries}

    def without(self, keys: Set[Any]) -> DictBinding:
        """Return the binding of the other entries; all stay where there may be no others."""
        return self if self.complete else DictBinding(self.mapping, {k: v for k, v in self.entries.items() if k not in keys})

    def words(self) -> list[int]:
        """Describe the entries to native code, for which a complete dict must have this size."""
        pairs = [w for k, v in self.entries.items() for w in (id(k), 0 if v is ABSENT else id(v))]
        size = len(self.entries) if self.complete else -1
        return [DICT, id(self.mapping), _version(self.mapping), size, len(self.entries), *pairs]


def _version(mapping: dict[Any, Any]) -> int:
    return ctypes.c_int64.from_address(id(mapping) + VERSION_OFFSET).value if VERSIONED else 0


@dataclass(eq=False)
class SlotBinding:
    """A pointer in an object: the contents of a cell, the defaults of a function.  `get` reads it in Python."""

    owner: Any
    offset: int
    get: Callable[[], Any]
    value: Any

    def words(self) -> list[int]:
        """Describe the pointer to native code."""
        return [SLOT, id(self.owner) + self.offset, 0 if self.value is ABSENT else id(self.value)]


def cell_binding(cell: CellType) -> SlotBinding:
    """Bind a cell to its current contents."""
    return SlotBinding(cell, CONTENTS, lambda: contents(cell), contents(cell))


def contents(cell: CellType) -> Any:
    """Return the contents of a cell, ABSENT if it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT


@dataclass(eq=False)
class Bindings:
    """Required contents of dicts, slots and lists.  Keys of dicts are str or int: no user code compares them."""

    dicts: Sequence[DictBinding] = ()
    slots: Sequence[SlotBinding] = ()
    lists: Sequence[tuple[list[Any], list[Any]]] = ()
    block: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.block = np.array(self._words(), np.int64)

    def _words(self) -> list[int]:
        words = [len(self.dicts) + len(self.slots) + len(self.lists)]
        for slot in self.slots:
            words += slot.words()
        for bound, items in self.lists:
            words += [LIST, id(bound), len(items), *map(id, items)]
        for binding in self.dicts:
            words += binding.words()
        return words

    def same(self) -> bool:
        """Return whether every name is bound to the same object."""
        return self.renew(operator.is_)

    def renew(self, alike: Callable[[Any, Any], bool]) -> bool:
        """Return whether every name is bound to an object that is `alike` the former one; then the new objects replace them."""
        dicts = [b.now() for b in self.dicts]
        slots = [b.get() for b in self.slots]
        lists = [list(bound) for bound, _ in self.lists]
        if not (
            all(_alike(b.entries, now, b.complete, alike) for b, now in zip(self.dicts, dicts, strict=True))
            and all(alike(now, b.value) for b, now in zip(self.slots, slots, strict=True))
            and all(_all_alike(now, items, alike) for (_, items), now in zip(self.lists, lists, strict=True))
        ):
            return False
        for b, now in zip(self.dicts, dicts, strict=True):
            b.entries = now
        for slot, value in zip(self.slots, slots, strict=True):
            slot.value = value
        for (_, items), new in zip(self.lists, lists, strict=True):
            items[:] = new
        self.block[:] = self._words()
        return True


def _alike(before: dict[Any, Any], now: dict[Any, Any], complete: bool, alike: Callable[[Any, Any], bool]) -> bool:
    if complete and list(before) != list(now):
        return False
    return all(alike(now[k], v) for k, v in before.items())


def _all_alike(a: Sequence[Any], b: Sequence[Any], alike: Callable[[Any, Any], bool]) -> bool:
    return len(a) == len(b) and all(map(alike, a, b))
