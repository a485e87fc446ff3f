"""Write loops and branches over memory.

Each carried value has two buffers, whose pointers are exchanged after each iteration, or one if it is updated in place.
Items of `xs` are read, and those of `ys` written, where they lie in their stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphc.codegen.llvm.values import Value
from graphc.codegen.program.calls import Calls
from graphc.codegen.program.memory.buffers import Buffer, Buffers
from graphc.ir.analysis.in_place import InPlace, decided_updates
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.types import BOOL, TensorType

__all__ = ["ControlFlow"]

Pair = tuple[Buffer, Buffer]
"""The buffers of a carried value: the same one twice if it is updated in place."""


class WriteBody(Protocol):
    """Writes a nested region: reads its parameters in some buffers, writes its results into others."""

    def __call__(
        self, region: Region, params: Sequence[Buffer], results: Sequence[Buffer], changes: InPlace | None = None
    ) -> None: ...


class ControlFlow:
    """Writes nodes with regions."""

    def __init__(self, buffers: Buffers, calls: Calls, write_body: WriteBody) -> None:
        self.buffers, self.calls, self.write_body = buffers, calls, write_body
        self.main, self.f = buffers.main, buffers.main.f
        self.tapes, self.poll = self.main.tapes, self.main.poll

    def checkpoint(self, region: Region, node: Node) -> None:
        """Write a region that runs once."""
        (body,) = node.regions
        self.write_body(body, [self.calls.dense(o) for o in node.operands], self.buffers.results(region, node))

    def cond(self, region: Region, node: Node) -> None:
        """Write a branch."""
        f = self.f
        begin = self.buffers.call
        pred, *operands = [self.calls.dense(o) for o in node.operands]
        results = self.buffers.results(region, node)
        name = f.fresh("cond")
        f.cond_br(self._flag(pred), f"yes.{name}", f"no.{name}")
        for label, body in zip(("yes", "no"), node.regions, strict=True):
            f.start(f"{label}.{name}")
            self.write_body(body, operands, results)
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        self.buffers.extend_over_loop({*operands, *results}, begin)

    def _flag(self, buffer: Buffer) -> Value:
        byte = self.f.load(buffer.address, "i8")
        return self.f.cmp("ne", byte, self.f.const(0, "i8"))

    def scan(self, region: Region, node: Node) -> None:
        """Write a scan."""
        f = self.f
        p, (body,) = node.params, node.regions
        n, m = p["carried"], p["sequences"]
        begin = self.buffers.call
        operands = [self.calls.dense(o) for o in node.operands]
        length = self._length(p["length"], operands[n : n + m])
        carried, xs, captures = operands[:n], [self.buffers.filled(s) for s in operands[n : n + m]], operands[n + m :]
        results = self.buffers.results(region, node)
        self.tapes.reserve([r.tape for r in results if r.tape is not None], length)
        stacks = [self.buffers.filled(r) for r in results[n:]]
        changes = decided_updates(body, n)
        pairs = self._pairs(node, n, changes)
        packed = self.calls.pack(body, dict(zip(body.params[n + m :], captures, strict=True)))
        used: set[Buffer] = {*operands, *results, *packed, *(b for pair in pairs for b in pair)}
        self._begin_loop(used)
        start = self._first_pointers(node, carried, pairs)
        with f.loop(f.i64(0), length, carry=start, hint="scan") as loop:
            self.poll.tick()
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if p["reverse"] else loop.index
            now, following = _pointed(loop.carry, carried, pairs)
            items = [self.buffers.item(s, o.type.shape, o.dtype.bytes, at) for s, o in zip(xs, node.operands[n:], strict=False)]
            ys = [self.buffers.item(r, t.shape, t.dtype.bytes, at) for r, t in zip(stacks, node.types[n:], strict=True)]
            self.write_body(body, [*now, *items, *captures], [*following, *ys], changes)
            loop.next(_exchanged(loop.carry))
        self._end_loop(used, begin)
        self._copy_carried(node, loop.results, results[:n])

    def _length(self, length: int | None, xs: Sequence[Buffer]) -> Value:
        """Return the iterations of a scan: its length, or the items on the tape that it reads."""
        if length is not None:
            return self.main.number(length)
        return self.tapes.count(next(x.tape for x in xs if x.tape is not None))

    def while_(self, region: Region, node: Node) -> None:
        """Write a while loop."""
        f = self.f
        test, body = node.regions
        n = node.params["carried"]
        begin = self.buffers.call
        operands = [self.calls.dense(o) for o in node.operands]
        carried, captures = operands[:n], operands[n:]
        changes = decided_updates(body, n)
        results, pairs = self.buffers.results(region, node), self._pairs(node, n, changes)
        flag = self.buffers.allocate(TensorType(BOOL))
        tapes = [r.tape for r in results if r.tape is not None]
        self.tapes.begin(tapes)
        packed = self.calls.pack(body, dict(zip(body.params[n:], captures, strict=True)))
        used: set[Buffer] = {*operands, *results, flag, *packed, *(b for pair in pairs for b in pair)}
        self._begin_loop(used)
        with f.repeat(self._first_pointers(node, carried, pairs)) as loop:
            self.poll.tick()
            now, following = _pointed(loop.carry, carried, pairs)
            self.write_body(test, [*now, *captures], [flag])
            f.go_on_if(loop, self._flag(flag))
            items = []
            if tapes:
                at = self.tapes.next(tapes)
                grown = zip(results[n:], node.types[n:], strict=True)
                items = [self.buffers.item(self.buffers.filled(r), t.shape, t.dtype.bytes, at) for r, t in grown]
            self.write_body(body, [*now, *captures], [*following, *items], changes)
            loop.next(_exchanged(loop.carry))
        self._end_loop(used, begin)
        self._copy_carried(node, loop.results, results[:n])

    def _begin_loop(self, used: set[Buffer]) -> None:
        if not self.buffers.loops:
            self.poll.restart()
        self.buffers.loops.append(used)

    def _end_loop(self, used: set[Buffer], begin: int) -> None:
        self.buffers.loops.pop()
        self.buffers.extend_over_loop(used, begin)

    def _pairs(self, node: Node, count: int, changes: InPlace) -> list[Pair]:
        """Allocate the buffers of each carried value."""
        allocate, types = self.buffers.allocate, node.types[:count]
        return [(a := allocate(type), a if i in changes.carried else allocate(type)) for i, type in enumerate(types)]

    def _first_pointers(self, node: Node, carried: Sequence[Buffer], pairs: Sequence[Pair]) -> list[Value]:
        """Return (read, write, spare) of the first iteration for each carried value; one updated in place is copied first."""
        start = []
        for i, (initial, (a, b)) in enumerate(zip(carried, pairs, strict=True)):
            if a is b:
                self.main.move(initial.address, a.address, node.types[i].bytes)
            start += [a.address if a is b else initial.address, a.address, b.address]
        return start

    def _copy_carried(self, node: Node, pointers: Sequence[Value], results: Sequence[Buffer]) -> None:
        """Copy the carried values of the last iteration into the results."""
        for i, result in enumerate(results):
            self.main.move(pointers[3 * i], result.address, node.types[i].bytes)


def _pointed(pointers: Sequence[Value], carried: Sequence[Buffer], pairs: Sequence[Pair]) -> tuple[list[Buffer], list[Buffer]]:
    """Return the buffers from which an iteration reads carried values, and into which it writes them."""
    now, following = [], []
    for i, (initial, (a, b)) in enumerate(zip(carried, pairs, strict=True)):
        ranges = [*initial.ranges, *a.ranges, *b.ranges]
        now.append(Buffer(pointers[3 * i], a.strides, ranges))
        following.append(Buffer(pointers[3 * i + 1], a.strides, ranges))
    return now, following


def _exchanged(pointers: Sequence[Value]) -> list[Value]:
    """Return (read, write, spare) of the next iteration for each carried value."""
    return [v for i in range(0, len(pointers), 3) for v in (pointers[i + 1], pointers[i + 2], pointers[i + 1])]
