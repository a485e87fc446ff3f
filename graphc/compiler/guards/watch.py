"""The Python values that a traced function can read, and the check that they are unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from types import CellType
from typing import Any

from graphc.codegen.runtime.bindings import Bindings, SlotBinding
from graphc.codegen.runtime.entry import still_bound
from graphc.compiler.guards.equality import exact
from graphc.compiler.guards.search import Search

__all__ = ["Watch", "watch"]


@dataclass(eq=False)
class Watch:
    """The values that a trace may have read: names by identity, checked natively, and values that only Python can compare."""

    bindings: Bindings
    others: list[tuple[Callable[[], Any], Any]]
    keep: list[Any]
    holders: list[tuple[Any, Set[Any] | None]]
    """The dicts and cells in which the function may assign, with the keys that it may; None if it is any."""
    updated: Set[str]
    """Names that the function only updates by themselves."""

    def holds(self) -> bool:
        """Return whether all values are unchanged; other objects with equal values replace the old ones."""
        if not all(exact(getter(), value) for getter, value in self.others):
            return False
        return still_bound(self.bindings) or self.bindings.renew(exact)

    def places(self) -> dict[tuple[int, Any], Any]:
        """Return the watched values by place: the id of a dict, a list or an object with slots, and a key."""
        values = {(id(b.mapping), k): v for b in self.bindings.dicts for k, v in b.entries.items()}
        values |= {(id(x), i): v for x, items in self.bindings.lists for i, v in enumerate(items)}
        return values | {slot_place(slot): slot.value for slot in self.bindings.slots}

    def without(self, places: Set[tuple[int, Any]]) -> Watch:
        """Return a watch of all values but those at places: the id of a dict or a cell, and a key, None for a cell."""
        dicts = [b.without({k for at, k in places if at == id(b.mapping)}) for b in self.bindings.dicts]
        slots = [s for s in self.bindings.slots if slot_place(s) not in places]
        return replace(self, bindings=Bindings(dicts, slots, self.bindings.lists))


def watch(roots: Sequence[Any]) -> Watch:
    """Return the current external values that a call of the first root may read; the other roots are arguments."""
    search = Search(roots)
    search.run()
    bindings = Bindings(list(search.tables.values()), search.slots, search.lists)
    holders = [(x, keys) for x, keys in search.holders if keys is not None or search.items]
    return Watch(bindings, search.others, search.kept, holders, search.updated)


def slot_place(slot: SlotBinding) -> tuple[int, Any]:
    """Return the place of a slot; cells have one without a key."""
    return id(slot.owner), None if isinstance(slot.owner, CellType) else slot.offset
