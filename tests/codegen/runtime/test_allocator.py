"""The allocator: blocks are reused, bounded and freed with the last view."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from graphc.codegen.runtime import allocator, pool
from tests.codegen.runtime.programs import LARGE, native_only


def test_arrays_may_die_after_everything_else() -> None:
    text = (
        "import sys\nfrom graphc.codegen.runtime import allocator\n"
        "sys.kept = allocator.empty((1 << 20,), 'f4')\nsys.kept[:] = 1\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@native_only
def test_view_keeps_the_block() -> None:
    before = allocator.stats().live
    x = allocator.empty((LARGE,), np.float32)
    x[:] = 3
    view = x[10:20].reshape(2, 5)
    del x
    assert allocator.stats().live == before + 4 * LARGE
    assert (view == 3).all()
    del view
    assert allocator.stats().live == before


@native_only
def test_freed_blocks_are_reused_and_trimmed() -> None:
    allocator.trim()
    x = allocator.empty((LARGE,), np.float32)
    address = x.ctypes.data
    del x
    assert allocator.stats().cached == 4 * LARGE
    assert allocator.empty((LARGE // 2,), np.float64).ctypes.data == address
    assert allocator.trim() == 4 * LARGE
    assert allocator.stats().cached == 0


@native_only
def test_limit_bounds_what_is_kept() -> None:
    allocator.trim()
    before = allocator.limit()
    try:
        assert allocator.limit(6 * LARGE) == 6 * LARGE
        arrays = [allocator.empty((LARGE,), np.float32) for _ in range(3)]
        arrays.clear()
        assert allocator.stats().cached == 4 * LARGE
    finally:
        allocator.limit(before)
        allocator.trim()


def test_size_classes() -> None:
    for nbytes in [1, 65_536, 65_537, 81_920, 81_921, 131_073, 5_000_000, 2**31 + 1]:
        size_class = pool.class_of(nbytes)
        size = pool.class_bytes(size_class)
        assert size >= nbytes
        assert size == allocator.LEAST_POOLED or size <= 1.25 * nbytes
        assert size_class == 0 or pool.class_bytes(size_class - 1) < nbytes
    assert pool.class_of(pool.class_bytes(pool.CLASSES - 1)) == pool.CLASSES - 1


def test_sizes_beyond_every_class_are_an_error_and_no_crash() -> None:
    for nbytes in (pool.class_bytes(pool.CLASSES - 1) + 1, 10**16, 2**70):
        with pytest.raises(MemoryError, match=f"at most 2.5e\\+14 bytes in one array, got {nbytes}"):
            pool.class_of(nbytes)
    with pytest.raises(MemoryError, match="in one array"):
        allocator.empty((10**8, 10**8), np.float32)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (300, 400)])
@pytest.mark.parametrize("dtype", [bool, "int8", "float32", "complex128", "O"])
def test_empty(both: str, shape: tuple[int, ...], dtype: Any) -> None:
    x = allocator.empty(shape, dtype)
    assert x.shape == shape and x.dtype == dtype and x.flags.c_contiguous and x.flags.writeable
    x[...] = 1
    assert (x == 1).all()
