"""Write one loop by whole vectors, and what is left over under a mask: twice, or once if the body is long."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.llvm.values import Value, llvm_type
from graphc.codegen.nests.scalars import Scalars
from graphc.codegen.nests.scopes import Body

__all__ = ["VectorLoops"]


class VectorLoops(Scalars):
    """Loops along the lanes of a kernel being written."""

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
                self.scope({loop: at.index}),
            ):
                at.next(body(at.carry))
            values = at.results
        if tail and not (known and extent % lanes == 0) and lanes > 1:
            values = self._tail(loop, lanes, whole, values, body)
        self.lanes = 1
        return values

    def _tail(self, loop: int, lanes: int, whole: Value, values: list[Value], body: Body) -> list[Value]:
        f = self.f
        rest = f.binary("sub", self.extent(loop), whole)
        some = f.cmp("sgt", rest, f.i64(0))
        before, name = f.label, f.fresh("tail")
        f.cond_br(some, name, f"end.{name}")
        f.start(name)
        with self.scope({loop: whole}):
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

    def _is_once(self, loop: int, lanes: int) -> bool:
        """Whether a vector loop is one loop under a mask, without a tail."""
        extent = self.kernel.dims[loop]
        if lanes == 1 or (self.is_known(extent) and (extent < lanes or extent % lanes == 0)):
            return False
        return any(self.plan.once) if self.vector is not None else self.plan.once[self.kernel.stages.index(self.current())]

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
            self.scope({loop: at.index}),
        ):
            rest = f.binary("sub", extent, at.index)
            self.whole_vector = f.cmp("sge", rest, f.i64(lanes))
            narrow = f.convert("trunc", f.select(self.whole_vector, f.i64(lanes), rest), "i32")
            self.mask = f.cmp("slt", f.iota("i32", lanes), narrow)
            at.next(body(at.carry))
        self.mask = self.whole_vector = None
        self.lanes = 1
        return at.results
