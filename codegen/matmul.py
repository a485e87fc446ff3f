"""Multiply matrices whose sizes and strides are known only when the code runs.

The method is Goto and van de Geijn's (Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34, 2008):
B is cut into blocks that stay in the outer cache and copied into panels as wide as a register tile, A into
blocks that stay in the second cache, and a small kernel keeps one tile of C in registers while it walks
along k.  That kernel takes A at any strides, so A is copied only where its own layout would be slow.

`emit_matmul` writes a driver for one pair of layouts; everything below it (the register tile, the copies,
matrix times vector) is written once a module and shared by all drivers.

    driver ── matrix times vector: rows (dot products) or columns (scaled sums)
       │
       └── for each block of columns, of k: pack B
             for each block of rows: pack A?
               for each panel of B: tiles ── edge columns: a spare panel of C, then merge

All strides are in elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graphc.codegen.emit import BYTES, Function, Module, Value, llvm_type
from graphc.codegen.jit import host

__all__ = ["PACKED", "Tile", "emit_matmul", "emit_packing", "packed_bytes", "scratch_bytes", "tile_for"]

UNITS = ("row", "col", "none")
PACKED = "packed"
"""What `b_unit` is for a B that `emit_packing` has copied before, for products that share it."""
DEPTH = 256
"""Longest block of k: a panel of B then takes half of a 32 KiB first cache."""
BLOCK_OF_A = 192 << 10
"""Bytes of a block of A: less than half of a 512 KiB second cache."""
BLOCK_OF_B = 2 << 20
"""Bytes of a block of B: a part of the last cache that leaves room for other threads."""
SMALL_B = 24 << 10
"""Bytes up to which a row-major B is read where it lies: it stays in the first cache."""
MIDDLING_B = 1 << 20
"""The same where C has few rows, so that each panel is read a few times only."""
AHEAD = 4
"""Rows of B that packing asks for in advance: the processor's own prefetching stops at the end of every page."""
PAD = 16
"""Elements between packed rows of A, so that a power of two does not put them all in one cache set."""


class Tile(NamedTuple):
    """A register tile: lanes of a vector, vectors across, rows of the full and of the lesser tile."""

    lanes: int
    vectors: int
    rows: int
    few: int

    @property
    def width(self) -> int:
        """Columns of the tile."""
        return self.lanes * self.vectors


class Blocks(NamedTuple):
    """Largest blocks: rows of A, and columns of B, both `DEPTH` deep."""

    rows: int
    columns: int


class Matrix(NamedTuple):
    """An operand while code is written: address and the strides of rows and columns."""

    base: Value
    row: Value
    col: Value


class Panels(NamedTuple):
    """A block of B: the first column that is packed, the block as it lies, its packed panels and their distance a column."""

    first: Value
    block: Matrix
    start: Value
    apart: Value


def tile_for(dtype: str) -> Tile:
    """Choose the register tile of this processor: the accumulators take three quarters or half of the registers.

    Sixteen registers: 6×2 vectors.  Thirty-two: 8×2 wide ones (each row needs an address register too),
    8×3 narrow ones.
    """
    h = host()
    lanes = h.vector_bytes // BYTES[dtype]
    if h.vector_registers == 16:
        return Tile(lanes, 2, 6, 4)
    return Tile(lanes, 2 if h.vector_bytes > 16 else 3, 8, 4)


def blocks_for(dtype: str) -> Blocks:
    """Choose block sizes from the cache sizes above, in whole tiles."""
    tile = tile_for(dtype)
    rows = BLOCK_OF_A // (DEPTH * BYTES[dtype])
    columns = BLOCK_OF_B // (DEPTH * BYTES[dtype])
    return Blocks(rows // tile.rows * tile.rows, columns // tile.width * tile.width)


class Areas(NamedTuple):
    """Where the parts of the scratch memory begin, in elements, and how long it is."""

    a: int
    edge: int
    end: int


def areas_for(dtype: str) -> Areas:
    """Lay out the scratch memory: packed B, packed A, then a spare panel of C."""
    tile, blocks = tile_for(dtype), blocks_for(dtype)
    a = blocks.columns * (DEPTH + 1)
    edge = a + blocks.rows * (DEPTH + PAD)
    return Areas(a, edge, edge + blocks.rows * tile.width)


def scratch_bytes(dtype: str) -> int:
    """Return the bytes of scratch memory, 64-byte aligned, that any product of this type may need."""
    return areas_for(dtype).end * BYTES[dtype]


def emit_matmul(module: Module, dtype: str, *, a_unit: str, b_unit: str, accumulate: bool = False, vectors: bool = True) -> str:
    """Write C = A@B, or C += A@B, into `module` and return the function's name.

    `dtype` is float, double, i32 or i64 (integers wrap around).  `a_unit` and `b_unit` say which stride is known
    to be one: `row` (a transposed matrix), `col` (row-major) or `none` (any strides, zero and negative too).

        void @name(ptr A, ptr B, ptr C, i64 m, i64 n, i64 k, i64 a_row_stride, i64 a_col_stride,
                   i64 b_row_stride, i64 b_col_stride, i64 c_row_stride, ptr scratch)

    A is m×k, B is k×n, C is m×n with unit column stride and overlaps neither; scratch is `scratch_bytes(dtype)`
    long.  `b_unit` may be `packed` too: B is then what `emit_packing` makes, and its strides do not count.  Without
    `vectors` products with m = 1 or n = 1 are correct but slow, and up to a third of the compile time is saved.
    k = 0 gives zeros.  Nothing outside the operands is read or written.  Raises ValueError for an unknown type or unit.
    """
    if dtype not in ("float", "double", "i32", "i64"):
        raise ValueError(f"matmul takes float, double, i32 or i64, got {dtype}")
    if a_unit not in UNITS or b_unit not in (*UNITS, PACKED):
        raise ValueError(f"a unit stride is one of {', '.join(UNITS)}, got {a_unit} and {b_unit}")
    name = f"matmul.{dtype}.{a_unit}.{b_unit}" + (".add" if accumulate else "") + ("" if vectors else ".thick")
    return name if defined(module, name) else Driver(module, name, dtype, a_unit, b_unit, accumulate).write(vectors)


def defined(module: Module, name: str) -> bool:
    """Tell whether the module has a function of that name."""
    return any(f.name == name for f in module.functions)


def call(f: Function, name: str, *args: Value) -> None:
    """Call a function without a result."""
    f.do(f"call void @{name}({', '.join(a.typed for a in args)})")


def clear(f: Function, start: Value, count: Value, dtype: str) -> None:
    """Write `count` zeros."""
    f.module.declare("llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    size = f.mul(count, f.i64(BYTES[dtype]))
    f.do(f"call void @llvm.memset.p0.i64(ptr {start.name}, i8 0, {size.typed}, i1 false)")


def signature(text: str) -> list[tuple[str, str]]:
    """Read `"ptr a, i64 n"` as the parameters of a function."""
    return [(p.split()[0], p.split()[1]) for p in text.split(", ")]


def least(f: Function, x: Value, y: Value) -> Value:
    """Return the smaller of two signed counts."""
    return f.intrinsic("smin", x, y)


def at(f: Function, base: Value, dtype: str, *terms: tuple[Value, Value]) -> Value:
    """Return the address of the element at the sum of index·stride."""
    for index, stride in terms:
        offset = index if stride.name == "1" else f.mul(index, stride)
        base = f.element(base, offset, dtype)
    return base


def multiply_add(f: Function, x: Value, y: Value, z: Value) -> Value:
    """Return x·y + z, fused where the processor can do that in one instruction."""
    if x.is_float and (host().has("fma") or not host().triple.startswith("x86_64")):
        return f.fma(x, y, z)
    return f.add(f.mul(x, y), z)


@contextmanager
def each(f: Function, start: Value, stop: Value, step: Value | int = 1) -> Iterator[Value]:
    """Write a loop over range(start, stop, step) and give its index, kept apart from the loop's own counter."""
    with f.loop(start, stop, step, carry=[start]) as loop:
        yield loop.carry[0]
        loop.next([opaque(f, f.add(loop.carry[0], f.i64(step) if isinstance(step, int) else step))])


def opaque(f: Function, step: Value) -> Value:
    """Hide a step from LLVM's loop strength reduction, which gains nothing here and takes half of the compile time."""
    return f.freeze(step)


def along(f: Function, count: Value, lanes: int, body: Callable[[Value, int], None]) -> None:
    """Write `body(index, width)` over `count` elements: in whole vectors, then one by one."""
    whole = f.and_(count, f.i64(-lanes))
    with each(f, f.i64(0), whole, lanes) as index:
        body(index, lanes)
    with each(f, whole, count) as index:
        body(index, 1)


# -- the register tile ----------------------------------------------------------------------------------


def emit_tiles(module: Module, dtype: str) -> str:
    """Write the product of some rows of A and one panel of B, and return its name.

    C[rows, width] = or += A[rows, k] @ B[k, width], B with unit column stride; the panel that follows it begins `next`
    elements later.  Rows past the last are the last
    one again: computed and stored twice with equal results, which needs no code of its own.
    """
    name = f"matmul.tiles.{dtype}"
    if defined(module, name):
        return name
    params = "ptr a, i64 a_row, i64 a_col, ptr b, i64 b_row, ptr c, i64 c_row, i64 rows, i64 k, i1 add, i64 next"
    f = Function(module, name, signature(params), internal=True)
    tile, rows = tile_for(dtype), f.args[7]
    full = full_rows(f, tile, rows)
    with each(f, f.i64(0), full, tile.rows) as row:
        emit_tile(f, dtype, tile, tile.rows, row)
    with each(f, full, rows, tile.few) as row:
        emit_tile(f, dtype, tile, tile.few, row)
    f.ret()
    return name


def full_rows(f: Function, tile: Tile, rows: Value) -> Value:
    """Return how many rows go in full tiles so that the fewest are computed twice (the rest go in lesser tiles)."""
    over = f.binary("urem", rows, f.i64(tile.rows))
    whole = f.sub(rows, over)
    two = f.cmp("sle", over, f.i64(2 * tile.few - tile.rows))
    enough = f.and_(two, f.cmp("sgt", whole, f.i64(0)))
    fewer = f.select(enough, f.sub(whole, f.i64(tile.rows)), whole)
    mixed = f.select(f.cmp("sgt", over, f.i64(tile.few)), rows, fewer)
    return f.select(f.cmp("eq", over, f.i64(0)), rows, mixed)


def emit_tile(f: Function, dtype: str, tile: Tile, height: int, first: Value) -> None:
    """Write one tile of C: `height` rows from row `first`, kept in registers along k."""
    a, a_row, a_col, b, b_row, c, c_row, rows, k, add, _ = f.args
    last = f.sub(rows, f.i64(1))
    which = [least(f, f.add(first, f.i64(r)), last) for r in range(height)]
    a_rows = [at(f, a, dtype, (r, a_row)) for r in which]
    c_rows = [at(f, c, dtype, (r, c_row)) for r in which]
    for row in c_rows:
        prefetch(f, row, write=True)
    long_and_packed = f.and_(f.cmp("sgt", k, f.i64(DEPTH // 2)), f.cmp("eq", b_row, f.i64(tile.width)))
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
        loop.next([opaque(f, f.element(b_here, b_row, dtype)), opaque(f, f.add(along_a, a_col)), *after])
    places = [f.element(p, f.i64(v * tile.lanes), dtype) for p in c_rows for v in range(tile.vectors)]
    for place, total in zip(places, plus_old(f, loop.results[2:], places, add), strict=True):
        f.store(total, place)


def prefetch(f: Function, address: Value, *, write: bool = False) -> None:
    """Ask for a cache line: into the first cache to be written, into the second to be read."""
    f.module.declare("llvm.prefetch.p0", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    f.do(f"call void @llvm.prefetch.p0(ptr {address.name}, i32 {int(write)}, i32 {3 if write else 2}, i32 1)")


def prefetch_panel(f: Function, dtype: str, tile: Tile, height: int, first: Value) -> None:
    """Ask for a part of the next packed panel of B, so that all of it has come when its turn does."""
    line = 64 // BYTES[dtype]
    start = at(f, f.element(f.args[3], f.args[10], dtype), dtype, (first, f.i64(2 * line)))
    for i in range(2 * height):
        prefetch(f, f.element(start, f.i64(i * line), dtype))


def plus_old(f: Function, sums: Sequence[Value], places: Sequence[Value], wanted: Value) -> list[Value]:
    """Return the sums, each with what stands at its place added if `wanted`."""
    before, name = f.label, f.fresh("old")
    f.cond_br(wanted, f"add.{name}", f"go.{name}")
    f.start(f"add.{name}")
    more = [f.add(x, f.load(p, x.type, x.lanes)) for x, p in zip(sums, places, strict=True)]
    f.br(f"go.{name}")
    f.start(f"go.{name}")
    kind = llvm_type(sums[0].type, sums[0].lanes)
    pairs = zip(sums, more, strict=True)
    return [f.inst(f"phi {kind} [ {x.name}, %{before} ], [ {y.name}, %add.{name} ]", x.type, x.lanes) for x, y in pairs]


def emit_merge(module: Module, dtype: str) -> str:
    """Write C[rows, columns] = or += a spare panel, and return the function's name."""
    name = f"matmul.merge.{dtype}"
    if defined(module, name):
        return name
    f = Function(module, name, signature("ptr spare, ptr c, i64 c_row, i64 rows, i64 columns, i1 add"), internal=True)
    spare, c, c_row, rows, columns, add = f.args
    tile = tile_for(dtype)
    with each(f, f.i64(0), rows) as row:
        source = at(f, spare, dtype, (row, f.i64(tile.width)))
        target = at(f, c, dtype, (row, c_row))
        with each(f, f.i64(0), columns) as column:
            place = f.element(target, column, dtype)
            x = f.load(f.element(source, column, dtype), dtype)
            f.store(f.select(add, f.add(x, f.load(place, dtype)), x), place)
    f.ret()
    return name


# -- copies ---------------------------------------------------------------------------------------------


def emit_gather(module: Module, dtype: str) -> str:
    """Write target[r, c] = source[r, c] for a source of any strides, and return the function's name."""
    name = f"matmul.gather.{dtype}"
    if defined(module, name):
        return name
    params = "ptr source, i64 row, i64 col, ptr target, i64 target_row, i64 rows, i64 columns"
    f = Function(module, name, signature(params), internal=True)
    source, row, col, target, target_row, rows, columns = f.args
    with each(f, f.i64(0), rows) as r:
        start = at(f, target, dtype, (r, target_row))
        with f.loop(f.i64(0), columns, carry=[at(f, source, dtype, (r, row))]) as inner:
            f.store(f.load(inner.carry[0], dtype), f.element(start, inner.index, dtype))
            inner.next([opaque(f, f.element(inner.carry[0], col, dtype))])
    f.ret()
    return name


def emit_copy(module: Module, dtype: str) -> str:
    """Write target[r, c] = source[r, c] for contiguous rows, and return the function's name."""
    name = f"matmul.copy.{dtype}"
    if defined(module, name):
        return name
    params = "ptr source, i64 row, ptr target, i64 target_row, i64 rows, i64 columns"
    f = Function(module, name, signature(params), internal=True)
    source, row, target, target_row, rows, columns = f.args
    with each(f, f.i64(0), rows) as r:
        x, y = at(f, source, dtype, (r, row)), at(f, target, dtype, (r, target_row))

        def move(i: Value, lanes: int) -> None:
            f.store(f.load(f.element(x, i, dtype), dtype, lanes), f.element(y, i, dtype))

        along(f, columns, tile_for(dtype).lanes, move)
    f.ret()
    return name


def emit_transpose(module: Module, dtype: str) -> str:
    """Write target[c, r] = source[r, c], both with contiguous rows, and return the function's name.

    Squares as wide as a vector go through registers, the rest element by element.
    """
    name = f"matmul.transpose.{dtype}"
    if defined(module, name):
        return name
    gather = emit_gather(module, dtype)
    params = "ptr source, i64 row, ptr target, i64 target_row, i64 rows, i64 columns"
    f = Function(module, name, signature(params), internal=True)
    source, row, target, target_row, rows, columns = f.args
    lanes, one = tile_for(dtype).lanes, f.i64(1)
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
    call(f, gather, below, one, row, at(f, target, dtype, (whole_columns, target_row)), target_row, rest[0], rows)
    call(f, gather, right, one, row, f.element(target, whole_rows, dtype), target_row, whole_columns, rest[1])
    f.ret()
    return name


def transposed(f: Function, rows: Sequence[Value], part: int) -> list[Value]:
    """Transpose a square of vectors in log2(lanes) steps.

    Steps below `part` lanes (128 bits) interleave within each part, which is one cheap instruction on x86 and
    leaves the columns of a part in bit-reversed order; the others exchange whole groups.
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
    """Return the picks that interleave groups of two vectors within each part: lower halves, upper halves."""
    low = []
    for lane in range(lanes):
        base, place = lane - lane % part, lane % part
        turn = place // group
        low.append(turn % 2 * lanes + base + turn // 2 * group + place % group)
    return low, [p + part // 2 for p in low]


def exchange(lanes: int, group: int) -> tuple[list[int], list[int]]:
    """Return the picks that swap the odd groups of one vector with the even groups of another."""
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
    f: Function, dtype: str, unit: str, source: Matrix, target: Value, target_row: int, sizes: tuple[Value, Value]
) -> None:
    """Copy a matrix of `sizes` into rows `target_row` apart, in the quickest way its layout allows."""
    row, module = f.i64(target_row), f.module
    if unit == "col":
        call(f, emit_copy(module, dtype), source.base, source.row, target, row, *sizes)
        return
    if unit == "row":
        call(f, emit_transpose(module, dtype), source.base, source.col, target, row, sizes[1], sizes[0])
        return
    call(f, emit_gather(module, dtype), *source, target, row, *sizes)


def emit_pack(module: Module, dtype: str, unit: str) -> str:
    """Write the copy of B[k, columns] into panels of one tile's width, the last filled with zeros; return its name.

    The panel of column j begins at element j·apart.
    """
    name = f"matmul.pack.{dtype}.{unit}"
    if defined(module, name):
        return name
    params = "ptr b, i64 b_row, i64 b_col, ptr target, i64 k, i64 columns, i64 apart"
    f = Function(module, name, signature(params), internal=True)
    columns, tile = f.args[5], tile_for(dtype)
    if unit == "col":
        whole = emit_pack_rows(f, dtype, tile)
        with f.when(f.cmp("slt", whole, columns)):
            emit_pack_panel(f, dtype, unit, whole)
    else:
        with each(f, f.i64(0), columns, tile.width) as first:
            emit_pack_panel(f, dtype, unit, first)
    f.ret()
    return name


def emit_pack_panel(f: Function, dtype: str, unit: str, first: Value) -> None:
    """Pack the panel whose first column is `first`; a narrow one is filled with zeros."""
    b, b_row, b_col, target, k, columns, apart = f.args
    width = f.i64(tile_for(dtype).width)
    left = f.sub(columns, first)
    panel = at(f, target, dtype, (first, apart))
    with f.when(f.cmp("slt", left, width)):
        clear(f, panel, f.mul(k, width), dtype)
    source = Matrix(at(f, b, dtype, (first, b_col)), b_row, b_col)
    emit_fill(f, dtype, unit, source, panel, tile_for(dtype).width, (k, least(f, left, width)))


def emit_pack_rows(f: Function, dtype: str, tile: Tile) -> Value:
    """Pack all whole panels of a row-major B, reading along its rows, and return the first column left over."""
    b, b_row, _, target, k, columns, apart = f.args
    whole = f.sub(columns, f.binary("urem", columns, f.i64(tile.width)))
    with each(f, f.i64(0), k) as r:
        source = at(f, b, dtype, (r, b_row))
        row = at(f, target, dtype, (r, f.i64(tile.width)))
        with each(f, f.i64(0), whole, tile.width) as first:
            x = f.element(source, first, dtype)
            y = at(f, row, dtype, (first, apart))
            prefetch(f, at(f, x, dtype, (f.i64(AHEAD), b_row)))
            for v in range(tile.vectors):
                shift = f.i64(v * tile.lanes)
                f.store(f.load(f.element(x, shift, dtype), dtype, tile.lanes), f.element(y, shift, dtype))
    return whole


def packed_bytes(dtype: str, k: int, n: int) -> int:
    """Return the bytes of a k×n matrix that is packed as a whole."""
    width = tile_for(dtype).width
    return -(-n // width) * width * (k + 1) * BYTES[dtype]


def emit_packing(module: Module, dtype: str, unit: str) -> str:
    """Write the copy of a whole B for products that share it, and return the function's name.

        void @name(ptr B, i64 b_row_stride, i64 b_col_stride, ptr target, i64 k, i64 n)

    The target, 64-byte aligned, is `packed_bytes(dtype, k, n)` long.
    """
    name = f"matmul.packing.{dtype}.{unit}"
    if defined(module, name):
        return name
    pack = emit_pack(module, dtype, unit)
    f = Function(module, name, signature("ptr b, i64 b_row, i64 b_col, ptr target, i64 k, i64 n"), internal=True)
    call(f, pack, *f.args, f.add(f.args[4], f.i64(1)))
    f.ret()
    return name


# -- matrix times vector --------------------------------------------------------------------------------

TOGETHER = 4
"""Rows of a matrix that a product with a vector reads at a time."""
STRIP = 4096
"""Elements of the result that a sum of scaled rows keeps in the first cache."""


def emit_dots(module: Module, dtype: str) -> str:
    """Write y[r] = or += Σ matrix[r, c]·x[c] for contiguous rows and x, and return the function's name."""
    name = f"matmul.dots.{dtype}"
    if defined(module, name):
        return name
    params = "ptr matrix, i64 row, i64 rows, i64 columns, ptr x, ptr y, i64 y_stride, i1 add"
    f = Function(module, name, signature(params), internal=True)
    matrix, row, rows, columns, x, y, y_stride, add = f.args
    last = f.sub(rows, f.i64(1))
    lanes = tile_for(dtype).lanes
    whole = f.and_(columns, f.i64(-lanes))
    with each(f, f.i64(0), rows, TOGETHER) as first:
        which = [least(f, f.add(first, f.i64(r)), last) for r in range(TOGETHER)]
        starts = [at(f, matrix, dtype, (r, row)) for r in which]
        places = [at(f, y, dtype, (r, y_stride)) for r in which]
        sums = dot_loop(f, dtype, starts, x, f.i64(0), whole, [f.const(0, dtype, lanes)] * TOGETHER)
        folded = [f.reduce("fadd" if s.is_float else "add", s) for s in sums]
        sums = dot_loop(f, dtype, starts, x, whole, columns, folded)
        for place, total in zip(places, plus_old(f, sums, places, add), strict=True):
            f.store(total, place)
    f.ret()
    return name


def dot_loop(
    f: Function, dtype: str, rows: Sequence[Value], x: Value, start: Value, stop: Value, sums: Sequence[Value]
) -> list[Value]:
    """Add the products of several rows and x over a range of columns to sums of one or more lanes."""
    lanes = sums[0].lanes
    with f.loop(start, stop, lanes, carry=[start, *sums]) as loop:
        column, *now = loop.carry
        factor = f.load(f.element(x, column, dtype), dtype, lanes)
        terms = [f.load(f.element(r, column, dtype), dtype, lanes) for r in rows]
        after = [multiply_add(f, t, factor, s) for t, s in zip(terms, now, strict=True)]
        loop.next([opaque(f, f.add(column, f.i64(lanes))), *after])
    return loop.results[1:]


def emit_sums(module: Module, dtype: str) -> str:
    """Write y[c] = or += Σ x[r]·matrix[r, c] for contiguous rows and y, and return the function's name."""
    name = f"matmul.sums.{dtype}"
    if defined(module, name):
        return name
    params = "ptr matrix, i64 row, i64 rows, i64 columns, ptr x, i64 x_stride, ptr y, i1 add"
    f = Function(module, name, signature(params), internal=True)
    matrix, _, rows, columns, _, _, y, add = f.args
    lanes = tile_for(dtype).lanes
    groups = f.and_(rows, f.i64(-TOGETHER))
    with f.when(f.xor(add, f.const(True, "i1"))):
        clear(f, y, columns, dtype)
    vectors = f.and_(columns, f.i64(-lanes))
    with each(f, f.i64(0), vectors, STRIP) as start:
        stop = least(f, vectors, f.add(start, f.i64(STRIP)))
        with each(f, f.i64(0), groups, TOGETHER) as first:
            add_rows(f, dtype, start, stop, first, TOGETHER)
        with each(f, groups, rows) as first:
            add_rows(f, dtype, start, stop, first, 1)
    with each(f, vectors, columns) as column:
        add_column(f, dtype, f.element(matrix, column, dtype), f.element(y, column, dtype))
    f.ret()
    return name


def add_rows(f: Function, dtype: str, start: Value, stop: Value, first: Value, height: int) -> None:
    """Add `height` rows, each times its factor, to whole vectors of the result."""
    matrix, row, _, _, x, x_stride, y, _ = f.args
    lanes = tile_for(dtype).lanes
    which = [f.add(first, f.i64(r)) for r in range(height)]
    starts = [at(f, matrix, dtype, (r, row)) for r in which]
    factors = [f.splat(f.load(at(f, x, dtype, (r, x_stride)), dtype), lanes) for r in which]
    with each(f, start, stop, lanes) as column:
        place = f.element(y, column, dtype)
        total = f.load(place, dtype, lanes)
        for begin, factor in zip(starts, factors, strict=True):
            total = multiply_add(f, f.load(f.element(begin, column, dtype), dtype, lanes), factor, total)
        f.store(total, place)


def add_column(f: Function, dtype: str, top: Value, place: Value) -> None:
    """Add one column of the matrix, each element times its factor, to one element of the result."""
    _, row, rows, _, x, x_stride, _, _ = f.args
    with f.loop(f.i64(0), rows, carry=[top, x, f.load(place, dtype)]) as loop:
        element, factor, total = loop.carry
        total = multiply_add(f, f.load(element, dtype), f.load(factor, dtype), total)
        loop.next([opaque(f, f.element(element, row, dtype)), opaque(f, f.element(factor, x_stride, dtype)), total])
    f.store(loop.results[2], place)


# -- the driver -----------------------------------------------------------------------------------------


def emit_even(module: Module) -> str:
    """Write the division of a size into equal blocks, multiples of a grain and no longer than a limit; return its name."""
    name = "matmul.even"
    if defined(module, name):
        return name
    f = Function(module, name, signature("i64 size, i64 limit, i64 grain"), "i64", internal=True)
    size, limit, grain = f.args

    def up(x: Value, y: Value) -> Value:
        return f.binary("udiv", f.add(x, f.sub(y, f.i64(1))), y)

    size = f.intrinsic("smax", size, f.i64(1))
    f.ret(f.mul(up(up(size, up(size, limit)), grain), grain))
    return name


class Driver:
    """One product being written: the function and what its parts share."""

    def __init__(self, module: Module, name: str, dtype: str, a_unit: str, b_unit: str, accumulate: bool) -> None:
        params = "ptr a, ptr b, ptr c, i64 m, i64 n, i64 k, i64 a_row, i64 a_col, i64 b_row, i64 b_col, i64 c_row, ptr scratch"
        self.tiles = emit_tiles(module, dtype)
        self.merge = emit_merge(module, dtype)
        self.pack = "" if b_unit == PACKED else emit_pack(module, dtype, b_unit)
        self.f = f = Function(module, name, signature(params), internal=True)
        a, b, self.c, self.m, self.n, self.k, a_row, a_col, b_row, b_col, self.c_row, self.scratch = f.args
        one = f.i64(1)
        self.a = Matrix(a, one if a_unit == "row" else a_row, one if a_unit == "col" else a_col)
        self.b = Matrix(b, one if b_unit == "row" else b_row, one if b_unit == "col" else b_col)
        self.dtype, self.a_unit, self.b_unit, self.accumulate = dtype, a_unit, b_unit, accumulate
        self.tile, self.blocks, self.areas = tile_for(dtype), blocks_for(dtype), areas_for(dtype)

    def write(self, vectors: bool) -> str:
        """Write the whole function and return its name."""
        f = self.f
        with f.when(f.and_(f.cmp("sgt", self.m, f.i64(0)), f.cmp("sgt", self.n, f.i64(0)))):
            if vectors:
                self.vector_cases()
            self.column_blocks()
        f.ret()
        return f.name

    def place(self, start: int) -> Value:
        """Return the address of a part of the scratch memory."""
        return self.f.element(self.scratch, self.f.i64(start), self.dtype)

    def even(self, size: Value, limit: int, grain: int) -> Value:
        """Return the length of equal blocks of at most `limit`, a multiple of `grain`, that cover `size`."""
        f, name = self.f, emit_even(self.f.module)
        return f.inst(f"call i64 @{name}({size.typed}, i64 {limit}, i64 {grain})", "i64")

    # Matrix times vector.

    def vector_cases(self) -> None:
        """Leave by a quicker way when C is one row or one column and the matrix has contiguous rows or columns."""
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
        """Leave with C = or += Σ x[r]·matrix[r, :], for contiguous rows of the matrix, if `when` holds."""
        f = self.f
        with self.leaving(when):
            add = f.const(self.accumulate, "i1")
            call(f, emit_sums(f.module, self.dtype), matrix, row, self.k, columns, x, x_stride, self.c, add)

    def dot_products(
        self, when: Value, matrix: Value, row: Value, rows: Value, x: Value, x_stride: Value, y_stride: Value
    ) -> None:
        """Leave with C[r] = or += Σ matrix[r, c]·x[c] if `when` holds and x is contiguous or fits into the scratch memory."""
        f = self.f
        dense = f.cmp("eq", x_stride, f.i64(1))
        fits = f.cmp("sle", self.k, f.i64(self.areas.end))
        with self.leaving(f.and_(when, f.or_(dense, fits))):
            with f.when(f.xor(dense, f.const(True, "i1"))):
                gather = emit_gather(f.module, self.dtype)
                call(f, gather, x, f.i64(0), x_stride, self.scratch, f.i64(0), f.i64(1), self.k)
            x = f.select(dense, x, self.scratch)
            add = f.const(self.accumulate, "i1")
            call(f, emit_dots(f.module, self.dtype), matrix, row, rows, self.k, x, self.c, y_stride, add)

    @contextmanager
    def leaving(self, when: Value) -> Iterator[None]:
        """Write the `with` block so that it runs and ends the function if `when` holds."""
        f, name = self.f, self.f.fresh("case")
        f.cond_br(when, f"do.{name}", f"past.{name}")
        f.start(f"do.{name}")
        yield
        f.ret()
        f.start(f"past.{name}")

    # Matrix times matrix, from the outer loop inwards.

    def column_blocks(self) -> None:
        """Write the two outer loops: blocks of columns, and blocks of k whose part of B is packed."""
        f = self.f
        width = self.even(self.n, self.blocks.columns, self.tile.width)
        depth = self.even(self.k, DEPTH, self.tile.lanes)
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
        """Return the panels of a block of a B that was packed as a whole."""
        f, width, apart = self.f, self.f.i64(self.tile.width), self.f.add(self.k, self.f.i64(1))
        return Panels(self.f.i64(0), self.b, at(f, self.b.base, self.dtype, (p, width), (j, apart)), apart)

    def packed_now(self, j: Value, p: Value, columns: Value, k: Value, direct: Value) -> Panels:
        """Pack a block of B, or what of it is less than a panel if the others are read where they lie; return its panels."""
        f, apart = self.f, self.f.i64(DEPTH + 1)
        b = at(f, self.b.base, self.dtype, (p, self.b.row), (j, self.b.col))
        whole = f.sub(columns, f.binary("urem", columns, f.i64(self.tile.width)))
        first = f.select(direct, whole, f.i64(0))
        start = at(f, b, self.dtype, (first, self.b.col))
        call(f, self.pack, start, self.b.row, self.b.col, self.scratch, k, f.sub(columns, first), apart)
        return Panels(first, Matrix(b, *self.b[1:]), self.scratch, apart)

    def block_height(self) -> Value:
        """Return the rows of a block.  Where k is short, one tile: C is then written along its rows."""
        f = self.f
        even = self.even(self.m, self.blocks.rows, self.tile.rows)
        return f.select(f.cmp("sle", self.k, f.i64(8)), f.i64(self.tile.rows), even)

    def reads_b_in_place(self) -> Value:
        """Tell whether packing B would cost more than it saves: it is row-major and small or hardly used again."""
        f = self.f
        if self.b_unit != "col":
            return f.const(False, "i1")
        extent = f.mul(f.mul(self.k, self.n), f.i64(BYTES[self.dtype]))
        flat = f.cmp("sle", self.m, f.i64(4 * self.tile.rows))
        return f.cmp("sle", extent, f.select(flat, f.i64(MIDDLING_B), f.i64(SMALL_B)))

    def packs_a(self) -> Value:
        """Tell whether to pack A: many panels read each block, and it lies badly or is large."""
        f = self.f
        panels = 4 if self.a_unit == "none" else 8
        return f.cmp("sge", self.n, f.i64(panels * self.tile.width))

    def row_blocks(
        self, j: Value, p: Value, columns: Value, k: Value, height: Value, pack_a: Value, b: Panels, add: Value
    ) -> None:
        """Write the loop over blocks of rows, each packed if wanted."""
        f, spare = self.f, self.place(self.areas.a)
        with each(f, f.i64(0), self.m, height) as i:
            rows = least(f, height, f.sub(self.m, i))
            a = at(f, self.a.base, self.dtype, (i, self.a.row), (p, self.a.col))
            with f.when(pack_a):
                emit_fill(f, self.dtype, self.a_unit, Matrix(a, *self.a[1:]), spare, DEPTH + PAD, (rows, k))
            base = f.select(pack_a, spare, a)
            row = f.select(pack_a, f.i64(DEPTH + PAD), self.a.row)
            col = f.select(pack_a, f.i64(1), self.a.col)
            c = f.element(at(f, self.c, self.dtype, (i, self.c_row)), j, self.dtype)
            self.panels(Matrix(base, row, col), b, c, rows, columns, k, add)

    def panels(self, a: Matrix, b: Panels, c: Value, rows: Value, columns: Value, k: Value, add: Value) -> None:
        """Write the loop over panels of B."""
        f, dtype, width = self.f, self.dtype, self.f.i64(self.tile.width)
        spare = self.place(self.areas.edge)
        with each(f, f.i64(0), columns, self.tile.width) as j:
            panel, b_row = at(f, b.start, dtype, (f.sub(j, b.first), b.apart)), width
            if self.b_unit == "col":
                in_place = f.cmp("slt", j, b.first)
                panel = f.select(in_place, f.element(b.block.base, j, dtype), panel)
                b_row = f.select(in_place, self.b.row, width)
            left = f.sub(columns, j)
            edge = f.cmp("slt", left, width)
            inner = f.and_(add, f.xor(edge, f.const(True, "i1")))
            target = f.element(c, j, dtype)
            c_here, c_row = f.select(edge, spare, target), f.select(edge, width, self.c_row)
            call(f, self.tiles, *a, panel, b_row, c_here, c_row, rows, k, inner, f.mul(b.apart, width))
            with f.when(edge):
                call(f, self.merge, spare, target, self.c_row, rows, left, add)
