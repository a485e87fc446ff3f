"""The micro-kernel of a matrix product: accumulate one tile of C in registers along k."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.gemm.blocking import (
    Blocking,
    Tile,
    at,
    each,
    least,
    multiply_add,
    optimization_barrier,
    prefetch,
    signature,
)
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import BYTES, Value

__all__ = ["emit_tiles", "emit_write_back", "plus_old"]


def emit_tiles(module: Module, blocking: Blocking) -> str:
    """Emit the product of some rows of A and one panel of B, and return the function's name.

    C[rows, width] = or += A[rows, k] @ B[k, width], B with unit column stride; the next panel begins `next` elements later.
    Rows past the last repeat the last one: it is computed and stored twice with equal results, which needs no code of its
    own.  Each tile prefetches a row of `prefetch` while memory is idle.
    """
    name = f"matmul.tiles.{blocking.key}"
    params = "ptr a, i64 a_row, i64 a_col, ptr b, i64 b_row, ptr c, i64 c_row, i64 rows, i64 k, i1 add, i64 next"
    prefetch = "ptr prefetch, i64 prefetch_step, i64 prefetch_length, i64 prefetch_share"
    f = module.once(name, signature(f"{params}, {prefetch}"))
    if f is None:
        return name
    tile, rows = blocking.tile, f.args[7]
    full = full_rows(f, tile, rows)
    with each(f, f.i64(0), full, tile.rows) as row:
        prefetch_next(f, tile, row)
        emit_tile(f, blocking, tile.rows, row)
    with each(f, full, rows, tile.remainder_rows) as row:
        emit_tile(f, blocking, tile.remainder_rows, row)
    f.ret()
    return name


def full_rows(f: Function, tile: Tile, rows: Value) -> Value:
    """Return how many rows to cover by full tiles so that the fewest are computed twice; remainder tiles cover the rest."""
    over = f.binary("urem", rows, f.i64(tile.rows))
    full = f.sub(rows, over)
    two = f.cmp("sle", over, f.i64(2 * tile.remainder_rows - tile.rows))
    enough = f.and_(two, f.cmp("sgt", full, f.i64(0)))
    fewer = f.select(enough, f.sub(full, f.i64(tile.rows)), full)
    mixed = f.select(f.cmp("sgt", over, f.i64(tile.remainder_rows)), rows, fewer)
    return f.select(f.cmp("eq", over, f.i64(0)), rows, mixed)


def emit_tile(f: Function, blocking: Blocking, height: int, first: Value) -> None:
    """Emit one tile of C: `height` rows from row `first`, accumulated in registers along k."""
    a, a_row, a_col, b, b_row, c, c_row, rows, k, add = f.args[:10]
    dtype, tile = blocking.dtype, blocking.tile
    last = f.sub(rows, f.i64(1))
    which = [least(f, f.add(first, f.i64(r)), last) for r in range(height)]
    a_rows = [at(f, a, dtype, (r, a_row)) for r in which]
    c_rows = [at(f, c, dtype, (r, c_row)) for r in which]
    for row in c_rows:
        prefetch(f, row, write=True)
    long_and_packed = f.and_(f.cmp("sgt", k, f.i64(blocking.depth // 2)), f.cmp("eq", b_row, f.i64(tile.width)))
    with f.when(long_and_packed):
        prefetch_panel(f, dtype, tile, height, first)
    zeros = [f.const(0, dtype, tile.lanes)] * (height * tile.vectors)
    with f.loop(f.i64(0), k, carry=[b, f.i64(0), *zeros], hint="p") as loop:
        b_here, along_a, *sums = loop.carry
        across = [f.load(f.element(b_here, f.i64(v * tile.lanes), dtype), dtype, tile.lanes) for v in range(tile.vectors)]
        after = []
        for r, base in enumerate(a_rows):
            x = f.splat(f.load(f.element(base, along_a, dtype), dtype), tile.lanes)
            after += [multiply_add(f, x, y, sums[r * tile.vectors + v]) for v, y in enumerate(across)]
        following = f.element(b_here, b_row, dtype), f.add(along_a, a_col)
        loop.next([*(optimization_barrier(f, x) for x in following), *after])
    places = [f.element(p, f.i64(v * tile.lanes), dtype) for p in c_rows for v in range(tile.vectors)]
    for address, total in zip(places, plus_old(f, loop.results[2:], places, add), strict=True):
        f.store(total, address)


def prefetch_panel(f: Function, dtype: str, tile: Tile, height: int, first: Value) -> None:
    """Prefetch a part of the next packed panel of B, so that the whole panel is cached when it is used."""
    line = 64 // BYTES[dtype]
    start = at(f, f.element(f.args[3], f.args[10], dtype), dtype, (first, f.i64(2 * line)))
    for i in range(2 * height):
        prefetch(f, f.element(start, f.i64(i * line), dtype))


def prefetch_next(f: Function, tile: Tile, first: Value) -> None:
    """Prefetch one row of the block of A that is packed next; the first row of the tile selects it."""
    start, step, size, count = f.args[11:]
    number = f.binary("udiv", first, f.i64(tile.rows))
    with f.when(f.cmp("slt", number, count)):
        row = at(f, start, "i8", (number, step))
        with each(f, f.i64(0), size, 64) as line:
            prefetch(f, f.element(row, line, "i8"))


def plus_old(f: Function, sums: Sequence[Value], places: Sequence[Value], wanted: Value) -> list[Value]:
    """Return the sums, with the stored elements of C added if `wanted`."""
    before, name = f.label, f.fresh("old")
    f.cond_br(wanted, f"add.{name}", f"go.{name}")
    f.start(f"add.{name}")
    more = [f.add(x, f.load(p, x.type, x.lanes)) for x, p in zip(sums, places, strict=True)]
    f.br(f"go.{name}")
    f.start(f"go.{name}")
    return [f.phi(x, before, y, f"add.{name}") for x, y in zip(sums, more, strict=True)]


def emit_write_back(module: Module, blocking: Blocking) -> str:
    """Emit C[rows, columns] = or += a panel in the edge buffer, and return the function's name."""
    name, dtype = f"matmul.merge.{blocking.key}", blocking.dtype
    f = module.once(name, signature("ptr edge_buffer, ptr c, i64 c_row, i64 rows, i64 columns, i1 add"))
    if f is None:
        return name
    edge_buffer, c, c_row, rows, columns, add = f.args
    tile = blocking.tile
    with each(f, f.i64(0), rows) as row:
        source = at(f, edge_buffer, dtype, (row, f.i64(tile.width)))
        target = at(f, c, dtype, (row, c_row))
        with each(f, f.i64(0), columns) as column:
            address = f.element(target, column, dtype)
            x = f.load(f.element(source, column, dtype), dtype)
            f.store(f.select(add, f.add(x, f.load(address, dtype)), x), address)
    f.ret()
    return name
