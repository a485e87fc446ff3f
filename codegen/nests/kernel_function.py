"""The native function of one kernel call: its code, its parameter block, and its scratch memory.

The signature is `void @kernel(ptr parameters, ptr buffer…, ptr scratch, ptr status)`; a parallel kernel has two more operands,
`i64 begin, i64 end`, the part of its parallel loop that it runs.  Sizes above `SMALL` are in the parameter block rather than in
the text, so that kernels of equal structure share machine code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import ensure
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.types import DType

__all__ = ["KernelFunction", "Number", "Order", "Role", "parameter_bits"]

Role = tuple[object, ...]
"""The role of an integer in a kernel: the key under which it is loaded once."""

Number = tuple[int, Role]

Order = tuple[str, Number, Number, Number, Number]
"""An inequality that the code relies on: its label, low <= high, and the loop from begin to end in which it must hold."""


def parameter_bits(value: float | int, dtype: DType) -> int:
    """Return a number as the bits of a 64-bit parameter."""
    if dtype.is_float:
        return int.from_bytes(struct.pack("<f" if dtype.bytes == 4 else "<d", value), "little", signed=dtype.bytes == 8)
    return int(value)


class KernelFunction:
    """A function that loads its sizes from a parameter block."""

    def __init__(self, module: Module, name: str, buffers: Sequence[str], *, parallel: bool = False) -> None:
        params = [("ptr", "parameters"), *(("ptr", b) for b in buffers), ("ptr", "scratch"), ("ptr", "status")]
        self.literal = module.literal
        self.f = module.function(name, params + [("i64", "begin"), ("i64", "end")] * parallel, internal=True)
        self.buffers = self.f.args[1 : 1 + len(buffers)]
        self.scratch, self.status, *self.part = self.f.args[1 + len(buffers) :]
        self.range: tuple[Number, Number] | None = None
        """The extent and the grain of the loop that threads share, in a parallel kernel."""
        self.parameters: list[int] = []
        self.scratch_bytes = 0
        self.cached: dict[tuple[str, object], Value] = {}
        self.sizes: dict[tuple[str, object], int] = {}
        """The integers by role."""
        self.read_at: dict[Role, int] = {}
        """The parameters by role."""
        self.orders: list[Order] = []

    def integer(self, value: int, role: tuple[str, object], *, varies: bool = False) -> Value:
        """Return an i64: a literal if it is small, else a parameter, loaded once per role.

        `varies` says that it derives from an extent that is a parameter: then it is a parameter even if it is small.  Raises
        AssertionError for a role that already has another value: the code would use the first one.
        """
        known = self.sizes.setdefault(role, value)
        ensure(known == value, f"one role stands for two numbers in {self.f.name}: {role[0]}")
        if self.literal or (not varies and abs(value) <= SMALL):
            return self.f.i64(value)
        if role not in self.cached:
            self.cached[role] = self.parameter(value, "i64")
            self.read_at[role] = len(self.parameters) - 1
        return self.cached[role]

    def bounded(self, address: Value, size: int, role: tuple[str, object]) -> None:
        """Declare that an address is the begin of a buffer of `size` bytes."""
        self.f.bounded(address, lambda: (0, self.integer(size, role)), "a row of scratch memory")

    def parameter(self, bits: int, type: str) -> Value:
        """Add a parameter, loaded in the entry block, which dominates all others."""
        self.parameters.append(bits)
        name, at = "%" + self.f.fresh("t"), "%" + self.f.fresh("p")
        self.f.entry_allocas.append(f"  {at} = getelementptr i64, ptr %parameters, i64 {len(self.parameters) - 1}")
        self.f.entry_allocas.append(f"  {name} = load {type}, ptr {at}, align 8")
        return Value(name, type)
