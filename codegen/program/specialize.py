"""Programs of one structure at other sizes, without running the passes again.

The first graph of a structure goes through the passes as it is.  The second, with other numbers, goes through them with
symbols in the place of the numbers that differ, which leaves a recipe behind (ir/core/guards.py): the table of the program for
any numbers for which all decisions are the same.  From the third on the recipe is replayed.  Numbers for which something
would be decided in another way take the long way, and may leave a recipe of their own.

What a recipe says is compared with what is known of an earlier graph before it is kept.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from graphc.codegen.program.arena import Interval, plan
from graphc.codegen.runtime.locks import ForkLock
from graphc.ir.analysis.views import Strides
from graphc.ir.core.graph import Graph, Node, apart
from graphc.ir.core.guards import Book, Recipe
from graphc.ir.core.structural_key import structure, with_numbers

__all__ = ["Frame", "counts", "frame_of"]

FAMILIES = 512
SAMPLES = 4
RECIPES = 8
REFUSALS = 3
"""Recipes that did not work out after which a structure always takes the long way."""

counts: Counter[str] = Counter()
"""How frames came about: `written`, `recorded`, `replayed`, `found`, `refused`."""

Layouts = Mapping[Node, Strides]


class Write(Protocol):
    """Whatever writes the frame of a graph; `check` asks for verified graphs on the way."""

    def __call__(self, graph: Graph, layouts: Layouts, *, check: bool = True) -> Frame: ...


@dataclass(frozen=True, eq=False)
class Frame:
    """A program as text, and its numbers: all that depends on sizes."""

    text: str
    steps: int
    table: list[Any]
    rooms: list[tuple[Any, int, int, int]]
    """Parts of the arena: bytes, first and last step that need them, and the place in the table for their offset."""
    work: tuple[Any, Any]
    """Operations on elements, and bytes of values between kernels."""

    def numbers(self) -> list[Any]:
        """Return everything that depends on sizes, in one row."""
        return [*self.table, *(room[0] for room in self.rooms), *self.work]

    def with_numbers(self, numbers: Sequence[Any]) -> Frame:
        """Return the same for other sizes."""
        n, m = len(self.table), len(self.table) + len(self.rooms)
        rooms = [(size, *room[1:]) for size, room in zip(numbers[n:m], self.rooms, strict=True)]
        return replace(self, table=list(numbers[:n]), rooms=rooms, work=tuple(numbers[m:]))

    def bound(self) -> tuple[list[int], int]:
        """Lay out the arena; return the finished table and the arena's size."""
        table = self.table.copy()
        intervals = [Interval(size, first, last) for size, first, last, _ in self.rooms]
        size = plan(intervals)
        for interval, room in zip(intervals, self.rooms, strict=True):
            table[room[3]] = interval.offset
        return table, size


@dataclass(frozen=True, eq=False)
class _Kept:
    """A recipe, and which numbers of a structure are its symbols."""

    frame: Frame
    recipe: Recipe
    pattern: list[tuple[int, Any]]
    """For each number the symbol it is, or -1 and the value it has to have."""
    symbols: list[int]
    """For each symbol the first of its numbers."""

    def replay(self, numbers: Sequence[Any]) -> Frame | None:
        """Return the frame for other numbers, if the recipe holds for them."""
        given = [numbers[i] for i in self.symbols]
        for x, (symbol, value) in zip(numbers, self.pattern, strict=True):
            if x != (value if symbol < 0 else given[symbol]):
                return None
        found = self.recipe.replay(given)
        return None if found is None else self.frame.with_numbers(found)


@dataclass(eq=False)
class _Family:
    """What is known of one structure."""

    samples: list[tuple[list[Any], Frame]] = field(default_factory=list)
    kept: list[_Kept] = field(default_factory=list)
    refusals: int = 0

    def find(self, numbers: list[Any]) -> Frame | None:
        for known, frame in self.samples:
            if known == numbers:
                counts["found"] += 1
                return frame
        for kept in self.kept:
            found = kept.replay(numbers)
            if found is not None:
                self.kept = [kept, *(k for k in self.kept if k is not kept)]
                counts["replayed"] += 1
                return found
        return None

    def write(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> Frame:
        frame = None
        if self.samples and self.refusals < REFUSALS:
            frame = self._record(graph, layouts, numbers, write)
            counts["refused" if frame is None else "recorded"] += 1
            self.refusals += frame is None
        if frame is None:
            counts["written"] += 1
            frame = write(graph, layouts)
        self.samples = [(numbers, frame), *self.samples[: SAMPLES - 1]]
        return frame

    def _record(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> Frame | None:
        """Write the frame with symbols, keep the recipe, and return what it says for these numbers; None if it has none."""
        before, sample = self.samples[0]
        pattern, symbols = _pattern(before, numbers)
        book = Book([numbers[i] for i in symbols])
        given = [value if at < 0 else book.symbols[at] for at, value in pattern]
        try:
            with apart():
                frame = write(*with_numbers(graph, layouts, given), check=False)
        except (TypeError, AttributeError, ArithmeticError):  # something wants a number that a symbol is not
            return None
        kept = _Kept(frame, book.recipe(frame.numbers()), pattern, symbols)
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


_families: OrderedDict[Any, _Family] = OrderedDict()
_lock = ForkLock()


def frame_of(graph: Graph, layouts: Layouts, write: Write, kind: object = None) -> Frame:
    """Return the frame of a graph: by the recipe of its structure, or else by `write`.

    `kind` tells apart ways of writing.
    """
    key, numbers = structure(graph, layouts)
    with _lock:
        family = _families.setdefault((key, kind), _Family())
        _families.move_to_end((key, kind))
        if len(_families) > FAMILIES:
            _families.popitem(last=False)
    return family.find(numbers) or family.write(graph, layouts, numbers, write)
