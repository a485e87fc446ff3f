"""Loads, stores and stack memory."""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.llvm.instructions import Instructions
from graphc.codegen.llvm.values import BYTES, SUFFIX, Value, llvm_type

__all__ = ["MemoryInstructions"]


class MemoryInstructions(Instructions):
    """Instructions with those that access memory."""

    def element(self, base: Value, index: Value, type: str) -> Value:
        """Return the address of element `index` (in elements of `type`) from `base`."""
        if index.name == "0":
            return base
        return self.inst(f"getelementptr {type}, ptr {base.name}, {index.typed}", "ptr", index.lanes)

    def load(self, base: Value, type: str, lanes: int = 1, *, align: int | None = None) -> Value:
        """Load consecutive elements; aligned to one element unless said otherwise."""
        t = llvm_type(type, lanes)
        return self.inst(f"load {t}, ptr {base.name}, align {align or BYTES[type]}", type, lanes)

    def store(self, x: Value, base: Value, *, align: int | None = None) -> None:
        """Store all lanes at consecutive elements; aligned to one element unless said otherwise."""
        self.do(f"store {x.typed}, ptr {base.name}, align {align or BYTES[x.type]}")

    def move(self, source: Value, target: Value, size: Value) -> None:
        """Copy bytes; source and target may be equal."""
        self.module.declare("llvm.memmove.p0.p0.i64", "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)")
        self.do(f"call void @llvm.memmove.p0.p0.i64({target.typed}, {source.typed}, {size.typed}, i1 false)")

    def clear(self, address: Value, count: Value, type: str) -> None:
        """Write `count` zeros of a type."""
        self._zero(address, self.mul(count, self.i64(BYTES[type])))

    def _zero(self, address: Value, size: Value) -> None:
        self.module.declare("llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.do(f"call void @llvm.memset.p0.i64(ptr {address.name}, i8 0, {size.typed}, i1 false)")

    def bounded(
        self, address: Value, span: Callable[[], tuple[Value | int, Value | int]], label: str, *, early: bool = False
    ) -> Value:
        """Declare the buffer of a pointer, for checked functions (codegen/llvm/bounds.py), and return the pointer.

        `span` is the distance in bytes to the begin and the end of the buffer; `early` emits it at the function's entry.
        """
        return address

    # written with the alignment operand of LLVM 20; later versions read both forms

    def masked_load(self, base: Value, type: str, mask: Value, other: Value | None = None) -> Value:
        """Load the lanes where `mask` is true; the rest are `other` (zero when left out)."""
        t = llvm_type(type, mask.lanes)
        name = f"llvm.masked.load.v{mask.lanes}{SUFFIX[type]}.p0"
        self.module.declare(name, f"declare {t} @{name}(ptr, i32, <{mask.lanes} x i1>, {t})")
        rest = other.typed if other is not None else f"{t} zeroinitializer"
        return self.inst(f"call {t} @{name}(ptr {base.name}, i32 {BYTES[type]}, {mask.typed}, {rest})", type, mask.lanes)

    def masked_store(self, x: Value, base: Value, mask: Value) -> None:
        """Store the lanes where `mask` is true at consecutive elements; memory of the rest is not touched."""
        t = llvm_type(x.type, x.lanes)
        name = f"llvm.masked.store.v{x.lanes}{SUFFIX[x.type]}.p0"
        self.module.declare(name, f"declare void @{name}({t}, ptr, i32, <{x.lanes} x i1>)")
        self.do(f"call void @{name}({x.typed}, ptr {base.name}, i32 {BYTES[x.type]}, {mask.typed})")

    def gather(self, addresses: Value, type: str, mask: Value) -> Value:
        """Load from one address per lane, where `mask` is true; the other lanes are zero."""
        n = mask.lanes
        t, name = llvm_type(type, n), f"llvm.masked.gather.v{n}{SUFFIX[type]}.v{n}p0"
        self.module.declare(name, f"declare {t} @{name}(<{n} x ptr>, i32, <{n} x i1>, {t})")
        return self.inst(f"call {t} @{name}({addresses.typed}, i32 {BYTES[type]}, {mask.typed}, {t} zeroinitializer)", type, n)

    def scatter(self, x: Value, addresses: Value, mask: Value) -> None:
        """Store to one address per lane, first lane first, where `mask` is true."""
        t, name = llvm_type(x.type, x.lanes), f"llvm.masked.scatter.v{x.lanes}{SUFFIX[x.type]}.v{x.lanes}p0"
        self.module.declare(name, f"declare void @{name}({t}, <{x.lanes} x ptr>, i32, <{x.lanes} x i1>)")
        self.do(f"call void @{name}({x.typed}, {addresses.typed}, i32 {BYTES[x.type]}, {mask.typed})")
