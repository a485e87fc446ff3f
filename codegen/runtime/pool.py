"""The native pool of memory blocks: free lists by size class, and arrays that own a block."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.engine import compile_text
from graphc.codegen.runtime.numpy_abi import WRITEABLE_ALIGNED_C, Imports, immortal
from graphc.codegen.runtime.system_memory import system

__all__ = ["LIMIT", "LIVE", "MISSES", "NO_CLASS", "Native", "class_bytes", "class_of", "loaded", "native"]

CLASSES = 128
NO_CLASS = -1
"""The size class of memory that is not from the pool."""

# Words of the pool: heads of the free lists, bytes of each class, then these.
LIVE, CACHED, HITS, MISSES, LIMIT = range(2 * CLASSES, 2 * CLASSES + 5)


def class_of(nbytes: int) -> int:
    """Return the smallest size class that holds `nbytes`.  Raises MemoryError for more than the largest holds."""
    shift = max((nbytes - 1).bit_length() - 3, 14)
    quarters = max(-(-nbytes >> shift), 4)
    size_class = (shift - 14) * 4 + quarters - 4
    if size_class >= CLASSES:
        raise MemoryError(f"expected at most {class_bytes(CLASSES - 1):.1e} bytes in one array, got {nbytes}")
    return size_class


def class_bytes(size_class: int) -> int:
    """Return the bytes of a block: 4, 5, 6, 7 times a power of two."""
    return (4 + size_class % 4) << (14 + size_class // 4)


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
        """Add to a counter; return its new value."""
        counter = self.counter(f, which)
        total = f.add(f.load(counter, "i64"), by)
        f.store(total, counter)
        return total

    def head(self, f: Function, size_class: Value) -> Value:
        return f.element(self.pool, size_class, "i64")

    def bytes_of(self, f: Function, size_class: Value) -> Value:
        return f.load(f.element(self.pool, f.add(size_class, f.i64(CLASSES)), "i64"), "i64")

    def take(self) -> None:
        """`ptr take(class)`: a cached block, or a fresh one, or null."""
        f = Function(self.module, "take", [("i64", "class")], "ptr")
        nbytes, head = self.bytes_of(f, f.args[0]), self.head(f, f.args[0])
        block = f.load(head, "ptr")
        f.cond_br(f.cmp("eq", block, self.null), "miss", "hit")
        f.start("hit")
        f.store(f.load(block, "ptr"), head)
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
        """`void give(block, class)`: cache the block if the limit allows it, else unmap it."""
        f = Function(self.module, "give", [("ptr", "block"), ("i64", "class")])
        block, size_class = f.args
        nbytes = self.bytes_of(f, size_class)
        self.count(f, LIVE, f.neg(nbytes))
        cached = f.add(f.load(self.counter(f, CACHED), "i64"), nbytes)
        f.cond_br(f.cmp("sle", cached, f.load(self.counter(f, LIMIT), "i64")), "keep", "unmap")
        f.start("keep")
        head = self.head(f, size_class)
        f.store(f.load(head, "ptr"), block)
        f.store(block, head)
        f.store(cached, self.counter(f, CACHED))
        f.ret()
        f.start("unmap")
        system.emit_unmap(f, self.imports, block, nbytes)
        f.ret()

    def drop(self) -> None:
        """`i64 drop(class)`: unmap one cached block; the bytes freed, 0 if there was none."""
        f = Function(self.module, "drop", [("i64", "class")], "i64")
        head = self.head(f, f.args[0])
        block = f.load(head, "ptr")
        f.cond_br(f.cmp("eq", block, self.null), "none", "one")
        f.start("none")
        f.ret(f.i64(0))
        f.start("one")
        nbytes = self.bytes_of(f, f.args[0])
        f.store(f.load(block, "ptr"), head)
        self.count(f, CACHED, f.neg(nbytes))
        system.emit_unmap(f, self.imports, block, nbytes)
        f.ret(nbytes)

    def release(self) -> None:
        """`void release(capsule)`: the capsule's destructor; its context is the size class."""
        f = Function(self.module, "release", [("ptr", "capsule")])
        block = self.imports.call(f, "PyCapsule_GetPointer", "ptr", f.args[0], self.name)
        context = self.imports.call(f, "PyCapsule_GetContext", "ptr", f.args[0])
        f.do(f"call void @give({block.typed}, {f.convert('ptrtoint', context, 'i64').typed})")
        f.ret()

    def new_array(self) -> None:
        """`PyObject *new_array(record)`: a fresh array as an `ArrayRecord` describes it, or null with an exception."""
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
        # this fails only for an array that already has a base, and takes over the capsule in any case
        self.imports.call(f, "PyArray_SetBaseObject", "i32", array, capsule)
        f.ret(array)

    def _from_descr(self, f: Function, descr: Value, nd: Value, dims: Value, strides: Value, data: Value, flags: int) -> Value:
        self.imports.call(f, "Py_IncRef", "void", descr)
        kind = self.imports.load(f, "ndarray")
        rest = (nd, dims, strides, data, Value(str(flags), "i32"), self.null)
        return self.imports.call(f, "PyArray_NewFromDescr", "ptr", kind, descr, *rest)


class Native:
    """The loaded pool: addresses for other native code, and functions for Python.

    `take` is `ptr(i64 class)`, `give` is `void(ptr block, i64 class)`, `new_array` is `ptr(ptr record)`; all three
    need the GIL.
    """

    def __init__(self) -> None:
        emitter = _Emitter()
        code = compile_text(str(emitter.module))
        # destructors of arrays run this code until the very end of the process
        immortal(code)
        self.take, self.give, self.new_array = (code.address(name) for name in ("take", "give", "new_array"))
        self._map = immortal(ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(self._fresh))
        self.drop: Callable[[int], int] = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address("drop"))
        self.make: Callable[[int], Any] = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(self.new_array)
        own = {"map": self._map, "unmap": system.unmap}
        addresses = {name: ctypes.cast(f, ctypes.c_void_p).value or 0 for name, f in own.items()}
        emitter.imports.fill(code, {**addresses, "ndarray": id(np.ndarray)})
        start = ctypes.CFUNCTYPE(ctypes.c_void_p)(code.address("pool_address"))()
        self.words = (ctypes.c_int64 * (LIMIT + 1)).from_address(start)
        self.words[CLASSES : 2 * CLASSES] = [class_bytes(c) for c in range(CLASSES)]
        self.words[LIMIT] = system.memory() // 4

    def _fresh(self, nbytes: int) -> int:
        """Map memory; if that fails, unmap the cached blocks and retry once."""
        return system.map(nbytes) or (self.trim() and system.map(nbytes)) or 0

    def trim(self) -> int:
        """Unmap every cached block; return the bytes freed."""
        freed = 0
        for size_class in range(CLASSES):
            while nbytes := self.drop(size_class):
                freed += nbytes
        return freed


_loaded: dict[str, Native] = {}


def native() -> Native:
    """Return the native pool, compiled at the first call.  Only where `supported()`.

    Two threads may both compile one; both get the one that was stored first.
    """
    pool = _loaded.get("pool")
    return pool if pool is not None else _loaded.setdefault("pool", Native())


def loaded() -> Native | None:
    """Return the native pool if it has been compiled."""
    return _loaded.get("pool")
