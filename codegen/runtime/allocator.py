"""Keep memory for large arrays: 64-byte aligned blocks, cached when freed, in huge pages where there are any.

Why it is built this way (`benchmarks/call.py` measures it):

- Fresh memory costs a page fault for every 4 KiB, more than the kernel that fills it: six arrays of 512 KiB,
  made, filled and freed together, take NumPy ten times as long.  A freed block is therefore kept, up to
  `limit` bytes, and handed out again, the one freed last first (its lines are still in the cache).
- Blocks come straight from the system, and those of `HUGE` bytes and more ask for huge pages.
- Arrays below `SMALL` bytes are left to NumPy, whose own allocation is as quick and has no waste to speak of.
- Sizes are rounded up to four classes for each power of two: a block is at most 25 % larger than asked.
- A block is owned by a capsule, the `base` of the array made over it.  The capsule dies with the array and
  its last view, and its destructor, native code, takes some ten instructions.
- Handing out and taking back are native: from `entry` an array costs some 70 ns, where a list in Python with
  weak references to the arrays took 1.5 µs (as `empty` does, for it starts in Python).  They run only under
  the GIL and call nothing between reading and writing the lists: that is what makes them safe for threads.
  There is no lock, so a fork cannot leave one taken; the child owns its copy of every block.
- The native code is made at first use and never unloaded, because arrays may outlive everything else.

Where `supported()` is false (PyPy, free-threaded Python, an unknown NumPy), memory is NumPy's and nothing is
cached.  Large arrays do not own their data in NumPy's sense, so `ndarray.resize` refuses them.
"""

from __future__ import annotations

import ctypes
import functools
import math
import mmap
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphc.codegen.llvm.builder import Function, Module, Value
from graphc.codegen.runtime.engine import MachineCode, compile_text

__all__ = [
    "ALIGNMENT",
    "SMALL",
    "ArrayRecord",
    "Imports",
    "Native",
    "Stats",
    "block",
    "class_bytes",
    "class_of",
    "empty",
    "immortal",
    "limit",
    "native",
    "stats",
    "supported",
    "trim",
]

ALIGNMENT = 64
"""Bytes to which every block is aligned."""
SMALL = 1 << 16
"""Arrays of fewer bytes are NumPy's; it is also the smallest block."""
HUGE = 1 << 21
"""Bytes of a huge page: blocks at least this large are aligned to it; smaller ones could not hold one."""
CLASSES = 128
NO_CLASS = -1

# The layout of CPython's and NumPy's objects on 64-bit machines, tried by `supported`.
TYPE, DATA, DIMENSIONS, COUNT, STRIDES, DESCR, FLAGS, DESCR_KIND = 8, 16, 32, 24, 40, 56, 64, 24
WRITEABLE_ALIGNED_C = 0x501

# Words of the pool: list heads, bytes of each class, then these.
LIVE, CACHED, HITS, MISSES, LIMIT = range(2 * CLASSES, 2 * CLASSES + 5)


class Stats(NamedTuple):
    """Bytes handed out, bytes kept for reuse, and how often a block was found (`hits`) or not (`misses`)."""

    live: int
    cached: int
    hits: int
    misses: int


def class_of(nbytes: int) -> int:
    """Return the smallest size class that holds `nbytes`.  Raises MemoryError for more than the largest holds."""
    shift = max((nbytes - 1).bit_length() - 3, 14)
    quarters = max(-(-nbytes >> shift), 4)
    found = (shift - 14) * 4 + quarters - 4
    if found >= CLASSES:
        raise MemoryError(f"expected at most {class_bytes(CLASSES - 1):.1e} bytes in one array, got {nbytes}")
    return found


def class_bytes(size_class: int) -> int:
    """Return the bytes of a block: 4, 5, 6, 7 times a power of two."""
    return (4 + size_class % 4) << (14 + size_class // 4)


# -- what the system gives ----------------------------------------------------------------------------


class _Posix:
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
        slack = HUGE if nbytes >= HUGE else 0
        start = self._map(nbytes + slack)
        if not start or not slack:
            return start
        aligned = -(-start // HUGE) * HUGE
        self._cut(start, aligned - start)
        self._cut(aligned + nbytes, start + slack - aligned)
        if self.huge is not None:
            self.madvise(aligned, nbytes, self.huge)
        return aligned

    def _map(self, nbytes: int) -> int:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        found = self.mmap(None, nbytes, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        return 0 if found in (None, ctypes.c_void_p(-1).value) else int(found)

    def _cut(self, start: int, nbytes: int) -> None:
        if nbytes:
            self.munmap(start, nbytes)

    def emit_unmap(self, f: Function, imports: Imports, address: Value, nbytes: Value) -> None:
        """Write the call that gives a block back."""
        imports.call(f, "unmap", "i32", address, nbytes)

    def memory(self) -> int:
        """Return the bytes of memory of this machine, or of the container if it is allowed less."""
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
        for name in ("memory.max", "memory/memory.limit_in_bytes"):
            file = Path("/sys/fs/cgroup", name)
            text = file.read_text().strip() if file.exists() else ""
            limits += [int(text)] if text.isdigit() else []
        return min(limits)


class _Windows:
    """Windows: committed pages; large pages need a privilege there and are not asked for."""

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
        """Write the call that gives a block back; Windows wants a size of zero and MEM_RELEASE."""
        imports.call(f, "unmap", "i32", address, f.i64(0), Value("32768", "i32"))

    def memory(self) -> int:
        """Return a cautious guess at the bytes of memory of this machine."""
        return 1 << 32


_system: Any = _Windows() if sys.platform == "win32" else _Posix()


# -- the layout of objects ------------------------------------------------------------------------------


@functools.cache
def supported() -> bool:
    """Tell whether native code may read arrays: 64-bit CPython with a GIL, and NumPy's known layout."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    if ctypes.sizeof(ctypes.c_void_p) != 8 or np.ndarray.__basicsize__ < FLAGS + 8:
        return False
    return _known_layout()


def _known_layout() -> bool:
    """Compare the fields of one array, read at the offsets, with what NumPy says."""
    x = np.zeros((6, 4), np.float32)[::2, :3]
    address = id(x)
    found = [_word(address + o) for o in (TYPE, DATA, DESCR)]
    if found != [id(np.ndarray), x.ctypes.data, id(x.dtype)]:
        return False
    if (_word(address + COUNT) & 0xFFFFFFFF, _word(address + FLAGS) & 0xFFFFFFFF) != (x.ndim, x.flags.num):
        return False
    kind = _word(id(x.dtype) + DESCR_KIND)
    if (kind & 0xFF, kind >> 32) != (ord(x.dtype.kind), x.dtype.num):
        return False
    dimensions, strides = _word(address + DIMENSIONS), _word(address + STRIDES)
    return [_word(dimensions + 8 * i) for i in range(2)] == [3, 3] and [_word(strides + 8 * i) for i in range(2)] == [32, 4]


def _word(address: int) -> int:
    return ctypes.c_int64.from_address(address).value


# -- functions that native code calls ---------------------------------------------------------------------


class Imports:
    """A table of function addresses in a module, by name, filled in after the code is loaded.

    So the object code holds no address and may be kept in a file.
    """

    def __init__(self, module: Module, names: Sequence[str]) -> None:
        self.names = list(names)
        module.constant("imports", f"internal global [{len(self.names)} x ptr] zeroinitializer")
        Function(module, "imports_address", [], "ptr").ret(Value("@imports", "ptr"))

    def load(self, f: Function, name: str) -> Value:
        """Load an entry of the table."""
        slot = f.element(Value("@imports", "ptr"), f.i64(self.names.index(name)), "ptr")
        return f.load(slot, "ptr")

    def call(self, f: Function, name: str, returns: str, *args: Value) -> Value:
        """Write a call of an entry of the table."""
        function = self.load(f, name)
        text = f"call {returns} {function.name}({', '.join(a.typed for a in args)})"
        if returns != "void":
            return f.inst(text, returns)
        f.do(text)
        return Value("", "void")

    def fill(self, code: MachineCode, addresses: dict[str, int]) -> None:
        """Write the addresses; those that are not given are looked up in Python and NumPy by their names."""
        start = ctypes.CFUNCTYPE(ctypes.c_void_p)(code.address("imports_address"))()
        table = (ctypes.c_void_p * len(self.names)).from_address(start)
        for i, name in enumerate(self.names):
            table[i] = addresses[name] if name in addresses else _python_function(name)


def _python_function(name: str) -> int:
    """Return the address of a function of Python's or NumPy's C interface."""
    slots = {"PyArray_NewFromDescr": 94, "PyArray_SetBaseObject": 282}
    if name not in slots:
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    return _word(_numpy_table() + 8 * slots[name])


@functools.cache
def _numpy_table() -> int:
    core = sys.modules.get("numpy._core._multiarray_umath") or sys.modules["numpy.core._multiarray_umath"]
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
    return int(get(core._ARRAY_API, None))


# -- the native pool ----------------------------------------------------------------------------------


IMPORTED = (
    *("map", "unmap", "ndarray", "Py_IncRef", "Py_DecRef", "PyErr_NoMemory", "PyArray_NewFromDescr", "PyArray_SetBaseObject"),
    *("PyCapsule_New", "PyCapsule_SetContext", "PyCapsule_GetContext", "PyCapsule_GetPointer"),
)


class _Emitter:
    """The functions of the pool, written into one module."""

    def __init__(self) -> None:
        self.module = Module()
        self.imports = Imports(self.module, IMPORTED)
        self.module.constant("pool", f"internal global [{LIMIT + 1} x i64] zeroinitializer")
        self.module.constant("block_name", 'internal constant [13 x i8] c"graphc.block\\00"')
        Function(self.module, "pool_address", [], "ptr").ret(self.pool)
        self.take()
        self.give()
        self.drop()
        self.release()
        self.new_array()

    pool = Value("@pool", "ptr")
    name = Value("@block_name", "ptr")
    null = Value("null", "ptr")

    def counter(self, f: Function, which: int) -> Value:
        return f.element(self.pool, f.i64(which), "i64")

    def count(self, f: Function, which: int, by: Value) -> Value:
        """Add to a counter and return what it has become."""
        place = self.counter(f, which)
        total = f.add(f.load(place, "i64"), by)
        f.store(total, place)
        return total

    def head(self, f: Function, size_class: Value) -> Value:
        return f.element(self.pool, size_class, "i64")

    def bytes_of(self, f: Function, size_class: Value) -> Value:
        return f.load(f.element(self.pool, f.add(size_class, f.i64(CLASSES)), "i64"), "i64")

    def take(self) -> None:
        """`ptr take(class)`: a block from the list, or a fresh one, or null."""
        f = Function(self.module, "take", [("i64", "class")], "ptr")
        nbytes, place = self.bytes_of(f, f.args[0]), self.head(f, f.args[0])
        block = f.load(place, "ptr")
        f.cond_br(f.cmp("eq", block, self.null), "miss", "hit")
        f.start("hit")
        f.store(f.load(block, "ptr"), place)
        self.count(f, CACHED, f.neg(nbytes))
        self.count(f, LIVE, nbytes)
        self.count(f, HITS, f.i64(1))
        f.ret(block)
        f.start("miss")
        fresh = self.imports.call(f, "map", "ptr", nbytes)
        got = f.cmp("ne", fresh, self.null)
        self.count(f, LIVE, f.select(got, nbytes, f.i64(0)))
        self.count(f, MISSES, f.i64(1))
        f.ret(fresh)

    def give(self) -> None:
        """`void give(block, class)`: keep the block if the limit allows it, else hand it to the system."""
        f = Function(self.module, "give", [("ptr", "block"), ("i64", "class")])
        block, size_class = f.args
        nbytes = self.bytes_of(f, size_class)
        self.count(f, LIVE, f.neg(nbytes))
        cached = f.add(f.load(self.counter(f, CACHED), "i64"), nbytes)
        f.cond_br(f.cmp("sle", cached, f.load(self.counter(f, LIMIT), "i64")), "keep", "unmap")
        f.start("keep")
        place = self.head(f, size_class)
        f.store(f.load(place, "ptr"), block)
        f.store(block, place)
        f.store(cached, self.counter(f, CACHED))
        f.ret()
        f.start("unmap")
        _system.emit_unmap(f, self.imports, block, nbytes)
        f.ret()

    def drop(self) -> None:
        """`i64 drop(class)`: hand one kept block to the system; the bytes freed, 0 when there was none."""
        f = Function(self.module, "drop", [("i64", "class")], "i64")
        place = self.head(f, f.args[0])
        block = f.load(place, "ptr")
        f.cond_br(f.cmp("eq", block, self.null), "none", "one")
        f.start("none")
        f.ret(f.i64(0))
        f.start("one")
        nbytes = self.bytes_of(f, f.args[0])
        f.store(f.load(block, "ptr"), place)
        self.count(f, CACHED, f.neg(nbytes))
        _system.emit_unmap(f, self.imports, block, nbytes)
        f.ret(nbytes)

    def release(self) -> None:
        """`void release(capsule)`: the capsule's destructor; its context is the size class."""
        f = Function(self.module, "release", [("ptr", "capsule")])
        block = self.imports.call(f, "PyCapsule_GetPointer", "ptr", f.args[0], self.name)
        context = self.imports.call(f, "PyCapsule_GetContext", "ptr", f.args[0])
        f.do(f"call void @give({block.typed}, {f.convert('ptrtoint', context, 'i64').typed})")
        f.ret()

    def new_array(self) -> None:
        """`PyObject *new_array(record)`: a fresh array as `array_record` describes it, or null with an exception."""
        f = Function(self.module, "new_array", [("ptr", "record")], "ptr")
        words = [f.element(f.args[0], f.i64(i), "i64") for i in range(5)]
        descr, dims, strides = (f.load(words[i], "ptr") for i in (0, 2, 3))
        nd = f.load(words[1], "i32")
        size_class = f.load(words[4], "i64")
        f.cond_br(f.cmp("slt", size_class, f.i64(0)), "small", "large")
        f.start("small")
        f.ret(self._from_descr(f, descr, nd, dims, strides, self.null, 0))
        f.start("large")
        block = f.inst(f"call ptr @take({size_class.typed})", "ptr")
        f.cond_br(f.cmp("eq", block, self.null), "exhausted", "owned")
        f.start("exhausted")
        f.ret(self.imports.call(f, "PyErr_NoMemory", "ptr"))
        f.start("owned")
        capsule = self.imports.call(f, "PyCapsule_New", "ptr", block, self.name, Value("@release", "ptr"))
        f.cond_br(f.cmp("eq", capsule, self.null), "ownerless", "view")
        f.start("ownerless")
        f.do(f"call void @give({block.typed}, {size_class.typed})")
        f.ret(self.null)
        f.start("view")
        self.imports.call(f, "PyCapsule_SetContext", "i32", capsule, f.convert("inttoptr", size_class, "ptr"))
        array = self._from_descr(f, descr, nd, dims, strides, block, WRITEABLE_ALIGNED_C)
        f.cond_br(f.cmp("eq", array, self.null), "failed", "done")
        f.start("failed")
        self.imports.call(f, "Py_DecRef", "void", capsule)
        f.ret(self.null)
        f.start("done")
        # It can only fail for an array that has a base already; it takes over the capsule in any case.
        self.imports.call(f, "PyArray_SetBaseObject", "i32", array, capsule)
        f.ret(array)

    def _from_descr(self, f: Function, descr: Value, nd: Value, dims: Value, strides: Value, data: Value, flags: int) -> Value:
        self.imports.call(f, "Py_IncRef", "void", descr)
        kind = self.imports.load(f, "ndarray")
        rest = (nd, dims, strides, data, Value(str(flags), "i32"), self.null)
        return self.imports.call(f, "PyArray_NewFromDescr", "ptr", kind, descr, *rest)


class Native:
    """The loaded pool: addresses for other native code, and calls for Python.

    `take` is `ptr(i64 class)`, `give` is `void(ptr block, i64 class)`, `new_array` is `ptr(ptr record)`; all
    three want the GIL.
    """

    def __init__(self) -> None:
        emitter = _Emitter()
        code = compile_text(str(emitter.module))
        # Destructors of arrays run this code until the very end of the process.
        immortal(code)
        self.take, self.give, self.new_array = (code.address(name) for name in ("take", "give", "new_array"))
        self._map = immortal(ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(self._fresh))
        self.drop: Callable[[int], int] = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address("drop"))
        self.make: Callable[[int], Any] = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(self.new_array)
        own = {"map": self._map, "unmap": _system.unmap}
        addresses = {name: ctypes.cast(f, ctypes.c_void_p).value or 0 for name, f in own.items()}
        emitter.imports.fill(code, {**addresses, "ndarray": id(np.ndarray)})
        start = ctypes.CFUNCTYPE(ctypes.c_void_p)(code.address("pool_address"))()
        self.pool = (ctypes.c_int64 * (LIMIT + 1)).from_address(start)
        self.pool[CLASSES : 2 * CLASSES] = [class_bytes(c) for c in range(CLASSES)]
        self.pool[LIMIT] = _system.memory() // 4

    def _fresh(self, nbytes: int) -> int:
        """Map memory; when there is none left, give back what is kept and try once more."""
        return _system.map(nbytes) or (self.trim() and _system.map(nbytes)) or 0

    def trim(self) -> int:
        """Give every kept block back and return the bytes."""
        freed = 0
        for size_class in range(CLASSES):
            while nbytes := self.drop(size_class):
                freed += nbytes
        return freed


def immortal(x: Any) -> Any:
    """Return `x` after making sure that it is never freed."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))
    return x


_loaded: dict[str, Native] = {}


def native() -> Native:
    """Return the native pool, made at the first call.  Only where `supported()`.

    Two threads may both make one at first: the one that is stored first is used by everybody.
    """
    found = _loaded.get("pool")
    return found if found is not None else _loaded.setdefault("pool", Native())


# -- for Python ---------------------------------------------------------------------------------------


class ArrayRecord:
    """What `new_array` needs to make arrays of one dtype, shape and strides: five words at `address`.

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
        ours = nbytes >= SMALL and not dtype.hasobject
        size_class = class_of(nbytes) if ours else NO_CLASS
        self.words[:5] = [id(dtype), nd, extents, extents + 8 * nd if strides is not None else 0, size_class]


@functools.lru_cache(maxsize=1024)
def _record(shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArrayRecord:
    return ArrayRecord(dtype, shape)


@functools.cache
def _block_record(size_class: int) -> ArrayRecord:
    return ArrayRecord(np.dtype(np.uint8), (class_bytes(size_class),))


def block(nbytes: int) -> NDArray[np.uint8]:
    """Return at least `nbytes` aligned bytes as a flat array.  Raises MemoryError."""
    if not supported():
        raw = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + nbytes]
    made: NDArray[np.uint8] = native().make(_block_record(class_of(nbytes)).address)
    return made


def empty(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Return an uninitialized C-contiguous array, from a kept block if it is large.

    Arrays of at least `SMALL` bytes are aligned to `ALIGNMENT`.  Raises MemoryError.
    """
    if not supported():
        return np.empty(shape, dtype)
    made: NDArray[Any] = native().make(_record(tuple(shape), np.dtype(dtype)).address)
    return made


def stats() -> Stats:
    """Return what the allocator holds; zeros before the first large array."""
    found = _loaded.get("pool")
    return Stats(0, 0, 0, 0) if found is None else Stats(*found.pool[LIVE : MISSES + 1])


def trim() -> int:
    """Give every kept block back to the system and return the bytes freed."""
    found = _loaded.get("pool")
    return 0 if found is None else found.trim()


def limit(nbytes: int | None = None) -> int:
    """Return the bound on kept bytes, after setting it if `nbytes` is given.

    It is a quarter of the machine's (or container's) memory at first.  Lowering it does not free what is kept: see `trim`.
    """
    if not supported():
        return 0
    pool = native().pool
    if nbytes is not None:
        pool[LIMIT] = nbytes
    return int(pool[LIMIT])
