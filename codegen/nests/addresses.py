"""Addresses of a kernel's loads and stores.

The part of an address that depends on a loop is computed where the loop is entered, once for all accesses that share it.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Access, Index, Instr, ensure
from graphc.codegen.nests.scopes import Scopes

__all__ = ["Addresses"]


class Addresses(Scopes):
    """Computes addresses."""

    def _hoist_addresses(self, order: Iterable[Instr]) -> None:
        """Compute the parts of addresses that depend on open loops alone, for use in the loops inside."""
        for i in order:
            if i.op == "load" and any(lo not in self.loops for lo, _ in i.attr[1].loops):
                self._address(*i.attr)
        for stage in self.kernel.stages:
            for s in stage.stores:
                if any(lo not in self.loops for lo, _ in s.index.loops):
                    self._address(s.buffer, s.index)

    def _address(self, buffer: int, index: Index) -> Value:
        """Return the address of an index without closed loops and values; open loops add to it, outermost first."""
        loops = [lo for lo in self.loops if index.coefficient(lo)]
        return self._address_along(buffer, index, loops)

    def _address_along(self, buffer: int, index: Index, loops: list[int]) -> Value:
        key = (buffer, index.const, tuple((lo, index.coefficient(lo)) for lo in loops))
        for scope in reversed(self.memo):
            if key in scope:
                return scope[key]
        f, type = self.f, MEMORY[self.kernel.buffers[buffer].dtype.name]
        if loops:
            loop, c = loops[-1], index.coefficient(loops[-1])
            step = self.loops[loop] if c == 1 else f.mul(self.loops[loop], self.integer(c, ("stride", (buffer, loop, c))))
            address = f.element(self._address_along(buffer, index, loops[:-1]), step, type)
        else:
            address = self.buffers[buffer]
            if index.const != 0:
                address = f.element(address, self.integer(index.const, ("offset", (buffer, index.const))), type)
        self.memo[-1][key] = address
        return address

    def _first_lane(self, buffer: int, index: Index) -> Value:
        """Return the address of the first lane."""
        f, address = self.f, self._address(buffer, index)
        for value, c in index.values:
            scale = self.integer(c, ("scale", (buffer, value, c)))
            v = self.get(value)
            address = f.element(address, v if c == 1 else f.mul(v, scale), MEMORY[self.kernel.buffers[buffer].dtype.name])
        return address

    def _index(self, index: Index, role: tuple[str, object]) -> Value:
        """Return an index as an i64, a vector if it differs between lanes."""
        f = self.f
        total = self.integer(index.const, (*role, "const"))  # type: ignore[arg-type]
        for loop, c in index.loops:
            scale = self.integer(c, (*role, loop))  # type: ignore[arg-type]
            at = self.loops[loop]
            if loop == self._lane_loop and self.lanes > 1:
                at = f.add(f.splat(at, self.lanes), f.iota("i64", self.lanes))
            total = self._sum(total, at if c == 1 else f.mul(at, f.splat(scale, at.lanes)))
        for value, c in index.values:
            v = self.get(value)
            scale = self.integer(c, (*role, value))  # type: ignore[arg-type]
            total = self._sum(total, v if c == 1 else f.mul(v, scale))
        return total

    def _sum(self, a: Value, b: Value) -> Value:
        if a.name == "0":
            return b
        return self.f.add(a, b)

    def _stride(self, index: Index) -> int:
        """Return the distance of lanes in elements, of an access that needs no address for each lane."""
        ensure(all(self.get(v).lanes == 1 for v, _ in index.values), "lanes of one base address have an index that varies")
        loop = self._lane_loop
        return index.coefficient(loop) if loop is not None and loop in self.loops and self.lanes > 1 else 0

    def _how(self, access: Access) -> str | None:
        """Return how the schedule marks an access; None if lanes are consecutive elements or one, or there is one lane."""
        loop = self._lane_loop
        return None if loop is None or self.lanes == 1 else self.plan.accesses.get((access, loop))
