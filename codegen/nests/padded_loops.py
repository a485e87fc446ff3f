"""Emit a loop whose body reads padded arrays, most iterations without bounds checks.

    for i1 in 100:                                       if 0 <= i0 - 1:                          # an interior row
      load0 = in0[100*i0 + i1 - 101] if 0 <= i0 - 1        both ends, 8 elements at a time, with masks of 0 <= i1 - 1
                                    and 0 <= i1 - 1   →    the interior: load0 = in0[100*i0 + i1 - 101]
      …                                                  else:                                    # an edge row
                                                           all elements with masks, 8 at a time

A check is `along` the loop if it depends on its index, and `across` it if it is invariant in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.bounds_checks import Check, simple_check
from graphc.codegen.loops.loop_ir import Instr, Vector, ensure, needed
from graphc.codegen.nests.kernel_function import Number
from graphc.codegen.nests.scopes import TRUE, Body
from graphc.codegen.nests.vector_loops import WHOLE, Part, VectorLoops
from graphc.ir.core.structural_key import SMALL

__all__ = ["PaddedLoops"]

EDGE = SMALL
"""Lanes where bounds are checked lane by lane: every loop whose extent is a parameter has at least this many iterations."""


class PaddedLoops(VectorLoops):
    """Emits vector loops, split where bounds checks begin and cease to hold."""

    def _vector_loop(self, loop: int, vector: Vector, carry: Sequence[Value], body: Body, part: Part = WHOLE) -> list[Value]:
        """Emit a vector loop as its schedule says, all of it or, of one that is not split, a part."""
        if vector.remainder == "mask":
            return self._masked_loop(loop, vector.lanes, carry, body, part)
        if vector.across:
            return self._interior_or_edge(loop, vector, carry, body)
        if vector.along:
            return self._split_loop(loop, vector, carry, body)
        return self._plain_loop(loop, vector, carry, body, part)

    def _roots(self) -> list[Instr]:
        """Return the roots of the stages inside of the vector loop."""
        stages = self.kernel.stages if self.vector is not None or self.stage is None else [self.stage]
        return [v for s in stages for v in s.roots()]

    def _hold(self, checks: Iterable[Instr]) -> dict[Instr, Value]:
        """Return "true" for checks and for each conjunction of them."""
        true = set(checks)
        for i in needed(self._roots()):
            if (self.is_written(i) and self.get(i).name == TRUE) or (i.op == "and" and all(a in true for a in i.args)):
                true.add(i)
        return dict.fromkeys(true, self.f.const(True, "i1"))

    # -- interior and edge rows -------------------------------------------------------------------

    def _interior_or_edge(self, loop: int, vector: Vector, carry: Sequence[Value], body: Body) -> list[Value]:
        """Emit a vector loop twice: for interior rows, without the checks across it, and for edge rows."""
        f = self.f
        inside = functools.reduce(f.and_, map(self.get, vector.across))

        def within() -> list[Value]:
            self.scopes[-1].update(self._hold(vector.across))
            if vector.along:
                return self._split_loop(loop, vector, carry, body)
            return self._plain_loop(loop, vector, carry, body)

        def at_edge() -> list[Value]:
            if not vector.along:
                return self._plain_loop(loop, vector, carry, body)
            if carry:
                return self._split_loop(loop, vector, carry, body)
            vectors = self._vectors(loop, self.kernel.dims[loop], "all")
            self._overlapping(loop, body, vector.along, vectors, vectors, f.i64(0))
            return []

        return self._either(inside, within, at_edge)

    def _either(self, cond: Value, then: Callable[[], list[Value]], other: Callable[[], list[Value]]) -> list[Value]:
        """Emit a branch, each side in a scope of its own; return the phis of their values."""
        f, name = self.f, self.f.fresh("inside")
        f.cond_br(cond, name, f"not.{name}")
        sides = []
        for label, side in ((name, then), (f"not.{name}", other)):
            f.start(label)
            with self.scope({}):
                sides.append((side(), f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (first, here), (second, there) = sides
        return [f.phi(a, here, b, there) for a, b in zip(first, second, strict=True)]

    # -- the interior of a row and its ends -------------------------------------------------------

    def _split_loop(self, loop: int, vector: Vector, carry: Sequence[Value], body: Body) -> list[Value]:
        """Emit a loop whose bounds checks all hold in its interior: vectors without checks, then both ends with checks."""
        f, extent, lanes, along = self.f, self.kernel.dims[loop], vector.lanes, vector.along
        checks = [simple_check(i) for i in along]
        begin = min(max([0, *(c.first for c in checks)]), extent)
        end = max(begin, min([extent, *(c.end for c in checks if c.end is not None)]))
        if not carry:
            begin = min(-(-begin // EDGE) * EDGE, extent)
            end = max(begin, end)
        end = begin + (end - begin) // lanes * lanes
        where = (self.stage, loop, lanes)  # each stage has its own bounds
        lower, upper = (self.integer(n, (name, where), varies=True) for n, name in ((begin, "begin"), (end, "end")))
        self.lanes = lanes
        self._order_ends(loop, (begin, ("begin", where)), (end, ("end", where)), along)
        with self.counted(loop, lower, upper, lanes, carry) as at:
            self.scopes[-1].update(self._hold(along))
            at.next(body(at.carry))
        if carry:
            return self._ends(loop, lanes, at.results, body, along, lower, upper)
        before, after = self._vectors(loop, begin, "before"), self._vectors(loop, extent - end, "after")
        self._overlapping(loop, body, along, before, f.add(before, after), f.sub(upper, f.mul(before, f.i64(EDGE))))
        return []

    def _order_ends(self, loop: int, begin: Number, end: Number, along: Sequence[Instr]) -> None:
        """Record the inequalities that the interior, from `begin` to `end`, relies on: its bounds checks hold."""
        name, zero, extent = f"the interior of i{loop}", (0, ("nothing", 0)), (self.kernel.dims[loop], ("extent", loop))
        self.orders += [(f"{name}, its begin", zero, begin, begin, end), (f"{name}, its end", end, extent, begin, end)]
        for i in along:
            _, first, last = simple_check(i)
            where = (self.stage, loop, self.lanes, i)
            self.orders.append((f"the first that is inside, in {name}", (first, ("first", where)), begin, begin, end))
            if last is not None:
                self.orders.append((f"the end of {name}", end, (last, ("last", where)), begin, end))

    def _vectors(self, loop: int, elements: int, role: str) -> Value:
        """Return the number of narrow vectors that cover some elements of a loop."""
        return self.integer(-(-elements // EDGE), (role, (self.stage, loop)), varies=True)

    def _overlapping(self, loop: int, body: Body, along: Sequence[Instr], before: Value, count: Value, jump: Value) -> None:
        """Emit narrow vectors with checks lane by lane: `before` of them from the start, the rest `jump` elements farther.

        A vector that would reach beyond the end is moved back over its neighbour, and stores the same values again.
        """
        ensure(self.kernel.dims[loop] >= EDGE, f"a loop of less than {EDGE} iterations has no full vector")
        f, self.lanes = self.f, EDGE
        last = f.sub(self.extent(loop), f.i64(EDGE))
        with f.loop(f.i64(0), count, hint=f"i{loop}_") as iteration:
            here = f.mul(iteration.index, f.i64(EDGE))
            at = f.select(f.cmp("slt", iteration.index, before), here, f.add(here, jump))
            at = f.select(f.cmp("slt", at, last), at, last)
            with self.scope({loop: at}):
                self._check_lanes(along, at)
                body([])
        self.lanes = 1

    def _check_lanes(self, along: Sequence[Instr], at: Value) -> None:
        """Compute the lanes in which each check holds, for a vector that starts at `at`; equal checks once."""
        masks: dict[Check, Value] = {}
        for i in along:
            check = simple_check(i)
            if check not in masks:
                masks[check] = self._lanes_inside(i, at, check.first, check.end)
            self.scopes[-1][i] = masks[check]

    def _lanes_inside(self, check: Instr, at: Value, first: int, stop: int | None) -> Value:
        """Return the lanes in which a check holds, for a vector that starts at `at`."""
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
        along: Sequence[Instr],
        lower: Value,
        upper: Value,
    ) -> list[Value]:
        """Emit one masked loop for both ends: first the iterations below `lower`, then those from `upper` on."""
        f, self.lanes = self.f, lanes
        with f.loop(f.i64(0), f.i64(2), carry=carry, hint="end") as edge:
            last = f.cmp("ne", edge.index, f.i64(0))
            first, stop = f.select(last, upper, f.i64(0)), f.select(last, self.extent(loop), lower)
            with self.counted(loop, first, stop, lanes, edge.carry) as at:
                rest = f.binary("sub", stop, at.index)
                narrow = f.convert("trunc", f.select(f.cmp("sge", rest, f.i64(lanes)), f.i64(lanes), rest), "i32")
                self.mask = self.lane_mask(narrow)
                self._check_lanes(along, at.index)
                at.next(body(at.carry))
            self.mask = None
            edge.next(at.results)
        self.lanes = 1
        return edge.results
