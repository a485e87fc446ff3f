"""Arrays that end, or begin, at a page of memory that must not be touched: Linux, macOS."""

from __future__ import annotations

import ctypes
import mmap
import weakref
from typing import Any

import numpy as np

__all__ = ["guarded"]

_PAGE = mmap.PAGESIZE
_NONE, _PRIVATE_ANONYMOUS = 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def _library() -> Any:
    found = ctypes.CDLL(None, use_errno=True)
    found.mmap.restype = ctypes.c_void_p
    found.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    found.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return found


def guarded(x: np.ndarray[Any, Any], *, at_end: bool = True) -> np.ndarray[Any, Any]:
    """Return a row-major copy whose last byte, or first, is next to a page that kills the process when it is read."""
    lib, size = _library(), max(x.nbytes, 1)
    length = -(-size // _PAGE) * _PAGE
    base = lib.mmap(None, length + 2 * _PAGE, mmap.PROT_READ | mmap.PROT_WRITE, _PRIVATE_ANONYMOUS, -1, 0)
    if base in (None, ctypes.c_void_p(-1).value):
        raise MemoryError("no pages for a guarded array")
    for page in (base, base + _PAGE + length):
        if lib.mprotect(page, _PAGE, _NONE):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = base + _PAGE + (length - x.nbytes if at_end else 0)
    buffer = (ctypes.c_char * size).from_address(start if x.nbytes else base + _PAGE)
    made = np.frombuffer(buffer, x.dtype, x.size).reshape(x.shape)
    weakref.finalize(buffer, lib.munmap, base, length + 2 * _PAGE)
    made[...] = x
    return made
