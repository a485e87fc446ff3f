"""Emit forward and back substitution: the solution of a triangular system takes the place of its right sides."""

from __future__ import annotations

from graphc.codegen.gemm.blocking import Matrix, at, multiply_add
from graphc.codegen.linear_algebra.rows import LANES, Span, add_multiple, address, masked_store, part_load
from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import BYTES, Value

__all__ = ["Triangle", "substitute"]

WIDE_BYTES = 128
"""Bytes of the columns that are solved together: several vectors, so that their sums do not wait for one another."""


class Triangle:
    """A triangular matrix of n rows: its upper or lower part, its diagonal ones if `unit`."""

    def __init__(self, f: Function, type: str, matrix: Matrix, n: Value, *, upper: bool, unit: bool) -> None:
        self.f, self.type, self.matrix, self.n, self.upper, self.unit = f, type, matrix, n, upper, unit

    def row(self, step: Value) -> Value:
        """Return the row that is solved in a step."""
        return self.f.sub(self.f.sub(self.n, self.f.i64(1)), step) if self.upper else step

    def known(self, i: Value) -> tuple[Value, Value]:
        """Return the bounds of the columns that are known when row i is solved."""
        return (self.f.add(i, self.f.i64(1)), self.n) if self.upper else (self.f.i64(0), i)

    def open(self, i: Value) -> tuple[Value, Value]:
        """Return the bounds of the rows that are solved after row i."""
        return (self.f.i64(0), i) if self.upper else (self.f.add(i, self.f.i64(1)), self.n)

    def load(self, i: Value, j: Value) -> Value:
        """Load an element."""
        return self.f.load(address(self.f, self.matrix, self.type, i, j), self.type)

    def divided(self, x: Value, i: Value) -> Value:
        """Return x divided by the diagonal element of row i."""
        return x if self.unit else self.f.fdiv(x, self.load(i, i))


def substitute(a: Triangle, x: Matrix, columns: Value) -> None:
    """Solve for right sides with consecutive columns, in place."""
    f = a.f
    if columns.name != "1":
        _solve_columns(a, x, columns)
        return
    with f.loop(f.i64(0), a.n, hint="row") as loop:
        i = a.row(loop.index)
        place = f.element(x.base, i, a.type)
        if a.matrix.row.name == "1" and a.matrix.col.name != "1":
            value = a.divided(f.load(place, a.type), i)
            f.store(value, place)
            add_multiple(f, a.type, Span(f, *a.open(i)), x.base, f.neg(value), at(f, a.matrix.base, a.type, (i, a.matrix.col)))
        else:
            f.store(a.divided(f.sub(f.load(place, a.type), _dot(a, x, i)), i), place)


def _dot(a: Triangle, x: Matrix, i: Value) -> Value:
    """Return the product of a row with the known part of a single right side."""
    f, type = a.f, a.type
    start, stop = a.known(i)
    row = at(f, a.matrix.base, type, (i, a.matrix.row))
    if a.matrix.col.name != "1":
        with f.loop(start, stop, carry=[f.const(0, type)]) as loop:
            element = f.load(at(f, row, type, (loop.index, a.matrix.col)), type)
            loop.next([multiply_add(f, element, f.load(f.element(x.base, loop.index, type), type), loop.carry[0])])
        return loop.results[0]
    span = Span(f, start, stop)
    with f.loop(start, span.whole, LANES, carry=[f.const(0, type, LANES)]) as loop:
        left, right = (f.load(f.element(base, loop.index, type), type, LANES) for base in (row, x.base))
        loop.next([multiply_add(f, left, right, loop.carry[0])])
    left, right = (f.masked_load(f.element(base, span.whole, type), type, span.mask) for base in (row, x.base))
    return f.reduce("fadd", multiply_add(f, left, right, loop.results[0]))


def _solve_columns(a: Triangle, x: Matrix, columns: Value) -> None:
    f, wide = a.f, WIDE_BYTES // BYTES[a.type]
    whole = f.and_(columns, f.i64(-wide))
    with f.loop(f.i64(0), whole, wide, hint="columns") as loop:
        _solve_block(a, x, loop.index, wide, None)
    with f.loop(whole, columns, LANES, hint="columns") as loop:
        mask = f.cmp("slt", f.add(f.splat(loop.index, LANES), f.iota("i64", LANES)), columns)
        _solve_block(a, x, loop.index, LANES, mask)


def _solve_block(a: Triangle, x: Matrix, first: Value, lanes: int, mask: Value | None) -> None:
    """Solve for a few columns, from `first` on."""
    f, type = a.f, a.type
    base = f.element(x.base, first, type)
    with f.loop(f.i64(0), a.n, hint="row") as loop:
        i = a.row(loop.index)
        place = at(f, base, type, (i, x.row))
        row = at(f, a.matrix.base, type, (i, a.matrix.row))
        with f.loop(*a.known(i), carry=[part_load(f, place, type, mask, lanes)], hint="known") as inner:
            factor = f.neg(f.load(at(f, row, type, (inner.index, a.matrix.col)), type))
            known = part_load(f, at(f, base, type, (inner.index, x.row)), type, mask, lanes)
            inner.next([multiply_add(f, f.splat(factor, lanes), known, inner.carry[0])])
        masked_store(f, a.divided(inner.results[0], i), place, mask)
