"""How matrix products run: register tiles, blocks, packing; their scratch memory, and helpers that emit loops.

All strides are in elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.target import host
from graphc.codegen.llvm.values import BYTES, Value

__all__ = [
    "PACKED", "PAD", "UNITS", "Areas", "Blocking", "Matrix", "Product", "Tile", "along", "at", "blocking_for", "each", "least",
    "multiply_add", "optimization_barrier", "prefetch", "product_for", "scratch_bytes", "signature",
]  # fmt: skip

UNITS = ("row", "col", "none")
PACKED = "packed"
"""The value of `b_unit` for a B that `emit_packing` has packed, for products that share it."""

DEPTH = 256
"""The longest block of k: a panel of B then takes half of a 32 KiB first-level cache."""
BLOCK_OF_A = 192 << 10
"""Bytes of a block of A: less than half of a 512 KiB second-level cache."""
BLOCK_OF_B = 2 << 20
"""Bytes of a block of B: a part of the last-level cache that leaves room for other threads."""
SMALL_B = 24 << 10
"""The most bytes of a row-major B that is read in place: it stays in the first-level cache."""
MIDDLING_B = 1 << 20
"""The same where C has few rows, so that each panel is read only a few times."""
PAD = 16
"""Padding elements between packed rows of A, so that a power of two does not map them all to one cache set."""


class Tile(NamedTuple):
    """A register tile: lanes per vector, vectors per row, rows of the full tile and of the remainder tile."""

    lanes: int
    vectors: int
    rows: int
    remainder_rows: int

    @property
    def width(self) -> int:
        """Columns of the tile."""
        return self.lanes * self.vectors


class Areas(NamedTuple):
    """Offsets of the parts of the scratch memory, in elements, and its length."""

    a: int
    edge: int
    end: int


@dataclass(frozen=True)
class Blocking:
    """How products of one type are cut: blocks of at most `rows` of A and `columns` of B, `depth` deep, are cut into tiles.

    `dtype` is an LLVM type.  Blocks are whole tiles, and the depth whole vectors.
    """

    dtype: str
    tile: Tile
    rows: int
    columns: int
    depth: int

    @property
    def key(self) -> str:
        """The end of the names of functions that run so."""
        if self == blocking_for(self.dtype):
            return self.dtype
        return f"{self.dtype}.{'x'.join(map(str, (*self.tile, self.rows, self.columns, self.depth)))}"

    @property
    def areas(self) -> Areas:
        """The layout of the scratch memory: packed B, packed A, then an edge buffer for one panel of C."""
        a = self.columns * (self.depth + 1)
        edge = a + self.rows * (self.depth + PAD)
        return Areas(a, edge, edge + self.rows * self.tile.width)


@dataclass(frozen=True)
class Product:
    """How a matrix product runs: its blocking, the layouts of its factors, and when they are packed.

    `a_unit` and `b_unit` say which stride is known to be one: `row` (a transposed matrix), `col` (row-major) or `none` (any
    strides, zero and negative too).  A B that is `packed` before has the layout of `emit_packing`.
    """

    blocking: Blocking
    a_unit: str
    b_unit: str
    vectors: bool = True
    """Whether it has cases for one row and one column; without them these are correct but slow."""
    a_panels: int = 8
    """A is packed if at least this many panels of B read each of its blocks."""
    small_b: int = 0
    """The most bytes of B that is read in place; only of a row-major one."""
    small_b_if_flat: int = 0
    """The same where C has few rows, so that each panel is read only a few times."""
    flat_rows: int = 0
    """The most rows of such a C."""
    parallel: bool = False
    """Whether threads share parts of C (codegen/gemm/parts.py)."""

    @property
    def name(self) -> str:
        """The name of its function."""
        b, usual = self.blocking, product_for(self.blocking.dtype, self.a_unit, self.b_unit, vectors=self.vectors)
        other = "" if self.limits == usual.limits else f".{'x'.join(map(str, self.limits))}"
        return f"matmul.{b.key}.{self.a_unit}.{self.b_unit}{other}"

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """When factors are packed."""
        return self.a_panels, self.small_b, self.small_b_if_flat, self.flat_rows


class Matrix(NamedTuple):
    """An operand in the emitted code: its address and its row and column strides."""

    base: Value
    row: Value
    col: Value


def tile_for(dtype: str) -> Tile:
    """Choose the register tile for this processor: the accumulators take half to three quarters of the registers.

    Sixteen registers: 6×2 vectors.  Thirty-two: 8×2 wide vectors (each row needs an address register too), or 8×3 narrow ones.
    """
    h = host()
    lanes = h.vector_bytes // BYTES[dtype]
    if h.vector_registers == 16:
        return Tile(lanes, 2, 6, 4)
    return Tile(lanes, 2 if h.vector_bytes > 16 else 3, 8, 4)


def blocking_for(dtype: str) -> Blocking:
    """Choose block sizes from the cache sizes above, in whole tiles."""
    tile = tile_for(dtype)
    rows = BLOCK_OF_A // (DEPTH * BYTES[dtype])
    columns = BLOCK_OF_B // (DEPTH * BYTES[dtype])
    return Blocking(dtype, tile, rows // tile.rows * tile.rows, columns // tile.width * tile.width, DEPTH)


def product_for(dtype: str, a_unit: str, b_unit: str, *, vectors: bool = True) -> Product:
    """Choose how a product of factors with these layouts runs.

    A is packed if many panels read each block, and sooner if it has no unit stride; B is not if that costs more than it saves.
    """
    blocking = blocking_for(dtype)
    limits = (SMALL_B, MIDDLING_B, 4 * blocking.tile.rows) if b_unit == "col" else (0, 0, 0)
    return Product(blocking, a_unit, b_unit, vectors, 4 if a_unit == "none" else 8, *limits)


def scratch_bytes(blocking: Blocking) -> int:
    """Return the bytes of scratch memory, 64-byte aligned, that suffice for any product with this blocking."""
    return blocking.areas.end * BYTES[blocking.dtype]


def signature(text: str) -> list[tuple[str, str]]:
    """Parse `"ptr a, i64 n"` into the parameters of a function."""
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
    """Return x·y + z, fused where the processor has an instruction for it."""
    if x.is_float and (host().has("fma") or not host().triple.startswith("x86_64")):
        return f.fma(x, y, z)
    return f.add(f.mul(x, y), z)


@contextmanager
def each(f: Function, start: Value, stop: Value, step: Value | int = 1) -> Iterator[Value]:
    """Emit a loop over range(start, stop, step) and yield its index, separate from the loop counter."""
    with f.loop(start, stop, step, carry=[start]) as loop:
        yield loop.carry[0]
        loop.next([optimization_barrier(f, f.add(loop.carry[0], f.i64(step) if isinstance(step, int) else step))])


def optimization_barrier(f: Function, step: Value) -> Value:
    """Hide a step from LLVM's loop strength reduction, which gains nothing here and takes half of the compile time."""
    return f.freeze(step)


def along(f: Function, count: Value, lanes: int, body: Callable[[Value, int], None]) -> None:
    """Emit `body(index, width)` over `count` elements: whole vectors first, then single elements."""
    vector_part = f.and_(count, f.i64(-lanes))
    with each(f, f.i64(0), vector_part, lanes) as index:
        body(index, lanes)
    with each(f, vector_part, count) as index:
        body(index, 1)


def prefetch(f: Function, address: Value, *, write: bool = False) -> None:
    """Prefetch a cache line: into the first-level cache for writing, into the second-level cache for reading."""
    f.module.declare("llvm.prefetch.p0", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    f.do(f"call void @llvm.prefetch.p0(ptr {address.name}, i32 {int(write)}, i32 {3 if write else 2}, i32 1)")
