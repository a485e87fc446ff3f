"""Carry the reductions of a pass through its loops.

Long sums of floats carry two values: a total, and a partial sum per block, which is then added to the total.  Other reductions
accumulate directly into their totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import compare
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Reduction
from graphc.codegen.nests.reductions import add_block, combine, halved, identity, reduce_lanes, rounded

__all__ = ["Accumulator", "Accumulators"]


@dataclass(frozen=True)
class Accumulator:
    """The state of one reduction."""

    f: Function
    reduction: Reduction
    lanes: int
    points: bool
    """Whether the lanes are points with a result each; otherwise they are reduced at the end."""
    blocked: bool
    """Whether partial sums are added to a total block by block, which keeps a float sum accurate."""
    ordered: bool = True
    """Whether positions grow from one iteration to the next, so that the first of equal elements is met first."""

    @property
    def total_lanes(self) -> int:
        """The lanes of a total."""
        return self.lanes if self.points else min(self.lanes, 8)

    def start(self) -> list[Value]:
        """Return the carried values before the first element."""
        if self.blocked:
            zero = self.f.const(0.0, "double", self.total_lanes)
            return [zero] if self.reduction.dtype.bytes == 4 else [zero, zero]
        first = identity(self.f, self.reduction, self.lanes)
        return [first] if self.reduction.position is None else [first, self.f.const(0, "i64", self.lanes)]

    def opened(self, totals: list[Value]) -> list[Value]:
        """Return the initial values of a block: zero for a blocked sum, else the totals."""
        return [identity(self.f, self.reduction, self.lanes)] if self.blocked else totals

    def closed(self, totals: list[Value], partial: list[Value]) -> list[Value]:
        """Return the totals after a block."""
        return add_block(self.f, totals, halved(self.f, partial[0], self.total_lanes)) if self.blocked else partial

    def updated(self, values: list[Value], x: Value, position: Value | None, mask: Value | None) -> list[Value]:
        """Accumulate an element where the mask holds."""
        x = self.f.splat(x, self.lanes)
        if mask is not None:
            x = self.f.select(mask, x, identity(self.f, self.reduction, self.lanes))
        if position is None:
            return [combine(self.f, self.reduction, values[0], x)]
        return self._updated_position(values[0], values[1], x, self.f.splat(position, self.lanes), mask)

    def _updated_position(self, best: Value, at: Value, x: Value, position: Value, mask: Value | None) -> list[Value]:
        f, r = self.f, self.reduction
        better = compare(f, "gt" if r.kind == "argmax" else "lt", r.dtype, x, best)
        if r.dtype.is_float:
            better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
        if not self.ordered:
            better = f.or_(better, f.and_(self._ties(x, best), f.cmp("slt", position, at)))
        if mask is not None:
            better = f.and_(better, mask)
        return [f.select(better, x, best), f.select(better, position, at)]

    def _ties(self, a: Value, b: Value) -> Value:
        """Return whether neither of two elements is better: they are equal, or both NaN."""
        f, dtype = self.f, self.reduction.dtype
        equal = compare(f, "eq", dtype, a, b)
        return f.or_(equal, f.and_(f.cmp("uno", a, a), f.cmp("uno", b, b))) if dtype.is_float else equal

    def finished(self, values: list[Value]) -> Value:
        """Reduce the lanes, if they belong to one result, and round to the result's dtype."""
        f, r = self.f, self.reduction
        if r.position is not None:
            return values[1] if self.points else self._finished_position(*values)
        if not self.blocked:
            return values[0] if self.points else reduce_lanes(f, r, values[0])
        if r.dtype.bytes == 4:
            return rounded(f, values if self.points else [f.reduce("fadd", values[0])])
        exact = rounded(f, values)
        return exact if self.points else f.reduce("fadd", exact)

    def _finished_position(self, x: Value, at: Value) -> Value:
        f, r = self.f, self.reduction
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


class Accumulators:
    """All reductions of a pass, whose values a loop carries in one row."""

    def __init__(self, members: Sequence[Accumulator]) -> None:
        self.members = members

    @property
    def blocked(self) -> bool:
        """Whether the pass runs in blocks."""
        return any(a.blocked for a in self.members)

    def start(self) -> list[Value]:
        """Return the carried values before the first element."""
        return [v for a in self.members for v in a.start()]

    def totals(self, values: list[Value]) -> Iterator[tuple[Accumulator, list[Value]]]:
        """Yield each reduction with its part of the totals."""
        rest = iter(values)
        for a in self.members:
            yield a, [next(rest) for _ in a.start()]

    def partial(self, values: list[Value]) -> Iterator[tuple[Accumulator, list[Value]]]:
        """Yield each reduction with its part of the values that a block carries."""
        rest = iter(values)
        for a in self.members:
            yield a, [next(rest) for _ in a.opened(a.start())]

    def opened(self, totals: list[Value]) -> list[Value]:
        """Return the initial values of a block."""
        return [v for a, before in self.totals(totals) for v in a.opened(before)]

    def closed(self, totals: list[Value], partial: list[Value]) -> list[Value]:
        """Return the totals after a block."""
        parts = zip(self.totals(totals), self.partial(partial), strict=True)
        return [v for (a, before), (_, block) in parts for v in a.closed(before, block)]
