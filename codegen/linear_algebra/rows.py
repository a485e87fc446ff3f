"""Rows of matrices in emitted code: spans of columns, copies, exchanges of rows, sums of a row and a multiple of another."""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.gemm.blocking import Matrix, at, multiply_add
from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value

__all__ = ["LANES", "Span", "add_multiple", "address", "copy", "exchange", "masked_store", "part_load"]

LANES = 8
"""The elements of a vector."""

Body = Callable[[Value, "Value | None"], None]
"""Emits the code for a vector of elements from an index on; the mask of a part of a vector, or None."""


def address(f: Function, x: Matrix, type: str, i: Value, j: Value) -> Value:
    """Return the address of element (i, j)."""
    return at(f, x.base, type, (i, x.row), (j, x.col))


def part_load(f: Function, place: Value, type: str, mask: Value | None, lanes: int = LANES) -> Value:
    """Load a vector; the lanes outside of the mask are zero."""
    return f.load(place, type, lanes) if mask is None else f.masked_load(place, type, mask)


def masked_store(f: Function, x: Value, place: Value, mask: Value | None) -> None:
    """Store the lanes of a vector in the mask."""
    if mask is None:
        f.store(x, place)
    else:
        f.masked_store(x, place, mask)


class Span:
    """The indices from `start` up to `stop`: whole vectors, and a masked one for the rest."""

    def __init__(self, f: Function, start: Value, stop: Value) -> None:
        self.f, self.start, self.stop = f, start, stop
        count = f.intrinsic("smax", f.sub(stop, start), f.i64(0))
        self.whole = f.add(start, f.and_(count, f.i64(-LANES)))
        self.has_rest = f.cmp("slt", self.whole, stop)
        self.mask = f.cmp("slt", f.add(f.splat(self.whole, LANES), f.iota("i64", LANES)), stop)

    def each(self, body: Body) -> None:
        """Emit the code for all indices."""
        f = self.f
        with f.loop(self.start, self.whole, LANES) as loop:
            body(loop.index, None)
        with f.when(self.has_rest):
            body(self.whole, self.mask)


def add_multiple(f: Function, type: str, span: Span, target: Value, factor: Value, source: Value) -> None:
    """Add `factor` times the row at address `source` to the one at `target`, in a span of columns."""
    factors = f.splat(factor, LANES)

    def body(j: Value, mask: Value | None) -> None:
        x, place = part_load(f, f.element(source, j, type), type, mask), f.element(target, j, type)
        masked_store(f, multiply_add(f, factors, x, part_load(f, place, type, mask)), place, mask)

    span.each(body)


def exchange(f: Function, type: str, span: Span, one: Value, other: Value) -> None:
    """Exchange the rows at two addresses, in a span of columns."""

    def body(j: Value, mask: Value | None) -> None:
        places = [f.element(row, j, type) for row in (one, other)]
        x, y = (part_load(f, place, type, mask) for place in places)
        masked_store(f, y, places[0], mask)
        masked_store(f, x, places[1], mask)

    span.each(body)


def copy(f: Function, type: str, source: Matrix, target: Matrix, rows: Value, columns: Value) -> None:
    """Copy a matrix to one with consecutive columns."""
    span = Span(f, f.i64(0), columns) if source.col.name == "1" else None
    with f.loop(f.i64(0), rows) as loop:
        from_, to = (at(f, x.base, type, (loop.index, x.row)) for x in (source, target))
        if span is not None:

            def body(j: Value, mask: Value | None) -> None:
                masked_store(f, part_load(f, f.element(from_, j, type), type, mask), f.element(to, j, type), mask)

            span.each(body)
        else:
            with f.loop(f.i64(0), columns) as inner:
                f.store(f.load(at(f, from_, type, (inner.index, source.col)), type), f.element(to, inner.index, type))
