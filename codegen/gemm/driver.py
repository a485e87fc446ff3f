"""Emit matrix products whose sizes and strides are run-time values.

The method is Goto and van de Geijn's (Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34, 2008): B is cut into
blocks that stay in the outer cache and packed into panels as wide as a register tile, A into blocks that stay in the
second-level cache, and a micro-kernel accumulates one tile of C in registers along k.  The micro-kernel reads A at any
strides, so A is packed only where its own layout would be slow.

`emit_matmul` emits a driver for one pair of layouts; everything below it (micro-kernel, packing, gemv) is emitted once per
module and shared by all drivers.

    driver ── gemv: rows (dot products) or columns (scaled sums)
       │
       └── for each block of columns, of k: pack B
             for each block of rows: pack A?
               for each panel of B: micro-kernels ── edge columns: an edge buffer for one panel of C, then write-back

All strides are in elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from graphc.codegen.gemm.blocking import (
    PACKED,
    PAD,
    Matrix,
    Product,
    at,
    each,
    least,
    signature,
)
from graphc.codegen.gemm.even_blocks import emit_even
from graphc.codegen.gemm.gemv import emit_gemv_columns, emit_gemv_rows
from graphc.codegen.gemm.microkernel import emit_tiles, emit_write_back
from graphc.codegen.gemm.pack import emit_fill, emit_gather, emit_pack
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import BYTES, Value

__all__ = ["emit_matmul"]


class Prefetch(NamedTuple):
    """The memory to prefetch: address, bytes between rows, bytes per row, rows per panel of B."""

    start: Value
    step: Value
    length: Value
    share: Value


class Panels(NamedTuple):
    """A block of B: its first packed column, the block in place, its packed panels and their distance per column."""

    first: Value
    block: Matrix
    start: Value
    col_stride: Value


def emit_matmul(module: Module, product: Product, *, accumulate: bool = False) -> str:
    """Emit C = A@B, or C += A@B, into `module` and return the function's name.

        void @name(ptr A, ptr B, ptr C, i64 m, i64 n, i64 k, i64 a_row_stride, i64 a_col_stride,
                   i64 b_row_stride, i64 b_col_stride, i64 c_row_stride, ptr scratch)

    A is m×k, B is k×n, C is m×n with unit column stride and overlaps neither; scratch has `scratch_bytes(blocking)` bytes.
    Integers wrap around.  The strides of a packed B are ignored.  k = 0 gives zeros.  Nothing outside the operands is read or
    written.
    """
    name = product.name + (".add" if accumulate else "") + ("" if product.vectors else ".thick")
    return name if module.defines(name) else Driver(module, name, product, accumulate).write()


class Driver:
    """Emits one product: the function, and the values that its parts share."""

    def __init__(self, module: Module, name: str, product: Product, accumulate: bool) -> None:
        params = "ptr a, ptr b, ptr c, i64 m, i64 n, i64 k, i64 a_row, i64 a_col, i64 b_row, i64 b_col, i64 c_row, ptr scratch"
        self.product, self.blocking, self.accumulate = product, product.blocking, accumulate
        self.dtype, self.tile, self.areas = self.blocking.dtype, self.blocking.tile, self.blocking.areas
        self.tiles = emit_tiles(module, self.blocking)
        self.merge = emit_write_back(module, self.blocking)
        self.pack = "" if product.b_unit == PACKED else emit_pack(module, self.blocking, product.b_unit)
        self.f = f = module.function(name, signature(params), internal=True)
        a, b, self.c, self.m, self.n, self.k, a_row, a_col, b_row, b_col, self.c_row, self.scratch = f.args
        one, self.a_unit, self.b_unit = f.i64(1), product.a_unit, product.b_unit
        self.a = Matrix(a, one if self.a_unit == "row" else a_row, one if self.a_unit == "col" else a_col)
        self.b = Matrix(b, one if self.b_unit == "row" else b_row, one if self.b_unit == "col" else b_col)

    def write(self) -> str:
        """Emit the function and return its name."""
        f = self.f
        with f.when(f.and_(f.cmp("sgt", self.m, f.i64(0)), f.cmp("sgt", self.n, f.i64(0)))):
            if self.product.vectors:
                self.vector_cases()
            self.column_blocks()
        f.ret()
        return f.name

    def scratch_at(self, start: int, end: int) -> Value:
        """Return the address of a part of the scratch memory."""
        scratch_at = self.f.element(self.scratch, self.f.i64(start), self.dtype)
        return self.f.bounded(scratch_at, lambda: (0, (end - start) * BYTES[self.dtype]), "a part of scratch memory")

    def even(self, size: Value, limit: int, grain: int) -> Value:
        """Return the length of equal blocks that cover `size`: a multiple of `grain`, at most `limit`."""
        f, name = self.f, emit_even(self.f.module)
        return f.inst(f"call i64 @{name}({size.typed}, i64 {limit}, i64 {grain})", "i64")

    # gemv

    def vector_cases(self) -> None:
        """Return early through a gemv if C is one row or one column and the matrix has contiguous rows or columns."""
        f, one = self.f, self.f.i64(1)
        single_row, single_column = f.cmp("eq", self.m, one), f.cmp("eq", self.n, one)
        if self.b_unit == "col":
            self.scaled_sum(single_row, self.b.base, self.b.row, self.n, self.a.base, self.a.col)
        if self.b_unit == "row":
            self.dot_products(single_row, self.b.base, self.b.col, self.n, self.a.base, self.a.col, one)
        if self.a_unit == "row":
            dense = f.and_(single_column, f.cmp("eq", self.c_row, one))
            self.scaled_sum(dense, self.a.base, self.a.col, self.m, self.b.base, self.b.row)
        if self.a_unit == "col":
            self.dot_products(single_column, self.a.base, self.a.row, self.m, self.b.base, self.b.row, self.c_row)

    def scaled_sum(self, when: Value, matrix: Value, row: Value, columns: Value, x: Value, x_stride: Value) -> None:
        """If `when` holds, return after C = or += Σ x[r]·matrix[r, :], for contiguous rows of the matrix."""
        f = self.f
        with self.leaving(when):
            add = f.const(self.accumulate, "i1")
            f.call(emit_gemv_columns(f.module, self.blocking), matrix, row, self.k, columns, x, x_stride, self.c, add)

    def dot_products(
        self, when: Value, matrix: Value, row: Value, rows: Value, x: Value, x_stride: Value, y_stride: Value
    ) -> None:
        """If `when` holds and x is contiguous or fits into scratch memory, return after C[r] = or += Σ matrix[r, c]·x[c]."""
        f = self.f
        dense = f.cmp("eq", x_stride, f.i64(1))
        fits = f.cmp("sle", self.k, f.i64(self.areas.end))
        with self.leaving(f.and_(when, f.or_(dense, fits))):
            with f.when(f.xor(dense, f.const(True, "i1"))):
                gather = emit_gather(f.module, self.blocking)
                f.call(gather, x, f.i64(0), x_stride, self.scratch, f.i64(0), f.i64(1), self.k)
            x = f.select(dense, x, self.scratch)
            add = f.const(self.accumulate, "i1")
            f.call(emit_gemv_rows(f.module, self.blocking), matrix, row, rows, self.k, x, self.c, y_stride, add)

    @contextmanager
    def leaving(self, when: Value) -> Iterator[None]:
        """Emit the `with` block behind a branch on `when`; the function returns at its end."""
        f, name = self.f, self.f.fresh("case")
        f.cond_br(when, f"do.{name}", f"past.{name}")
        f.start(f"do.{name}")
        yield
        f.ret()
        f.start(f"past.{name}")

    # gemm, from the outer loop inwards

    def column_blocks(self) -> None:
        """Emit the two outer loops, over blocks of columns and blocks of k, and the packing of B."""
        f = self.f
        width = self.even(self.n, self.blocking.columns, self.tile.width)
        depth = self.even(self.k, self.blocking.depth, self.tile.lanes)
        height = self.block_height()
        direct = self.reads_b_in_place()
        pack_a = self.packs_a()
        steps = f.intrinsic("smax", self.k, f.i64(1))
        with each(f, f.i64(0), self.n, width) as j, each(f, f.i64(0), steps, depth) as p:
            columns = least(f, width, f.sub(self.n, j))
            k = least(f, depth, f.sub(self.k, p))
            panels = self.packed_before(j, p) if self.b_unit == PACKED else self.packed_now(j, p, columns, k, direct)
            add = f.const(True, "i1") if self.accumulate else f.cmp("sgt", p, f.i64(0))
            self.row_blocks(j, p, columns, k, height, pack_a, panels, add)

    def packed_before(self, j: Value, p: Value) -> Panels:
        """Return the panels of a block of a B that was packed before."""
        f, width, col_stride = self.f, self.f.i64(self.tile.width), self.f.add(self.k, self.f.i64(1))
        return Panels(self.f.i64(0), self.b, at(f, self.b.base, self.dtype, (p, width), (j, col_stride)), col_stride)

    def packed_now(self, j: Value, p: Value, columns: Value, k: Value, direct: Value) -> Panels:
        """Pack a block of B, or only its last narrow panel if the others are read in place; return its panels."""
        f, col_stride = self.f, self.f.i64(self.blocking.depth + 1)
        b = at(f, self.b.base, self.dtype, (p, self.b.row), (j, self.b.col))
        whole_panels = f.sub(columns, f.binary("urem", columns, f.i64(self.tile.width)))
        first = f.select(direct, whole_panels, f.i64(0))
        start = at(f, b, self.dtype, (first, self.b.col))
        f.call(self.pack, start, self.b.row, self.b.col, self.scratch, k, f.sub(columns, first), col_stride)
        return Panels(first, Matrix(b, *self.b[1:]), self.scratch, col_stride)

    def block_height(self) -> Value:
        """Return the rows of a block.  If k is short, that is one tile: C is then written along its rows."""
        f = self.f
        even = self.even(self.m, self.blocking.rows, self.tile.rows)
        return f.select(f.cmp("sle", self.k, f.i64(8)), f.i64(self.tile.rows), even)

    def reads_b_in_place(self) -> Value:
        """Return whether packing B costs more than it saves: B is row-major, and small or hardly reused."""
        f = self.f
        if self.b_unit != "col":
            return f.const(False, "i1")
        extent = f.mul(f.mul(self.k, self.n), f.i64(BYTES[self.dtype]))
        flat = f.cmp("sle", self.m, f.i64(self.product.flat_rows))
        return f.cmp("sle", extent, f.select(flat, f.i64(self.product.small_b_if_flat), f.i64(self.product.small_b)))

    def packs_a(self) -> Value:
        """Return whether to pack A: many panels read each block, and its layout is unfavourable or it is large."""
        f = self.f
        return f.cmp("sge", self.n, f.i64(self.product.a_panels * self.tile.width))

    def row_blocks(
        self, j: Value, p: Value, columns: Value, k: Value, height: Value, pack_a: Value, b: Panels, add: Value
    ) -> None:
        """Emit the loop over blocks of rows, each packed if `pack_a` holds."""
        f, edge_buffer = self.f, self.scratch_at(self.areas.a, self.areas.edge)
        packed_row = self.blocking.depth + PAD
        with each(f, f.i64(0), self.m, height) as i:
            rows = least(f, height, f.sub(self.m, i))
            a = at(f, self.a.base, self.dtype, (i, self.a.row), (p, self.a.col))
            with f.when(pack_a):
                emit_fill(f, self.blocking, self.a_unit, Matrix(a, *self.a[1:]), edge_buffer, packed_row, (rows, k))
            base = f.select(pack_a, edge_buffer, a)
            row = f.select(pack_a, f.i64(packed_row), self.a.row)
            col = f.select(pack_a, f.i64(1), self.a.col)
            c = f.element(at(f, self.c, self.dtype, (i, self.c_row)), j, self.dtype)
            prefetch = self.prefetch(i, p, rows, columns, k, pack_a)
            self.panels(Matrix(base, row, col), b, c, rows, columns, k, add, prefetch)

    def prefetch(self, i: Value, p: Value, rows: Value, columns: Value, k: Value, pack_a: Value) -> Prefetch:
        """Return the block of A that is packed after the one at (i, p): the rows below, or the first rows for the next k."""
        f, size, none = self.f, self.f.i64(BYTES[self.dtype]), self.f.i64(0)
        below = f.cmp("slt", f.add(i, rows), self.m)
        more = f.or_(below, f.cmp("slt", f.add(p, k), self.k))
        row, term = f.select(below, f.add(i, rows), none), f.select(below, p, f.add(p, k))
        start = at(f, self.a.base, self.dtype, (row, self.a.row), (term, self.a.col))
        count, length, step = (k, rows, self.a.col) if self.a_unit == "row" else (rows, k, self.a.row)
        panels = f.binary("udiv", f.add(columns, f.i64(self.tile.width - 1)), f.i64(self.tile.width))
        share = f.binary("udiv", f.add(count, f.sub(panels, f.i64(1))), panels)
        wanted = f.and_(more, pack_a) if self.a_unit != "none" else f.const(False, "i1")
        return Prefetch(start, f.mul(step, size), f.mul(length, size), f.select(wanted, share, none))

    def panels(
        self, a: Matrix, b: Panels, c: Value, rows: Value, columns: Value, k: Value, add: Value, prefetch: Prefetch
    ) -> None:
        """Emit the loop over panels of B."""
        f, dtype, width = self.f, self.dtype, self.f.i64(self.tile.width)
        edge_buffer = self.scratch_at(self.areas.edge, self.areas.end)
        with each(f, f.i64(0), columns, self.tile.width) as j:
            panel, b_row = at(f, b.start, dtype, (f.sub(j, b.first), b.col_stride)), width
            if self.b_unit == "col":
                in_place = f.cmp("slt", j, b.first)
                panel = f.select(in_place, f.element(b.block.base, j, dtype), panel)
                b_row = f.select(in_place, self.b.row, width)
            left = f.sub(columns, j)
            edge = f.cmp("slt", left, width)
            inner = f.and_(add, f.xor(edge, f.const(True, "i1")))
            target = f.element(c, j, dtype)
            c_here, c_row = f.select(edge, edge_buffer, target), f.select(edge, width, self.c_row)
            number = f.mul(f.binary("udiv", j, width), prefetch.share)
            start = at(f, prefetch.start, "i8", (number, prefetch.step))
            f.call(
                self.tiles, *a, panel, b_row, c_here, c_row, rows, k, inner, f.mul(b.col_stride, width), start, *prefetch[1:]
            )
            with f.when(edge):
                f.call(self.merge, edge_buffer, target, self.c_row, rows, left, add)
