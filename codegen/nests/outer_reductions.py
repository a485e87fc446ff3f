"""Accumulate reductions over a kernel's last outer loops in memory, such as column sums beside row sums.

    for i0 in 64:                               sums[0:64] = 0
      for i1 in 64:                             for i0 in 64:
        sum_0 = sum over i1 of …          →       for i1 in 64:
        sum_1 = sum over i0 of …                    sum_0 += …;  sums[i1] += …
      out0[i0] = sum_0                            out0[i0] = sum_0
    out1[i1] = sum_1                            for i1 in 64: out1[i1] = sums[i1]

Each point of a pass has an accumulator in scratch memory, or, where the lanes are points of a reduced loop, one per lane.
After each block the accumulators are added to totals, as for other long sums, to stay accurate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import BYTES, Value
from graphc.codegen.loops.loop_ir import Instr, Kernel, OuterReduction, Reduction, Stage, ensure
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.codegen.nests.reductions import add_block, combine, identity, reduce_lanes, rounded

__all__ = ["OuterReductions"]

WIDE = 8
"""Accumulators that are initialized or added at a time; the last group may be partial."""

PADDING = 1024
"""Bytes beyond the accumulators, for the whole vectors at their end."""


@dataclass
class _Accumulators:
    """The accumulators of one reduction: its sums in memory, one per lane, and its totals, in one part or two."""

    column: OuterReduction
    sums: Value
    totals: list[Value]
    blocked: bool

    @property
    def reduction(self) -> Reduction:
        return self.column.reduction


class OuterReductions:
    """The outer reductions of a kernel.  `lanes` are the points that lie side by side for each of theirs."""

    def __init__(self, function: KernelFunction, kernel: Kernel, lanes: int) -> None:
        self.function, self.f, self.kernel, self.lanes = function, function.f, kernel, lanes
        self.accumulators = {s: [self._of_stage(s, c) for c in s.outer_reductions] for s in kernel.stages if s.outer_reductions}

    def _of_stage(self, stage: Stage, column: OuterReduction) -> _Accumulators:
        r = column.reduction
        count, blocked = self._count(stage), r in self.kernel.plan.wide
        sums = self._scratch(("sums", column), count * self.lanes * r.dtype.bytes)
        totals = [self._scratch(("totals", (column, k)), count * 8) for k in range(2 if blocked and r.dtype.bytes == 8 else 1)]
        return _Accumulators(column, sums, totals, blocked)

    def _count(self, stage: Stage) -> int:
        return prod(self.kernel.dims[lo] for lo in stage.inner)

    def _scratch(self, role: tuple[str, object], size: int) -> Value:
        address = self.f.element(self.function.scratch, self.function.integer(self.function.scratch_bytes, role), "i8")
        size = -(-size // 64) * 64 + PADDING
        self.function.scratch_bytes += size
        self.function.bounded(address, size, ("room", role))
        return address

    def clear(self) -> None:
        """Initialize all outer reductions."""
        f = self.f
        for stage, places in self.accumulators.items():
            count = self.function.integer(self._count(stage), ("count", stage), varies=True)
            with f.loop(f.i64(0), count, WIDE, hint="total") as at:
                for p in places:
                    first = f.const(0.0, "double", WIDE) if p.blocked else identity(f, p.reduction, WIDE)
                    for total in p.totals:
                        self._write(total, at.index, first)
            with f.loop(f.i64(0), f.mul(count, f.i64(self.lanes)), WIDE, hint="place") as at:
                for p in places:
                    self._write(p.sums, at.index, identity(f, p.reduction, WIDE))

    def add(self, stage: Stage, point: Value, values: list[Value], mask: Value | None) -> None:
        """Accumulate values at a point, or at the points from that on, or, under a mask, at some of them."""
        f = self.f
        at = f.mul(point, f.i64(self.lanes)) if self.lanes > 1 else point
        for p, x in zip(self.accumulators[stage], values, strict=True):
            r = p.reduction
            if mask is not None:
                x = f.select(mask, x, identity(f, r, x.lanes))
            self._write(p.sums, at, combine(f, r, self._read(p.sums, at, LLVM[r.dtype.name], x.lanes), x))

    def flush(self) -> None:
        """Add the accumulators to the totals, and initialize them again."""
        f, wide = self.f, WIDE if self.lanes == 1 else 1
        for stage, places in self.accumulators.items():
            count = self.function.integer(self._count(stage), ("count", stage), varies=True)
            with f.loop(f.i64(0), count, wide, hint="place") as at:
                first = at.index if wide > 1 else f.mul(at.index, f.i64(self.lanes))
                for p in places:
                    r, type = p.reduction, LLVM[p.reduction.dtype.name]
                    x = self._read(p.sums, first, type, wide * self.lanes)
                    self._write(p.sums, first, identity(f, r, wide * self.lanes))
                    x = x if wide > 1 else reduce_lanes(f, r, x)
                    kind = "double" if p.blocked else type
                    before = [self._read(total, at.index, kind, wide) for total in p.totals]
                    after = add_block(f, before, x) if p.blocked else [combine(f, r, before[0], x)]
                    for total, value in zip(p.totals, after, strict=True):
                        self._write(total, at.index, value)

    def results(self, stage: Stage, point: Value) -> dict[Instr, Value]:
        """Return the outer reductions of a point, for their stores."""
        totals = {}
        for p in self.accumulators[stage]:
            kind = "double" if p.blocked else LLVM[p.reduction.dtype.name]
            total = [self._read(t, point, kind, 1) for t in p.totals]
            totals[p.column.store.value] = rounded(self.f, total) if p.blocked else total[0]
        return totals

    def _read(self, base: Value, at: Value, type: str, lanes: int) -> Value:
        f, memory_type = self.f, "i8" if type == "i1" else type
        x = f.load(f.element(base, at, memory_type), memory_type, lanes)
        ensure(lanes * BYTES[memory_type] <= PADDING, f"a vector of {lanes} {memory_type} is longer than the padding")
        return f.cmp("ne", x, f.like(0, x)) if type == "i1" else x

    def _write(self, base: Value, at: Value, x: Value) -> None:
        x = self.f.convert("zext", x, "i8") if x.type == "i1" else x
        ensure(x.lanes * BYTES[x.type] <= PADDING, f"a vector of {x.lanes} {x.type} is longer than the padding")
        self.f.store(x, self.f.element(base, at, x.type))
