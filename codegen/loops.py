"""Write a scheduled loop kernel as one LLVM function.

The function takes a table of integers and its buffers' addresses: `void @k(ptr table, ptr in0, …, ptr out0, …)`.
Extents and strides above `SMALL`, and numbers that are not simple, are read from the table, so that the text, and
with it the machine code, is the same for other sizes.

A loop's invariant values are written where their last loop is entered; the vector loop is written twice, for
whole vectors and, under a mask, for what is left over.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod

from graphc.codegen.columns import Columns
from graphc.codegen.emit import Module, Value, llvm_type
from graphc.codegen.folds import add_block, fold, fold_lanes, halved, identity, rounded
from graphc.codegen.kernel import Index, Instr, Kernel, Reduction, Stage, Store, is_bound_check, needed
from graphc.codegen.lower import weight_of
from graphc.codegen.mathlib_trig import sincos
from graphc.codegen.ops import LLVM, MEMORY, OPS, cast, compare
from graphc.codegen.schedule import Schedule
from graphc.codegen.step import Step, table_bits
from graphc.ir.sizes import SIMPLE, SMALL
from graphc.ir.symbols import derived

__all__ = ["emit_kernel"]

FEW = (2, 3, 4)
"""Strides of which whole vectors are loaded and taken apart: a gather takes longer."""

BLOCK = 4096
"""A float sum adds at most this many elements of a row in its own precision before it goes to the total."""

BLOCK_DOWN = 256
"""The same for sums down columns, where every lane is a sum of its own."""


EDGE = SMALL
"""Lanes where bounds are checked lane by lane: every loop that is read at run time has at least so many turns."""

TWICE = 64
"""A body up to this heavy is written apart for rows inside of all padding."""

Body = Callable[[list[Value]], list[Value]]
"""Writes what a loop does in one turn, from the carried values to the next."""

Checks = dict[Instr, tuple[int, int | None]]
"""Bounds checks along a loop, with where they hold: from, to."""

_TRUE = "true"
"""How a condition is spelled that is known to hold."""

_OTHER_WAVE = {"sin": "cos", "cos": "sin"}


@dataclass
class _Accumulator:
    """A reduction under way: `partial` is folded into `total` now and then, where that keeps a float sum accurate."""

    reduction: Reduction
    lanes: int
    blocked: bool


def emit_kernel(module: Module, kernel: Kernel, plan: Schedule, name: str) -> Step:
    """Write `kernel` into `module` as function `name`."""
    writer = _Writer(module, kernel, plan, name)
    writer.write()
    return writer


class _Writer(Step):
    def __init__(self, module: Module, kernel: Kernel, plan: Schedule, name: str) -> None:
        super().__init__(module, name, [b.name for b in kernel.buffers])
        self.kernel, self.plan = kernel, plan
        self.scopes: list[dict[Instr, Value]] = [{}]
        self.places: list[dict[object, Value]] = [{}]
        """Addresses known in each scope, and what was loaded from some without a mask."""
        self.loops: dict[int, Value] = {}
        self.mask: Value | None = None
        self.whole_vector: Value | None = None
        """Whether the mask holds for all lanes, where that is known at run time only."""
        self.lanes = 1
        self.vector = kernel.vector
        self.stage: Stage | None = None
        self.extents: dict[int, Value] = {}
        self.scratch_at: dict[Instr, Value] = {}
        self.columns: Columns | None = None

    def number(self, i: Instr) -> Value:
        """Return a constant of the user's: simple ones are literals, others data, so that they change no code."""
        type = LLVM[i.dtype.name]
        if i.dtype.is_bool or (i.dtype.is_int and abs(i.attr) <= SMALL):
            return self.f.const(i.attr, type)
        if self.literal or (i.dtype.is_float and (i.attr in SIMPLE or i.attr != i.attr)):
            return self.f.const(i.attr, type)
        if ("number", i) not in self.cached:
            self.cached[("number", i)] = self.slot(derived(table_bits, i.attr, i.dtype), type)
        return self.cached[("number", i)]

    def extent(self, loop: int) -> Value:
        return self.integer(self.kernel.dims[loop], ("extent", loop))

    # -- the loop nest ------------------------------------------------------------------------------

    def write(self) -> None:
        self._place_scratch()
        everything = [v for s in self.kernel.stages for v in s.roots()]
        if self.kernel.columns:
            self.columns = Columns(self, self.kernel, self.kernel.lanes if self.vector is not None else 1)
        self._ready(everything)
        self._outer(list(self.kernel.outer), everything)
        self.f.ret()

    def _place_scratch(self) -> None:
        lanes = self.kernel.lanes if self.vector is not None else 1
        for i in self.plan.saved:
            inner = next(s.inner for s in self.kernel.stages if i.loops & set(s.inner))
            at = self.integer(self.scratch_bytes, ("scratch", i))
            self.scratch_at[i] = self.f.element(self.scratch, at, "i8")
            size = prod(self.kernel.dims[lo] for lo in inner) * lanes * i.dtype.bytes
            self.scratch_bytes += -(-size // 64) * 64 + 512  # a last vector may be stored whole

    def _outer(self, loops: list[int], wanted: list[Instr]) -> None:
        if not loops:
            self._stages()
            return
        loop, rest = loops[0], loops[1:]
        if self.columns is not None and self.kernel.folded == set(loops):
            self.columns.clear()
        if self.columns is not None and not rest:
            self._column_blocks(self.columns, loop, wanted)
        elif loop == self.vector:
            self._vector_loop(loop, self.kernel.lanes, (), lambda carry: self._points(wanted))
        else:
            self._outer_loop(loop, rest, wanted)
        if self.columns is not None and self.kernel.folded == set(loops):
            for stage in self.columns.places:
                self._column_stores(self.columns, stage, list(stage.inner))

    def _outer_loop(self, loop: int, rest: list[int], wanted: list[Instr]) -> None:
        with self.f.loop(self.f.i64(0), self.extent(loop), hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
            self._ready(wanted)
            self._outer(rest, wanted)

    def _points(self, wanted: list[Instr]) -> list[Value]:
        self._ready(wanted)
        self._stages()
        return []

    def _column_blocks(self, columns: Columns, loop: int, wanted: list[Instr]) -> None:
        """Write the last outer loop in blocks, after each of which the columns go to their totals; what is left over first."""
        f, lanes = self.f, columns.lanes
        once = self._is_once(loop, lanes)
        if loop == self.vector and not once:
            self._vector_loop(loop, lanes, (), lambda carry: self._points(wanted), main=False)
        stop = self.extent(loop) if once or lanes == 1 else self.whole(loop, lanes)
        least = f.select(f.cmp("slt", stop, f.i64(1)), f.i64(1), stop)
        with f.loop(f.i64(0), least, BLOCK_DOWN * lanes, nonempty=True, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(BLOCK_DOWN * lanes))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            if loop == self.vector:
                self._vector_loop(loop, lanes, (), lambda carry: self._points(wanted), block.index, end, tail=False)
            else:
                with f.loop(block.index, end, hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
                    self._points(wanted)
            columns.flush()

    def _column_stores(self, columns: Columns, stage: Stage, loops: list[int]) -> None:
        if loops:
            loop, rest = loops[0], loops[1:]
            with self.f.loop(self.f.i64(0), self.extent(loop), hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
                self._column_stores(columns, stage, rest)
            return
        self.scopes[-1].update(columns.results(stage, self._position(stage)))
        self._stores([c.store for c in stage.columns])

    def _position(self, stage: Stage) -> Value:
        """Return the number of a point of the inner loops."""
        at, step = self.f.i64(0), 1
        for loop in reversed(stage.inner):
            at = self._sum(at, self.f.mul(self.loops[loop], self.integer(step, ("row", (stage, loop)))))
            step *= self.kernel.dims[loop]
        return at

    def _vector_loop(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Body,
        start: Value | None = None,
        stop: Value | None = None,
        *,
        tail: bool = True,
        main: bool = True,
    ) -> list[Value]:
        """Write a vector loop, in parts if it has bounds checks."""
        extent = self.kernel.dims[loop]
        if self._is_once(loop, lanes):
            return self._masked_loop(loop, lanes, carry, body, start, stop) if main else list(carry)
        columns = self.stage is not None and self.stage.columns  # each element is added once
        if extent > SMALL and lanes > 1 and start is None and main and tail and not columns:
            along, across = self._checks(loop)
            if across and not self._is_heavy():
                return self._inside_or_not(loop, lanes, carry, body, along, across)
            if along:
                return self._split_loop(loop, lanes, carry, body, along)
        return self._plain_loop(loop, lanes, carry, body, start, stop, tail=tail, main=main)

    def _plain_loop(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Body,
        start: Value | None = None,
        stop: Value | None = None,
        *,
        tail: bool = True,
        main: bool = True,
    ) -> list[Value]:
        """Write a loop by whole vectors, then what is left over under a mask."""
        f, extent = self.f, self.kernel.dims[loop]
        known = self.is_known(extent)
        whole = self.whole(loop, lanes)
        values = list(carry)
        self.lanes = lanes
        if main and not (known and extent < lanes):
            with (
                f.loop(start or f.i64(0), stop or whole, lanes, values, hint=f"i{loop}_") as at,
                _Scope(self, {loop: at.index}),
            ):
                at.next(body(at.carry))
            values = at.results
        if tail and not (known and extent % lanes == 0) and lanes > 1:
            values = self._tail(loop, lanes, whole, values, body)
        self.lanes = 1
        return values

    # -- loops with bounds checks ---------------------------------------------------------------------

    def _roots(self) -> list[Instr]:
        """Return what the stages inside of a vector loop compute everything else for."""
        return [v for s in (self.kernel.stages if self.vector is not None else [self._stage()]) for v in s.roots()]

    def _is_heavy(self) -> bool:
        return sum(map(weight_of, needed(self._roots()))) > TWICE

    def _checks(self, loop: int) -> tuple[Checks, list[Instr]]:
        """Return the bounds checks of padded axes: those that run along a vector loop, with where in it they hold (from,
        to), and those that are the same all along it."""
        along: Checks = {}
        across: dict[Instr, tuple[int, int | None]] = {}
        for i in needed(self._roots()):
            if not is_bound_check(i):
                continue
            low, high = (i.args[1], i.args[0]) if i.op == "le" else (i.args[0], i.args[1])
            if low.op != "index" or low.attr.values or len(low.attr.loops) != 1 or low.attr.loops[0][1] != 1:
                continue
            if i.op == "lt" and high.op == "size":
                where: tuple[int, int | None] = (0, high.attr - low.attr.const)
            elif i.op == "le" and high.op == "constant" and high.attr == 0:
                where = (-low.attr.const, None)
            else:
                continue
            if low.attr.loops[0][0] == loop:
                along[i] = where
            elif self._known(i) and self.get(i).name != _TRUE:
                across[i] = where
        return along, list(across) if self._ever_all(across) else []

    def _ever_all(self, checks: Checks) -> bool:
        """Whether there is a point at which all checks hold: of arrays that were concatenated there is none."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for i, (begin, end) in checks.items():
            loop = next(iter(i.loops))
            first[loop] = max(first.get(loop, 0), begin)
            last[loop] = min([last.get(loop, self.kernel.dims[loop]), *([] if end is None else [end])])
        return all(first[loop] < last[loop] for loop in first)

    def _hold(self, checks: Iterable[Instr]) -> dict[Instr, Value]:
        """Return that checks hold, and with them what is true if all of them are."""
        true = set(checks)
        for i in needed(self._roots()):
            if (self._known(i) and self.get(i).name == _TRUE) or (i.op == "and" and all(a in true for a in i.args)):
                true.add(i)
        return dict.fromkeys(true, self.f.const(True, "i1"))

    def _inside_or_not(
        self, loop: int, lanes: int, carry: Sequence[Value], body: Body, along: Checks, across: list[Instr]
    ) -> list[Value]:
        """Write a vector loop twice: for rows inside of all padding, without checks, and for rows at an edge."""
        f = self.f
        inside = functools.reduce(f.and_, map(self.get, across))

        def within() -> list[Value]:
            self.scopes[-1].update(self._hold(across))
            if along:
                return self._split_loop(loop, lanes, carry, body, along)
            return self._plain_loop(loop, lanes, carry, body)

        def at_edge() -> list[Value]:
            if not along:
                return self._plain_loop(loop, lanes, carry, body)
            if carry:
                return self._split_loop(loop, lanes, carry, body, along)
            vectors = self._vectors(loop, self.kernel.dims[loop], "all")
            self._overlapping(loop, body, along, vectors, vectors, f.i64(0))
            return []

        return self._either(inside, within, at_edge)

    def _either(self, cond: Value, then: Callable[[], list[Value]], other: Callable[[], list[Value]]) -> list[Value]:
        """Write a branch, each side in a scope of its own, and what the two sides compute."""
        f, name = self.f, self.f.fresh("inside")
        f.cond_br(cond, name, f"not.{name}")
        sides = []
        for label, side in ((name, then), (f"not.{name}", other)):
            f.start(label)
            with _Scope(self, {}):
                sides.append((side(), f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (first, here), (second, there) = sides
        return [
            f.inst(f"phi {llvm_type(a.type, a.lanes)} [ {a.name}, %{here} ], [ {b.name}, %{there} ]", a.type, a.lanes)
            for a, b in zip(first, second, strict=True)
        ]

    def _split_loop(self, loop: int, lanes: int, carry: Sequence[Value], body: Body, along: Checks) -> list[Value]:
        """Write a loop whose bounds checks all hold in its middle: whole vectors without them, then both ends with them."""
        f, extent = self.f, self.kernel.dims[loop]
        begin = min(max([0, *(first for first, _ in along.values())]), extent)
        end = max(begin, min([extent, *(last for _, last in along.values() if last is not None)]))
        if not carry:
            begin = min(-(-begin // EDGE) * EDGE, extent)
            end = max(begin, end)
        end = begin + (end - begin) // lanes * lanes
        lower, upper = (self.integer(n, (name, (loop, lanes)), varies=True) for n, name in ((begin, "begin"), (end, "end")))
        self.lanes = lanes
        with f.loop(lower, upper, lanes, carry, hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
            self.scopes[-1].update(self._hold(along))
            at.next(body(at.carry))
        if carry:
            return self._ends(loop, lanes, at.results, body, along, lower, upper)
        before, after = self._vectors(loop, begin, "before"), self._vectors(loop, extent - end, "after")
        self._overlapping(loop, body, along, before, f.add(before, after), f.sub(upper, f.mul(before, f.i64(EDGE))))
        return []

    def _vectors(self, loop: int, elements: int, role: str) -> Value:
        """Return how many narrow vectors it takes for some elements of a loop."""
        return self.integer(-(-elements // EDGE), (role, loop), varies=True)

    def _overlapping(self, loop: int, body: Body, along: Checks, before: Value, count: Value, jump: Value) -> None:
        """Write narrow vectors with checks lane by lane: `before` of them from the start, those up to `count` `jump` farther.

        What would reach beyond the end lies back over its neighbour, and stores the same again.
        """
        f, self.lanes = self.f, EDGE
        last = f.sub(self.extent(loop), f.i64(EDGE))
        with f.loop(f.i64(0), count, hint=f"i{loop}_") as turn:
            here = f.mul(turn.index, f.i64(EDGE))
            at = f.select(f.cmp("slt", turn.index, before), here, f.add(here, jump))
            at = f.select(f.cmp("slt", at, last), at, last)
            with _Scope(self, {loop: at}):
                self._check_lanes(along, at)
                body([])
        self.lanes = 1

    def _check_lanes(self, along: Checks, at: Value) -> None:
        """Write in which lanes each check holds, for a vector that starts at `at`; equal ones once."""
        found: dict[tuple[int, int | None], Value] = {}
        for i, where in along.items():
            if where not in found:
                found[where] = self._lanes_inside(i, at, *where)
            self.scopes[-1][i] = found[where]

    def _lanes_inside(self, check: Instr, at: Value, first: int, stop: int | None) -> Value:
        """Return in which lanes a check holds, the first at `at`."""
        f, none, all_ = self.f, self.f.i64(0), self.f.i64(self.lanes)
        edge = f.sub(self.integer(first if stop is None else stop, ("edge", check)), at)
        edge = f.select(f.cmp("slt", edge, none), none, edge)
        edge = f.convert("trunc", f.select(f.cmp("slt", edge, all_), edge, all_), "i32")
        return f.cmp("sge" if stop is None else "slt", f.iota("i32", self.lanes), edge)

    def _ends(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Body,
        along: Checks,
        lower: Value,
        upper: Value,
    ) -> list[Value]:
        """Write one loop, under a mask, for what is below `lower` and, in a second turn, for what is from `upper` on."""
        f, self.lanes = self.f, lanes
        with f.loop(f.i64(0), f.i64(2), carry=carry, hint="end") as edge:
            last = f.cmp("ne", edge.index, f.i64(0))
            first, stop = f.select(last, upper, f.i64(0)), f.select(last, self.extent(loop), lower)
            with f.loop(first, stop, lanes, edge.carry, hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
                rest = f.binary("sub", stop, at.index)
                narrow = f.convert("trunc", f.select(f.cmp("sge", rest, f.i64(lanes)), f.i64(lanes), rest), "i32")
                self.mask = f.cmp("slt", f.iota("i32", lanes), narrow)
                self._check_lanes(along, at.index)
                at.next(body(at.carry))
            self.mask = None
            edge.next(at.results)
        self.lanes = 1
        return edge.results

    def _is_once(self, loop: int, lanes: int) -> bool:
        """Whether a vector loop is one loop under a mask, without a tail."""
        extent = self.kernel.dims[loop]
        if lanes == 1 or (self.is_known(extent) and (extent < lanes or extent % lanes == 0)):
            return False
        return any(self.plan.once) if self.vector is not None else self.plan.once[self.kernel.stages.index(self._stage())]

    def _stage(self) -> Stage:
        assert self.stage is not None, "outside of all passes"
        return self.stage

    def _masked_loop(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Body,
        start: Value | None,
        stop: Value | None,
    ) -> list[Value]:
        f, extent = self.f, self.extent(loop)
        self.lanes = lanes
        with (
            f.loop(start or f.i64(0), stop or extent, lanes, carry, hint=f"i{loop}_") as at,
            _Scope(self, {loop: at.index}),
        ):
            rest = f.binary("sub", extent, at.index)
            self.whole_vector = f.cmp("sge", rest, f.i64(lanes))
            narrow = f.convert("trunc", f.select(self.whole_vector, f.i64(lanes), rest), "i32")
            self.mask = f.cmp("slt", f.iota("i32", lanes), narrow)
            at.next(body(at.carry))
        self.mask = self.whole_vector = None
        self.lanes = 1
        return at.results

    def whole(self, loop: int, lanes: int) -> Value:
        """Return the extent rounded down to whole vectors."""
        extent = self.kernel.dims[loop]
        return self.integer(extent // lanes * lanes, ("whole", (loop, lanes)), varies=extent > SMALL)

    def _tail(self, loop: int, lanes: int, whole: Value, values: list[Value], body: Body) -> list[Value]:
        f = self.f
        rest = f.binary("sub", self.extent(loop), whole)
        some = f.cmp("sgt", rest, f.i64(0))
        before, name = f.label, f.fresh("tail")
        f.cond_br(some, name, f"end.{name}")
        f.start(name)
        with _Scope(self, {loop: whole}):
            narrow = f.convert("trunc", rest, "i32")
            self.mask = f.cmp("slt", f.iota("i32", lanes), narrow)
            after = body(values)
            self.mask = None
        end = f.label
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return [
            f.inst(f"phi {llvm_type(a.type, a.lanes)} [ {a.name}, %{end} ], [ {b.name}, %{before} ]", a.type, a.lanes)
            for a, b in zip(after, values, strict=True)
        ]

    # -- stages -----------------------------------------------------------------------------------

    def _stages(self) -> None:
        for number, stage in enumerate(self.kernel.stages):
            self.stage = stage
            if stage.inner:
                self._pass(stage, self.lanes if self.vector is not None else self.plan.stage_lanes[number])
            else:
                self._ready(stage.roots())
                self._stores(stage.stores)
            later = [v for s in self.kernel.stages[number + 1 :] for v in s.roots()]
            self._ready(later)

    def _pass(self, stage: Stage, lanes: int) -> None:
        accumulators = [self._accumulator(r, lanes) for r in stage.reductions]
        carry = [v for a in accumulators for v in self._start(a)]
        final = iter(self._inner(stage, list(stage.inner), lanes, accumulators, carry))
        for a in accumulators:
            values = [next(final) for _ in self._start(a)]
            result = self._finish(a, values)
            for i in self._reduced(a.reduction):
                self.scopes[-1][i] = result

    def _reduced(self, r: Reduction) -> list[Instr]:
        roots = [v for s in self.kernel.stages for v in s.roots()]
        return [i for i in needed(roots) if i.op == "reduced" and i.attr is r]

    def _inner(
        self, stage: Stage, loops: list[int], lanes: int, accumulators: list[_Accumulator], carry: list[Value]
    ) -> list[Value]:
        """Write the inner loops of a pass and return the carried values after them."""
        loop, rest = loops[0], loops[1:]
        if rest:
            with (
                self.f.loop(self.f.i64(0), self.extent(loop), carry=carry, hint=f"i{loop}_") as at,
                _Scope(self, {loop: at.index}),
            ):
                self._ready(stage.roots())
                at.next(self._inner(stage, rest, lanes, accumulators, at.carry))
            return at.results
        if not any(a.blocked for a in accumulators):
            return self._innermost(stage, loop, lanes, accumulators, carry, None, None)
        return self._blocks(stage, loop, lanes, accumulators, carry)

    def _blocks(self, stage: Stage, loop: int, lanes: int, accumulators: list[_Accumulator], carry: list[Value]) -> list[Value]:
        """Write the innermost loop in blocks, each summed by itself and then added to the total."""
        f = self.f
        step = lanes if self.vector is None else 1
        size = BLOCK if self.vector is None else BLOCK_DOWN
        once = self._is_once(loop, step)
        stop = self.extent(loop) if step == 1 or once else self.whole(loop, step)
        totals = carry
        with f.loop(f.i64(0), stop, size, carry, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(size))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            partial = self._open(accumulators, block.carry)
            partial = self._innermost(stage, loop, lanes, accumulators, partial, block.index, end, tail=False)
            block.next(self._close(accumulators, block.carry, partial))
        totals = block.results
        if step == 1 or once:
            return totals
        partial = self._innermost(stage, loop, lanes, accumulators, self._open(accumulators, totals), None, None, main=False)
        return self._close(accumulators, totals, partial)

    def _innermost(
        self,
        stage: Stage,
        loop: int,
        lanes: int,
        accumulators: list[_Accumulator],
        carry: list[Value],
        start: Value | None,
        stop: Value | None,
        *,
        main: bool = True,
        tail: bool = True,
    ) -> list[Value]:
        def body(values: list[Value]) -> list[Value]:
            self._ready(stage.roots())
            self._saves(stage)
            self._stores(stage.stores)
            if self.columns is not None and stage.columns:
                folded = [self.f.splat(self.get(c.reduction.value), self.lanes) for c in stage.columns]
                self.columns.add(stage, self._position(stage), folded, self.mask)
            return self._update(accumulators, values)

        if self.vector is None:
            return self._vector_loop(loop, lanes, carry, body, start, stop, tail=tail, main=main)
        f = self.f
        with (
            f.loop(start or f.i64(0), stop or self.extent(loop), carry=carry, hint=f"i{loop}_") as at,
            _Scope(self, {loop: at.index}),
        ):
            at.next(body(at.carry))
        return at.results

    # -- reductions -------------------------------------------------------------------------------

    def _accumulator(self, r: Reduction, lanes: int) -> _Accumulator:
        size = prod(self.kernel.dims[lo] for lo in r.inner)
        known = all(self.is_known(self.kernel.dims[lo]) for lo in r.inner)
        blocked = r.kind == "sum" and r.dtype.is_float and not (known and size <= SMALL * SMALL)
        side = self.vector is not None and self.vector not in r.value.loops
        return _Accumulator(r, 1 if side else lanes, blocked)

    def _total_lanes(self, a: _Accumulator) -> int:
        return min(a.lanes, 8) if self.vector is None else a.lanes

    def _start(self, a: _Accumulator) -> list[Value]:
        """Return the carried values before the first element."""
        if a.blocked:
            zero = self.f.const(0.0, "double", self._total_lanes(a))
            return [zero] if a.reduction.dtype.bytes == 4 else [zero, zero]
        first = identity(self.f, a.reduction, a.lanes)
        return [first] if a.reduction.position is None else [first, self.f.const(0, "i64", a.lanes)]

    def _open(self, accumulators: Iterable[_Accumulator], totals: list[Value]) -> list[Value]:
        """Return the values a block starts with: blocked sums at zero, the others as they are."""
        rest = iter(totals)
        result = []
        for a in accumulators:
            values = [next(rest) for _ in self._start(a)]
            result += [identity(self.f, a.reduction, a.lanes)] if a.blocked else values
        return result

    def _close(self, accumulators: Iterable[_Accumulator], totals: list[Value], partial: list[Value]) -> list[Value]:
        """Fold a block into the totals."""
        before, block = iter(totals), iter(partial)
        result = []
        for a in accumulators:
            values = [next(before) for _ in self._start(a)]
            if a.blocked:
                result += add_block(self.f, values, halved(self.f, next(block), self._total_lanes(a)))
            else:
                result += [next(block) for _ in values]
        return result

    def _update(self, accumulators: Iterable[_Accumulator], values: list[Value]) -> list[Value]:
        rest = iter(values)
        result: list[Value] = []
        for a in accumulators:
            r = a.reduction
            x = self.f.splat(self.get(r.value), a.lanes)
            acc = next(rest)
            if self.mask is not None and self.vector is None:
                x = self.f.select(self.mask, x, identity(self.f, r, a.lanes))
            if r.position is not None:
                best = next(rest)
                result += self._update_arg(r, acc, best, x, self.f.splat(self.get(r.position), a.lanes))
            else:
                result.append(fold(self.f, r, acc, x))
        return result

    def _update_arg(self, r: Reduction, best: Value, at: Value, x: Value, position: Value) -> list[Value]:
        f = self.f
        better = compare(f, "gt" if r.kind == "argmax" else "lt", r.dtype, x, best)
        if r.dtype.is_float:
            better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
        if self.mask is not None and self.vector is None:
            better = f.and_(better, self.mask)
        return [f.select(better, x, best), f.select(better, position, at)]

    def _finish(self, a: _Accumulator, values: list[Value]) -> Value:
        """Fold the lanes, where they belong to one result, and round to the result's dtype."""
        f, r = self.f, a.reduction
        lanes_are_points = self.vector is not None
        if r.position is not None:
            return values[1] if lanes_are_points else self._finish_arg(r, *values)
        if not a.blocked:
            return values[0] if lanes_are_points else fold_lanes(self.f, r, values[0])
        if r.dtype.bytes == 4:
            return rounded(f, values if lanes_are_points else [f.reduce("fadd", values[0])])
        exact = rounded(f, values)
        return exact if lanes_are_points else f.reduce("fadd", exact)

    def _finish_arg(self, r: Reduction, x: Value, at: Value) -> Value:
        f = self.f
        while x.lanes > 1:
            half = x.lanes // 2
            if half == 1:
                a, b, i, j = f.extract(x, 0), f.extract(x, 1), f.extract(at, 0), f.extract(at, 1)
            else:
                a, b = f.shuffle(x, None, range(half)), f.shuffle(x, None, range(half, x.lanes))
                i, j = f.shuffle(at, None, range(half)), f.shuffle(at, None, range(half, at.lanes))
            earlier = f.cmp("slt", j, i)
            second = f.or_(
                compare(f, "gt" if r.kind == "argmax" else "lt", r.dtype, b, a),
                f.and_(compare(f, "eq", r.dtype, a, b), earlier),
            )
            if r.dtype.is_float:
                nan_a, nan_b = f.cmp("uno", a, a), f.cmp("uno", b, b)
                second = f.select(nan_b, f.or_(f.xor(nan_a, f.like(True, nan_a)), earlier), f.and_(second, f.cmp("ord", a, a)))
            x, at = f.select(second, b, a), f.select(second, j, i)
        return at

    # -- values -----------------------------------------------------------------------------------

    def get(self, i: Instr) -> Value:
        for scope in reversed(self.scopes):
            if i in scope:
                return scope[i]
        raise AssertionError(f"{i.name} ({i.op}) is used before it is known")

    def _known(self, i: Instr) -> bool:
        return any(i in scope for scope in self.scopes)

    def _ready(self, roots: Iterable[Instr]) -> None:
        """Write every instruction that the roots need and that the open loops allow."""
        order = needed(roots, self._from_scratch)
        self._hoist_addresses(order)
        waves = {(i.op, i.args): i for i in order if i.op in _OTHER_WAVE}
        for i in order:
            if self._known(i) or i.op == "reduced" or not i.loops <= self.loops.keys():
                continue
            if self._from_scratch(i):
                self.scopes[-1][i] = self._scratch_load(i)
            elif all(self._known(o) for o in i.operands()):
                twin = waves.get((_OTHER_WAVE.get(i.op, ""), i.args))
                if twin is None or self._known(twin) or self._from_scratch(twin):
                    self.scopes[-1][i] = self._compute(i)
                    if is_bound_check(i) and self.get(i).lanes == 1:
                        self._mask_bits(i)
                else:
                    self._compute_waves(*((i, twin) if i.op == "sin" else (twin, i)))

    def _compute_waves(self, sine: Instr, cosine: Instr) -> None:
        """Write the sine and the cosine of one angle, which share most of their work."""
        self.scopes[-1][sine], self.scopes[-1][cosine] = sincos(self.f, self.get(sine.args[0]))

    def _from_scratch(self, i: Instr) -> bool:
        if i not in self.plan.saved or self.stage is None:
            return False
        return self._home(i) is not self.stage

    def _home(self, i: Instr) -> Stage:
        return next(s for s in self.kernel.stages if s.inner and i.loops & set(s.inner) and i in needed(s.roots()))

    def _compute(self, i: Instr) -> Value:
        f = self.f
        if i.op == "constant":
            return self.number(i)
        if i.op == "size":
            return self.integer(i.attr, ("size", i))
        if i.op == "index":
            return self._index(i.attr, ("index", i))
        if i.op == "load":
            return self._load(i)
        xs = [self.get(x) for x in i.args]
        if i.op in ("and", "select") and xs[0].name == _TRUE:
            return xs[1]
        if i.op == "and" and xs[1].name == _TRUE:
            return xs[0]
        if i.op == "select" and xs[0].lanes == 1 < max(x.lanes for x in xs):
            return self._select_all(self._mask_bits(i.args[0]), *xs[1:])
        if i.op == "cast":
            return cast(f, xs[0], i.args[0].dtype, i.dtype)
        if i.op == "bound":
            return self._bound(xs)
        dtype = i.args[1 if i.op == "select" else 0].dtype
        return OPS[i.op](f, dtype, xs)

    def _select_all(self, cond: Value, x: Value, y: Value) -> Value:
        """Choose between vectors by an i64 of equal bits, in bits: LLVM would make a branch of a `select` by one condition."""
        f = self.f
        x, y = f.common(x, y)
        bits = {"float": "i32", "double": "i64"}.get(x.type, x.type)
        mask = f.splat(cond if bits == "i64" else f.convert("trunc", cond, bits), x.lanes)
        if x.type == "i1":
            return f.select(mask, x, y)
        other = f.xor(mask, f.like(-1, mask))
        first, second = (f.bitcast(v, bits) for v in (x, y))
        return f.bitcast(f.or_(f.and_(first, mask), f.and_(second, other)), x.type)

    def _mask_bits(self, cond: Instr) -> Value:
        """Return a condition that is the same in all lanes as an i64, all its bits set or none.

        Bounds checks are written by their differences' signs, where their loop is entered: LLVM would move a comparison
        into the loops that use it.
        """
        for known in reversed(self.places):
            if cond in known:
                return known[cond]
        f = self.f
        if cond.op == "and":
            bits = f.and_(self._mask_bits(cond.args[0]), self._mask_bits(cond.args[1]))
        elif is_bound_check(cond) and self.get(cond).name != _TRUE:
            x, y = (self.get(a) for a in cond.args)
            sign = f.ashr(f.sub(y, x) if cond.op == "le" else f.sub(x, y), f.like(63, x))
            bits = f.xor(sign, f.like(-1, sign)) if cond.op == "le" else sign
        else:
            bits = f.convert("sext", self.get(cond), "i64")
        self.places[-1][cond] = bits
        return bits

    def _bound(self, xs: list[Value]) -> Value:
        """Return whether an index is inside; if one that counts is not, leave a note for the caller."""
        f = self.f
        inside = f.cmp("ult", xs[0], xs[1])
        bad = f.xor(inside, f.like(True, inside))
        counts = [m for m in (*xs[2:], self.mask if inside.lanes > 1 else None) if m is not None]
        for mask in counts:
            bad = f.and_(bad, mask)
        with f.when(f.reduce("or", bad)):
            f.store(f.const(1, "i64"), self.status)
        return inside

    # -- addresses --------------------------------------------------------------------------------

    def _hoist_addresses(self, order: Iterable[Instr]) -> None:
        """Write the parts of addresses that the open loops allow, for the loops still to come."""
        for i in order:
            if i.op == "load" and any(lo not in self.loops for lo, _ in i.attr[1].loops):
                self._address(*i.attr)
        for stage in self.kernel.stages:
            for s in stage.stores:
                if any(lo not in self.loops for lo, _ in s.index.loops):
                    self._address(s.buffer, s.index)

    def _address(self, buffer: int, index: Index) -> Value:
        """Return the address of an index's constant and of its open loops, outermost first; each part is written once."""
        loops = [lo for lo in self.loops if index.coefficient(lo)]
        return self._address_along(buffer, index, loops)

    def _address_along(self, buffer: int, index: Index, loops: list[int]) -> Value:
        key = (buffer, index.const, tuple((lo, index.coefficient(lo)) for lo in loops))
        for known in reversed(self.places):
            if key in known:
                return known[key]
        f, type = self.f, MEMORY[self.kernel.buffers[buffer].dtype.name]
        if loops:
            loop, c = loops[-1], index.coefficient(loops[-1])
            step = self.loops[loop] if c == 1 else f.mul(self.loops[loop], self.integer(c, ("stride", (buffer, loop, c))))
            place = f.element(self._address_along(buffer, index, loops[:-1]), step, type)
        else:
            place = self.buffers[buffer]
            if index.const != 0:
                place = f.element(place, self.integer(index.const, ("offset", (buffer, index.const))), type)
        self.places[-1][key] = place
        return place

    def _first_lane(self, buffer: int, index: Index) -> Value:
        """Return the address of an index, at the first lane."""
        f, place = self.f, self._address(buffer, index)
        for value, c in index.values:
            scale = self.integer(c, ("scale", (buffer, value, c)))
            v = self.get(value)
            place = f.element(place, v if c == 1 else f.mul(v, scale), MEMORY[self.kernel.buffers[buffer].dtype.name])
        return place

    @property
    def _lane_loop(self) -> int | None:
        """The loop that lanes run along."""
        if self.vector is not None:
            return self.vector
        return self.stage.inner[-1] if self.stage is not None and self.stage.inner else None

    def _index(self, index: Index, role: tuple[str, object]) -> Value:
        """Return an index as an i64, of every lane."""
        f = self.f
        total = self.integer(index.const, (*role, "const"))  # type: ignore[arg-type]
        for loop, c in index.loops:
            scale = self.integer(c, (*role, loop))  # type: ignore[arg-type]
            at = self.loops[loop]
            if loop == self._lane_loop and self.lanes > 1:
                at = f.add(f.splat(at, self.lanes), f.iota("i64", self.lanes))
            total = self._sum(total, at if c == 1 else f.mul(at, f.splat(scale, at.lanes)))
        for value, c in index.values:
            v = self.get(value)
            scale = self.integer(c, (*role, value))  # type: ignore[arg-type]
            total = self._sum(total, v if c == 1 else f.mul(v, scale))
        return total

    def _sum(self, a: Value, b: Value) -> Value:
        if a.name == "0":
            return b
        return self.f.add(a, b)

    def _contiguous(self, index: Index) -> int | None:
        """Return 0 if all lanes are at one place, 1 if one after another, None if they are scattered."""
        stride = self._stride(index)
        return stride if stride in (0, 1) else None

    def _stride(self, index: Index) -> int | None:
        """Return how far the lanes are apart, in elements, if that is the same for all."""
        if any(self.get(v).lanes > 1 for v, _ in index.values):
            return None
        loop = self._lane_loop
        return index.coefficient(loop) if loop is not None and loop in self.loops and self.lanes > 1 else 0

    def _load(self, i: Instr) -> Value:
        f = self.f
        buffer, index = i.attr
        base, type = self.buffers[buffer], MEMORY[i.dtype.name]
        guard = self.get(i.args[-1]) if i.masked else None
        if guard is not None and guard.name == _TRUE:
            guard = None
        shape = self._contiguous(index)
        if shape == 1 and guard is not None and guard.lanes > 1:
            return self._load_some(i)
        if shape == 0 and (guard is None or guard.lanes == 1):
            x = self._load_one(self._first_lane(buffer, index), type, guard)
        elif shape == 1:
            x = self._load_lanes(buffer, index, type, guard)
        elif self._mask(guard) is None and self._stride(index) in FEW:
            x = self._load_every(buffer, index, type)
        else:
            offsets = f.splat(self._index(index, ("load", i)), self.lanes)
            x = self._gather(f.element(base, offsets, type), type, self._mask(guard))
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x

    def _load_every(self, buffer: int, index: Index, type: str) -> Value:
        """Load every second, third or fourth element: whole vectors, from the first wanted to the last, and their parts."""
        f, stride = self.f, self._stride(index)
        assert stride is not None
        span = (self.lanes - 1) * stride + 1
        x = f.load(self._first_lane(buffer, index), type, span)
        return f.shuffle(x, None, range(0, span, stride))

    def _load_lanes(self, buffer: int, index: Index, type: str, guard: Value | None) -> Value:
        """Load neighbours.  What is loaded anyway needs no guard a second time: where one fails, the value does not count."""
        f, key = self.f, ("loaded", buffer, index, self.lanes)
        for known in reversed(self.places):
            if key in known:
                return known[key]
        at, always = self._first_lane(buffer, index), guard is None
        if guard is not None and guard.lanes == 1:
            at, guard = f.select(guard, at, self._zeros(type)), None
        mask = self._mask(guard)
        x = f.load(at, type, self.lanes) if mask is None else self._masked_load(at, type, mask, guard)
        if always:
            self.places[-1][key] = x
        return x

    def _load_some(self, i: Instr) -> Value:
        """Load neighbours where a guard holds that differs among lanes.

        What is the same in all lanes chooses the address: a processor takes long over a vector of unmapped memory, of which
        it is to load nothing.
        """
        f, type = self.f, MEMORY[i.dtype.name]
        (buffer, index), same, differs = i.attr, [], []
        parts = [i.args[-1]]
        while parts:
            part = parts.pop()
            value = self.get(part)
            if value.lanes == 1:
                same += [value] if value.name != _TRUE else []
            elif part.op == "and":
                parts.extend(part.args)
            else:
                differs.append(value)
        at = self._first_lane(buffer, index)
        if same:
            at = f.select(functools.reduce(f.and_, same), at, self._zeros(type))
        mask = functools.reduce(f.and_, differs)
        x = f.masked_load(at, type, mask if self.mask is None else f.and_(mask, self.mask))
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x

    def _zeros(self, type: str) -> Value:
        """Return the address of zeros that a vector can be loaded from in the place of one that is not there."""
        key = ("zeros", (type, self.lanes))
        if key not in self.cached:
            self.cached[key] = place = self.f.alloca(type, self.lanes)
            self.f.entry_allocas.append(f"  store {llvm_type(type, self.lanes)} zeroinitializer, ptr {place.name}")
        return self.cached[key]

    def _masked_load(self, at: Value, type: str, mask: Value, guard: Value | None) -> Value:
        f = self.f
        if guard is not None or self.whole_vector is None:
            return f.masked_load(at, type, mask)
        name = f.fresh("part")
        f.cond_br(self.whole_vector, f"whole.{name}", name)
        f.start(f"whole.{name}")
        all_lanes = f.load(at, type, self.lanes)
        f.br(f"end.{name}")
        f.start(name)
        some = f.masked_load(at, type, mask)
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        merged = f"phi {llvm_type(type, self.lanes)} [ {all_lanes.name}, %whole.{name} ], [ {some.name}, %{name} ]"
        return f.inst(merged, type, self.lanes)

    def _mask(self, guard: Value | None) -> Value | None:
        """Return the mask of the lanes that are there and wanted."""
        if guard is None:
            return self.mask
        wide = self.f.splat(guard, self.lanes)
        return wide if self.mask is None else self.f.and_(wide, self.mask)

    def _load_one(self, at: Value, type: str, guard: Value | None) -> Value:
        f = self.f
        if guard is None:
            return f.load(at, type)
        before, name = f.label, f.fresh("guard")
        f.cond_br(guard, name, f"end.{name}")
        f.start(name)
        x = f.load(at, type)
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return f.inst(f"phi {type} [ {x.name}, %{name} ], [ {f.const(0, type).name}, %{before} ]", type)

    def _gather(self, at: Value, type: str, mask: Value | None) -> Value:
        f = self.f
        if self.lanes == 1:
            return self._load_one(at, type, mask)
        return f.gather(at, type, mask if mask is not None else f.const(True, "i1", self.lanes))

    def _stores(self, stores: Iterable[Store]) -> None:
        for s in stores:
            self._store(s)

    def _store(self, s: Store) -> None:
        f = self.f
        dtype = self.kernel.buffers[s.buffer].dtype
        x, type = self.get(s.value), MEMORY[dtype.name]
        if dtype.is_bool:
            x = f.convert("zext", x, "i8")
        base, shape = self.buffers[s.buffer], self._contiguous(s.index)
        role = ("store", s.buffer)
        if shape == 0:
            f.store(f.extract(x, 0), self._first_lane(s.buffer, s.index))
            return
        x = f.splat(x, self.lanes)
        if shape == 1:
            at = self._first_lane(s.buffer, s.index)
            if self.mask is None:
                f.store(x, at)
            elif self.whole_vector is None:
                f.masked_store(x, at, self.mask)
            else:
                self._store_whole_or_part(x, at, self.whole_vector, self.mask)
            return
        offsets = f.splat(self._index(s.index, role), self.lanes)
        f.scatter(x, f.element(base, offsets, type), self.mask if self.mask is not None else f.const(True, "i1", self.lanes))

    def _store_whole_or_part(self, x: Value, at: Value, whole: Value, mask: Value) -> None:
        f, name = self.f, self.f.fresh("part")
        f.cond_br(whole, f"whole.{name}", name)
        f.start(f"whole.{name}")
        f.store(x, at)
        f.br(f"end.{name}")
        f.start(name)
        f.masked_store(x, at, mask)
        f.br(f"end.{name}")
        f.start(f"end.{name}")

    # -- scratch rows -----------------------------------------------------------------------------

    def _scratch_place(self, i: Instr) -> Value:
        """Return the address of a saved value: dense along the inner loops, then over the lanes of outer points."""
        f = self.f
        at = self._position(next(s for s in self.kernel.stages if i.loops & set(s.inner)))
        if self.vector is not None:
            at = f.mul(at, f.i64(self.kernel.lanes))
        return f.element(self.scratch_at[i], at, MEMORY[i.dtype.name])

    def _saves(self, stage: Stage) -> None:
        for i in self.plan.saved:
            if self._home(i) is stage:
                x = self.get(i)
                x = self.f.convert("zext", x, "i8") if i.dtype.is_bool else x
                self.f.store(self.f.splat(x, self.lanes), self._scratch_place(i))

    def _scratch_load(self, i: Instr) -> Value:
        f = self.f
        x = f.load(self._scratch_place(i), MEMORY[i.dtype.name], self.lanes)
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x


class _Scope:
    """Values and loop indices that are known inside a block only."""

    def __init__(self, writer: _Writer, loops: dict[int, Value]) -> None:
        self.writer, self.bound = writer, loops

    def __enter__(self) -> None:
        self.writer.scopes.append({})
        self.writer.places.append({})
        self.writer.loops.update(self.bound)

    def __exit__(self, *error: object) -> None:
        self.writer.scopes.pop()
        self.writer.places.pop()
        for loop in self.bound:
            del self.writer.loops[loop]
