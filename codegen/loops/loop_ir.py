"""Loop kernels: an iteration space, passes over it, and scalar bodies with affine accesses.

    for i0 in 1024:                                 outer loops
      m0 = max over i1 in 1024 of x[1024*i0 + i1]     a stage: reductions and stores over inner loops
      …

The schedule of a kernel is a record that `schedule.py` decides, `printer.py` prints, `parser.py` reads and `verifier.py` checks
against the kernel; `codegen/nests/nest.py` only emits both as LLVM IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.core.cached import cached_property
from graphc.ir.core.types import DType

__all__ = [
    "LONGEST_VECTOR", "Access", "Buffer", "Index", "Instr", "Kernel", "OuterReduction", "Parallel", "PassSchedule", "Reduction",
    "Schedule", "Stage", "Store", "Vector", "ensure", "is_loaded", "needed",
]  # fmt: skip


LONGEST_VECTOR = 512
"""Bytes of the longest vector, and of the memory behind each row of scratch memory, for the lanes of its last one."""


def ensure(fact: bool, what: str) -> None:
    """Raise AssertionError unless a fact that generated code relies on holds; also under `python -O`.

    `what` must not format numbers of a graph: that would fix symbolic ones (ir/core/guards.py).
    """
    if not fact:
        raise AssertionError(what)


@dataclass(frozen=True)
class Index:
    """An integer `const + sum(coefficient * loop) + sum(coefficient * value)`, evaluated at each point."""

    const: int = 0
    loops: tuple[tuple[int, int], ...] = ()
    """(loop, coefficient), by loop."""
    values: tuple[tuple[Instr, int], ...] = ()
    """(computed integer, coefficient)."""

    @staticmethod
    def loop(number: int) -> Index:
        """Return the index that counts the iterations of a loop."""
        return Index(0, ((number, 1),))

    def scaled(self, factor: int) -> Index:
        """Return the index times a constant."""
        if factor == 0:
            return Index()
        return Index(
            self.const * factor, tuple((lo, c * factor) for lo, c in self.loops), tuple((v, c * factor) for v, c in self.values)
        )

    def plus(self, other: Index | int) -> Index:
        """Return the sum with another index or a constant."""
        if not isinstance(other, Index):
            return Index(self.const + other, self.loops, self.values)
        loops = dict(self.loops)
        for lo, c in other.loops:
            loops[lo] = loops.get(lo, 0) + c
        values = dict(self.values)
        for v, c in other.values:
            values[v] = values.get(v, 0) + c
        return Index(
            self.const + other.const,
            tuple(sorted((lo, c) for lo, c in loops.items() if c)),
            tuple((v, c) for v, c in values.items() if c),
        )

    def coefficient(self, loop: int) -> int:
        """Return the increment of the index from one iteration of a loop to the next."""
        return next((c for lo, c in self.loops if lo == loop), 0)

    def __str__(self) -> str:
        terms = [f"{'' if c == 1 else f'{c}*'}i{lo}" for lo, c in self.loops]
        terms += [f"{'' if c == 1 else f'{c}*'}{v}" for v, c in self.values]
        if self.const or not terms:
            terms.append(str(self.const))
        return " + ".join(terms)


_ZERO = Index()


@dataclass(frozen=True, eq=False, repr=False)
class Instr:
    """One scalar operation of a body.

    `op` is an elementwise primitive, or: `constant` (attr: number), `index` (attr: Index, an i64), `load` (attr: buffer and
    Index; its last operand is a mask if `masked`), `reduced` (attr: Reduction), `bound` (an index checked against attr).
    """

    op: str
    args: tuple[Instr, ...]
    dtype: DType
    loops: frozenset[int]
    """The loops it varies with."""
    level: int
    """The number of reductions that must be complete before it is defined."""
    attr: Any = None
    masked: bool = False
    name: str = ""

    def __str__(self) -> str:
        """Return its name as an operand; for a constant its dtype and number."""
        if self.op == "constant":
            return f"{self.dtype} {self.number}"
        if self.op == "size":
            return f"size {self.attr}"
        return str(self.attr.name) if self.op == "reduced" else self.name

    @property
    def number(self) -> float:
        """The number of a constant, as one of its dtype."""
        return float(self.attr) if self.dtype.is_float else bool(self.attr) if self.dtype.is_bool else int(self.attr)

    @property
    def index(self) -> Index:
        """The index of a load, or of an `index`; zero for other instructions."""
        index: Index = self.attr[1] if self.op == "load" else self.attr if self.op == "index" else _ZERO
        return index

    @cached_property
    def operands(self) -> tuple[Instr, ...]:
        """The instructions that this one reads, those in its index included."""
        values = self.index.values
        return (*self.args, *[v for v, _ in values]) if values else self.args


@dataclass(frozen=True, eq=False, repr=False)
class Reduction:
    """Reduce a value over inner loops: sum, prod, max, min, any, all, argmax or argmin (of the index `position`)."""

    kind: str
    value: Instr
    inner: tuple[int, ...]
    dtype: DType
    name: str
    position: Instr | None = None

    def operands(self) -> Iterator[Instr]:
        """Yield the operands of each iteration: the value and, for argmax and argmin, its position."""
        yield self.value
        if self.position is not None:
            yield self.position


@dataclass(frozen=True, eq=False, repr=False)
class Store:
    """Store a value to a buffer at an index."""

    buffer: int
    index: Index
    value: Instr


Access = Instr | Store
"""A load or a store."""


@dataclass(frozen=True, eq=False, repr=False)
class OuterReduction:
    """A reduction over the last outer loops, one per point of a pass's inner loops; stored when these loops have ended."""

    reduction: Reduction
    store: Store


@dataclass(eq=False, repr=False)
class Stage:
    """One pass: inner loops with reductions and stores; without inner loops, once per outer point."""

    inner: tuple[int, ...]
    reductions: list[Reduction] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    outer_reductions: list[OuterReduction] = field(default_factory=list)

    def roots(self) -> list[Instr]:
        """Return the values that the stage computes everything else for: those it reduces and those it stores."""
        reduced = [v for r in self.reductions for v in r.operands()] + [c.reduction.value for c in self.outer_reductions]
        return reduced + [s.value for s in self.stores]


@dataclass(frozen=True)
class Buffer:
    """A buffer that a kernel reads or writes: a parameter of its function."""

    dtype: DType
    written: bool
    name: str


@dataclass(frozen=True)
class Vector:
    """How a vectorized loop runs; `remainder` is the treatment of iterations that fill no vector.

    - `exact`: there are none, since the extent is a literal multiple of the lanes, or there is one lane;
    - `empty`: the loop has no iterations, and is left out;
    - `single`: all iterations are one vector under a mask;
    - `peel`: whole vectors, then one under a mask;
    - `mask`: every vector is under a mask, so that the body is emitted once.
    """

    lanes: int
    remainder: str = "exact"
    along: tuple[Instr, ...] = ()
    """Bounds checks of the loop: where all hold, vectors run without them, and then both ends with them."""
    across: tuple[Instr, ...] = ()
    """Bounds checks that are invariant in the loop: where all hold, it runs without them, else with them."""


@dataclass(frozen=True)
class PassSchedule:
    """The schedule of a pass."""

    vector: Vector | None = None
    """The vectorized last inner loop; None if it has no inner loops, or if the kernel's points are the lanes."""
    block: int = 0
    """Iterations of the last inner loop after which wide sums are added to their totals; 0: it is one block."""


@dataclass(frozen=True)
class Parallel:
    """An outer loop whose iterations several threads run, in chunks of `grain`; a shorter loop is run by one thread."""

    loop: int
    grain: int


@dataclass(frozen=True)
class Schedule:
    """How a kernel runs, in the order of its loops."""

    points: Vector | None = None
    """The vectorized last outer loop, whose points are lanes; None: each pass vectorizes its last inner loop."""
    passes: tuple[PassSchedule, ...] = ()
    """One for each stage."""
    block: int = 0
    """Iterations of the last outer loop after which outer reductions are added to their totals; 0: there are none."""
    saved: dict[Instr, int] = field(default_factory=dict)
    """Values that a pass, by its number, stores in a scratch row for later passes over its loops."""
    wide: frozenset[Reduction] = frozenset()
    """Sums with totals of higher precision than their terms (codegen/nests/accumulators.py)."""
    literal: bool = False
    """Whether large extents are literals in the code rather than parameters."""
    accesses: dict[tuple[Access, int], str] = field(default_factory=dict)
    """How loads and stores are done whose lanes, iterations of a loop, are not consecutive elements or one: by `shuffle`,
    `gather` or `scatter` (codegen/loops/accesses.py)."""
    parallel: Parallel | None = None
    """The loop that threads share; None: the kernel is run by one thread."""


@dataclass(eq=False, repr=False)
class Kernel:
    """One loop nest that becomes one native function."""

    name: str
    dims: tuple[int, ...]
    outer: tuple[int, ...]
    """Outer loops, outermost first; the other loops belong to stages."""
    stages: list[Stage]
    buffers: list[Buffer]
    schedule: Schedule | None = None

    @property
    def plan(self) -> Schedule:
        """The schedule of a scheduled kernel."""
        assert self.schedule is not None, f"{self.name} is not scheduled"
        return self.schedule

    @property
    def vector(self) -> int | None:
        """The outer loop whose points are lanes."""
        return self.outer[-1] if self.plan.points is not None else None

    def lane_loop(self, number: int) -> int | None:
        """Return the loop whose iterations are lanes in a pass, by its number; None if it has one lane."""
        points, stage = self.plan.points, self.stages[number]
        vector = points if points is not None else self.plan.passes[number].vector
        loops = self.outer if points is not None else stage.inner
        return None if vector is None or vector.lanes == 1 or not loops else loops[-1]

    @cached_property
    def instructions(self) -> list[Instr]:
        """All instructions, operands first."""
        return needed(v for s in self.stages for v in s.roots())

    @property
    def reductions(self) -> list[Reduction]:
        """All reductions."""
        return [r for s in self.stages for r in (*s.reductions, *(c.reduction for c in s.outer_reductions))]

    @property
    def outer_reductions(self) -> list[OuterReduction]:
        """The reductions over outer loops."""
        return [c for stage in self.stages for c in stage.outer_reductions]

    @property
    def folded(self) -> frozenset[int]:
        """The outer loops that outer reductions reduce, the same for all."""
        return frozenset(lo for c in self.outer_reductions for lo in c.reduction.inner)


def is_loaded(kernel: Kernel, number: int, i: Instr, saved: Mapping[Instr, int]) -> bool:
    """Return whether a pass loads a value that an earlier one over its loops stored in a scratch row."""
    home = saved.get(i)
    return home is not None and home != number and kernel.stages[home].inner == kernel.stages[number].inner


def needed(roots: Iterable[Instr], cut: Callable[[Instr], bool] | None = None) -> list[Instr]:
    """Return the instructions that some values depend on, operands first; nothing below one for which `cut` holds."""
    order: dict[Instr, None] = {}
    for root in roots:
        stack = [root]
        while stack:
            top = stack[-1]
            if top not in order and (cut is None or not cut(top)):
                missing = [o for o in top.operands if o not in order]
                if missing:
                    stack += missing[::-1]
                    continue
            stack.pop()
            order.setdefault(top)
    return list(order)
