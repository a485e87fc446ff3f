"""Register tiles, block sizes, scratch memory and loop helpers of matrix products.

All strides are in elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.target import host
from graphc.codegen.llvm.values import BYTES, Value

__all__ = [
    "BLOCK_OF_A",
    "BLOCK_OF_B",
    "DEPTH",
    "PAD",
    "Areas",
    "Blocks",
    "Matrix",
    "Tile",
    "along",
    "areas_for",
    "at",
    "blocks_for",
    "each",
    "least",
    "multiply_add",
    "optimization_barrier",
    "prefetch",
    "scratch_bytes",
    "signature",
    "tile_for",
]

DEPTH = 256
"""The longest block of k: a panel of B then takes half of a 32 KiB first-level cache."""
BLOCK_OF_A = 192 << 10
"""Bytes of a block of A: less than half of a 512 KiB second-level cache."""
BLOCK_OF_B = 2 << 20
"""Bytes of a block of B: a part of the last-level cache that leaves room for other threads."""
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


class Blocks(NamedTuple):
    """Largest blocks: rows of A, and columns of B, both `DEPTH` deep."""

    rows: int
    columns: int


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


def blocks_for(dtype: str) -> Blocks:
    """Choose block sizes from the cache sizes above, in whole tiles."""
    tile = tile_for(dtype)
    rows = BLOCK_OF_A // (DEPTH * BYTES[dtype])
    columns = BLOCK_OF_B // (DEPTH * BYTES[dtype])
    return Blocks(rows // tile.rows * tile.rows, columns // tile.width * tile.width)


class Areas(NamedTuple):
    """Offsets of the parts of the scratch memory, in elements, and its length."""

    a: int
    edge: int
    end: int


def areas_for(dtype: str) -> Areas:
    """Lay out the scratch memory: packed B, packed A, then an edge buffer for one panel of C."""
    tile, blocks = tile_for(dtype), blocks_for(dtype)
    a = blocks.columns * (DEPTH + 1)
    edge = a + blocks.rows * (DEPTH + PAD)
    return Areas(a, edge, edge + blocks.rows * tile.width)


def scratch_bytes(dtype: str) -> int:
    """Return the bytes of scratch memory, 64-byte aligned, that suffice for any product of this type."""
    return areas_for(dtype).end * BYTES[dtype]


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
