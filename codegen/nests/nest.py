"""Emit a scheduled loop kernel as one LLVM function.

The function takes a parameter block and the addresses of its buffers: `void @k(ptr parameters, ptr in0, …, ptr out0, …)`.
Extents and strides above `SMALL`, and constants that are not simple, are parameters, so that the text, and with it the machine
code, is the same for other sizes.

Values are computed in the outermost loop where they are invariant; the vector loop is emitted twice, for vectors and, under a
mask, for the remainder.
"""

from __future__ import annotations

from math import prod

from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Instr, Kernel, Reduction, Stage, needed
from graphc.codegen.loops.schedule import Schedule
from graphc.codegen.nests.accumulators import Accumulator, Accumulators
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.codegen.nests.outer_reductions import OuterReductions
from graphc.codegen.nests.padded_loops import PaddedLoops
from graphc.ir.core.structural_key import SMALL

__all__ = ["emit_kernel"]

SUM_BLOCK = 4096
"""Elements of a row that a float sum adds in its own precision before it is added to the total."""

OUTER_SUM_BLOCK = 256
"""The same for outer reductions, where each lane is a separate sum."""


def emit_kernel(module: Module, kernel: Kernel, plan: Schedule, name: str) -> KernelFunction:
    """Emit `kernel` into `module` as function `name`."""
    writer = _Writer(module, kernel, plan, name)
    writer.write()
    return writer


class _Writer(PaddedLoops):
    """Emits the nest: outer loops, and one stage after another inside of them."""

    outer_reductions: OuterReductions | None = None

    def write(self) -> None:
        self._lay_out_scratch()
        everything = [v for s in self.kernel.stages for v in s.roots()]
        if self.kernel.outer_reductions:
            self.outer_reductions = OuterReductions(self, self.kernel, self.kernel.lanes if self.vector is not None else 1)
        self._ready(everything)
        self._outer(list(self.kernel.outer), everything)
        self.f.ret()

    def _outer(self, loops: list[int], wanted: list[Instr]) -> None:
        if not loops:
            self._stages()
            return
        loop, rest = loops[0], loops[1:]
        if self.outer_reductions is not None and self.kernel.folded == set(loops):
            self.outer_reductions.clear()
        if self.outer_reductions is not None and not rest:
            self._column_blocks(self.outer_reductions, loop, wanted)
        elif loop == self.vector:
            self._vector_loop(loop, self.kernel.lanes, (), lambda carry: self._points(wanted))
        else:
            self._outer_loop(loop, rest, wanted)
        if self.outer_reductions is not None and self.kernel.folded == set(loops):
            for stage in self.outer_reductions.accumulators:
                self._column_stores(self.outer_reductions, stage, list(stage.inner))

    def _outer_loop(self, loop: int, rest: list[int], wanted: list[Instr]) -> None:
        with self.counted(loop):
            self._ready(wanted)
            self._outer(rest, wanted)

    def _points(self, wanted: list[Instr]) -> list[Value]:
        self._ready(wanted)
        self._stages()
        return []

    def _column_blocks(self, outer_reductions: OuterReductions, loop: int, wanted: list[Instr]) -> None:
        """Emit the last outer loop in blocks, the remainder first; each block adds its outer reductions to their totals."""
        f, lanes = self.f, outer_reductions.lanes
        once = self._is_once(loop, lanes)
        if loop == self.vector and not once:
            self._vector_loop(loop, lanes, (), lambda carry: self._points(wanted), main=False)
        stop = self.extent(loop) if once or lanes == 1 else self.vector_end(loop, lanes)
        least = f.select(f.cmp("slt", stop, f.i64(1)), f.i64(1), stop)
        with f.loop(f.i64(0), least, OUTER_SUM_BLOCK * lanes, nonempty=True, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(OUTER_SUM_BLOCK * lanes))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            if loop == self.vector:
                self._vector_loop(loop, lanes, (), lambda carry: self._points(wanted), block.index, end, tail=False)
            else:
                with self.counted(loop, block.index, end):
                    self._points(wanted)
            outer_reductions.flush()

    def _column_stores(self, outer_reductions: OuterReductions, stage: Stage, loops: list[int]) -> None:
        if loops:
            loop, rest = loops[0], loops[1:]
            with self.counted(loop):
                self._column_stores(outer_reductions, stage, rest)
            return
        self.scopes[-1].update(outer_reductions.results(stage, self._position(stage)))
        self._stores([c.store for c in stage.outer_reductions])

    # -- stages -----------------------------------------------------------------------------------

    def _stages(self) -> None:
        for number, stage in enumerate(self.kernel.stages):
            self.stage = stage
            if stage.inner:
                self._loops_of(stage, self.lanes if self.vector is not None else self.plan.stage_lanes[number])
            else:
                self._ready(stage.roots())
                self._stores(stage.stores)
            later = [v for s in self.kernel.stages[number + 1 :] for v in s.roots()]
            self._ready(later)

    def _loops_of(self, stage: Stage, lanes: int) -> None:
        accumulators = Accumulators([self._accumulator(r, lanes) for r in stage.reductions])
        final = self._inner(stage, list(stage.inner), lanes, accumulators, accumulators.start())
        for a, values in accumulators.totals(final):
            result = a.finished(values)
            for i in self._reduced(a.reduction):
                self.scopes[-1][i] = result

    def _accumulator(self, r: Reduction, lanes: int) -> Accumulator:
        extents = [self.kernel.dims[lo] for lo in r.inner]
        short = all(map(self.is_known, extents)) and prod(extents) <= SMALL * SMALL
        blocked = r.kind == "sum" and r.dtype.is_float and not short
        side = self.vector is not None and self.vector not in r.value.loops
        ordered = r.position is None or r.inner == self.current().inner
        return Accumulator(self.f, r, 1 if side else lanes, self.vector is not None, blocked, ordered)

    def _reduced(self, r: Reduction) -> list[Instr]:
        roots = [v for s in self.kernel.stages for v in s.roots()]
        return [i for i in needed(roots) if i.op == "reduced" and i.attr is r]

    def _inner(self, stage: Stage, loops: list[int], lanes: int, accumulators: Accumulators, carry: list[Value]) -> list[Value]:
        """Emit the inner loops of a stage and return the carried values after them."""
        loop, rest = loops[0], loops[1:]
        if rest:
            with self.counted(loop, carry=carry) as at:
                self._ready(stage.roots())
                at.next(self._inner(stage, rest, lanes, accumulators, at.carry))
            return at.results
        if not accumulators.blocked:
            return self._innermost(stage, loop, lanes, accumulators, carry, None, None)
        return self._blocks(stage, loop, lanes, accumulators, carry)

    def _blocks(self, stage: Stage, loop: int, lanes: int, accumulators: Accumulators, carry: list[Value]) -> list[Value]:
        """Emit the innermost loop in blocks, whose sums are added to the total one by one."""
        f = self.f
        step = lanes if self.vector is None else 1
        size = SUM_BLOCK if self.vector is None else OUTER_SUM_BLOCK
        once = self._is_once(loop, step)
        stop = self.extent(loop) if step == 1 or once else self.vector_end(loop, step)
        totals = carry
        with f.loop(f.i64(0), stop, size, carry, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(size))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            partial = accumulators.opened(block.carry)
            partial = self._innermost(stage, loop, lanes, accumulators, partial, block.index, end, tail=False)
            block.next(accumulators.closed(block.carry, partial))
        totals = block.results
        if step == 1 or once:
            return totals
        partial = self._innermost(stage, loop, lanes, accumulators, accumulators.opened(totals), None, None, main=False)
        return accumulators.closed(totals, partial)

    def _updated(self, accumulators: Accumulators, values: list[Value]) -> list[Value]:
        mask = self.mask if self.vector is None else None
        result: list[Value] = []
        for a, before in accumulators.partial(values):
            x, position = self.get(a.reduction.value), a.reduction.position
            result += a.updated(before, x, None if position is None else self.get(position), mask)
        return result

    def _innermost(
        self,
        stage: Stage,
        loop: int,
        lanes: int,
        accumulators: Accumulators,
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
            if self.outer_reductions is not None and stage.outer_reductions:
                reduced = [self.f.splat(self.get(c.reduction.value), self.lanes) for c in stage.outer_reductions]
                self.outer_reductions.add(stage, self._position(stage), reduced, self.mask)
            return self._updated(accumulators, values)

        if self.vector is None:
            return self._vector_loop(loop, lanes, carry, body, start, stop, tail=tail, main=main)
        with self.counted(loop, start, stop, carry=carry) as at:
            at.next(body(at.carry))
        return at.results
