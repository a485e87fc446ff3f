"""Matrix times vector: dot products with contiguous rows, or sums of scaled rows."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.gemm.blocking import Blocking, at, each, least, multiply_add, optimization_barrier, signature
from graphc.codegen.gemm.microkernel import plus_old
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value

__all__ = ["emit_gemv_columns", "emit_gemv_rows"]

TOGETHER = 4
"""The rows of a matrix that are read together."""
STRIP = 4096
"""Elements of the result that a sum of scaled rows keeps in the first-level cache."""


def emit_gemv_rows(module: Module, blocking: Blocking) -> str:
    """Emit y[r] = or += Σ matrix[r, c]·x[c] for contiguous rows and x, and return the function's name."""
    name, dtype = f"matmul.dots.{blocking.key}", blocking.dtype
    params = "ptr matrix, i64 row, i64 rows, i64 columns, ptr x, ptr y, i64 y_stride, i1 add"
    f = module.once(name, signature(params))
    if f is None:
        return name
    matrix, row, rows, columns, x, y, y_stride, add = f.args
    last = f.sub(rows, f.i64(1))
    lanes = blocking.tile.lanes
    vector_part = f.and_(columns, f.i64(-lanes))
    with each(f, f.i64(0), rows, TOGETHER) as first:
        which = [least(f, f.add(first, f.i64(r)), last) for r in range(TOGETHER)]
        starts = [at(f, matrix, dtype, (r, row)) for r in which]
        places = [at(f, y, dtype, (r, y_stride)) for r in which]
        sums = dot_loop(f, dtype, starts, x, f.i64(0), vector_part, [f.const(0, dtype, lanes)] * TOGETHER)
        totals = [f.reduce("fadd" if s.is_float else "add", s) for s in sums]
        sums = dot_loop(f, dtype, starts, x, vector_part, columns, totals)
        for address, total in zip(places, plus_old(f, sums, places, add), strict=True):
            f.store(total, address)
    f.ret()
    return name


def dot_loop(
    f: Function, dtype: str, rows: Sequence[Value], x: Value, start: Value, stop: Value, sums: Sequence[Value]
) -> list[Value]:
    """Accumulate the products of several rows and x over a range of columns, in sums of one or more lanes."""
    lanes = sums[0].lanes
    with f.loop(start, stop, lanes, carry=[start, *sums]) as loop:
        column, *now = loop.carry
        factor = f.load(f.element(x, column, dtype), dtype, lanes)
        terms = [f.load(f.element(r, column, dtype), dtype, lanes) for r in rows]
        after = [multiply_add(f, t, factor, s) for t, s in zip(terms, now, strict=True)]
        loop.next([optimization_barrier(f, f.add(column, f.i64(lanes))), *after])
    return loop.results[1:]


def emit_gemv_columns(module: Module, blocking: Blocking) -> str:
    """Emit y[c] = or += Σ x[r]·matrix[r, c] for contiguous rows and y, and return the function's name."""
    name, dtype = f"matmul.sums.{blocking.key}", blocking.dtype
    params = "ptr matrix, i64 row, i64 rows, i64 columns, ptr x, i64 x_stride, ptr y, i1 add"
    f = module.once(name, signature(params))
    if f is None:
        return name
    matrix, _, rows, columns, _, _, y, add = f.args
    lanes = blocking.tile.lanes
    groups = f.and_(rows, f.i64(-TOGETHER))
    with f.when(f.xor(add, f.const(True, "i1"))):
        f.clear(y, columns, dtype)
    vectors = f.and_(columns, f.i64(-lanes))
    with each(f, f.i64(0), vectors, STRIP) as start:
        stop = least(f, vectors, f.add(start, f.i64(STRIP)))
        with each(f, f.i64(0), groups, TOGETHER) as first:
            add_rows(f, blocking, start, stop, first, TOGETHER)
        with each(f, groups, rows) as first:
            add_rows(f, blocking, start, stop, first, 1)
    with each(f, vectors, columns) as column:
        add_column(f, dtype, f.element(matrix, column, dtype), f.element(y, column, dtype))
    f.ret()
    return name


def add_rows(f: Function, blocking: Blocking, start: Value, stop: Value, first: Value, height: int) -> None:
    """Add `height` scaled rows to whole vectors of the result."""
    matrix, row, _, _, x, x_stride, y, _ = f.args
    dtype, lanes = blocking.dtype, blocking.tile.lanes
    which = [f.add(first, f.i64(r)) for r in range(height)]
    starts = [at(f, matrix, dtype, (r, row)) for r in which]
    factors = [f.splat(f.load(at(f, x, dtype, (r, x_stride)), dtype), lanes) for r in which]
    with each(f, start, stop, lanes) as column:
        address = f.element(y, column, dtype)
        total = f.load(address, dtype, lanes)
        for begin, factor in zip(starts, factors, strict=True):
            total = multiply_add(f, f.load(f.element(begin, column, dtype), dtype, lanes), factor, total)
        f.store(total, address)


def add_column(f: Function, dtype: str, top: Value, address: Value) -> None:
    """Add one scaled column of the matrix to one element of the result."""
    _, row, rows, _, x, x_stride, _, _ = f.args
    with f.loop(f.i64(0), rows, carry=[top, x, f.load(address, dtype)]) as loop:
        element, factor, total = loop.carry
        total = multiply_add(f, f.load(element, dtype), f.load(factor, dtype), total)
        following = f.element(element, row, dtype), f.element(factor, x_stride, dtype)
        loop.next([*(optimization_barrier(f, p) for p in following), total])
    f.store(loop.results[2], address)
