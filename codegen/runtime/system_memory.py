"""Memory from the operating system: mappings, in huge pages where the system has them."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value

__all__ = ["system"]

HUGE_PAGE = 1 << 21
"""Bytes of a huge page: larger blocks are aligned to it; smaller ones could not hold one."""

REACH = 1 << 30
"""Bytes between two mappings for which offsets of 32 bits surely suffice."""

FILLERS = 20_000
"""Mappings that fill free places at a time, at most: a process may have 65,530."""


class Calls(Protocol):
    """Calls of functions of the system, by name."""

    def call(self, f: Function, name: str, returns: str, *args: Value) -> Value:
        """Write a call and return its result."""


class Posix:
    """Linux and macOS: anonymous private mappings, huge pages where the system knows them."""

    def __init__(self) -> None:
        self.reach = REACH
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

    @contextmanager
    def within_reach(self, nbytes: int) -> Iterator[None]:
        """Let what a block maps, `nbytes` at most, lie within reach, also where arrays of gigabytes part the free memory.

        Linux maps at the highest free place that is large enough: where a page would go further away than all of it, such
        places are filled meanwhile, large ones first.
        """
        start = self._map(nbytes, access=0)
        page = self._map(mmap.PAGESIZE, access=0)
        is_far = start and page - start > self.reach
        self._cut(page, mmap.PAGESIZE if page else 0)
        fillers: list[tuple[int, int]] = []
        try:
            if is_far:
                self._fill(start, 1 << (nbytes.bit_length() - 1), fillers)
            self._cut(start, nbytes if start else 0)
            yield
        finally:
            for address, size in fillers:
                self._cut(address, size)

    def _fill(self, start: int, size: int, fillers: list[tuple[int, int]]) -> None:
        """Map the free places far above an address, at most of twice a size, in powers of two, and add them to `fillers`."""
        while size >= mmap.PAGESIZE:
            address = self._map(size, access=0)
            if address and address - start > self.reach and len(fillers) < FILLERS:
                fillers.append((address, size))
            else:
                self._cut(address, size if address else 0)
                size //= 2

    def _map(self, nbytes: int, access: int = mmap.PROT_READ | mmap.PROT_WRITE) -> int:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = self.mmap(None, nbytes, access, flags, -1, 0)
        return 0 if start in (None, ctypes.c_void_p(-1).value) else int(start)

    def _cut(self, start: int, nbytes: int) -> None:
        if nbytes:
            self.munmap(start, nbytes)

    def emit_unmap(self, f: Function, imports: Calls, address: Value, nbytes: Value) -> None:
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

    @contextmanager
    def within_reach(self, nbytes: int) -> Iterator[None]:
        """Do nothing: where the parts of a program lie is up to the system."""
        yield

    def emit_unmap(self, f: Function, imports: Calls, address: Value, nbytes: Value) -> None:
        """Write the call that unmaps a block: of size 0 with MEM_RELEASE."""
        imports.call(f, "unmap", "i32", address, f.i64(0), Value("32768", "i32"))

    def memory(self) -> int:
        """Return a cautious estimate of the bytes of memory of this machine."""
        return 1 << 32


system: Any = Windows() if sys.platform == "win32" else Posix()
