"""Emit loops and branches over memory.

Each carried value has two buffers, whose pointers are swapped after each iteration, or one if it is updated in place.  Items
of `xs` are read from, and items of `ys` written to, their stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graphc.codegen.llvm.values import Value
from graphc.codegen.program.calls import Calls
from graphc.codegen.program.memory.buffers import Buffer, Buffers
from graphc.ir.analysis.in_place import InPlace, decided_updates
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Loop

__all__ = ["ControlFlow"]


@dataclass(frozen=True, eq=False)
class _Carried:
    """The buffers of a carried value: the initial one, and two of its own, which may be the same; and its bytes."""

    bytes: int
    initial: Buffer
    a: Buffer
    b: Buffer

    @property
    def in_place(self) -> bool:
        """Whether it is updated in place."""
        return self.a is self.b


class WriteBody(Protocol):
    """Emits a nested region: reads its parameters from given buffers and writes its results into others."""

    def __call__(
        self, region: Region, params: Sequence[Buffer], results: Sequence[Buffer], changes: InPlace | None = None
    ) -> None: ...


class ControlFlow:
    """Emits nodes with regions."""

    def __init__(self, buffers: Buffers, calls: Calls, write_body: WriteBody) -> None:
        self.buffers, self.calls, self.write_body = buffers, calls, write_body
        self.main, self.f = buffers.main, buffers.main.f
        self.tapes, self.poll = self.main.tapes, self.main.poll

    def checkpoint(self, region: Region, node: Node) -> None:
        """Emit a region that runs once."""
        call = Call.of(node)
        self.write_body(call.body, [self.calls.dense(x) for x in call.arguments], self.buffers.results(region, node))

    def cond(self, region: Region, node: Node) -> None:
        """Emit a branch."""
        f, call = self.f, Call.of(node)
        begin = self.buffers.call
        pred, operands = call.split([self.calls.dense(o) for o in node.operands])
        assert pred is not None
        results = self.buffers.results(region, node)
        name = f.fresh("cond")
        f.cond_br(self._flag(pred), f"yes.{name}", f"no.{name}")
        for label, body in zip(("yes", "no"), call.arms, strict=True):
            f.start(f"{label}.{name}")
            self.write_body(body, operands, results)
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        self.buffers.extend_over_loop({*operands, *results}, begin)

    def _flag(self, buffer: Buffer) -> Value:
        byte = self.f.load(buffer.address, "i8")
        return self.f.cmp("ne", byte, self.f.const(0, "i8"))

    def scan(self, region: Region, node: Node) -> None:
        """Emit a scan."""
        f, record = self.f, Loop.of(node)
        begin = self.buffers.call
        operands = [self.calls.dense(o) for o in node.operands]
        initial, xs, captures = record.split(operands)
        length = self._length(record.length, xs)
        xs = [self.buffers.filled(x) for x in xs]
        results = self.buffers.results(region, node)
        self.tapes.reserve([r.tape for r in results if r.tape is not None], length)
        ends, stacks = record.split_results(results)
        stacks = [self.buffers.filled(stack) for stack in stacks]
        changes = decided_updates(record.body, record.layout)
        carried = self._carried(record, initial, changes)
        packed = self.calls.pack(record.body, {c.param: b for c, b in zip(record.captures, captures, strict=True)})
        used: set[Buffer] = {*operands, *results, *packed, *(b for c in carried for b in (c.a, c.b))}
        self._begin_loop(used)
        with f.loop(f.i64(0), length, carry=self._first_pointers(carried), hint="scan") as loop:
            self.poll.tick()
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if record.reverse else loop.index
            now, following = _pointed(loop.carry, carried)
            items = [self._item(x, b.operand.type, at) for x, b in zip(xs, record.xs, strict=True)]
            ys = [self._item(stack, t, at) for stack, t in zip(stacks, record.split_results(node.types)[1], strict=True)]
            self.write_body(record.body, [*now, *items, *captures], [*following, *ys], changes)
            loop.next(_exchanged(loop.carry))
        self._end_loop(used, begin)
        self._copy_carried(carried, loop.results, ends)

    def _item(self, stack: Buffer, type: TensorType, at: Value) -> Buffer:
        return self.buffers.item(stack, type.shape, type.dtype.bytes, at)

    def _length(self, length: int | None, xs: Sequence[Buffer]) -> Value:
        """Return the number of iterations of a scan: its length, or the items on the tape that it reads."""
        if length is not None:
            return self.main.number(length)
        return self.tapes.count(next(x.tape for x in xs if x.tape is not None))

    def while_(self, region: Region, node: Node) -> None:
        """Emit a while loop."""
        f, record = self.f, Loop.of(node)
        test, body = record.regions
        begin = self.buffers.call
        operands = [self.calls.dense(o) for o in node.operands]
        initial, _, captures = record.split(operands)
        changes = decided_updates(record.body, record.layout)
        results, carried = self.buffers.results(region, node), self._carried(record, initial, changes)
        ends, stacks = record.split_results(results)
        flag = self.buffers.allocate(TensorType(BOOL))
        tapes = [r.tape for r in results if r.tape is not None]
        self.tapes.begin(tapes)
        packed = self.calls.pack(body, {c.param: b for c, b in zip(record.captures, captures, strict=True)})
        used: set[Buffer] = {*operands, *results, flag, *packed, *(b for c in carried for b in (c.a, c.b))}
        self._begin_loop(used)
        with f.repeat(self._first_pointers(carried)) as loop:
            self.poll.tick()
            now, following = _pointed(loop.carry, carried)
            self.write_body(test, [*now, *captures], [flag])
            f.go_on_if(loop, self._flag(flag))
            ys = []
            if tapes:
                at = self.tapes.next(tapes)
                types = record.split_results(node.types)[1]
                ys = [self._item(self.buffers.filled(stack), t, at) for stack, t in zip(stacks, types, strict=True)]
            self.write_body(body, [*now, *captures], [*following, *ys], changes)
            loop.next(_exchanged(loop.carry))
        self._end_loop(used, begin)
        self._copy_carried(carried, loop.results, ends)

    def _begin_loop(self, used: set[Buffer]) -> None:
        if not self.buffers.loops:
            self.poll.restart()
        self.buffers.loops.append(used)

    def _end_loop(self, used: set[Buffer], begin: int) -> None:
        self.buffers.loops.pop()
        self.buffers.extend_over_loop(used, begin)

    def _carried(self, record: Loop, initial: Sequence[Buffer], changes: InPlace) -> list[_Carried]:
        """Allocate the buffers of each carried value."""
        carried = []
        for first, c in zip(initial, record.carries, strict=True):
            type = c.operand.type
            a = self.buffers.allocate(type)
            carried.append(_Carried(type.bytes, first, a, a if c.param in changes.carried else self.buffers.allocate(type)))
        return carried

    def _first_pointers(self, carried: Sequence[_Carried]) -> list[Value]:
        """Return (read, write, spare) of the first iteration for each carried value; one updated in place is copied first."""
        start = []
        for c in carried:
            if c.in_place:
                self.main.move(c.initial.address, c.a.address, c.bytes)
            start += [c.a.address if c.in_place else c.initial.address, c.a.address, c.b.address]
        return start

    def _copy_carried(self, carried: Sequence[_Carried], pointers: Sequence[Value], results: Sequence[Buffer]) -> None:
        """Copy the carried values of the last iteration into the results."""
        for c, (read, _, _), result in zip(carried, _threes(pointers), results, strict=True):
            self.main.move(read, result.address, c.bytes)


def _pointed(pointers: Sequence[Value], carried: Sequence[_Carried]) -> tuple[list[Buffer], list[Buffer]]:
    """Return the buffers from which an iteration reads carried values, and into which it writes them."""
    now, following = [], []
    for (read, write, _), c in zip(_threes(pointers), carried, strict=True):
        ranges = [*c.initial.ranges, *c.a.ranges, *c.b.ranges]
        now.append(Buffer(read, c.a.strides, ranges))
        following.append(Buffer(write, c.a.strides, ranges))
    return now, following


def _threes(pointers: Sequence[Value]) -> list[tuple[Value, Value, Value]]:
    """Return (read, write, spare) for each carried value."""
    return list(zip(pointers[::3], pointers[1::3], pointers[2::3], strict=True))


def _exchanged(pointers: Sequence[Value]) -> list[Value]:
    """Return (read, write, spare) of the next iteration for each carried value."""
    return [v for _, write, spare in _threes(pointers) for v in (write, spare, write)]
