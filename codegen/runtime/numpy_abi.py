"""The layout of CPython's and NumPy's objects, and the functions of their C interfaces that native code calls."""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.engine import MachineCode

__all__ = [
    "COUNT", "DATA", "DESCR", "DESCR_KIND", "DIMENSIONS", "FLAGS", "STRIDES", "TYPE", "WRITEABLE_ALIGNED_C", "Imports",
    "immortal", "supported", "word_at",
]  # fmt: skip

# Offsets in bytes on 64-bit machines, verified by `supported`.
TYPE, DATA, DIMENSIONS, COUNT, STRIDES, DESCR, FLAGS, DESCR_KIND = 8, 16, 32, 24, 40, 56, 64, 24

WRITEABLE_ALIGNED_C = 0x501


@functools.cache
def supported() -> bool:
    """Return whether native code may read arrays: 64-bit CPython with a GIL, and NumPy's known layout."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    if ctypes.sizeof(ctypes.c_void_p) != 8 or np.ndarray.__basicsize__ < FLAGS + 8:
        return False
    return _known_layout()


def _known_layout() -> bool:
    """Compare the fields of one array, read at the offsets, with its attributes."""
    x = np.zeros((6, 4), np.float32)[::2, :3]
    address = id(x)
    if [word_at(address + o) for o in (TYPE, DATA, DESCR)] != [id(np.ndarray), x.ctypes.data, id(x.dtype)]:
        return False
    if (word_at(address + COUNT) & 0xFFFFFFFF, word_at(address + FLAGS) & 0xFFFFFFFF) != (x.ndim, x.flags.num):
        return False
    kind = word_at(id(x.dtype) + DESCR_KIND)
    if (kind & 0xFF, kind >> 32) != (ord(x.dtype.kind), x.dtype.num):
        return False
    dimensions, strides = word_at(address + DIMENSIONS), word_at(address + STRIDES)
    return [word_at(dimensions + 8 * i) for i in range(2)] == [3, 3] and [word_at(strides + 8 * i) for i in range(2)] == [32, 4]


def word_at(address: int) -> int:
    """Return the 64-bit integer at an address."""
    return ctypes.c_int64.from_address(address).value


class Imports:
    """An array of function addresses in a module, by name, filled in after the code is loaded.

    The object code holds no address, so it can be cached in a file.
    """

    def __init__(self, module: Module, names: Sequence[str]) -> None:
        self.names = list(names)
        module.constant("imports", f"internal global [{len(self.names)} x ptr] zeroinitializer")
        Function(module, "imports_address", [], "ptr").ret(Value("@imports", "ptr"))

    def load(self, f: Function, name: str) -> Value:
        """Emit the load of an address."""
        slot = f.element(Value("@imports", "ptr"), f.i64(self.names.index(name)), "ptr")
        return f.load(slot, "ptr")

    def call(self, f: Function, name: str, returns: str, *args: Value) -> Value:
        """Emit a call."""
        function = self.load(f, name)
        text = f"call {returns} {function.name}({', '.join(a.typed for a in args)})"
        if returns != "void":
            return f.inst(text, returns)
        f.do(text)
        return Value("", "void")

    def fill(self, code: MachineCode, addresses: dict[str, int]) -> None:
        """Fill in the addresses; missing ones are functions of Python's or NumPy's C interface, by name."""
        start = ctypes.CFUNCTYPE(ctypes.c_void_p)(code.address("imports_address"))()
        slots = (ctypes.c_void_p * len(self.names)).from_address(start)
        for i, name in enumerate(self.names):
            slots[i] = addresses[name] if name in addresses else _python_function(name)


def _python_function(name: str) -> int:
    """Return the address of a function of Python's or NumPy's C interface."""
    slots = {"PyArray_NewFromDescr": 94, "PyArray_SetBaseObject": 282}
    if name not in slots:
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    return word_at(_numpy_api() + 8 * slots[name])


@functools.cache
def _numpy_api() -> int:
    core = sys.modules.get("numpy._core._multiarray_umath") or sys.modules["numpy.core._multiarray_umath"]
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
    return int(get(core._ARRAY_API, None))


def immortal(x: Any) -> Any:
    """Make `x` immortal: it is never freed from now on."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))
    return x
