"""What names stand for, compared by identity before a program runs: entries of dicts, cells of closures, items of lists.

`Bindings` holds what each of them was when a function was traced.  `block` describes them to the native entry, which
compares pointers: a dict whose version has not changed is one comparison (CPython up to 3.12), of another each entry is
looked up.  What a container holds is a binding of its own.

The block, in words of 64 bits: the number of records, then for each

    SLOT   address of the pointer, pointer (null for nothing)
    LIST   address of the list, n, n pointers
    DICT   address of the dict, version, size or -1, n, n pairs of key and pointer (null for a key that is absent)
"""

from __future__ import annotations

import ctypes
import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import CellType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABSENT", "DICT", "LIST", "VERSIONED", "VERSION_OFFSET", "Bindings", "DictBinding", "SlotBinding", "cell_binding",
]  # fmt: skip

SLOT, LIST, DICT = range(3)

CONTENTS = 16
"""Offset of what a cell holds."""

VERSIONED = sys.implementation.name == "cpython" and sys.version_info < (3, 13)
"""Whether every change of a dict changes its version."""

VERSION_OFFSET = 24


class _Absent:
    """Stands for the value of a key that a dict does not have."""

    def __repr__(self) -> str:
        return "<absent>"


ABSENT: Any = _Absent()


@dataclass(eq=False)
class DictBinding:
    """Entries that a dict has to have; `whole` if it may have no others, and none in another order."""

    table: dict[Any, Any]
    entries: dict[Any, Any]
    whole: bool = False

    def now(self) -> dict[Any, Any]:
        """Return what stands there at this moment."""
        return dict(self.table) if self.whole else {k: self.table.get(k, ABSENT) for k in self.entries}

    def words(self) -> list[int]:
        """Describe the entries to native code, which takes a whole dict that has changed for another."""
        pairs = [w for k, v in self.entries.items() for w in (id(k), 0 if v is ABSENT else id(v))]
        size = len(self.entries) if self.whole else -1
        return [DICT, id(self.table), _version(self.table), size, len(self.entries), *pairs]


def _version(table: dict[Any, Any]) -> int:
    return ctypes.c_int64.from_address(id(table) + VERSION_OFFSET).value if VERSIONED else 0


@dataclass(eq=False)
class SlotBinding:
    """One pointer within an object: the contents of a cell, the defaults of a function.  `get` reads it in Python."""

    owner: Any
    offset: int
    get: Callable[[], Any]
    value: Any

    def words(self) -> list[int]:
        """Describe the pointer to native code."""
        return [SLOT, id(self.owner) + self.offset, 0 if self.value is ABSENT else id(self.value)]


def cell_binding(cell: CellType) -> SlotBinding:
    """Bind a cell to its contents of this moment."""
    return SlotBinding(cell, CONTENTS, lambda: _contents(cell), _contents(cell))


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT


@dataclass(eq=False)
class Bindings:
    """The objects that dicts, slots and lists have to hold.  Keys of dicts are str or int: no user code compares them."""

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
        for found, items in self.lists:
            words += [LIST, id(found), len(items), *map(id, items)]
        for binding in self.dicts:
            words += binding.words()
        return words

    def same(self) -> bool:
        """Tell whether everything stands for the very object that it stood for."""
        return self.renew(operator.is_)

    def renew(self, alike: Callable[[Any, Any], bool]) -> bool:
        """Tell whether everything stands for an object like that of before; then native code takes these from now on."""
        dicts = [b.now() for b in self.dicts]
        slots = [b.get() for b in self.slots]
        lists = [list(found) for found, _ in self.lists]
        if not (
            all(_alike(b.entries, now, b.whole, alike) for b, now in zip(self.dicts, dicts, strict=True))
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


def _alike(before: dict[Any, Any], now: dict[Any, Any], whole: bool, alike: Callable[[Any, Any], bool]) -> bool:
    if whole and list(before) != list(now):
        return False
    return all(alike(now[k], v) for k, v in before.items())


def _all_alike(a: Sequence[Any], b: Sequence[Any], alike: Callable[[Any, Any], bool]) -> bool:
    return len(a) == len(b) and all(map(alike, a, b))
