"""Programs of one structure at other sizes, without running the passes again.

The first graph of a structure goes through the passes as it is.  The second, with other numbers, goes through them with
symbols in place of the numbers that differ, which leaves a specialization behind (ir/core/guards.py): the parameter block of
the program for any numbers for which all decisions are the same.  From the third on the specialization is replayed.  Numbers
for which something would be decided in another way go through the passes, and may leave a specialization of their own.

What a specialization says is compared with what is known of an earlier graph before it is kept.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from graphc.codegen.program.extents import Extents
from graphc.codegen.program.memory.arena import Interval, plan
from graphc.codegen.runtime.locks import ForkLock
from graphc.ir.analysis.views import Strides
from graphc.ir.core.graph import Graph, Node, fresh_scope
from graphc.ir.core.guards import Guards, Specialization
from graphc.ir.core.structural_key import structure, with_numbers

__all__ = ["ProgramText", "counts", "program_text_of"]

FAMILIES = 512
SAMPLES = 4
RECIPES = 8
REFUSALS = 3
"""Recipes that did not work out after which a structure always takes the long way."""

counts: Counter[str] = Counter()
"""How program texts came about: `written`, `recorded`, `replayed`, `found`, `refused`."""

Layouts = Mapping[Node, Strides]


class Write(Protocol):
    """Whatever writes the written of a graph; `check` asks for verified graphs on the way."""

    def __call__(self, graph: Graph, layouts: Layouts, *, check: bool = True) -> ProgramText: ...


@dataclass(frozen=True, eq=False)
class ProgramText:
    """A program as text, and its numbers: all that depends on sizes."""

    text: str
    steps: int
    table: list[Any]
    rooms: list[tuple[Any, int, int, int]]
    """Parts of the arena: bytes, first and last step that need them, and the place in the table for their offset."""
    work: tuple[Any, Any]
    """Operations on elements, and bytes of values between kernels."""
    facts: list[Any] = field(default_factory=list)
    """Numbers that code does not read, but `extents` does."""
    extents: Extents = field(default_factory=Extents)
    """What must hold of the numbers, so that no access is outside of its buffer."""

    def numbers(self) -> list[Any]:
        """Return everything that depends on sizes, in one row."""
        return [*self.table, *(room[0] for room in self.rooms), *self.work, *self.facts]

    def with_numbers(self, numbers: Sequence[Any]) -> ProgramText:
        """Return the same for other sizes."""
        n, m = len(self.table), len(self.table) + len(self.rooms)
        rooms = [(size, *room[1:]) for size, room in zip(numbers[n:m], self.rooms, strict=True)]
        work, facts = (numbers[m], numbers[m + 1]), list(numbers[m + 2 :])
        return replace(self, table=list(numbers[:n]), rooms=rooms, work=work, facts=facts)

    def bound(self) -> tuple[list[int], int]:
        """Lay out the arena; return the finished table and the arena's size.

        Raises InternalError if an access would be outside of its buffer: recorded decisions do not hold for these numbers.
        """
        self.extents.check(self.table, self.facts)
        table = self.table.copy()
        intervals = [Interval(size, first, last) for size, first, last, _ in self.rooms]
        size = plan(intervals)
        for interval, room in zip(intervals, self.rooms, strict=True):
            table[room[3]] = interval.offset
        return table, size


@dataclass(frozen=True, eq=False)
class _Kept:
    """A specialization, and which numbers of a structure are its symbols."""

    written: ProgramText
    specialization: Specialization
    pattern: list[tuple[int, Any]]
    """For each number the symbol it is, or -1 and the value it has to have."""
    symbols: list[int]
    """For each symbol the first of its numbers."""

    def replay(self, numbers: Sequence[Any]) -> ProgramText | None:
        """Return the written for other numbers, if the specialization holds for them."""
        given = [numbers[i] for i in self.symbols]
        for x, (symbol, value) in zip(numbers, self.pattern, strict=True):
            if x != (value if symbol < 0 else given[symbol]):
                return None
        found = self.specialization.replay(given)
        return None if found is None else self.written.with_numbers(found)


@dataclass(eq=False)
class _Structure:
    """What is known of one structure."""

    samples: list[tuple[list[Any], ProgramText]] = field(default_factory=list)
    kept: list[_Kept] = field(default_factory=list)
    refusals: int = 0

    def find(self, numbers: list[Any]) -> ProgramText | None:
        for known, written in self.samples:
            if known == numbers:
                counts["found"] += 1
                return written
        for kept in self.kept:
            found = kept.replay(numbers)
            if found is not None:
                self.kept = [kept, *(k for k in self.kept if k is not kept)]
                counts["replayed"] += 1
                return found
        return None

    def write(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> ProgramText:
        written = None
        if self.samples and self.refusals < REFUSALS:
            written = self._record(graph, layouts, numbers, write)
            counts["refused" if written is None else "recorded"] += 1
            self.refusals += written is None
        if written is None:
            counts["written"] += 1
            written = write(graph, layouts)
        self.samples = [(numbers, written), *self.samples[: SAMPLES - 1]]
        return written

    def _record(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> ProgramText | None:
        """Write the program with symbols and keep the specialization; return its text for these numbers, or None."""
        before, sample = self.samples[0]
        pattern, symbols = _pattern(before, numbers)
        guards = Guards([numbers[i] for i in symbols])
        given = [value if at < 0 else guards.symbols[at] for at, value in pattern]
        try:
            with fresh_scope():
                written = write(*with_numbers(graph, layouts, given), check=False)
        except (TypeError, AttributeError, ArithmeticError):  # something wants a number that a symbol is not
            return None
        kept = _Kept(written, guards.specialization(written.numbers()), pattern, symbols)
        again = kept.replay(before)
        agrees = again is None or again.text != sample.text or again.numbers() == sample.numbers()
        now = kept.replay(numbers)
        if not agrees or now is None:
            return None
        self.kept = [kept, *self.kept[: RECIPES - 1]]
        return now


def _pattern(before: Sequence[Any], now: Sequence[Any]) -> tuple[list[tuple[int, Any]], list[int]]:
    """Tell constants from symbols: numbers of one type that were equal before and are equal now are one symbol."""
    symbol_of: dict[tuple[type, Any, Any], int] = {}
    pattern: list[tuple[int, Any]] = []
    symbols: list[int] = []
    for i, pair in enumerate(zip(before, now, strict=True)):
        if pair[0] == pair[1]:
            pattern.append((-1, pair[1]))
            continue
        key = (type(pair[1]), *pair)
        if key not in symbol_of:
            symbol_of[key] = len(symbols)
            symbols.append(i)
        pattern.append((symbol_of[key], None))
    return pattern, symbols


_structures: OrderedDict[Any, _Structure] = OrderedDict()
_lock = ForkLock()


def program_text_of(graph: Graph, layouts: Layouts, write: Write, kind: object = None) -> ProgramText:
    """Return the written of a graph: by the specialization of its structure, or else by `write`.

    `kind` tells apart ways of writing.
    """
    key, numbers = structure(graph, layouts)
    with _lock:
        variants = _structures.setdefault((key, kind), _Structure())
        _structures.move_to_end((key, kind))
        if len(_structures) > FAMILIES:
            _structures.popitem(last=False)
    return variants.find(numbers) or variants.write(graph, layouts, numbers, write)
