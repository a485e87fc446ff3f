"""Allocate large arrays in 64-byte aligned blocks that are cached when freed, in huge pages where the system has them.

Reasons for the design (`benchmarks/call.py` measures it):

- Fresh memory costs a page fault per 4 KiB, more than the kernel that fills it: allocating, filling and freeing
  six arrays of 512 KiB takes NumPy ten times as long.  Freed blocks are therefore cached, up to `limit` bytes, and
  reused last in, first out (the lines of the last one are still in the processor's cache).
- Blocks are mapped by the system; those of `HUGE_PAGE` bytes and more ask for huge pages.
- Arrays below `LEAST_POOLED` bytes are NumPy's, whose own allocator is as fast for them.
- Sizes are rounded up to four classes per power of two: a block is at most 25 % larger than requested.
- A block is owned by a capsule, the `base` of the array made over it.  The capsule dies with the array and
  its last view, and its destructor, native code, takes some ten instructions.
- Allocation is native code: called from `entry` it costs some 70 ns per array, where a Python list with weak
  references to the arrays took 1.5 µs (as `empty` does, which starts in Python).  It runs under the GIL and calls
  nothing between reading and writing the free lists, which makes it safe for threads.  There is no lock that a
  fork could leave taken; the child owns its copy of every block.
- The native code is compiled at first use and never unloaded, because arrays may outlive everything else.

Where `supported()` is false (PyPy, free-threaded Python, an unknown NumPy), memory is NumPy's and nothing is
cached.  Large arrays do not own their data in NumPy's sense, so `ndarray.resize` refuses them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphc.codegen.runtime import numpy_abi
from graphc.codegen.runtime.pool import LIMIT, LIVE, MISSES, NO_CLASS, class_bytes, class_of, loaded, native

__all__ = ["ALIGNMENT", "LEAST_POOLED", "ArrayRecord", "Stats", "block", "empty", "limit", "stats", "trim"]

ALIGNMENT = 64
"""Bytes to which every block is aligned."""
LEAST_POOLED = 1 << 16
"""The smallest block in bytes; smaller arrays are NumPy's."""


class Stats(NamedTuple):
    """Bytes in use, bytes cached, and requests that a cached block served (`hits`) or did not (`misses`)."""

    live: int
    cached: int
    hits: int
    misses: int


class ArrayRecord:
    """Describes arrays of one dtype, shape and strides to `new_array`: five words at `address`.

    They are the dtype, the number of dimensions, the addresses of extents and strides, and the size class.
    """

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> None:
        nd, nbytes = len(shape), math.prod(shape) * dtype.itemsize
        self.dtype = dtype
        self.words = np.zeros(5 + 2 * nd, np.int64)
        self.address = self.words.ctypes.data
        extents = self.address + 5 * 8
        self.words[5 : 5 + nd] = shape
        if strides is not None:
            self.words[5 + nd :] = strides
        pooled = nbytes >= LEAST_POOLED and not dtype.hasobject
        size_class = class_of(nbytes) if pooled else NO_CLASS
        self.words[:5] = [id(dtype), nd, extents, extents + 8 * nd if strides is not None else 0, size_class]


@functools.lru_cache(maxsize=1024)
def _record(shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArrayRecord:
    return ArrayRecord(dtype, shape)


@functools.cache
def _block_record(size_class: int) -> ArrayRecord:
    return ArrayRecord(np.dtype(np.uint8), (class_bytes(size_class),))


def block(nbytes: int) -> NDArray[np.uint8]:
    """Return at least `nbytes` aligned bytes as a flat array.  Raises MemoryError."""
    if not numpy_abi.supported():
        raw = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + nbytes]
    array: NDArray[np.uint8] = native().make(_block_record(class_of(nbytes)).address)
    return array


def empty(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Return an uninitialized C-contiguous array, in a cached block if it is large.

    Arrays of at least `LEAST_POOLED` bytes are aligned to `ALIGNMENT`.  Raises MemoryError.
    """
    if not numpy_abi.supported():
        return np.empty(shape, dtype)
    array: NDArray[Any] = native().make(_record(tuple(shape), np.dtype(dtype)).address)
    return array


def stats() -> Stats:
    """Return the counters of the pool; zeros before the first large array."""
    pool = loaded()
    return Stats(0, 0, 0, 0) if pool is None else Stats(*pool.words[LIVE : MISSES + 1])


def trim() -> int:
    """Return every cached block to the system; return the bytes freed."""
    pool = loaded()
    return 0 if pool is None else pool.trim()


def limit(nbytes: int | None = None) -> int:
    """Return the bound on cached bytes, after setting it if `nbytes` is given.

    The default is a quarter of the machine's (or container's) memory.  Lowering it frees nothing: see `trim`.
    """
    if not numpy_abi.supported():
        return 0
    words = native().words
    if nbytes is not None:
        words[LIMIT] = nbytes
    return int(words[LIMIT])
