"""Routines of LAPACK, called from kernels under names of their own.

No address is in the text of a program: LLVM finds a routine by its name when it loads the code, and `address_of` gives it the
address, from the C interface that SciPy offers to compiled modules.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Iterator
from typing import Any

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value

__all__ = ["Routine", "address_of", "routines_in"]

PREFIX = "graphc_lapack_"

LETTER = {"float": "s", "double": "d"}

INTEGER = re.compile(r"\bint \*")
"""How the C interface spells an integer of 32 bits."""


def routines_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the symbols and the names of the routines that a program calls."""
    for symbol in sorted(set(re.findall(rf"@({PREFIX}\w+)\(", text))):
        yield symbol, symbol.removeprefix(PREFIX)


@functools.cache
def address_of(routine: str) -> int:
    """Return the address of a routine of LAPACK.

    Raises ImportError if SciPy is missing, or its LAPACK takes wide integers.
    """
    try:
        import scipy.linalg.cython_lapack as lapack  # imported here, since it is an optional dependency
    except ImportError as error:
        raise ImportError(f"LAPACK's {routine} is called through SciPy: pip install 'graphc[linalg]'") from error
    capsule = lapack.__pyx_capi__[routine]
    api: Any = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype, api.PyCapsule_GetPointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    signature = api.PyCapsule_GetName(capsule)
    if not INTEGER.search(signature.decode()):
        raise ImportError(f"SciPy's LAPACK takes integers of 64 bits, which graphc does not pass: {signature.decode()}")
    return int(api.PyCapsule_GetPointer(capsule, signature))


class Routine:
    """The call of a routine, whose numbers are passed by their address."""

    def __init__(self, f: Function, type: str, name: str) -> None:
        self.f, self.symbol, self.arguments = f, f"{PREFIX}{LETTER[type]}{name}", list[Value]()

    def letter(self, letter: str) -> Routine:
        """Pass a letter, an option."""
        return self._passed(self.f.const(ord(letter), "i8"))

    def number(self, x: Value) -> Routine:
        """Pass an i64 as an integer of 32 bits."""
        return self._passed(self.f.convert("trunc", x, "i32"))

    def array(self, address: Value) -> Routine:
        """Pass an array."""
        self.arguments.append(address)
        return self

    def _passed(self, x: Value) -> Routine:
        slot = self.f.alloca(x.type, 1, align=8)
        self.f.store(x, slot)
        return self.array(slot)

    def call(self) -> Value:
        """Emit the call, with the status as last argument; return whether it succeeded."""
        f = self.f
        self._passed(f.const(0, "i32"))
        f.module.declare(self.symbol, f"declare void @{self.symbol}({', '.join('ptr' for _ in self.arguments)})")
        f.do(f"call void @{self.symbol}({', '.join(a.typed for a in self.arguments)})")
        return f.cmp("eq", f.load(self.arguments[-1], "i32"), f.const(0, "i32"))
