"""Recorded structures as a trie: one entry for each sequence of events that was seen.

An event is the first use of an external value, an operation, a write or a backward pass.  Its key determines its result except
for the values: the operation, the slots of its operands, its static arguments, the grad mode.  An event that was seen before is
therefore one look-up, which also yields what was inferred the first time: types, whether a gradient is recorded, the nodes.
The nodes of an entry have parameters as leaves; all recordings with this prefix share them, and none but constants, which are
interned, may hold a value.

Sequences that no recording has ended at for longest are forgotten once there are many: each entry holds several kilobytes.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.core.graph import Node

__all__ = ["HISTORY", "INPUT", "LEAF", "MADE", "NEVER", "PAST", "PLANS", "TRIE_BOUND", "Entry", "Slot", "new_root", "root"]

INPUT, LEAF, PAST, MADE = "input", "leaf", "past", "made"
"""Kinds of slots: an external value, a leaf that requires a gradient, an external value with a history, a result."""

TRIE_BOUND = 20_000
"""The most entries; beyond, half of them are dropped."""
SEQUENCES, GROWTH = 512, 4000
"""How many whole sequences stay when entries are dropped, and after how many new entries that happens again."""
PLANS = 64
"""The most plans of an entry."""


class _History:
    """Marks a history in a storage whose grad_fn is not created yet."""

    dead = False
    owner = None

    def __repr__(self) -> str:
        return "HISTORY"


HISTORY: Any = _History()


class Slot:
    """The properties of a value: its node, its kind, and the slots from which its history continues."""

    __slots__ = ("edges", "from_outside", "kind", "name", "node", "requires", "saves")

    def __init__(
        self, kind: str, node: Node, requires: bool = False, name: str = "", edges: tuple[int | None, ...] = (), *,
        saves: bool = False, from_outside: bool = False,
    ) -> None:  # fmt: skip
        self.kind, self.node, self.requires, self.name, self.edges = kind, node, requires, name, edges
        self.saves = saves
        """Whether its grad_fn can be used only once."""
        self.from_outside = from_outside
        """Whether the value is external to the recording."""


class Entry:
    """A sequence of events; `children` are those that have followed it, by their keys."""

    __slots__ = (
        "backward", "build", "children", "count", "fn", "freed", "numbered", "numbers", "parent", "plans", "requires", "slot",
        "slots", "type", "used",
    )  # fmt: skip

    def __init__(self, parent: Entry | None, slots: tuple[Slot, ...]) -> None:
        self.parent, self.slots = parent, slots
        self.slot = parent.count if parent is not None else 0
        """The number of the first slot that the last event defined."""
        self.count: int = self.slot + len(slots)
        self.children: dict[Any, Any] = {}
        self.plans: dict[tuple[int, ...], Any] = {}
        self.backward: dict[Any, Any] = {}
        self.build: Any = None
        """How the results of an operation are built if they are not one tensor."""
        self.freed: frozenset[int] = frozenset()
        """The slots whose history a reverse pass has freed."""
        self.numbers: tuple[Node, ...] = ()
        """The parameters of the event that stand for Python numbers."""
        self.numbered: dict[Any, Any] = {}
        """Children whose keys have numbers, by these keys without them: the one created last."""
        self.used = -1
        """The number of the last recording that ended here."""
        if len(slots) == 1:
            self.type, self.requires = slots[0].node.types[0], slots[0].requires
            self.fn = HISTORY if self.requires and slots[0].kind == MADE else None
        _count()

    def path(self, known: list[Slot]) -> list[Slot]:
        """Extend the list of the first slots to all slots."""
        missing: list[tuple[Slot, ...]] = []
        entry: Entry | None = self
        while entry is not None and entry.count > len(known):
            missing.append(entry.slots)
            entry = entry.parent
        for slots in reversed(missing):
            known += slots
        return known

    def all_numbers(self) -> list[Node]:
        """Return the parameters that stand for Python numbers in the whole sequence."""
        parts: list[tuple[Node, ...]] = []
        entry: Entry | None = self
        while entry is not None:
            if entry.numbers:
                parts.append(entry.numbers)
            entry = entry.parent
        return [p for numbers in reversed(parts) for p in numbers]


_entries = 0
_most = GROWTH
"""The number of entries at which some are dropped."""


def _count() -> None:
    global _entries
    _entries += 1


_root = Entry(None, ())

NEVER = Entry(None, ())
"""Marks events that cannot be recorded."""
NEVER.build = NEVER


def root() -> Entry:
    """Return the entry of the empty sequence; drop old entries if there are too many."""
    if _entries > min(_most, TRIE_BOUND):
        drop_old()
    return _root


def new_root() -> Entry:
    """Drop all entries."""
    global _root, _entries, _most
    _entries, _most = 0, GROWTH
    _root = Entry(None, ())
    return _root


def drop_old() -> None:
    """Keep the sequences that were used last, up to a number of them and to half of the bound, and drop all others.

    A recording in an entry that is dropped goes on there, and its events are learned again.
    """
    global _entries, _most
    entries = _all_entries()
    kept: set[Entry] = {_root}
    for end in sorted((e for e in entries if e.used >= 0), key=lambda e: -e.used)[:SEQUENCES]:
        if len(kept) > TRIE_BOUND // 2:
            break
        entry: Entry | None = end
        while entry is not None and entry not in kept:
            kept.add(entry)
            entry = entry.parent
    for entry in entries:
        for table in (entry.children, entry.numbered):
            for key, child in list(table.items()):
                if child not in kept and child is not NEVER and child is not entry:
                    table.pop(key, None)
    _entries = len(kept)
    _most = len(kept) + GROWTH


def _all_entries() -> list[Entry]:
    entries, waiting = [], [_root]
    while waiting:
        entry = waiting.pop()
        entries.append(entry)
        waiting += [child for child in list(entry.children.values()) if child is not NEVER]
    return entries
