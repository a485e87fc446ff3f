"""Copies for matrix products: plain, transposed, and packed into panels as wide as a register tile."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.gemm.blocking import (
    Blocking,
    Matrix,
    along,
    at,
    each,
    least,
    optimization_barrier,
    prefetch,
    signature,
)
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import BYTES, Value

__all__ = ["emit_fill", "emit_gather", "emit_pack", "emit_packing", "packed_bytes"]

AHEAD = 4
"""The distance in rows at which packing prefetches B: hardware prefetchers stop at the end of each page."""


# -- copies ---------------------------------------------------------------------------------------------


def emit_gather(module: Module, blocking: Blocking) -> str:
    """Emit target[r, c] = source[r, c] for a source of any strides, and return the function's name."""
    name, dtype = f"matmul.gather.{blocking.key}", blocking.dtype
    params = "ptr source, i64 row, i64 col, ptr target, i64 target_row, i64 rows, i64 columns"
    f = module.once(name, signature(params))
    if f is None:
        return name
    source, row, col, target, target_row, rows, columns = f.args
    with each(f, f.i64(0), rows) as r:
        start = at(f, target, dtype, (r, target_row))
        with f.loop(f.i64(0), columns, carry=[at(f, source, dtype, (r, row))]) as inner:
            f.store(f.load(inner.carry[0], dtype), f.element(start, inner.index, dtype))
            inner.next([optimization_barrier(f, f.element(inner.carry[0], col, dtype))])
    f.ret()
    return name


def emit_copy(module: Module, blocking: Blocking) -> str:
    """Emit target[r, c] = source[r, c] for contiguous rows, and return the function's name."""
    name, dtype = f"matmul.copy.{blocking.key}", blocking.dtype
    params = "ptr source, i64 row, ptr target, i64 target_row, i64 rows, i64 columns"
    f = module.once(name, signature(params))
    if f is None:
        return name
    source, row, target, target_row, rows, columns = f.args
    with each(f, f.i64(0), rows) as r:
        x, y = at(f, source, dtype, (r, row)), at(f, target, dtype, (r, target_row))

        def move(i: Value, lanes: int) -> None:
            f.store(f.load(f.element(x, i, dtype), dtype, lanes), f.element(y, i, dtype))

        along(f, columns, blocking.tile.lanes, move)
    f.ret()
    return name


def emit_transpose(module: Module, blocking: Blocking) -> str:
    """Emit target[c, r] = source[r, c], both with contiguous rows, and return the function's name.

    Squares as wide as a vector are transposed in registers, the remainder element by element.
    """
    name, dtype = f"matmul.transpose.{blocking.key}", blocking.dtype
    gather = emit_gather(module, blocking)
    params = "ptr source, i64 row, ptr target, i64 target_row, i64 rows, i64 columns"
    f = module.once(name, signature(params))
    if f is None:
        return name
    source, row, target, target_row, rows, columns = f.args
    lanes, one = blocking.tile.lanes, f.i64(1)
    whole_rows, whole_columns = f.and_(rows, f.i64(-lanes)), f.and_(columns, f.i64(-lanes))
    with each(f, f.i64(0), whole_rows, lanes) as r, each(f, f.i64(0), whole_columns, lanes) as c:
        x = f.element(at(f, source, dtype, (r, row)), c, dtype)
        y = f.element(at(f, target, dtype, (c, target_row)), r, dtype)
        square = [f.load(at(f, x, dtype, (f.i64(i), row)), dtype, lanes) for i in range(lanes)]
        for i, column in enumerate(transposed(f, square, 16 // BYTES[dtype])):
            f.store(column, at(f, y, dtype, (f.i64(i), target_row)))
    below = f.element(source, whole_columns, dtype)
    right = at(f, source, dtype, (whole_rows, row))
    rest = f.sub(columns, whole_columns), f.sub(rows, whole_rows)
    f.call(gather, below, one, row, at(f, target, dtype, (whole_columns, target_row)), target_row, rest[0], rows)
    f.call(gather, right, one, row, f.element(target, whole_rows, dtype), target_row, whole_columns, rest[1])
    f.ret()
    return name


def transposed(f: Function, rows: Sequence[Value], part: int) -> list[Value]:
    """Transpose a square of vectors in log2(lanes) steps.

    Steps below `part` lanes (128 bits) interleave within each part, which is one cheap instruction on x86 and leaves the
    columns of a part in bit-reversed order; the other steps exchange whole groups.
    """
    lanes, now, distance = len(rows), list(rows), 1
    while distance < lanes:
        low, high = interleaving(lanes, part, distance) if distance < part else exchange(lanes, distance)
        for i in (i for i in range(lanes) if not i & distance):
            x, y = now[i], now[i + distance]
            now[i], now[i + distance] = f.shuffle(x, y, low), f.shuffle(x, y, high)
        distance *= 2
    return [now[i - i % part + reversed_bits(i % part, min(part, lanes))] for i in range(lanes)]


def interleaving(lanes: int, part: int, group: int) -> tuple[list[int], list[int]]:
    """Return the shuffle masks that interleave groups of two vectors within each part: lower halves, upper halves."""
    low = []
    for lane in range(lanes):
        base, position = lane - lane % part, lane % part
        iteration = position // group
        low.append(iteration % 2 * lanes + base + iteration // 2 * group + position % group)
    return low, [p + part // 2 for p in low]


def exchange(lanes: int, group: int) -> tuple[list[int], list[int]]:
    """Return the shuffle masks that swap the odd groups of one vector with the even groups of another."""
    low = [lanes + lane - group if lane & group else lane for lane in range(lanes)]
    return low, [lanes + lane if lane & group else lane + group for lane in range(lanes)]


def reversed_bits(index: int, size: int) -> int:
    """Reverse the bits of an index below `size`, a power of two."""
    result = 0
    while size > 1:
        result, index, size = result * 2 + index % 2, index // 2, size // 2
    return result


# -- packing --------------------------------------------------------------------------------------------


def emit_fill(
    f: Function, blocking: Blocking, unit: str, source: Matrix, target: Value, target_row: int, sizes: tuple[Value, Value]
) -> None:
    """Copy a matrix of `sizes` into rows `target_row` apart, in the fastest way that its layout allows."""
    row, module = f.i64(target_row), f.module
    if unit == "col":
        f.call(emit_copy(module, blocking), source.base, source.row, target, row, *sizes)
        return
    if unit == "row":
        f.call(emit_transpose(module, blocking), source.base, source.col, target, row, sizes[1], sizes[0])
        return
    f.call(emit_gather(module, blocking), *source, target, row, *sizes)


def emit_pack(module: Module, blocking: Blocking, unit: str) -> str:
    """Emit the packing of B[k, columns] into panels of a tile's width, the last padded with zeros; return the function's name.

    The panel of column j begins at element j·apart.
    """
    name = f"matmul.pack.{blocking.key}.{unit}"
    params = "ptr b, i64 b_row, i64 b_col, ptr target, i64 k, i64 columns, i64 apart"
    f = module.once(name, signature(params))
    if f is None:
        return name
    columns, tile = f.args[5], blocking.tile
    if unit == "col":
        packed = emit_pack_rows(f, blocking)
        with f.when(f.cmp("slt", packed, columns)):
            emit_pack_panel(f, blocking, unit, packed)
    else:
        with each(f, f.i64(0), columns, tile.width) as first:
            emit_pack_panel(f, blocking, unit, first)
    f.ret()
    return name


def emit_pack_panel(f: Function, blocking: Blocking, unit: str, first: Value) -> None:
    """Pack the panel whose first column is `first`; a narrow panel is padded with zeros."""
    b, b_row, b_col, target, k, columns, col_stride = f.args
    dtype, width = blocking.dtype, f.i64(blocking.tile.width)
    left = f.sub(columns, first)
    panel = at(f, target, dtype, (first, col_stride))
    with f.when(f.cmp("slt", left, width)):
        f.clear(panel, f.mul(k, width), dtype)
    source = Matrix(at(f, b, dtype, (first, b_col)), b_row, b_col)
    emit_fill(f, blocking, unit, source, panel, blocking.tile.width, (k, least(f, left, width)))


def emit_pack_rows(f: Function, blocking: Blocking) -> Value:
    """Pack all whole panels of a row-major B, reading along its rows, and return the first remaining column."""
    b, b_row, _, target, k, columns, col_stride = f.args
    dtype, tile = blocking.dtype, blocking.tile
    whole_panels = f.sub(columns, f.binary("urem", columns, f.i64(tile.width)))
    with each(f, f.i64(0), k) as r:
        source = at(f, b, dtype, (r, b_row))
        row = at(f, target, dtype, (r, f.i64(tile.width)))
        with each(f, f.i64(0), whole_panels, tile.width) as first:
            x = f.element(source, first, dtype)
            y = at(f, row, dtype, (first, col_stride))
            prefetch(f, at(f, x, dtype, (f.i64(AHEAD), b_row)))
            for v in range(tile.vectors):
                shift = f.i64(v * tile.lanes)
                f.store(f.load(f.element(x, shift, dtype), dtype, tile.lanes), f.element(y, shift, dtype))
    return whole_panels


def packed_bytes(blocking: Blocking, k: int, n: int) -> int:
    """Return the bytes of a packed k×n matrix."""
    width = blocking.tile.width
    return -(-n // width) * width * (k + 1) * BYTES[blocking.dtype]


def emit_packing(module: Module, blocking: Blocking, unit: str) -> str:
    """Emit the packing of a whole B, for products that share it, and return the function's name.

        void @name(ptr B, i64 b_row_stride, i64 b_col_stride, ptr target, i64 k, i64 n)

    The target has `packed_bytes(blocking, k, n)` bytes and is 64-byte aligned.
    """
    name = f"matmul.packing.{blocking.key}.{unit}"
    pack = emit_pack(module, blocking, unit)
    f = module.once(name, signature("ptr b, i64 b_row, i64 b_col, ptr target, i64 k, i64 n"))
    if f is None:
        return name
    f.call(pack, *f.args, f.add(f.args[4], f.i64(1)))
    f.ret()
    return name
