"""The Python values that a traced function can read, and the check that they are what they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.codegen.runtime.bindings import Bindings
from graphc.codegen.runtime.entry import still_bound
from graphc.compiler.guards.equality import exact
from graphc.compiler.guards.search import Search

__all__ = ["Watch", "watch"]


@dataclass(eq=False)
class Watch:
    """What a trace may have read: names by identity, checked natively, and what only Python can compare."""

    bindings: Bindings
    others: list[tuple[Callable[[], Any], Any]]
    keep: list[Any]

    def holds(self) -> bool:
        """Tell whether all values are what they were; other objects with equal values take the place of the old ones."""
        if not all(exact(getter(), value) for getter, value in self.others):
            return False
        return still_bound(self.bindings) or self.bindings.renew(exact)


def watch(roots: Sequence[Any]) -> Watch:
    """Return what a call of the first root may read of what stands outside, as it is at this moment; others are arguments."""
    search = Search(roots)
    search.run()
    return Watch(Bindings(list(search.tables.values()), search.slots, search.lists), search.others, search.kept)
