"""Loop kernels: an iteration space, passes over it, and scalar bodies with affine accesses.

    for i0 in 1024:                                 outer loops
      m0 = max over i1 in 1024 of x[1024*i0 + i1]     a stage: reductions and stores over inner loops
      …

All decisions are made here or before; `codegen/nests/nest.py` only emits the kernel as LLVM IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.core.types import DType

__all__ = [
    "Buffer", "Index", "Instr", "Kernel", "OuterReduction", "Reduction", "Stage", "Store", "ensure", "is_bound_check", "needed",
]  # fmt: skip


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
        """Return its name as an operand."""
        if self.op in ("constant", "size"):
            return str(self.attr)
        return str(self.attr.name) if self.op == "reduced" else self.name

    def operands(self) -> Iterator[Instr]:
        """Yield the instructions that this one reads, those in its index included."""
        yield from self.args
        if self.op in ("load", "index"):
            index = self.attr[1] if self.op == "load" else self.attr
            for value, _ in index.values:
                yield value


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


@dataclass(eq=False, repr=False)
class Kernel:
    """One loop nest that becomes one native function."""

    name: str
    dims: tuple[int, ...]
    outer: tuple[int, ...]
    """Outer loops, outermost first; the other loops belong to stages."""
    stages: list[Stage]
    buffers: list[Buffer]
    vector: int | None = None
    """The vectorized outer loop; None: each stage vectorizes its last inner loop."""
    lanes: int = 1
    can_fail: bool = False
    saved: frozenset[Instr] = frozenset()
    """Values that later passes load from a scratch row."""

    @property
    def outer_reductions(self) -> list[OuterReduction]:
        """The reductions over outer loops."""
        return [c for stage in self.stages for c in stage.outer_reductions]

    @property
    def folded(self) -> frozenset[int]:
        """The outer loops that outer reductions reduce, the same for all."""
        return frozenset(lo for c in self.outer_reductions for lo in c.reduction.inner)

    def home(self, i: Instr) -> Stage:
        """Return the first pass that computes a value in its inner loops."""
        return next(s for s in self.stages if s.inner and i.loops & set(s.inner) and i in needed(s.roots()))

    def check(self) -> None:
        """Raise AssertionError unless each pass computes with its own loops only, and each result is written once.

        A guard or an index in other loops would extend a reduction's domain to these (ir/access/legality.py).
        """
        outer = frozenset(self.outer)
        for stage in self.stages:
            loops = outer | set(stage.inner)
            for root in stage.roots():
                ensure(root.loops <= loops, f"{root.name} in {self.name} varies with loops outside of its pass")
            for r in stage.reductions:
                ensure({*r.inner} == {*stage.inner}, f"{r.name} in {self.name} folds other loops than those of its pass")
            for s in stage.stores:
                self._check_store(s, outer | set(stage.inner))
            for c in stage.outer_reductions:
                self._check_store(c.store, outer.difference(c.reduction.inner) | set(stage.inner))

    def _check_store(self, s: Store, loops: frozenset[int]) -> None:
        """Raise AssertionError unless a store writes a distinct element at each point of some loops."""
        idle = {lo for lo in loops if self.dims[lo] == 1}
        moved = {lo for lo, _ in s.index.loops}
        ensure(moved | idle == loops | idle and not s.index.values, f"{self.buffers[s.buffer].name} is not written once")


SIZES = ("index", "size", "constant")


def is_bound_check(i: Instr) -> bool:
    """Whether a condition compares an index with its bounds, both small enough that a difference does not wrap."""
    return i.op in ("le", "lt") and any(a.op == "index" for a in i.args) and all(a.op in SIZES for a in i.args)


def needed(roots: Iterable[Instr], cut: Callable[[Instr], bool] | None = None) -> list[Instr]:
    """Return the instructions that some values depend on, operands first; nothing below one for which `cut` holds."""
    order: dict[Instr, None] = {}
    for root in roots:
        stack = [root]
        while stack:
            top = stack[-1]
            done = top in order or (cut is not None and cut(top))
            missing = [] if done else [o for o in top.operands() if o not in order]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            order.setdefault(top)
    return list(order)
