"""Check the matmul kernel against NumPy: values, layouts, edges of tiles and blocks, and memory it must not touch."""

from __future__ import annotations

import ctypes
import functools
import itertools
import mmap
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.codegen.gemm import blocking, driver, microkernel
from graphc.codegen.gemm.blocking import blocking_for, product_for
from graphc.codegen.gemm.pack import emit_packing, packed_bytes
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.target import Target, host
from graphc.codegen.runtime.engine import MachineCode, compile_text, cross_assembly

Array = np.ndarray[Any, np.dtype[Any]]

TYPES = {"float": np.float32, "double": np.float64, "i32": np.int32, "i64": np.int64}
UNITS = ("col", "row", "none")
VARIANTS = list(itertools.product(UNITS, UNITS))
NAMES = ("a", "b", "c", "m", "n", "k", "a_row", "a_col", "b_row", "b_col", "c_row", "scratch")
PARAMS = [("ptr" if name in ("a", "b", "c", "scratch") else "i64", name) for name in NAMES]
PAGE = mmap.PAGESIZE


def entry(a_unit: str, b_unit: str, accumulate: bool) -> str:
    """Name the exported function that calls one variant."""
    return f"entry.{a_unit}.{b_unit}.{accumulate}"


def all_variants(dtype: str) -> Module:
    """Return a module with every variant of one type, each with an exported caller."""
    module = Module()
    for (a_unit, b_unit), accumulate in itertools.product(VARIANTS, (False, True)):
        name = driver.emit_matmul(module, product_for(dtype, a_unit, b_unit), accumulate=accumulate)
        f = Function(module, entry(a_unit, b_unit, accumulate), PARAMS)
        f.do(f"call void @{name}({', '.join(a.typed for a in f.args)})")
        f.ret()
    return module


@functools.cache
def compiled(dtype: str) -> MachineCode:
    """Compile all variants of a type once for the whole file."""
    return compile_text(str(all_variants(dtype)))


@functools.cache
def scratch(dtype: str) -> tuple[Array, int]:
    """Return scratch memory filled with NaNs (or ones) and its address aligned to 64 bytes."""
    memory = np.full(blocking.scratch_bytes(blocking_for(dtype)) + 64, 0xFF, np.uint8)
    return memory, int(memory.ctypes.data) + -int(memory.ctypes.data) % 64


def call(dtype: str, a_unit: str, b_unit: str, accumulate: bool, a: Array, b: Array, c: Array) -> None:
    """Run one variant on arrays whose layouts are as the units say."""
    pointers, sizes = [ctypes.c_void_p] * 3, [ctypes.c_int64] * 8
    signature = ctypes.CFUNCTYPE(None, *pointers, *sizes, ctypes.c_void_p)
    function = signature(compiled(dtype).address(entry(a_unit, b_unit, accumulate)))
    strides = [s // a.itemsize for s in (*a.strides, *b.strides, c.strides[0])]
    data = [x.ctypes.data for x in (a, b, c)]
    function(*data, a.shape[0], b.shape[1], a.shape[1], *strides, scratch(dtype)[1])


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Return random numbers; integers use the whole range, so that products wrap around."""
    kind: Any = np.dtype(TYPES[dtype])
    if kind.kind == "i":
        limits = np.iinfo(kind)
        return rng.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    return rng.standard_normal(shape).astype(kind)


def operand(rng: np.random.Generator, rows: int, columns: int, unit: str, dtype: str) -> Array:
    """Return a matrix with the unit stride asked for and gaps between its lines, or no unit stride at all."""
    if unit == "col":
        return values(rng, (rows, columns + 3), dtype)[:, :columns]
    if unit == "row":
        return values(rng, (columns, rows + 3), dtype).T[:rows]
    return values(rng, (2 * rows + 1, 3 * columns + 1), dtype)[1::2, 1::3]


def assert_product(got: Array, a: Array, b: Array, before: Array | None = None) -> None:
    """Compare with NumPy: integers exactly, floats within k·eps·Σ|a||b| of its doubles."""
    if got.dtype.kind == "i":
        want = a @ b if before is None else a @ b + before
        np.testing.assert_array_equal(got, want)
        return
    a, b = a.astype(np.float64), b.astype(np.float64)
    start = np.zeros(got.shape) if before is None else before.astype(np.float64)
    want = a @ b + start
    bound = (a.shape[1] + 2) * np.finfo(got.dtype).eps * (np.abs(a) @ np.abs(b) + np.abs(start))
    assert np.all(np.abs(got - want) <= bound)


def check(dtype: str, a_unit: str, b_unit: str, m: int, n: int, k: int, *, accumulate: bool = False) -> None:
    """Multiply random matrices into the middle of a larger C and check the values and the surroundings."""
    rng = np.random.default_rng((m, n, k))
    a, b = operand(rng, m, k, a_unit, dtype), operand(rng, k, n, b_unit, dtype)
    around = values(rng, (m + 4, n + 7), dtype)
    before = around.copy()
    c = around[2 : 2 + m, 3 : 3 + n]
    call(dtype, a_unit, b_unit, accumulate, a, b, c)
    assert_product(c, a, b, before[2 : 2 + m, 3 : 3 + n] if accumulate else None)
    before[2 : 2 + m, 3 : 3 + n] = c
    np.testing.assert_array_equal(around, before)


def edge_sizes(dtype: str) -> list[tuple[int, int, int]]:
    """Return m, n, k around the edges of tiles, of blocks, and of vectors."""
    blocks = blocking_for(dtype)
    tile = blocks.tile
    rows = (*range(4), 5, *range(tile.rows - 1, 2 * tile.rows + 4))
    columns = (0, 1, 2, 3, tile.lanes - 1, tile.lanes + 1, tile.width - 1, tile.width, tile.width + 1, 2 * tile.width + 5)
    depths = (0, 1, 2, 3, tile.lanes, tile.lanes + 1, 31)
    grid = [(m, n, depths[(i + j) % len(depths)]) for i, m in enumerate(rows) for j, n in enumerate(columns)]
    deep = [(5, 7, k) for k in (blocking.DEPTH - 1, blocking.DEPTH, blocking.DEPTH + 1, 2 * blocking.DEPTH + 3)]
    wide = [(3, blocks.columns + 1, 5), (7, blocks.columns + tile.width, 9), (9, 9 * tile.width + 3, blocking.DEPTH + 1)]
    tall = [(blocks.rows + 1, 9, 11), (2 * blocks.rows + 1, 8 * tile.width + 1, 17)]
    vectors = [(1, 4099, 9), (4099, 1, 9), (1, 9, 4099), (9, 1, 4099), (1, 1, 300)]
    return [*grid, *deep, *wide, *tall, *vectors]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("a_unit", "b_unit"), VARIANTS)
def test_edge_sizes(dtype: str, a_unit: str, b_unit: str) -> None:
    for iteration, (m, n, k) in enumerate(edge_sizes(dtype)):
        check(dtype, a_unit, b_unit, m, n, k, accumulate=iteration % 3 == 0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("accumulate", [False, True])
def test_several_blocks_of_everything(dtype: str, accumulate: bool) -> None:
    for a_unit, b_unit in VARIANTS[::2]:
        check(dtype, a_unit, b_unit, 201, 307, 523, accumulate=accumulate)


@pytest.mark.parametrize("sizes", [(1, 40, 30), (40, 1, 30), (20, 30, 40), (200, 200, 300)])
def test_negative_and_zero_strides(sizes: tuple[int, int, int]) -> None:
    m, n, k = sizes
    rng = np.random.default_rng(1)
    a, b = values(rng, (m, k), "float")[::-1, ::-1], values(rng, (n, k), "float")[::-1, ::-1].T
    row, column = values(rng, (1, k), "float"), values(rng, (k, 1), "float")
    flat_a, flat_b = np.broadcast_to(row, (m, k)), np.broadcast_to(column, (k, n))
    constant = np.broadcast_to(np.float32(1.5), (m, k))
    for x, y in itertools.product((a, flat_a, constant), (b, flat_b)):
        c = np.full((m, n), np.nan, np.float32)
        call("float", "none", "none", False, x, y, c)
        assert_product(c, x, y)
    for x, unit in ((a[:, ::-1], "col"), (flat_a, "col")):
        c = np.full((m, n), np.nan, np.float32)
        call("float", unit, "none", False, x, b, c)
        assert_product(c, x, b)


@functools.cache
def compiled_packed(dtype: str) -> MachineCode:
    """Compile the products with a B that was packed before, and what packs it."""
    module = Module()
    for unit, accumulate in itertools.product(UNITS, (False, True)):
        name = driver.emit_matmul(module, product_for(dtype, unit, blocking.PACKED, vectors=False), accumulate=accumulate)
        f = Function(module, entry(unit, "packed", accumulate), PARAMS)
        f.do(f"call void @{name}({', '.join(a.typed for a in f.args)})")
        f.ret()
    for unit in UNITS:
        name = emit_packing(module, blocking_for(dtype), unit)
        f = Function(module, f"pack.{unit}", blocking.signature("ptr b, i64 row, i64 col, ptr to, i64 k, i64 n"))
        f.do(f"call void @{name}({', '.join(a.typed for a in f.args)})")
        f.ret()
    return compile_text(str(module))


def check_packed(dtype: str, a_unit: str, b_unit: str, m: int, n: int, k: int, *, accumulate: bool) -> None:
    """Pack B, forget it, and multiply; nothing but the target may be written."""
    rng = np.random.default_rng((m, n, k))
    a, b = operand(rng, m, k, a_unit, dtype), operand(rng, k, n, b_unit, dtype)
    size = packed_bytes(blocking_for(dtype), k, n)
    memory = np.full(size + 128, 0xFF, np.uint8)
    start = 64 - int(memory.ctypes.data) % 64
    address = int(memory.ctypes.data) + start
    code, pointer, number = compiled_packed(dtype), ctypes.c_void_p, ctypes.c_int64
    pack = ctypes.CFUNCTYPE(None, pointer, number, number, pointer, number, number)(code.address(f"pack.{b_unit}"))
    pack(b.ctypes.data, *(s // b.itemsize for s in b.strides), address, k, n)
    assert (memory[:start] == 0xFF).all() and (memory[start + size :] == 0xFF).all()
    c = values(rng, (m, n), dtype)
    before = c.copy()
    product = ctypes.CFUNCTYPE(None, *[pointer] * 3, *[number] * 8, pointer)(code.address(entry(a_unit, "packed", accumulate)))
    strides = [s // a.itemsize for s in a.strides]
    product(a.ctypes.data, address, c.ctypes.data, m, n, k, *strides, -7, -7, n, scratch(dtype)[1])
    assert_product(c, a, b, before if accumulate else None)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("a_unit", "b_unit"), VARIANTS)
def test_a_matrix_packed_before(dtype: str, a_unit: str, b_unit: str) -> None:
    for iteration, (m, n, k) in enumerate([*edge_sizes(dtype)[::3], (201, 307, 523), (32, 128, 512)]):
        check_packed(dtype, a_unit, b_unit, m, n, k, accumulate=iteration % 3 == 0)


def test_strided_vectors() -> None:
    rng = np.random.default_rng(2)
    x, matrix = values(rng, (1, 600), "double")[:, ::3], values(rng, (70, 200), "double")
    c = np.zeros((1, 70))
    call("double", "none", "row", False, x, matrix.T, c)
    assert_product(c, x, matrix.T)
    tall = np.zeros((70, 5))
    call("double", "col", "none", False, matrix, x.T, tall[:, 2:3])
    assert_product(tall[:, 2:3], matrix, x.T)
    assert not tall[:, :2].any() and not tall[:, 3:].any()


def test_infinities_and_nans_stay_in_their_rows_and_columns() -> None:
    rng = np.random.default_rng(3)
    for m, n, k in ((13, 21, 17), (1, 37, 18), (37, 1, 18)):
        a, b = values(rng, (m, k), "float"), values(rng, (k, n), "float")
        a[-1, -1], b[0, 0] = np.inf, np.nan
        c = np.zeros((m, n), np.float32)
        call("float", "col", "col", False, a, b, c)
        with np.errstate(invalid="ignore"):
            want = a.astype(np.float64) @ b.astype(np.float64)
        np.testing.assert_allclose(c, want, rtol=1e-4, atol=1e-4)


@functools.cache
def protect() -> Callable[[int, int, int], int]:
    """Return the C library's `mprotect`."""
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return function


class Guarded:
    """Memory between two forbidden pages: touching a byte before or behind it kills the process."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // PAGE) * PAGE
        self.map = mmap.mmap(-1, self.size + 2 * PAGE)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.map)) + PAGE
        for forbidden in (self.start - PAGE, self.start + self.size):
            assert protect()(forbidden, PAGE, 0) == 0

    def array(self, like: Array, *, at_end: bool) -> Array:
        """Return a copy of an array, in its own order of strides, against one of the forbidden pages."""
        order = like.T if like.flags.f_contiguous and not like.flags.c_contiguous else like
        offset = PAGE + (self.size - like.nbytes if at_end else 0)
        flat = np.frombuffer(self.map, like.dtype, like.size, offset)
        flat[:] = order.ravel()
        copy = flat.reshape(order.shape)
        return copy.T if order is not like else copy

    def release(self) -> None:
        """Allow everything again, so that the map can be freed."""
        assert protect()(self.start - PAGE, self.size + 2 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_nothing_outside_the_operands_is_touched(dtype: str) -> None:
    rng = np.random.default_rng(4)
    sizes = [(1, 19, 21), (21, 1, 19), (1, 8, 8), (5, 3, 2), (7, 17, 9), (13, 33, 5), (12, 300, 33), (2, 31, 300)]
    areas = [Guarded(1 << 17) for _ in range(3)]
    try:
        for (m, n, k), (a_unit, b_unit), at_end in itertools.product(sizes, VARIANTS, (False, True)):
            a, b = values(rng, (m, k), dtype), values(rng, (k, n), dtype)
            a = np.asfortranarray(a) if a_unit == "row" else a
            b = np.asfortranarray(b) if b_unit == "row" else b
            x, y = areas[0].array(a, at_end=at_end), areas[1].array(b, at_end=at_end)
            c = areas[2].array(np.zeros((m, n), a.dtype), at_end=at_end)
            call(dtype, a_unit, b_unit, False, x, y, c)
            assert_product(c, a, b)
            del x, y, c
    finally:
        for area in areas:
            area.release()


def test_scratch_is_enough_and_nothing_behind_it_is_written() -> None:
    memory, start = scratch("float")
    begin = start - int(memory.ctypes.data)
    end = begin + blocking.scratch_bytes(blocking_for("float"))
    behind = memory[end:].copy()
    check("float", "none", "none", 385, 2049, 257)
    check("float", "none", "row", 1, 3, 60000)
    np.testing.assert_array_equal(memory[end:], behind)


def test_a_module_has_each_kernel_once() -> None:
    module = Module()
    first = driver.emit_matmul(module, product_for("float", "col", "col"))
    count = len(module.functions)
    assert driver.emit_matmul(module, product_for("float", "col", "col")) == first
    assert len(module.functions) == count
    driver.emit_matmul(module, product_for("float", "col", "col"), accumulate=True)
    assert len(module.functions) == count + 1


def test_vector_cases_can_be_left_out() -> None:
    module = Module()
    name = driver.emit_matmul(module, product_for("float", "col", "row", vectors=False))
    assert not {"matmul.dots.float", "matmul.sums.float"} & {f.name for f in module.functions}
    assert driver.emit_matmul(module, product_for("float", "col", "row")) != name
    assert "matmul.dots.float" in {f.name for f in module.functions}


OTHERS = {
    "wide": Target("x86_64-unknown-linux-gnu", "skylake-avx512", "+avx512f,+avx2,+fma"),
    "narrow": Target("aarch64-unknown-linux-gnu", "", ""),
    "plain": Target("x86_64-unknown-linux-gnu", "x86-64", ""),
}


@pytest.mark.parametrize("which", OTHERS)
def test_other_processors_get_valid_code(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    other = OTHERS[which]
    monkeypatch.setattr(blocking, "host", lambda: other)
    module = Module()
    driver.emit_matmul(module, product_for("float", "row", "row"))
    text = str(module).replace("define internal", "define")
    assert "matmul.tiles" in cross_assembly(text, other.triple, other.cpu, other.features)


@pytest.mark.parametrize("which", OTHERS)
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_tiles_of_other_processors_compute_the_same(monkeypatch: pytest.MonkeyPatch, dtype: str, which: str) -> None:
    monkeypatch.setattr(blocking, "host", lambda: OTHERS[which])
    memory = np.full(blocking.scratch_bytes(blocking_for(dtype)) + 64, 0xFF, np.uint8)
    place = int(memory.ctypes.data) + -int(memory.ctypes.data) % 64
    code = compile_text(str(all_variants(dtype)))
    monkeypatch.setattr(sys.modules[__name__], "compiled", lambda _: code)
    monkeypatch.setattr(sys.modules[__name__], "scratch", lambda _: (memory, place))
    sizes = [(1, 70, 35), (70, 1, 35), (7, 9, 5), (33, 70, 35), (70, 530, 300)]
    for (m, n, k), (a_unit, b_unit) in itertools.product(sizes, VARIANTS):
        check(dtype, a_unit, b_unit, m, n, k, accumulate=k == 35)


def hot_loops(assembly: str) -> list[str]:
    """Return the loops of an assembly listing that hold at least eight fused multiply-adds."""
    blocks = assembly.split("\n.LBB")
    return [b.split("\tj")[0] for b in blocks if b.count("\tvfmadd") >= 8]


@pytest.mark.skipif(not host().has("fma"), reason="reads x86 assembly")
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_the_hot_loops_do_not_touch_the_stack(dtype: str) -> None:
    module = Module()
    microkernel.emit_tiles(module, blocking_for(dtype))
    text = str(module).replace("define internal", "define")
    loops = hot_loops(cross_assembly(text, host().triple, host().cpu, host().features))
    assert len(loops) == 2
    assert not any("rsp" in loop for loop in loops)
