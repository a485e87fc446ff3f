"""Values of LLVM IR: SSA names and literals, with a scalar type and a number of lanes."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["BITS", "BYTES", "FLOATS", "SUFFIX", "Value", "literal", "llvm_type"]

FLOATS = ("float", "double")
BYTES = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
SUFFIX = {"float": "f32", "double": "f64", "i1": "i1", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64", "ptr": "p0"}


def llvm_type(type: str, lanes: int) -> str:
    """Spell a scalar type at a number of lanes: `float`, `<16 x float>`."""
    return type if lanes == 1 else f"<{lanes} x {type}>"


class Value(NamedTuple):
    """An SSA name or literal, its scalar type and its lanes."""

    name: str
    type: str
    lanes: int = 1

    @property
    def typed(self) -> str:
        """The operand with its type, as LLVM requires in calls."""
        return f"{llvm_type(self.type, self.lanes)} {self.name}"

    @property
    def is_float(self) -> bool:
        """Whether it is float or double, in one lane or in many."""
        return self.type in FLOATS


def literal(value: float | int | bool, type: str) -> str:
    """Return a scalar constant exactly: LLVM writes every float as the 64 bits of its double."""
    if type in FLOATS:
        x = float(value)
        if type == "float":
            x = struct.unpack("<f", struct.pack("<f", x))[0] if abs(x) <= 3.4028235677973366e38 or x != x else x * float("inf")
        return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
    if type == "i1":
        return "true" if value else "false"
    bits = BITS[type]
    n = int(value) & ((1 << bits) - 1)
    return str(n - (1 << bits) if n >> (bits - 1) else n)
