"""Emit one loop as vectors and a masked remainder: the body twice, or once, always under the mask, if it is long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Vector
from graphc.codegen.nests.scalars import Scalars
from graphc.codegen.nests.scopes import Body

__all__ = ["WHOLE", "Part", "VectorLoops"]


class Part(NamedTuple):
    """The part of a vector loop that is emitted: whole vectors from `start` to `stop`, by default all, and the remainder."""

    start: Value | None = None
    stop: Value | None = None
    vectors: bool = True
    remainder: bool = True


WHOLE = Part()


class VectorLoops(Scalars):
    """Emits loops whose iterations are lanes."""

    def _plain_loop(
        self,
        loop: int,
        vector: Vector,
        carry: Sequence[Value],
        body: Body,
        part: Part = WHOLE,
    ) -> list[Value]:
        """Emit a loop as vectors, then the remainder under a mask."""
        lanes, remainder = vector.lanes, vector.remainder
        end = self.vector_end(loop, lanes)
        values = list(carry)
        self.lanes = lanes
        if part.vectors and remainder not in ("empty", "single"):
            with self.counted(loop, part.start, part.stop or end, lanes, values) as at:
                at.next(body(at.carry))
            values = at.results
        if part.remainder and remainder not in ("empty", "exact"):
            values = self._tail(loop, end, values, body)
        self.lanes = 1
        return values

    def _tail(self, loop: int, start: Value, values: list[Value], body: Body) -> list[Value]:
        f = self.f
        rest = f.binary("sub", self.extent(loop), start)
        some = f.cmp("sgt", rest, f.i64(0))
        before, name = f.label, f.fresh("tail")
        f.cond_br(some, name, f"end.{name}")
        f.start(name)
        with self.scope({loop: start}):
            self.mask = self.lane_mask(f.convert("trunc", rest, "i32"))
            after = body(values)
            self.mask = None
        end = f.label
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return [f.phi(a, end, b, before) for a, b in zip(after, values, strict=True)]

    def _masked_loop(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Body,
        part: Part,
    ) -> list[Value]:
        """Emit a loop of vectors that are all under a mask, the remainder among them."""
        if not part.vectors:
            return list(carry)
        f, extent = self.f, self.extent(loop)
        self.lanes = lanes
        with self.counted(loop, part.start, part.stop or extent, lanes, carry) as at:
            rest = f.binary("sub", extent, at.index)
            self.whole_vector = f.cmp("sge", rest, f.i64(lanes))
            self.mask = self.lane_mask(f.convert("trunc", f.select(self.whole_vector, f.i64(lanes), rest), "i32"))
            at.next(body(at.carry))
        self.mask = self.whole_vector = None
        self.lanes = 1
        return at.results
