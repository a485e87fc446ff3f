"""Memory from the operating system: mappings, in huge pages where the system has them."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path
from typing import Any

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.numpy_abi import Imports

__all__ = ["system"]

HUGE_PAGE = 1 << 21
"""Bytes of a huge page: larger blocks are aligned to it; smaller ones could not hold one."""


class Posix:
    """Linux and macOS: anonymous private mappings, huge pages where the system knows them."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(None)
        self.mmap = self.library.mmap
        self.mmap.restype = ctypes.c_void_p
        self.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64]
        self.munmap, self.madvise = self.library.munmap, self.library.madvise
        self.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.unmap = self.munmap
        self.huge = getattr(mmap, "MADV_HUGEPAGE", None)

    def map(self, nbytes: int) -> int:
        """Return the address of `nbytes` fresh bytes, or 0.  Large ones start on a huge page."""
        slack = HUGE_PAGE if nbytes >= HUGE_PAGE else 0
        start = self._map(nbytes + slack)
        if not start or not slack:
            return start
        aligned = -(-start // HUGE_PAGE) * HUGE_PAGE
        self._cut(start, aligned - start)
        self._cut(aligned + nbytes, start + slack - aligned)
        if self.huge is not None:
            self.madvise(aligned, nbytes, self.huge)
        return aligned

    def _map(self, nbytes: int) -> int:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = self.mmap(None, nbytes, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        return 0 if start in (None, ctypes.c_void_p(-1).value) else int(start)

    def _cut(self, start: int, nbytes: int) -> None:
        if nbytes:
            self.munmap(start, nbytes)

    def emit_unmap(self, f: Function, imports: Imports, address: Value, nbytes: Value) -> None:
        """Write the call that unmaps a block."""
        imports.call(f, "unmap", "i32", address, nbytes)

    def memory(self) -> int:
        """Return the bytes of memory of this machine, or of the container if its limit is lower."""
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
        for name in ("memory.max", "memory/memory.limit_in_bytes"):
            file = Path("/sys/fs/cgroup", name)
            text = file.read_text().strip() if file.exists() else ""
            limits += [int(text)] if text.isdigit() else []
        return min(limits)


class Windows:
    """Windows: committed pages; large pages would need a privilege."""

    def __init__(self) -> None:
        kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  (absent from the type stubs elsewhere)
        self.unmap, self.alloc = kernel.VirtualFree, kernel.VirtualAlloc
        self.alloc.restype = ctypes.c_void_p
        self.alloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32]

    def map(self, nbytes: int) -> int:
        """Return the address of `nbytes` fresh bytes, or 0."""
        commit_and_reserve, read_write = 0x3000, 0x04
        return self.alloc(None, nbytes, commit_and_reserve, read_write) or 0

    def emit_unmap(self, f: Function, imports: Imports, address: Value, nbytes: Value) -> None:
        """Write the call that unmaps a block: of size 0 with MEM_RELEASE."""
        imports.call(f, "unmap", "i32", address, f.i64(0), Value("32768", "i32"))

    def memory(self) -> int:
        """Return a cautious estimate of the bytes of memory of this machine."""
        return 1 << 32


system: Any = Windows() if sys.platform == "win32" else Posix()
