"""Loops and branches in registers: carried values are phis of the loop header, items are read and written in their stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from graphc.codegen.llvm.builder import Loop
from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value, llvm_type
from graphc.codegen.program.register_loops.context import Context
from graphc.codegen.program.register_loops.values import BodyValue, Carried, LaneLayout, Memory, TapeItems
from graphc.ir.analysis.in_place import InPlace, decided_updates
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_loop, is_scan
from graphc.ir.core.types import TensorType

__all__ = ["LoopWriter"]

ITERATIONS, OUTER_ITERATIONS = 1024, 32
"""Iterations of a loop between two polls: of an innermost loop, and of one with a loop inside."""

WriteRegion = Callable[[Region, Sequence[BodyValue], "InPlace | None"], list[BodyValue]]


class LoopWriter:
    """Writes loops and branches; `write_region` writes their bodies."""

    def __init__(self, context: Context, write_region: WriteRegion) -> None:
        self.context, self.f, self.main = context, context.f, context.main
        self.lanes, self.memory = context.lanes, context.memory
        self.write_region = write_region
        self._rows: dict[tuple[str, str], Value] = {}

    # -- the loop that has lanes ----------------------------------------------------------------------------

    def vectorized(
        self, operands: Sequence[BodyValue], results: Sequence[Memory | TapeItems]
    ) -> tuple[list[Carried], list[Memory | TapeItems]]:
        """Write the loop that has lanes; return the carried values at its end, and the results' memory as it has it."""
        lanes = self.lanes.lanes
        assert lanes is not None
        loop = lanes.loop
        n, body = loop.params["carried"], loop.regions[-1]
        inputs = [self._along(x, o.type, a) for x, o, a in zip(operands, loop.operands, lanes.axes, strict=True)]
        targets = [self._memory_along(r, t, a) for r, t, a in zip(results, loop.types, lanes.results, strict=True)]
        carried = (self.scan if is_scan(loop) else self.while_)(loop, inputs, targets[n:])
        return [self._total(x, p) for x, p in zip(carried, body.params, strict=False)], targets

    def _total(self, x: Carried, param: Node) -> Carried:
        """Return a carried value with its partial sums added."""
        return self.lanes.reduced(param, x, "sum") if self.lanes.is_partial(param) and isinstance(x, list) else x

    def _along(self, x: BodyValue, type: TensorType, axis: int | None) -> BodyValue:
        """Return a captured or initial value with vectors along an axis as its elements."""
        return x[: type.size] if isinstance(x, list) else self._memory_along(x, type, axis)

    def _memory_along(self, x: Memory | TapeItems, type: TensorType, axis: int | None) -> Memory | TapeItems:
        lanes = self.lanes.lanes
        if axis is None:
            return x
        assert lanes is not None
        return replace(x, type=type, lanes=LaneLayout(lanes.count, lanes.width, x.strides[axis]))

    # -- loops ----------------------------------------------------------------------------------------------

    def scan(self, node: Node, operands: Sequence[BodyValue], stacks: Sequence[Memory | TapeItems]) -> list[Carried]:
        """Write a scan that stores its `ys` in `stacks`; return the carried values at its end."""
        f, p, (body,) = self.f, node.params, node.regions
        n, m = p["carried"], p["sequences"]
        carried, xs, captures = self._initial(operands[:n], body), operands[n : n + m], operands[n + m :]
        captures = self._captured(captures, body.params[n + m :])
        length = self._length(p["length"], xs)
        self.main.tapes.reserve([s.tape for s in stacks if isinstance(s, TapeItems)], length)
        ys = [self.memory.filled(s) for s in stacks]
        with self._polled(length, _flat(carried), _iterations(node)) as loop:
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if p["reverse"] else loop.index
            items = [self._item(self.memory.memory(x, o.type), at) for x, o in zip(xs, node.operands[n:], strict=False)]
            after = self.write_region(body, [*_shaped(loop.carry, carried), *items, *captures], decided_updates(body, n))
            for stack, result in zip(ys, after[n:], strict=True):
                self.memory.store(self.memory.elements(result), self._item(stack, at))
            loop.next(_flat([self._next(a, p) for a, p in zip(after, body.params[:n], strict=False)]))
        return _shaped(loop.results, carried)

    @contextmanager
    def _polled(self, length: Value, carry: Sequence[Value], chunk: int) -> Iterator[Loop]:
        """Write a loop over 0 … length-1 that polls once in `chunk` iterations; in between polling costs nothing."""
        f = self.f
        if length.name.isdigit() and int(length.name) <= chunk:
            with f.loop(f.i64(0), length, carry=carry, hint="scan") as loop:
                yield loop
            return
        with f.loop(f.i64(0), length, chunk, carry=carry, hint="run") as chunks:
            self.main.poll.tick()
            end = f.add(chunks.index, f.i64(chunk))
            end = f.select(f.cmp("slt", end, length), end, length)
            with f.loop(chunks.index, end, carry=chunks.carry, nonempty=True, hint="scan") as loop:
                yield loop
            chunks.next(loop.results)
        loop.results = chunks.results

    def _length(self, length: int | None, xs: Sequence[BodyValue]) -> Value:
        """Return the iterations of a scan: its length, or the items on the tape that it reads."""
        if length is not None:
            return self.main.number(length)
        return self.main.tapes.count(next(x.tape for x in xs if isinstance(x, TapeItems)))

    def while_(self, node: Node, operands: Sequence[BodyValue], stacks: Sequence[Memory | TapeItems]) -> list[Carried]:
        """Write a while loop that stacks its items on tapes; return the carried values at its end."""
        f, n = self.f, node.params["carried"]
        test, body = node.regions
        carried = self._initial(operands[:n], body)
        captures = self._captured(operands[n:], body.params[n:])
        grown = [s for s in stacks if isinstance(s, TapeItems)]
        tapes = [s.tape for s in grown]
        self.main.tapes.begin(tapes)
        chunk = f.i64(_iterations(node))
        with f.repeat(_flat(carried), "run") as chunks:  # polls once in so many iterations
            self.main.poll.tick()
            with f.repeat([f.i64(0), *chunks.carry]) as loop:
                count, now = loop.carry[0], _shaped(loop.carry[1:], carried)
                (going,) = self.memory.elements(self.write_region(test, [*now, *captures], None)[0])
                f.go_on_if(loop, f.and_(going, f.cmp("slt", count, chunk)))
                after = self.write_region(body, [*now, *captures], decided_updates(body, n))
                at = self.main.tapes.next(tapes) if tapes else f.i64(0)
                for stack, result in zip(grown, after[n:], strict=True):
                    self.memory.store(self.memory.elements(result), self._item(self.memory.filled(stack), at))
                following = _flat([self._next(a, p) for a, p in zip(after, body.params[:n], strict=False)])
                loop.next([f.add(count, f.i64(1)), *following])
            f.go_on_if(chunks, going)
            chunks.next(loop.results[1:])
        return now

    def _initial(self, operands: Sequence[BodyValue], body: Region) -> list[Carried]:
        pairs = zip(operands, body.params, strict=False)
        lanes, memory, small = self.lanes, self.memory, self.context.is_small
        return [lanes.in_form_of(p, memory.elements(x)) if small(p.type) else memory.memory(x, p.type) for x, p in pairs]

    def _captured(self, captures: Sequence[BodyValue], params: Sequence[Node]) -> list[BodyValue]:
        """Load small captured values before the loop."""
        small = self.context.is_small
        loaded = [self.memory.elements(x) if small(p.type) else x for x, p in zip(captures, params, strict=True)]
        self.lanes.splat_before_loop(_flat(loaded))
        return loaded

    def _next(self, after: BodyValue, param: Node) -> BodyValue:
        """Return a carried value for the next iteration: elements where elements are carried."""
        return self.lanes.in_form_of(param, self.memory.elements(after)) if self.context.is_small(param.type) else after

    def _item(self, stack: Memory, at: Value) -> Memory:
        f = self.f
        type = MEMORY[stack.type.dtype.name]
        if stack.row is not None:  # one address for the items of all stacks in the row
            first, before = stack.row
            key = first.name, at.name
            if key not in self._rows:
                self._rows[key] = f.element(first, f.mul(at, f.i64(stack.strides[0])), type)
            address = f.element(self._rows[key], f.i64(before), type)
        else:
            step = self.main.number(stack.strides[0])
            address = f.element(stack.address, f.mul(at, step) if step.name != "1" else at, type)
        return Memory(address, stack.type.with_shape(stack.type.shape[1:]), stack.strides[1:], stack.lanes, stack.padded)

    # -- branches -------------------------------------------------------------------------------------------

    def cond(self, node: Node, operands: Sequence[BodyValue]) -> list[Carried]:
        """Write a branch; return its results."""
        f = self.f
        (pred,) = self.memory.elements(operands[0])
        captures = list(operands[1:])
        name = f.fresh("cond")
        f.cond_br(pred, f"yes.{name}", f"no.{name}")
        arms: list[tuple[list[list[Value]], str]] = []
        for label, region in zip(("yes", "no"), node.regions, strict=True):
            f.start(f"{label}.{name}")
            results = self.write_region(region, captures, None)
            elements = [self.lanes.in_form_of(n, self.memory.elements(r)) for n, r in zip(region.results, results, strict=True)]
            arms.append((elements, f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (yes, from_yes), (no, from_no) = arms

        def phi(a: Value, b: Value) -> Value:
            t = llvm_type(a.type, a.lanes)
            return f.inst(f"phi {t} [ {a.name}, %{from_yes} ], [ {b.name}, %{from_no} ]", a.type, a.lanes)

        return [list(map(phi, x, y)) for x, y in zip(yes, no, strict=True)]


def _iterations(loop: Node) -> int:
    """Return the iterations of a loop between two polls."""
    nodes = [n for region in loop.regions for n in region.nodes()]
    for node in nodes:  # grows on the way
        nodes += [n for region in node.regions for n in region.nodes()]
    return OUTER_ITERATIONS if any(is_loop(n) for n in nodes) else ITERATIONS


def _flat(values: Sequence[BodyValue]) -> list[Value]:
    """Return the elements of the values in registers."""
    return [v for x in values if isinstance(x, list) for v in x]


def _shaped(elements: Sequence[Value], like: Sequence[Carried]) -> list[Carried]:
    """Undo `_flat`: return values as `like`, with other elements; those in memory stay."""
    rest = iter(elements)
    return [list(islice(rest, len(x))) if isinstance(x, list) else x for x in like]
