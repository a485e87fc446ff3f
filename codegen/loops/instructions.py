"""The instructions of a kernel during lowering: equal applications are one instruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.codegen.loops.loop_ir import Index, Instr, Reduction
from graphc.ir.core.types import BOOL, I64, DType

__all__ = ["Instructions"]


class Instructions:
    """Creates the instructions of a kernel whose outer loops are `outer`."""

    def __init__(self, outer: frozenset[int]) -> None:
        self.outer = outer
        self._known: dict[Any, Instr] = {}

    def emit(self, op: str, args: Sequence[Instr], dtype: DType, attr: Any = None, *, masked: bool = False) -> Instr:
        """Return the instruction for an application; equal applications are the same instruction."""
        key = (op, tuple(args), dtype, attr.hex() if isinstance(attr, float) else attr, masked)
        known = self._known.get(key)
        if known is not None:
            return known
        index = attr[1] if op == "load" else attr if op == "index" else Index()
        reads = [*args, *(v for v, _ in index.values)]
        loops = frozenset(lo for lo, _ in index.loops).union(*(r.loops for r in reads))
        level = max((r.level for r in reads), default=0)
        return self._add(key, Instr(op, tuple(args), dtype, loops, level, attr, masked, f"{op}{len(self._known)}"))

    def reduced(self, reduction: Reduction, dtype: DType) -> Instr:
        """Return the value of a reduction."""
        key = ("reduced", (), dtype, reduction, False)
        loops, level = self.outer.difference(reduction.inner), reduction.value.level + 1
        return self._add(key, Instr("reduced", (), dtype, loops, level, reduction, False, f"reduced{len(self._known)}"))

    def _add(self, key: Any, instr: Instr) -> Instr:
        self._known[key] = instr
        return instr

    def number(self, value: float | int | bool, dtype: DType) -> Instr:
        """Return a constant."""
        return self.emit("constant", (), dtype, value)

    def size(self, value: int) -> Instr:
        """Return a size, which becomes a parameter of the code if it is large."""
        return self.emit("size", (), I64, value)

    def integer(self, index: Index) -> Instr:
        """Return an index as an i64 value."""
        if not index.loops and not index.values:
            return self.number(index.const, I64)
        if len(index.values) == 1 and index.values[0][1] == 1 and not index.loops and index.const == 0:
            return index.values[0][0]
        return self.emit("index", (), I64, index)

    def both(self, a: Instr | None, b: Instr | None) -> Instr | None:
        """Return the conjunction of two conditions; None always holds."""
        if a is None or b is None:
            return a or b
        return self.emit("and", (a, b), BOOL)

    def cast(self, x: Instr, dtype: DType) -> Instr:
        """Convert a value to a dtype."""
        return x if x.dtype is dtype else self.emit("cast", (x,), dtype)
