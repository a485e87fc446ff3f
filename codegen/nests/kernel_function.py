"""A step of a program: one native function, the integers it reads, and the memory it wants.

Every step has the signature `void @step(ptr table, ptr buffer…, ptr scratch, ptr status)`.  Its text holds
no size above `SMALL`: those are in the table, so that steps of equal structure share machine code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import ensure
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.types import DType

__all__ = ["Number", "Order", "Role", "Step", "table_bits"]

Role = tuple[object, ...]
"""What an integer of a kernel is."""

Number = tuple[int, Role]

Order = tuple[str, Number, Number, Number, Number]
"""A fact that code relies on, of which two numbers is at most the other, where the loop from the third to the fourth runs."""


def table_bits(value: float | int, dtype: DType) -> int:
    """Return a number as the integer that stands for it in a program's table."""
    if dtype.is_float:
        return int.from_bytes(struct.pack("<f" if dtype.bytes == 4 else "<d", value), "little", signed=dtype.bytes == 8)
    return int(value)


class Step:
    """A function being written that reads its sizes from a table."""

    def __init__(self, module: Module, name: str, buffers: Sequence[str]) -> None:
        params = [("ptr", "table"), *(("ptr", b) for b in buffers), ("ptr", "scratch"), ("ptr", "status")]
        self.literal = module.literal
        self.f = module.function(name, params, internal=True)
        self.buffers = self.f.args[1:-2]
        self.scratch, self.status = self.f.args[-2:]
        self.table: list[int] = []
        self.scratch_bytes = 0
        self.cached: dict[tuple[str, object], Value] = {}
        self.sizes: dict[tuple[str, object], int] = {}
        """What the integers that are read from the table are, by role."""
        self.read_at: dict[Role, int] = {}
        """Where in the table they are."""
        self.orders: list[Order] = []

    def integer(self, value: int, role: tuple[str, object], *, varies: bool = False) -> Value:
        """Return an i64: a literal if it is small, else read from the table, once for each role.

        `varies` says that it comes from an extent that is read at run time: small by chance is then no constant.
        Raises AssertionError for a role that is another number already: the code would read the first one.
        """
        known = self.sizes.setdefault(role, value)
        ensure(known == value, f"one role stands for two numbers in {self.f.name}: {role[0]}")
        if self.literal or (not varies and abs(value) <= SMALL):
            return self.f.i64(value)
        if role not in self.cached:
            self.cached[role] = self.slot(value, "i64")
            self.read_at[role] = len(self.table) - 1
        return self.cached[role]

    def bounded(self, place: Value, size: int, role: tuple[str, object]) -> None:
        """Say that a pointer is the begin of so many bytes."""
        self.f.bounded(place, lambda: (0, self.integer(size, role)), "a row of scratch memory")

    def is_known(self, extent: int) -> bool:
        """Tell whether an extent is a constant in the code."""
        return self.literal or extent <= SMALL

    def slot(self, bits: int, type: str) -> Value:
        """Add a table entry; read it in the function's first block, so that it is known everywhere."""
        self.table.append(bits)
        name, at = "%" + self.f.fresh("t"), "%" + self.f.fresh("p")
        self.f.entry_allocas.append(f"  {at} = getelementptr i64, ptr %table, i64 {len(self.table) - 1}")
        self.f.entry_allocas.append(f"  {name} = load {type}, ptr {at}, align 8")
        return Value(name, type)
