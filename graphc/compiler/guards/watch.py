"""The Python values that a traced function can read, and the check that they are unchanged."""

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
    """The values that a trace may have read: names by identity, checked natively, and values that only Python can compare."""

    bindings: Bindings
    others: list[tuple[Callable[[], Any], Any]]
    keep: list[Any]

    def holds(self) -> bool:
        """Return whether all values are unchanged; other objects with equal values replace the old ones."""
        if not all(exact(getter(), value) for getter, value in self.others):
            return False
        return still_bound(self.bindings) or self.bindings.renew(exact)


def watch(roots: Sequence[Any]) -> Watch:
    """Return the current external values that a call of the first root may read; the other roots are arguments."""
    search = Search(roots)
    search.run()
    return Watch(Bindings(list(search.tables.values()), search.slots, search.lists), search.others, search.kept)
