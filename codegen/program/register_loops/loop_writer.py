"""Loops and branches in registers: carried values are phis of the loop header, items are accessed in their stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from graphc.codegen.llvm.builder import LoopBlock
from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.register_loops.context import Context
from graphc.codegen.program.register_loops.values import BodyValue, Carried, LaneLayout, Memory, TapeItems
from graphc.ir.analysis.in_place import InPlace, decided_updates
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_loop
from graphc.ir.core.types import TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Binding, Carry, Loop

__all__ = ["LoopWriter"]

ITERATIONS, OUTER_ITERATIONS = 1024, 32
"""Iterations of a loop between two polls: of an innermost loop, and of one with a nested loop."""

WriteRegion = Callable[[Region, Sequence[BodyValue], "InPlace | None"], list[BodyValue]]


class LoopWriter:
    """Emits loops and branches; `write_region` emits their bodies."""

    def __init__(self, context: Context, write_region: WriteRegion) -> None:
        self.context, self.f, self.main = context, context.f, context.main
        self.lanes, self.memory = context.lanes, context.memory
        self.write_region = write_region
        self._rows: dict[tuple[str, str], Value] = {}

    # -- the vectorized loop --------------------------------------------------------------------------------

    def vectorized(
        self, operands: Sequence[BodyValue], results: Sequence[Memory | TapeItems]
    ) -> tuple[list[Carried], list[Memory | TapeItems]]:
        """Emit the vectorized loop; return the carried values at its end, and the results' memory with its layout."""
        lanes = self.lanes.lanes
        assert lanes is not None
        loop = lanes.loop
        record = Loop.of(loop)
        inputs = [self._along(x, o.type, a) for x, o, a in zip(operands, loop.operands, lanes.axes, strict=True)]
        targets = [self._memory_along(r, t, a) for r, t, a in zip(results, loop.types, lanes.results, strict=True)]
        carried = self.loop(record, inputs, record.split_results(targets)[1])
        return [self._total(x, c.param) for x, c in zip(carried, record.carries, strict=True)], targets

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

    def loop(self, loop: Loop, operands: Sequence[BodyValue], stacks: Sequence[Memory | TapeItems]) -> list[Carried]:
        """Emit a loop that stores its `ys` in `stacks`; return the carried values at its end."""
        initial, xs, captures = loop.split(operands)
        carried, captured = self._initial(initial, loop.carries), self._captured(captures, loop.captures)
        if loop.condition is None:
            return self._scan(loop, carried, xs, captured, stacks)
        return self._while(loop, carried, captured, stacks)

    def _scan(
        self,
        record: Loop,
        carried: list[Carried],
        xs: Sequence[BodyValue],
        captures: Sequence[BodyValue],
        stacks: Sequence[Memory | TapeItems],
    ) -> list[Carried]:
        f, changes = self.f, decided_updates(record.body, record.layout)
        length = self._length(record.length, xs)
        self.main.tapes.reserve([s.tape for s in stacks if isinstance(s, TapeItems)], length)
        filled = [self.memory.filled(s) for s in stacks]
        with self._polled(length, _flat(carried), _iterations(record.regions)) as loop:
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if record.reverse else loop.index
            items = [self._item(self.memory.memory(x, b.operand.type), at) for x, b in zip(xs, record.xs, strict=True)]
            after = self.write_region(record.body, [*_shaped(loop.carry, carried), *items, *captures], changes)
            nexts, ys = record.split_results(after)
            for stack, y in zip(filled, ys, strict=True):
                self.memory.store(self.memory.elements(y), self._item(stack, at))
            loop.next(self._nexts(nexts, record))
        return _shaped(loop.results, carried)

    @contextmanager
    def _polled(self, length: Value, carry: Sequence[Value], chunk: int) -> Iterator[LoopBlock]:
        """Emit a loop over 0 … length-1 that polls once per `chunk` iterations; the iterations between cost nothing extra."""
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
        """Return the number of iterations of a scan: its length, or the items on the tape that it reads."""
        if length is not None:
            return self.main.number(length)
        return self.main.tapes.count(next(x.tape for x in xs if isinstance(x, TapeItems)))

    def _while(
        self, record: Loop, carried: list[Carried], captures: Sequence[BodyValue], stacks: Sequence[Memory | TapeItems]
    ) -> list[Carried]:
        f, (test, body) = self.f, record.regions
        changes = decided_updates(body, record.layout)
        grown = [s for s in stacks if isinstance(s, TapeItems)]
        tapes = [s.tape for s in grown]
        self.main.tapes.begin(tapes)
        chunk = f.i64(_iterations(record.regions))
        with f.repeat(_flat(carried), "run") as chunks:  # polls once per chunk of iterations
            self.main.poll.tick()
            with f.repeat([f.i64(0), *chunks.carry]) as loop:
                count, *elements = loop.carry
                now = _shaped(elements, carried)
                (going,) = self.memory.elements(self.write_region(test, [*now, *captures], None)[0])
                f.go_on_if(loop, f.and_(going, f.cmp("slt", count, chunk)))
                nexts, ys = record.split_results(self.write_region(body, [*now, *captures], changes))
                at = self.main.tapes.next(tapes) if tapes else f.i64(0)
                for stack, y in zip(grown, ys, strict=True):
                    self.memory.store(self.memory.elements(y), self._item(self.memory.filled(stack), at))
                following = self._nexts(nexts, record)
                loop.next([f.add(count, f.i64(1)), *following])
            f.go_on_if(chunks, going)
            _, *elements = loop.results
            chunks.next(elements)
        return now

    def _initial(self, operands: Sequence[BodyValue], carries: Sequence[Carry]) -> list[Carried]:
        pairs = zip(operands, (c.param for c in carries), strict=True)
        lanes, memory, small = self.lanes, self.memory, self.context.is_small
        return [lanes.in_form_of(p, memory.elements(x)) if small(p.type) else memory.memory(x, p.type) for x, p in pairs]

    def _captured(self, values: Sequence[BodyValue], captures: Sequence[Binding]) -> list[BodyValue]:
        """Load small captured values before the loop."""
        small = self.context.is_small
        loaded = [self.memory.elements(x) if small(c.param.type) else x for x, c in zip(values, captures, strict=True)]
        self.lanes.splat_before_loop(_flat(loaded))
        return loaded

    def _nexts(self, nexts: Sequence[BodyValue], record: Loop) -> list[Value]:
        """Return the elements of carried values for the next iteration, of those that are carried as elements."""
        elements, form, small = self.memory.elements, self.lanes.in_form_of, self.context.is_small
        pairs = zip(nexts, (c.param for c in record.carries), strict=True)
        return _flat([form(p, elements(x)) if small(p.type) else x for x, p in pairs])

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
        """Emit a branch; return its results."""
        f, call = self.f, Call.of(node)
        condition, arguments = call.split(operands)
        assert condition is not None
        (pred,) = self.memory.elements(condition)
        name = f.fresh("cond")
        f.cond_br(pred, f"yes.{name}", f"no.{name}")
        arms: list[tuple[list[list[Value]], str]] = []
        for label, region in zip(("yes", "no"), call.arms, strict=True):
            f.start(f"{label}.{name}")
            results = self.write_region(region, arguments, None)
            elements = [self.lanes.in_form_of(n, self.memory.elements(r)) for n, r in zip(region.results, results, strict=True)]
            arms.append((elements, f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (yes, from_yes), (no, from_no) = arms
        return [[f.phi(a, from_yes, b, from_no) for a, b in zip(x, y, strict=True)] for x, y in zip(yes, no, strict=True)]


def _iterations(regions: Sequence[Region]) -> int:
    """Return the iterations between two polls for a loop with these regions."""
    nodes = [n for region in regions for n in region.nodes()]
    for node in nodes:  # grows during the iteration
        nodes += [n for region in node.regions for n in region.nodes()]
    return OUTER_ITERATIONS if any(is_loop(n) for n in nodes) else ITERATIONS


def _flat(values: Sequence[BodyValue]) -> list[Value]:
    """Return the elements of the values in registers."""
    return [v for x in values if isinstance(x, list) for v in x]


def _shaped(elements: Sequence[Value], like: Sequence[Carried]) -> list[Carried]:
    """Undo `_flat`: return values shaped as `like`, with other elements; those in memory stay."""
    rest = iter(elements)
    return [list(islice(rest, len(x))) if isinstance(x, list) else x for x in like]
