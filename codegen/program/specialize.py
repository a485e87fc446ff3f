"""Compile programs of one structure for other sizes without running the passes again.

The first graph of a structure runs through the passes.  The second, with other numbers, runs through them with symbols in
place of the numbers that differ, which records a specialization (ir/core/guards.py): the parameters of the program as
expressions, valid for all numbers with the same outcome of every decision.  From the third graph on the specialization is
replayed.  Numbers that change a decision run through the passes, and may record another specialization.

A specialization is kept only if it reproduces the program of an earlier graph.
"""

from __future__ import annotations

import pickle
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Protocol

from graphc.codegen.program.extents import Extents
from graphc.codegen.program.memory.arena import LiveRange, plan
from graphc.codegen.runtime.cache import Cache
from graphc.codegen.runtime.disk import Store, folder
from graphc.ir.analysis.views import Strides
from graphc.ir.core.graph import Graph, Node, fresh_scope
from graphc.ir.core.guards import Guards, Specialization
from graphc.ir.core.structural_key import structure, with_numbers

__all__ = ["ProgramText", "counts", "program_text_of"]

STRUCTURES, STRUCTURE_BYTES = 512, 1 << 26
"""How many structures are cached, and the bytes of their programs' texts."""
SAMPLES, SPECIALIZATIONS = 4, 8
"""Programs and specializations that are cached for each."""
REFUSALS = 3
"""Failed specializations after which a structure always runs through the passes."""

counts: Counter[str] = Counter()
"""How programs were produced: `written`, of these `loaded` from disk, `recorded`, `replayed`, `found`, `refused`."""

Layouts = Mapping[Node, Strides]


class Write(Protocol):
    """Emits the program of a graph.

    `check` verifies the graph after each pass; `known_cold` are the cold functions of the program for other sizes.
    """

    def __call__(
        self, graph: Graph, layouts: Layouts, *, check: bool = True, known_cold: frozenset[str] | None = None
    ) -> ProgramText: ...


@dataclass(frozen=True, eq=False)
class ProgramText:
    """A program as LLVM IR, and everything that depends on sizes as numbers."""

    llvm: str
    kernel_calls: int
    parameters: list[Any]
    live_ranges: list[tuple[Any, int, int, int]]
    """Live ranges of the arena: bytes, first and last kernel call, index of the parameter for the offset."""
    work: tuple[Any, Any]
    """Element operations, and bytes that pass between kernels."""
    facts: list[Any] = field(default_factory=list)
    """Numbers that `extents` reads, but not the code."""
    extents: Extents = field(default_factory=Extents)
    """Constraints on the numbers under which every access is inside its buffer."""
    threads: int | None = None
    """The index of the parameter that is the number of threads, if threads share its loops."""
    cold: frozenset[str] = frozenset()
    """The functions whose code is generated quickly, since they take a small part of the time."""

    def numbers(self) -> list[Any]:
        """Return everything that depends on sizes, as a flat list."""
        return [*self.parameters, *(live[0] for live in self.live_ranges), *self.work, *self.facts]

    def with_numbers(self, numbers: Sequence[Any]) -> ProgramText:
        """Return the program for other sizes."""
        n, m = len(self.parameters), len(self.parameters) + len(self.live_ranges)
        ranges = [(size, *live[1:]) for size, live in zip(numbers[n:m], self.live_ranges, strict=True)]
        work, facts = (numbers[m], numbers[m + 1]), list(numbers[m + 2 :])
        return replace(self, parameters=list(numbers[:n]), live_ranges=ranges, work=work, facts=facts)

    def bound(self, threads: int | None = None) -> tuple[list[int], int]:
        """Lay out the arena; return the final parameters and the arena's size.

        `threads` is the number of threads of this program; None is that of the process.
        Raises InternalError if an access would be outside of its buffer: the recorded decisions do not hold for these numbers.
        """
        self.extents.check(self.parameters, self.facts)
        parameters = self.parameters.copy()
        ranges = [LiveRange(size, first, last) for size, first, last, _ in self.live_ranges]
        size = plan(ranges)
        for live, (*_, slot) in zip(ranges, self.live_ranges, strict=True):
            parameters[slot] = live.offset
        if self.threads is not None:
            parameters[self.threads] = threads or 0
        return parameters, size


@dataclass(frozen=True, eq=False)
class _Specialization:
    """A specialization, and the numbers of a structure that are its symbols."""

    program: ProgramText
    values: Specialization
    pattern: list[tuple[int, Any]]
    """For each number its symbol, or -1 and its required value."""
    symbols: list[int]
    """For each symbol the first of its numbers."""

    def replay(self, numbers: Sequence[Any]) -> ProgramText | None:
        """Return the program for other numbers; None if the specialization does not hold for them."""
        symbols = [numbers[i] for i in self.symbols]
        for x, (symbol, value) in zip(numbers, self.pattern, strict=True):
            if x != (value if symbol < 0 else symbols[symbol]):
                return None
        values = self.values.replay(symbols)
        return None if values is None else self.program.with_numbers(values)


@dataclass(eq=False)
class _Structure:
    """The programs and specializations of one structure."""

    samples: list[tuple[list[Any], ProgramText]] = field(default_factory=list)
    specializations: list[_Specialization] = field(default_factory=list)
    refusals: int = 0

    def bytes(self) -> int:
        """Return the bytes of the texts."""
        texts = {id(p.llvm): len(p.llvm) for p in [*(p for _, p in self.samples), *(s.program for s in self.specializations)]}
        return sum(texts.values())

    def find(self, numbers: list[Any]) -> ProgramText | None:
        for known, program in self.samples:
            if known == numbers:
                counts["found"] += 1
                return program
        for specialization in self.specializations:
            replayed = specialization.replay(numbers)
            if replayed is not None:
                self.specializations = [specialization, *(s for s in self.specializations if s is not specialization)]
                counts["replayed"] += 1
                return replayed
        return None

    def write(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> ProgramText:
        program = None
        if self.samples and self.refusals < REFUSALS:
            program = self._record(graph, layouts, numbers, write)
            counts["refused" if program is None else "recorded"] += 1
            self.refusals += program is None
        if program is None:
            counts["written"] += 1
            program = write(graph, layouts, known_cold=self.samples[0][1].cold if self.samples else None)
        self.samples = [(numbers, program), *self.samples[: SAMPLES - 1]]
        return program

    def _record(self, graph: Graph, layouts: Layouts, numbers: list[Any], write: Write) -> ProgramText | None:
        """Emit the program with symbols and keep the specialization; return its program for these numbers, or None."""
        before, sample = self.samples[0]
        pattern, symbols = _pattern(before, numbers)
        guards = Guards([numbers[i] for i in symbols])
        symbolic = [value if at < 0 else guards.symbols[at] for at, value in pattern]
        try:
            with fresh_scope():
                program = write(*with_numbers(graph, layouts, symbolic), check=False, known_cold=sample.cold)
        except (TypeError, AttributeError, ArithmeticError):  # a pass needs a number where it got a symbol
            return None
        specialization = _Specialization(program, guards.specialization(program.numbers()), pattern, symbols)
        again = specialization.replay(before)
        agrees = again is None or again.llvm != sample.llvm or again.numbers() == sample.numbers()
        now = specialization.replay(numbers)
        if not agrees or now is None:
            return None
        self.specializations = [specialization, *self.specializations[: SPECIALIZATIONS - 1]]
        return now


def _pattern(before: Sequence[Any], now: Sequence[Any]) -> tuple[list[tuple[int, Any]], list[int]]:
    """Separate constants from symbols: numbers of one type that are equal in both graphs are one symbol."""
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


def new_cache() -> Cache[Any, _Structure]:
    """Return a cache of structures."""
    return Cache(STRUCTURES, STRUCTURE_BYTES)


_structures = new_cache()


def program_text_of(graph: Graph, layouts: Layouts, write: Write, kind: object = None) -> ProgramText:
    """Return the program of a graph, from a specialization of its structure or else by `write`.

    Programs of another `kind` are kept separately.
    """
    structured, numbers = structure(graph, layouts)
    key = (structured, kind)
    programs = _structures.get(key) or _structures.add(key, _Structure(), 0)
    program = programs.find(numbers)
    if program is None:
        stored = write if folder() is None else _on_disk(write, repr((key, numbers)))
        program = programs.write(graph, layouts, numbers, stored)
        _structures.charge(key, programs, programs.bytes())
    return program


def _on_disk(write: Write, key: str) -> Write:
    """Return `write` with its program on disk: written by another process, if it was, for equal numbers."""

    def load_or_write(
        graph: Graph, layouts: Layouts, *, check: bool = True, known_cold: frozenset[str] | None = None
    ) -> ProgramText:
        if not check:  # with symbols
            return write(graph, layouts, check=check, known_cold=known_cold)
        stored = _programs.load(key)
        known = None if stored is None else _unpacked(stored)
        if known is not None:
            counts["loaded"] += 1
            return known
        start = perf_counter()
        program = write(graph, layouts, known_cold=known_cold)
        _programs.store(key, zlib.compress(pickle.dumps(program), 1), perf_counter() - start)
        return program

    return load_or_write


def _unpacked(stored: bytes) -> ProgramText | None:
    """Return a stored program; None if this process cannot read it, as with another version of NumPy."""
    try:
        program = pickle.loads(zlib.decompress(stored))
    except Exception:
        return None
    return program if isinstance(program, ProgramText) else None


_programs = Store("program")
