"""Tapes: growing stacks for the residuals of loops whose length is known only when they end.

A tape is three words on the machine stack: the address of its items, their count, and its capacity in items.  The tapes of
one loop share the last two.  A nested loop reuses its memory each time it starts; all memory is freed at the exit, which
every path of the program takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.interrupts import EXIT
from graphc.ir.core.types import TensorType

__all__ = ["OUT_OF_MEMORY", "Tape", "TapeWriter"]

OUT_OF_MEMORY = 2
"""The status of a program that could not allocate a tape."""

FIRST_BYTES = 1 << 14
"""The initial capacity of a tape: this many bytes, or this many items if they are larger."""
FIRST_ITEMS = 8

FAILED = "nomemory"


@dataclass(frozen=True)
class Tape:
    """The addresses of the three words, and the type: that of an item, with a leading extent that grows."""

    data: Value
    count: Value
    capacity: Value
    type: TensorType

    @property
    def item_bytes(self) -> int:
        """Bytes of one item."""
        return self.type.with_shape(self.type.shape[1:]).bytes


class TapeWriter:
    """Emits the operations on tapes in the main function; `number` returns a run-time integer."""

    def __init__(self, main: Function, number: Callable[[int], Value]) -> None:
        self.f, self.number = main, number
        self.all: list[Tape] = []

    def make(self, types: Sequence[TensorType]) -> list[Tape]:
        """Return the tapes of one loop, empty when the program starts."""
        if not types:
            return []
        count, capacity = self._word("i64", "0"), self._word("i64", "0")
        tapes = [Tape(self._word("ptr", "null"), count, capacity, t) for t in types]
        self.all += tapes
        return tapes

    def _word(self, type: str, value: str) -> Value:
        slot = self.f.alloca(type, 1, 8)
        self.f.entry_allocas.append(f"  store {type} {value}, ptr {slot.name}, align 8")
        return slot

    def begin(self, tapes: Sequence[Tape]) -> None:
        """Empty the tapes."""
        if tapes:
            self.f.store(self.f.i64(0), tapes[0].count)

    def next(self, tapes: Sequence[Tape]) -> Value:
        """Append an item to each tape, growing full ones; return its index."""
        f = self.f
        at = f.load(tapes[0].count, "i64")
        capacity = f.load(tapes[0].capacity, "i64")
        with f.when(f.cmp("eq", at, capacity), "grow"):
            largest = max(t.item_bytes for t in tapes)
            first = self.number(max(FIRST_ITEMS, FIRST_BYTES // max(largest, 1)))
            self._resize(tapes, f.select(f.cmp("eq", capacity, f.i64(0)), first, f.mul(capacity, f.i64(2))))
        f.store(f.add(at, f.i64(1)), tapes[0].count)
        return at

    def reserve(self, tapes: Sequence[Tape], count: Value) -> None:
        """Grow tapes to a number of items, and set their count."""
        f = self.f
        if not tapes:
            return
        with f.when(f.cmp("slt", f.load(tapes[0].capacity, "i64"), count), "grow"):
            self._resize(tapes, count)
        f.store(count, tapes[0].count)

    def _resize(self, tapes: Sequence[Tape], items: Value) -> None:
        f = self.f
        f.module.declare("realloc", "declare ptr @realloc(ptr, i64)")
        for tape in tapes:
            old = f.load(tape.data, "ptr")
            size = f.mul(items, self.number(max(tape.item_bytes, 1)))
            new = f.inst(f"call ptr @realloc({old.typed}, {size.typed})", "ptr")
            name = f.fresh("got")
            f.cond_br(f.inst(f"icmp eq ptr {new.name}, null", "i1"), FAILED, name)
            f.start(name)
            f.store(new, tape.data)
        f.store(items, tapes[0].capacity)

    def address(self, tape: Tape) -> Value:
        """Return the current address of the first item."""
        f, data = self.f, self.f.load(tape.data, "ptr")
        return f.bounded(data, lambda: (0, f.mul(f.load(tape.capacity, "i64"), f.i64(tape.item_bytes))), "a tape")

    def count(self, tape: Tape) -> Value:
        """Return the number of items."""
        return self.f.load(tape.count, "i64")

    def failed(self, status: Value) -> None:
        """Emit the path from a failed allocation to the block `exit`, which the caller begins."""
        if self.all:
            self.f.start(FAILED)
            self.f.store(self.f.i64(OUT_OF_MEMORY), status)
            self.f.br(EXIT)

    def end(self) -> None:
        """Free all tapes, at the exit."""
        f = self.f
        if not self.all:
            return
        f.module.declare("free", "declare void @free(ptr)")
        for tape in self.all:
            f.do(f"call void @free({self.address(tape).typed})")
