"""Emit a scheduled loop kernel as one LLVM function.

The function takes a parameter block and the addresses of its buffers: `void @k(ptr parameters, ptr in0, …, ptr out0, …)`.
Extents and strides above `SMALL`, and constants that are not simple, are parameters, so that the text, and with it the machine
code, is the same for other sizes.

Values are computed in the outermost loop where they are invariant; the vector loop is emitted twice, for vectors and, under a
mask, for the remainder.
"""

from __future__ import annotations

from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Instr, Kernel, PassSchedule, Reduction, Stage
from graphc.codegen.nests.accumulators import Accumulator, Accumulators
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.codegen.nests.outer_reductions import OuterReductions
from graphc.codegen.nests.padded_loops import PaddedLoops
from graphc.codegen.nests.vector_loops import WHOLE, Part

__all__ = ["emit_kernel"]


def emit_kernel(module: Module, kernel: Kernel) -> KernelFunction:
    """Emit a scheduled kernel into `module` as a function of its name."""
    writer = _Writer(module, kernel, kernel.name)
    writer.write()
    return writer


class _Writer(PaddedLoops):
    """Emits the nest: outer loops, and one stage after another inside of them."""

    outer_reductions: OuterReductions | None = None

    def write(self) -> None:
        self._share()
        self._lay_out_scratch()
        everything = [v for s in self.kernel.stages for v in s.roots()]
        if self.kernel.outer_reductions:
            self.outer_reductions = OuterReductions(self, self.kernel, self.point_lanes)
        self._ready(everything)
        self._outer(list(self.kernel.outer), everything)
        self.f.ret()

    def _share(self) -> None:
        """Name the extent and the grain of the parallel loop among the parameters, for the call."""
        shared = self.plan.parallel
        if shared is not None:
            extent, grain = self.kernel.dims[shared.loop], shared.grain
            self.range = (extent, ("extent", shared.loop)), (grain, ("grain", shared.loop))
            self.integer(*self.range[0])
            self.integer(*self.range[1], varies=True)

    def _outer(self, loops: list[int], wanted: list[Instr]) -> None:
        if not loops:
            self._stages()
            return
        loop, rest = loops[0], loops[1:]
        if self.outer_reductions is not None and self.kernel.folded == set(loops):
            self.outer_reductions.clear()
        if self.outer_reductions is not None and not rest:
            self._outer_blocks(self.outer_reductions, loop, wanted)
        elif self.plan.points is not None and not rest:
            self._vector_loop(loop, self.plan.points, (), lambda carry: self._points(wanted))
        else:
            self._outer_loop(loop, rest, wanted)
        if self.outer_reductions is not None and self.kernel.folded == set(loops):
            for stage in self.outer_reductions.accumulators:
                self._outer_stores(self.outer_reductions, stage, list(stage.inner))

    def _outer_loop(self, loop: int, rest: list[int], wanted: list[Instr]) -> None:
        with self.counted(loop):
            self._ready(wanted)
            self._outer(rest, wanted)

    def _points(self, wanted: list[Instr]) -> list[Value]:
        self._ready(wanted)
        self._stages()
        return []

    def _outer_blocks(self, outer_reductions: OuterReductions, loop: int, wanted: list[Instr]) -> None:
        """Emit the last outer loop in blocks, the remainder first; each block adds its outer reductions to their totals."""
        f, lanes, points = self.f, self.point_lanes, self.plan.points
        once = points is not None and points.remainder == "mask"
        if points is not None and not once:
            self._vector_loop(loop, points, (), lambda carry: self._points(wanted), Part(vectors=False))
        stop = self.extent(loop) if once or lanes == 1 else self.vector_end(loop, lanes)
        least = f.select(f.cmp("slt", stop, f.i64(1)), f.i64(1), stop)
        with f.loop(f.i64(0), least, self.plan.block, nonempty=True, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(self.plan.block))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            if points is not None:
                part = Part(block.index, end, remainder=False)
                self._vector_loop(loop, points, (), lambda carry: self._points(wanted), part)
            else:
                with self.counted(loop, block.index, end):
                    self._points(wanted)
            outer_reductions.flush()

    def _outer_stores(self, outer_reductions: OuterReductions, stage: Stage, loops: list[int]) -> None:
        if loops:
            loop, rest = loops[0], loops[1:]
            with self.counted(loop):
                self._outer_stores(outer_reductions, stage, rest)
            return
        self.scopes[-1].update(outer_reductions.results(stage, self._position(stage)))
        self._stores([c.store for c in stage.outer_reductions])

    # -- stages -----------------------------------------------------------------------------------

    def _stages(self) -> None:
        for number, stage in enumerate(self.kernel.stages):
            self.stage_number = number
            if stage.inner:
                self._loops_of(stage, self.plan.passes[number])
            else:
                self._ready(stage.roots())
                self._stores(stage.stores)
            later = [v for s in self.kernel.stages[number + 1 :] for v in s.roots()]
            self._ready(later)

    def _loops_of(self, stage: Stage, plan: PassSchedule) -> None:
        lanes = self.lanes if plan.vector is None else plan.vector.lanes
        accumulators = Accumulators([self._accumulator(stage, r, lanes) for r in stage.reductions])
        final = self._inner(stage, list(stage.inner), plan, accumulators, accumulators.start())
        for a, values in accumulators.totals(final):
            result = a.finished(values)
            for i in self._reduced(a.reduction):
                self.scopes[-1][i] = result

    def _accumulator(self, stage: Stage, r: Reduction, lanes: int) -> Accumulator:
        side = self.vector is not None and self.vector not in r.value.loops
        ordered = r.position is None or r.inner == stage.inner
        return Accumulator(self.f, r, 1 if side else lanes, self.vector is not None, r in self.plan.wide, ordered)

    def _reduced(self, r: Reduction) -> list[Instr]:
        return [i for i in self.kernel.instructions if i.op == "reduced" and i.attr is r]

    def _inner(
        self, stage: Stage, loops: list[int], plan: PassSchedule, accumulators: Accumulators, carry: list[Value]
    ) -> list[Value]:
        """Emit the inner loops of a stage and return the carried values after them."""
        loop, rest = loops[0], loops[1:]
        if rest:
            with self.counted(loop, carry=carry) as at:
                self._ready(stage.roots())
                at.next(self._inner(stage, rest, plan, accumulators, at.carry))
            return at.results
        if not plan.block:
            return self._innermost(stage, loop, plan, accumulators, carry, WHOLE)
        return self._blocks(stage, loop, plan, accumulators, carry)

    def _blocks(
        self, stage: Stage, loop: int, plan: PassSchedule, accumulators: Accumulators, carry: list[Value]
    ) -> list[Value]:
        """Emit the innermost loop in blocks, whose sums are added to the total one by one."""
        f = self.f
        step = 1 if plan.vector is None else plan.vector.lanes
        once = plan.vector is not None and plan.vector.remainder == "mask"
        stop = self.extent(loop) if step == 1 or once else self.vector_end(loop, step)
        totals = carry
        with f.loop(f.i64(0), stop, plan.block, carry, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(plan.block))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            partial = accumulators.opened(block.carry)
            partial = self._innermost(stage, loop, plan, accumulators, partial, Part(block.index, end, remainder=False))
            block.next(accumulators.closed(block.carry, partial))
        totals = block.results
        if step == 1 or once:
            return totals
        partial = self._innermost(stage, loop, plan, accumulators, accumulators.opened(totals), Part(vectors=False))
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
        plan: PassSchedule,
        accumulators: Accumulators,
        carry: list[Value],
        part: Part,
    ) -> list[Value]:
        def body(values: list[Value]) -> list[Value]:
            self._ready(stage.roots())
            self._saves()
            self._stores(stage.stores)
            if self.outer_reductions is not None and stage.outer_reductions:
                reduced = [self.f.splat(self.get(c.reduction.value), self.lanes) for c in stage.outer_reductions]
                self.outer_reductions.add(stage, self._position(stage), reduced, self.mask)
            return self._updated(accumulators, values)

        if plan.vector is not None:
            return self._vector_loop(loop, plan.vector, carry, body, part)
        with self.counted(loop, part.start, part.stop, carry=carry) as at:
            at.next(body(at.carry))
        return at.results
