"""Write a fused graph as one native function that runs kernel after kernel, loops and branches included.

    i64 @program(ptr table, ptr buffers)

`buffers` holds the addresses of inputs, outputs and one arena; `table` the sizes and the places in the arena.
A loop's carried values lie in two buffers that change places by exchanging pointers; items of sequences are
read and written where they lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from typing import ClassVar

from graphc.codegen.llvm.bounds import OUTSIDE, STEP, CheckedModule
from graphc.codegen.llvm.builder import Function, Module, Value
from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.loops.loop_ir import Kernel, ensure
from graphc.codegen.loops.lower import Operand, lower_fusion
from graphc.codegen.loops.schedule import schedule
from graphc.codegen.nests.kernel_function import Step
from graphc.codegen.nests.nest import emit_kernel
from graphc.codegen.program.arena import Interval
from graphc.codegen.program.extents import Layout, Limits
from graphc.codegen.program.extern import EXTERN, emit_copy, emit_packed, emit_product
from graphc.codegen.program.held import Held, Memory, Run
from graphc.codegen.program.kernel_calls import KernelCall, Source
from graphc.codegen.program.register_loops import RegisterWriter
from graphc.codegen.program.tape import Tape, TapeWriter
from graphc.codegen.runtime.interrupts import EXIT, Poll
from graphc.ir.analysis.in_place import SCATTERS, InPlace
from graphc.ir.analysis.register_promotion import fits_registers, in_place, lanes_in_registers
from graphc.ir.analysis.vectorize import Lanes
from graphc.ir.analysis.views import Strides, as_view, dense_strides
from graphc.ir.core.cached import cached_property
from graphc.ir.core.cost import is_small
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, users
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.text import debug

__all__ = ["ProgramWriter"]

WORD = 8
"""Small values begin at multiples of so many bytes."""


@dataclass(eq=False)
class _Place:
    """Where a value lies: an address, strides in elements, and the arena bytes that must live as long as it is used."""

    address: Value
    strides: Strides
    intervals: list[Interval] = field(default_factory=list)
    tape: Tape | None = None
    """What holds it if it grows; `address` is nothing then."""
    padded: bool = False
    """Whether there is room for the lanes of a vector from each element on."""
    row: tuple[Value, int] | None = None
    """Set for what a loop stacks side by side with others: see `Memory.row`."""


Places = dict[Node, _Place]


class ProgramWriter:
    """Writes one program.  `kernels`, `table`, `rooms` and `steps` tell about it once it is written."""

    def __init__(self, graph: Graph, layouts: Sequence[Strides], dynamic: bool = True) -> None:
        self.graph, self.layouts = graph, layouts
        self.checked = CheckedModule(literal=not dynamic) if debug.enabled("bounds") else None
        """The module, if the accesses of its functions are checked."""
        self.module = self.checked or Module(literal=not dynamic)
        self.table: list[int] = []
        self.kernels: list[Kernel] = []
        self.calls: dict[Node, KernelCall] = {}
        """What is called for a node, as data."""
        self.limits = Limits()
        self.steps = 0
        self._shared: dict[str, str] = {}
        self._intervals: list[tuple[Interval, int]] = []
        self._sizes: list[tuple[Interval, int]] = []
        """Parts of the arena, and places in the table for their bytes, where accesses are checked."""
        self._loops: list[set[_Place]] = []
        self._links: set[Node] = set()
        self._packed: dict[Node, _Place] = {}
        """Where matrices are, packed, that products of the loops being written have on their right."""
        self._pieces: dict[Node, tuple[Node, int]] = {}
        """What a kernel writes where it is joined with others: in what, and from where on along the axis."""
        self._addresses: dict[int, Value] = {}
        self._places: Places = {}
        self._now = 0
        self._alive: Value | None = None
        self._static_slots: tuple[Value, Interval] | None = None
        self._sequences: dict[Region, list[Node]] = {}

    def write(self) -> None:
        """Write the program."""
        self.main = self.module.function("program", [("ptr", "table"), ("ptr", "buffers")], "i64")
        self._reserve_spans()
        self.module.functions.remove(self.main)  # it comes last, after what it calls
        self.tapes, self.poll = TapeWriter(self.main, self.number), Poll(self.main)
        self._status = self.main.alloca("i64", 1)
        self.main.store(self.main.i64(0), self._status)
        first = len(self.graph.params)
        for i, (param, strides) in enumerate(zip(self.graph.params, self.layouts, strict=True)):
            self._places[param] = _Place(self._buffer(i), strides)
        results = {r: _Place(self._buffer(first + i), dense_strides(r.shape)) for i, r in enumerate(self.graph.results)}
        self._region(self.graph, results)
        if self._static_slots is not None:
            self._static_slots[1].last = self._now
        self._leave()
        self._look("the program itself")
        self.main.ret(self.main.load(self._status, "i64"))
        for interval, slot in self._sizes:
            self.table[slot] = interval.bytes
        if self._alive is not None:
            self.main.start("never")
            self.main.ret(self.main.i64(0))
        self.module.functions.append(self.main)

    def _leave(self) -> None:
        """Write where the program ends, on whichever way it gets there."""
        if self.tapes.all or self.poll.used:
            self.main.br(EXIT)
            self.tapes.failed(self._status)
            self.poll.end(self._status)
            self.main.start(EXIT)
        self.tapes.end()

    @cached_property
    def text(self) -> str:
        """The module."""
        return str(self.module)

    @property
    def rooms(self) -> list[tuple[int, int, int, int]]:
        """The parts of the arena: bytes, first and last step that need them, and the place in the table for their offset."""
        return [(i.bytes, i.first, i.last, slot) for i, slot in self._intervals]

    # -- addresses: written where the program starts, so that they are known everywhere ---------------

    def _at_start(self, text: str, type: str = "ptr") -> Value:
        name = "%" + self.main.fresh("a")
        self.main.entry_allocas.append(f"  {name} = {text}")
        return Value(name, type)

    def _buffer(self, number: int) -> Value:
        if number not in self._addresses:
            place = self._at_start(f"getelementptr ptr, ptr %buffers, i64 {number}")
            address = self._at_start(f"load ptr, ptr {place.name}")
            self._addresses[number] = self.main.bounded(address, lambda: self._span(number), f"buffer {number}", early=True)
        return self._addresses[number]

    # -- what is checked under `GRAPHC_DEBUG=bounds` --------------------------------------------------------

    def _reserve_spans(self) -> None:
        """Leave room in the table for where each buffer begins and ends: `spans` fills it."""
        if self.checked is not None:
            self.table += [0] * (2 * (len(self.graph.params) + len(self.graph.results) + 1))

    def _span(self, number: int) -> tuple[Value, Value]:
        first, end = (self._entry(2 * number + i, "i64") for i in range(2))
        return first, end

    def _size(self, interval: Interval) -> Value:
        """Return the bytes of a part of the arena, which are known when all is written."""
        size = self.datum(0, "i64")
        self._sizes.append((interval, len(self.table) - 1))
        return size

    def _look(self, step: str) -> None:
        """Leave the program if an access in this step was outside of its buffer."""
        f = self.main
        if self.checked is None:
            return
        self.checked.steps.append(step)
        outside = f.inst("load i64, ptr @bounds.found, align 8", "i64")
        name = f.fresh("look")
        f.cond_br(f.cmp("ne", outside, f.i64(0)), f"outside.{name}", f"inside.{name}")
        f.start(f"outside.{name}")
        f.do(f"store i64 {len(self.checked.steps)}, ptr getelementptr (i64, ptr @bounds.found, i64 {STEP}), align 8")
        f.ret(f.i64(OUTSIDE))
        f.start(f"inside.{name}")

    def number(self, value: int) -> Value:
        """Return a run-time integer of the program itself."""
        if self.module.literal or abs(value) <= SMALL:
            return self.main.i64(value)
        return self.datum(value, "i64")

    def datum(self, bits: int, type: str) -> Value:
        """Return a number of a type that is read from the table where the program starts."""
        return self._entry(self.slot(bits), type)

    def slot(self, bits: int) -> int:
        """Put a number into the table; return its place."""
        self.table.append(bits)
        return len(self.table) - 1

    def loaded(self, slot: int, type: str) -> Value:
        """Return a number of the table, read where the code is now."""
        return self.main.load(self.main.element(self.main.args[0], self.main.i64(slot), "i64"), type)

    def _entry(self, slot: int, type: str) -> Value:
        place = self._at_start(f"getelementptr i64, ptr %table, i64 {slot}")
        return self._at_start(f"load {type}, ptr {place.name}", type)

    def _arena(self, size: int) -> tuple[Value, Interval]:
        """Reserve bytes from now on; how long is known by who touches them."""
        interval = Interval(size, self._now, self._now)
        offset = self.datum(0, "i64")
        self._intervals.append((interval, len(self.table) - 1))
        arena = self._buffer(len(self.graph.params) + len(self.graph.results))
        address = self._at_start(f"getelementptr i8, ptr {arena.name}, i64 {offset.name}")
        return self.main.bounded(address, lambda: (0, self._size(interval)), "a room", early=True), interval

    def _room(self, type: TensorType) -> _Place:
        """Reserve memory for a value: small ones lie side by side all the time, at offsets that are constants."""
        if not (is_small(type) and _is_structure(type.shape)):
            address, interval = self._arena(type.bytes)
            return _Place(address, dense_strides(type.shape), [interval])
        if self._static_slots is None:
            self._static_slots = self._arena(0)
            self._static_slots[1].first = 0
        static_slots, interval = self._static_slots
        address = self._at_start(f"getelementptr i8, ptr {static_slots.name}, i64 {interval.bytes}")
        address = self.main.bounded(address, lambda: (0, type.bytes), "a small room", early=True)
        interval.bytes += -(-type.bytes // WORD) * WORD
        return _Place(address, dense_strides(type.shape))

    def _touch(self, place: _Place) -> None:
        """Note that a value is used by the step being written, and so in every iteration of the loops around it."""
        for loop in self._loops:
            loop.add(place)
        for interval in place.intervals:
            interval.last = max(interval.last, self._now)

    # -- regions ----------------------------------------------------------------------------------------

    def _region(self, region: Region, results: Places, order: Sequence[Node] | None = None) -> None:
        """Write the steps of a region; its parameters have places, its results get theirs from `results`."""
        self._places.update(results)
        owners: dict[Node, Node] = {}
        for result, place in results.items():
            node = result
            while node.op.kind == "movement":  # a buffer under another shape: what makes it writes here
                node = node.operands[0]
                self._places[node] = _Place(place.address, dense_strides(node.shape), place.intervals)
            ensure(owners.setdefault(node, result) is result, "two results are one buffer, and it would be written once")
        ensure(len(results) == len(region.results), "a result that is there twice would be written once")
        nodes = list(region.nodes() if order is None else order)
        outer, self._pieces = self._pieces, _pieces(nodes, region.results)
        for node in nodes:
            if node.op is PARAMETER or node.op.kind in ("movement", "leaf"):
                continue
            self._now += 1
            writer = self._STEPS.get(node.op.name, ProgramWriter._extern)
            if node.regions and fits_registers(node):
                writer = ProgramWriter._in_registers
            writer(self, region, node)
        self._pieces = outer

    def _inside(
        self, region: Region, params: Sequence[_Place], results: Sequence[_Place], changes: InPlace | None = None
    ) -> None:
        """Write a nested region at these places; some of its parameters may be changed in place."""
        outer, self._places = self._places, dict(zip(region.params, params, strict=True))
        order = None
        if changes is not None:
            self._links |= changes.links
            order = changes.order
        self._region(region, dict(zip(region.results, results, strict=True)), order)
        self._places = outer

    def _view(self, node: Node) -> tuple[_Place, Operand]:
        view = as_view(node, lambda n: self._places[n].strides)
        assert view is not None, f"{node} is not a view"
        place = self._places[view.base]
        self._touch(place)
        return place, Operand(view.strides, view.offset)

    def _result(self, node: Node) -> _Place:
        if node in self._pieces:
            self._places[node] = self._part(*self._pieces[node])
        if node not in self._places:
            self._places[node] = self._room(node.type)
        self._touch(self._places[node])
        return self._places[node]

    def _part(self, whole: Node, start: int) -> _Place:
        """Return the place of one piece of what is joined."""
        place = self._result(whole)
        offset = self.number(start * place.strides[whole.params["axis"]] * whole.dtype.bytes)
        return _Place(self.main.element(place.address, offset, "i8"), place.strides, place.intervals)

    def _results(self, region: Region, node: Node) -> list[_Place]:
        """Return places for each result of a node; one that nothing reads gets memory all the same."""
        found = self._read_results(region, node)
        tapes = self.tapes.make([t for t in node.types if t.grows])
        places = []
        for i, type in enumerate(node.types):
            if type.grows:
                tape = tapes.pop(0)
                place = _Place(tape.data, dense_strides(type.shape), tape=tape)
                self._places.update({found[i]: place} if i in found else {})
            else:
                place = self._result(found[i]) if i in found else self._room(type)
            places.append(place)
        return places

    def _read_results(self, region: Region, node: Node) -> dict[int, Node]:
        """Return the nodes that stand for results of a node, by number."""
        if len(node.types) == 1:
            return {0: node}
        nodes = (*region.nodes(), *region.results)
        return {n.params["index"]: n for n in nodes if n.op.name == "result" and n.operands[0] is node}

    # -- steps --------------------------------------------------------------------------------------------

    def _fusion(self, region: Region, node: Node) -> None:
        views = [self._view(o) for o in node.operands]
        places = self._results(region, node)
        kernel = lower_fusion(node, [o for _, o in views], [Operand(p.strides) for p in places], self._name(node))
        step = emit_kernel(self.module, kernel, schedule(kernel), kernel.name)
        self.kernels.append(kernel)
        self._record(node, kernel, places)
        layouts = [*map(self._layout, node.operands), *((t.shape, p.strides) for t, p in zip(node.types, places, strict=True))]
        first = self._call(step, [*(p for p, _ in views), *places])
        self.limits.add(kernel, step, first, layouts)

    def _layout(self, node: Node) -> Layout | None:
        """Return extents and strides of the buffer that a view shows; None if it grows."""
        view = as_view(node, lambda n: self._places[n].strides)
        assert view is not None
        place = self._places[view.base]
        return None if place.tape is not None or view.base.type.grows else (view.base.shape, place.strides)

    def _record(self, node: Node, kernel: Kernel | None, places: Sequence[_Place]) -> None:
        """Note what is called for a node."""
        sources = []
        for operand in node.operands:
            view = as_view(operand, lambda n: self._places[n].strides)
            assert view is not None
            sources.append(Source(view.base, self._places[view.base].strides, Operand(view.strides, view.offset)))
        self.calls[node] = KernelCall(kernel, sources, [p.strides for p in places])

    def _extern(self, region: Region, node: Node) -> None:
        views = [self._view(o) for o in node.operands]
        operands = [o for _, o in views]
        if node in self._links:
            self._places.setdefault(node, views[0][0])
        place = self._result(node)
        self._record(node, None, [place])
        if node.op.name in SCATTERS:
            base = views.pop(0)
            if node not in self._links:
                self._copy(node.operands[0], base, place)
            else:  # what is written must not be read from where it is written to
                views = [self._apart(o, v, base[0]) for o, v in zip(node.operands[1:], views, strict=True)]
                operands = [operands[0], *(o for _, o in views)]
        step = EXTERN[node.op.name](self.module, node, operands, self._name(node))
        first = self._call(step, [*(p for p, _ in views), place])
        if node.op.name == "matmul":
            layouts = [*map(self._layout, node.operands), (node.shape, place.strides)]
            self.limits.add_product(node, step, first, operands, layouts)

    def _apart(self, node: Node, view: tuple[_Place, Operand], target: _Place) -> tuple[_Place, Operand]:
        """Return a view of a value, of a copy if it shows the memory of `target`."""
        if view[0].address.name != target.address.name:
            return view
        copy = self._room(node.type)
        self._touch(copy)
        self._copy(node, view, copy)
        return copy, Operand(copy.strides)

    def _matmul(self, region: Region, node: Node) -> None:
        packed = self._packed.get(node.operands[1])
        if packed is None:
            self._extern(region, node)
            return
        left, a = self._view(node.operands[0])
        place = self._result(node)
        self._touch(packed)
        operands = [a, Operand(packed.strides)]
        step = emit_product(self.module, node, operands, self._name(node), packed=True)
        first = self._call(step, [left, packed, place])
        layouts = [self._layout(node.operands[0]), None, (node.shape, place.strides)]
        self.limits.add_product(node, step, first, operands, layouts)

    def _concatenate(self, region: Region, node: Node) -> None:
        place = self._result(node)
        small = all(is_small(o.type) and _is_structure(o.shape) for o in node.operands)
        if small and prod(node.shape[: node.params["axis"]]) == 1:
            self._write_small(node.operands, place.address)
            return
        axis, strides, start = node.params["axis"], dense_strides(node.shape), 0
        for value in node.operands:
            if value not in self._pieces and value.type.size:
                source, target = self._view(value), Operand(strides, start * strides[axis])
                step, kernel = emit_copy(self.module, value, source[1], target, self._name(node))
                first = self._call(step, [source[0], place])
                self.limits.add(kernel, step, first, [self._layout(value), (node.shape, strides)])
            start += value.shape[axis]

    def _write_small(self, values: Sequence[Node], address: Value) -> None:
        """Write small values one behind the other, but for those that are there already."""
        before = 0
        for value in values:
            if value not in self._pieces:
                target = self.main.element(address, self.main.i64(before * value.dtype.bytes), "i8")
                self.move(self._dense(value).address, target, value.type.bytes)
            before += value.type.size

    def _copy(self, value: Node, source: tuple[_Place, Operand], target: _Place) -> None:
        step, kernel = emit_copy(self.module, value, source[1], Operand(target.strides), f"{self._name(value)}_copy")
        self.kernels.append(kernel)
        first = self._call(step, [source[0], target])
        self.limits.add(kernel, step, first, [self._layout(value), (value.shape, target.strides)])

    def _name(self, node: Node) -> str:
        what = re.sub(r"\W", "_", node.name or node.op.name)
        return f"k{self.steps}_{what}"

    def _call(self, step: Step, buffers: list[_Place]) -> int:
        """Write the call of a step; return where its numbers begin in the table."""
        scratch = Value("null", "ptr")
        if step.scratch_bytes:
            scratch, interval = self._arena(step.scratch_bytes)
            self._touch(_Place(scratch, (), [interval]))
        first = len(self.table)
        table = self.main.element(self.main.args[0], self.main.i64(first), "i64")
        self.table += step.table
        self.steps += 1
        self.main.call(self._share(step.f), table, *(b.address for b in buffers), scratch, self._status)
        self._look(step.f.name)
        return first

    def _share(self, function: Function) -> str:
        """Return the function's name, or that of an earlier one with the same text."""
        text = str(function).replace(f"@{function.name}(", "@(", 1)
        known = self._shared.setdefault(text, function.name)
        if known != function.name:
            self.module.functions.remove(function)
        return known

    # -- loops and branches in registers ------------------------------------------------------------------

    def room(self, type: TensorType) -> Value:
        """Reserve memory for a value for the time of the step being written; return its address."""
        place = self._room(type)
        self._touch(place)
        return place.address

    def fail(self, condition: Value) -> None:
        """Note an index out of bounds if the condition holds."""
        with self.main.when(condition):
            self.main.store(self.main.i64(1), self._status)

    def split(self) -> None:
        """Begin a new block, by a branch of which LLVM does not know that it is always taken."""
        f = self.main
        if self._alive is None:
            self._alive = self._at_start("icmp ne ptr %table, null", "i1")
        name = f.fresh("next")
        f.cond_br(self._alive, name, "never")
        f.start(name)

    def _in_registers(self, region: Region, node: Node) -> None:
        """Write a loop or branch whose values are small as straight-line code."""
        lanes = lanes_in_registers(node)
        writer = RegisterWriter(self, lanes)
        self._stack_in_rows(region, node)
        operands = [self._held(o, writer) for o in node.operands]
        self._pad_stacks(region, node)
        places = [self._memory(p, t) for p, t in zip(self._results(region, node), node.types, strict=True)]
        if node.op.name == "cond":
            found = writer.cond(node, operands)
        else:
            for i in in_place(node.regions[-1], node.params["carried"]).carried:
                given, place = operands[i], places[i]
                assert isinstance(given, Memory) and isinstance(place, Memory)
                self.move(given.address, place.address, given.type.bytes)
                operands[i] = place
            if lanes is not None:
                found, places = writer.vectorized(operands, places)
            else:
                write = writer.scan if node.op.name == "scan" else writer.while_
                found = write(node, operands, places[node.params["carried"] :])
        for value, place, type in zip(found, places, node.types, strict=False):
            assert isinstance(place, Memory)
            if is_small(place.type):
                writer.store(value, place)
            elif isinstance(value, Memory) and value is not place:
                self.move(value.address, place.address, type.bytes)  # all of it, also where a place is one lane's

    def _stack_in_rows(self, region: Region, node: Node) -> None:
        """Give what a scan stacks, and only scans in registers run over, places side by side: one address for all."""
        if lanes_in_registers(node) is not None:
            return
        stacked = dict[str, list[Node]]()
        for n in self._run_over(region):
            if n.op.name == "result" and n.operands[0] is node and not n.type.grows and _is_structure(n.shape[1:]):
                stacked.setdefault(n.dtype.name, []).append(n)
        for nodes in stacked.values():
            first, interval = self._arena(sum(n.type.bytes for n in nodes))
            widths = [prod(n.shape[1:]) for n in nodes]
            for n, before in zip(nodes, accumulate(widths, initial=0), strict=False):
                address = self._at_start(f"getelementptr i8, ptr {first.name}, i64 {before * n.dtype.bytes}")
                address = self._in_row(address, interval, before * n.dtype.bytes)
                strides = (sum(widths), *dense_strides(n.shape[1:]))
                self._places[n] = _Place(address, strides, [interval], row=(first, before))

    def _in_row(self, address: Value, interval: Interval, before: int) -> Value:
        """Say of which part of the arena an address is, and how many bytes lie before it."""
        f = self.main
        return f.bounded(address, lambda: (-before, f.sub(self._size(interval), f.i64(before))), "a row", early=True)

    def _run_over(self, region: Region) -> list[Node]:
        """Return the values of a region that are read as sequences by scans in registers, and by nothing else."""
        if region not in self._sequences:
            others, sequences = set(region.results), dict[Node, None]()
            for node in region.nodes():
                read = node.operands
                if node.op.name == "scan" and fits_registers(node) and lanes_in_registers(node) is None:
                    n, m = node.params["carried"], node.params["sequences"]
                    sequences.update(dict.fromkeys(read[n : n + m]))
                    read = read[:n] + read[n + m :]
                others.update(read)
            self._sequences[region] = [n for n in sequences if n not in others]
        return self._sequences[region]

    def _held(self, node: Node, writer: RegisterWriter) -> Held:
        if node.op.name == "constant" and is_small(node.type):
            return [writer.constant(node.params["value"], node.dtype)] * node.type.size
        if not is_small(node.type):
            padded = node in self._places and self._places[node].padded
            return self._memory(self._view(node)[0] if padded else self._dense(node), node.type)
        place, operand = self._view(node)
        first = self.main.element(place.address, self.number(operand.offset), MEMORY[node.dtype.name])
        return Memory(first, node.type, operand.strides)

    def _memory(self, place: _Place, type: TensorType) -> Memory | Run:
        if place.tape is not None:
            return Run(place.tape, type, place.strides)
        return Memory(place.address, type, place.strides, padded=place.padded, row=place.row)

    def _pad_stacks(self, region: Region, node: Node) -> None:
        """Let vectors lie side by side in what a loop stacks, if nothing reads it but loops with the same lanes."""
        lanes = lanes_in_registers(node)
        if lanes is None:
            return
        readers = users(region.nodes())
        for i, stack in self._read_results(region, node).items():
            axis = lanes.results[i]
            if i < node.params["carried"] or axis is None or stack.type.grows or is_small(stack.type) or stack in self._places:
                continue
            if all(self._runs_over(reader, stack, axis, lanes) for reader in readers.get(stack, ())):
                narrow = lanes.loop.types[i]
                address, interval = self._arena(narrow.bytes * lanes.width)
                strides = [s * lanes.width for s in dense_strides(narrow.shape)]
                strides[axis] = 1
                self._places[stack] = _Place(address, tuple(strides), [interval], padded=True)

    def _runs_over(self, reader: Node, stack: Node, axis: int, lanes: Lanes) -> bool:
        """Whether a node reads a stack as its sequence alone, item by item, with the same lanes."""
        if reader.op.name != "scan" or not fits_registers(reader):
            return False
        n, other = reader.params["carried"], lanes_in_registers(reader)
        places = [i for i, o in enumerate(reader.operands) if o is stack]
        return all(
            n <= i < n + reader.params["sequences"]
            and other is not None
            and other.axes[i] == axis
            and other.count == lanes.count
            for i in places
        )

    # -- loops and branches over memory -------------------------------------------------------------------

    def _dense(self, node: Node) -> _Place:
        """Return the place of an operand of a loop, copied first if it does not lie densely."""
        place, operand = self._view(node)
        if place.tape is not None or place.row is not None:
            return place
        if operand.strides == dense_strides(node.shape) or node.type.size <= 1:
            offset = self.number(operand.offset * node.dtype.bytes)
            address = self.main.element(place.address, offset, "i8") if operand.offset else place.address
            return _Place(address, dense_strides(node.shape), place.intervals)
        copy = self._room(node.type)
        self._copy(node, (place, operand), copy)
        return copy

    def _begin_loop(self, used: set[_Place]) -> None:
        """Begin a loop that uses some places."""
        if not self._loops:
            self.poll.restart()
        self._loops.append(used)

    def _loop_ends(self, used: set[_Place], begin: int) -> None:
        """Keep until its end what a loop used of what was there at its begin; the rest is made anew in each iteration."""
        self._now += 1
        for place in used:
            if any(interval.first <= begin for interval in place.intervals):
                self._touch(place)

    def _carry_buffers(self, node: Node, count: int, changes: InPlace) -> list[tuple[_Place, _Place]]:
        """Return two places for each carried value, which is one if it changes in place."""
        types = node.types[:count]
        return [(a := self._room(type), a if i in changes.carried else self._room(type)) for i, type in enumerate(types)]

    def _first_turn(self, node: Node, carried: Sequence[_Place], buffers: Sequence[tuple[_Place, _Place]]) -> list[Value]:
        """Return (now, following, spare) of the first iteration, for each carried value; what changes in place is copied."""
        start = []
        for i, (given, (a, b)) in enumerate(zip(carried, buffers, strict=True)):
            if a is b:
                self.move(given.address, a.address, node.types[i].bytes)
            start += [a.address if a is b else given.address, a.address, b.address]
        return start

    def _pack(self, body: Region, outside: dict[Node, _Place]) -> list[_Place]:
        """Pack, before a loop, what its products have on their right in each iteration; return where that is."""
        found = []
        for factor in dict.fromkeys(n.operands[1] for n in body.nodes() if _is_worth_packing(n)):
            base = factor
            while base.op.kind == "movement":
                base = base.operands[0]
            view = as_view(factor, lambda n: outside[n].strides) if base in outside else None
            if view is None or view.base is not base:
                continue
            operand = Operand(view.strides, view.offset)
            step, size = emit_packed(self.module, factor, operand, f"k{self.steps}_packed")
            address, interval = self._arena(size)
            place = self._packed[factor] = _Place(address, dense_strides(factor.shape), [interval])
            self._call(step, [outside[base], place])
            found.append(place)
        return found

    def _checkpoint(self, region: Region, node: Node) -> None:
        (body,) = node.regions
        self._inside(body, [self._dense(o) for o in node.operands], self._results(region, node))

    def _cond(self, region: Region, node: Node) -> None:
        f = self.main
        begin = self._now
        pred, *operands = [self._dense(o) for o in node.operands]
        results = self._results(region, node)
        name = f.fresh("cond")
        f.cond_br(self._flag(pred), f"yes.{name}", f"no.{name}")
        used: set[_Place] = {*operands, *results}
        for label, body in zip(("yes", "no"), node.regions, strict=True):
            f.start(f"{label}.{name}")
            self._inside(body, operands, results)
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        self._loop_ends(used, begin)

    def _flag(self, place: _Place) -> Value:
        byte = self.main.load(place.address, "i8")
        return self.main.cmp("ne", byte, self.main.const(0, "i8"))

    def _scan(self, region: Region, node: Node) -> None:
        f = self.main
        p, (body,) = node.params, node.regions
        n, m = p["carried"], p["sequences"]
        begin = self._now
        given = [self._dense(o) for o in node.operands]
        length = self._length(p["length"], given[n : n + m])
        carried, sequences, outside = given[:n], [self._filled(s) for s in given[n : n + m]], given[n + m :]
        results = self._results(region, node)
        self.tapes.reserve([r.tape for r in results if r.tape is not None], length)
        stacks = [self._filled(r) for r in results[n:]]
        changes = in_place(body, n)
        buffers = self._carry_buffers(node, n, changes)
        packed = self._pack(body, dict(zip(body.params[n + m :], outside, strict=True)))
        used: set[_Place] = {*given, *results, *packed, *(b for pair in buffers for b in pair)}
        self._begin_loop(used)
        start = self._first_turn(node, carried, buffers)
        with f.loop(f.i64(0), length, carry=start, hint="scan") as loop:
            self.poll.tick()
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if p["reverse"] else loop.index
            now, following = self._turn(loop.carry, carried, buffers)
            items = [self._item(s, o.type.shape, o.dtype.bytes, at) for s, o in zip(sequences, node.operands[n:], strict=False)]
            stacked = [self._item(r, t.shape, t.dtype.bytes, at) for r, t in zip(stacks, node.types[n:], strict=True)]
            self._inside(body, [*now, *items, *outside], [*following, *stacked], changes)
            loop.next(_exchanged(loop.carry))
        self._loops.pop()
        self._loop_ends(used, begin)
        for i, result in enumerate(results[:n]):
            self.move(loop.results[3 * i], result.address, node.types[i].bytes)

    def _length(self, length: int | None, sequences: Sequence[_Place]) -> Value:
        """Return how often a scan runs: what is known, or as often as the loop did that it runs over."""
        if length is not None:
            return self.number(length)
        return self.tapes.count(next(s.tape for s in sequences if s.tape is not None))

    def _filled(self, place: _Place) -> _Place:
        """Return where the items of a tape are now."""
        return place if place.tape is None else _Place(self.tapes.address(place.tape), place.strides)

    def _turn(
        self, pointers: Sequence[Value], carried: Sequence[_Place], buffers: Sequence[tuple[_Place, _Place]]
    ) -> tuple[list[_Place], list[_Place]]:
        """Return where the carried values are read and where they are written in this iteration."""
        now, following = [], []
        for i, (first, (a, b)) in enumerate(zip(carried, buffers, strict=True)):
            alive = [*first.intervals, *a.intervals, *b.intervals]
            now.append(_Place(pointers[3 * i], a.strides, alive))
            following.append(_Place(pointers[3 * i + 1], a.strides, alive))
        return now, following

    def _item(self, place: _Place, shape: tuple[int, ...], size: int, at: Value) -> _Place:
        """Return the place of one item of a sequence."""
        f = self.main
        step = self.number(dense_strides(shape)[0] * size)
        return _Place(f.element(place.address, f.mul(at, step), "i8"), dense_strides(shape)[1:], place.intervals)

    def move(self, source: Value, target: Value, size: int) -> None:
        """Copy bytes; source and target may be one place."""
        self.main.move(source, target, self.number(size))

    def _while(self, region: Region, node: Node) -> None:
        f = self.main
        test, body = node.regions
        n = node.params["carried"]
        begin = self._now
        given = [self._dense(o) for o in node.operands]
        carried, outside = given[:n], given[n:]
        changes = in_place(body, n)
        results, buffers = self._results(region, node), self._carry_buffers(node, n, changes)
        flag = self._room(TensorType(BOOL))
        tapes = [r.tape for r in results if r.tape is not None]
        self.tapes.begin(tapes)
        packed = self._pack(body, dict(zip(body.params[n:], outside, strict=True)))
        used: set[_Place] = {*given, *results, flag, *packed, *(b for pair in buffers for b in pair)}
        self._begin_loop(used)
        with f.repeat(self._first_turn(node, carried, buffers)) as loop:
            self.poll.tick()
            now, following = self._turn(loop.carry, carried, buffers)
            self._inside(test, [*now, *outside], [flag])
            f.go_on_if(loop, self._flag(flag))
            items = []
            if tapes:
                at = self.tapes.next(tapes)
                grown = zip(results[n:], node.types[n:], strict=True)
                items = [self._item(self._filled(r), t.shape, t.dtype.bytes, at) for r, t in grown]
            self._inside(body, [*now, *outside], [*following, *items], changes)
            loop.next(_exchanged(loop.carry))
        self._loops.pop()
        self._loop_ends(used, begin)
        for i, result in enumerate(results[:n]):
            self.move(loop.results[3 * i], result.address, node.types[i].bytes)

    _STEPS: ClassVar[dict[str, Callable[[ProgramWriter, Region, Node], None]]] = {
        "fusion": _fusion,
        "matmul": _matmul,
        "concatenate": _concatenate,
        "checkpoint": _checkpoint,
        "cond": _cond,
        "scan": _scan,
        "while": _while,
    }
    """How each kind of node is written; what is not listed is one step of `EXTERN`."""


PACKED_BYTES = 16 << 20
"""A matrix of more bytes is not packed before a loop: each of its products takes long enough, and packs it in blocks."""


def _is_worth_packing(node: Node) -> bool:
    """Whether a node is a matrix product, not of a vector, whose second operand may be packed for all iterations of a loop."""
    if node.op.name != "matmul" or node.type.rank != 2 or node.operands[1].type.bytes > PACKED_BYTES:
        return False
    return node.shape[0] > 1 and all(n > SMALL for n in node.operands[1].shape)


def _pieces(nodes: Sequence[Node], results: Sequence[Node]) -> dict[Node, tuple[Node, int]]:
    """Return the results of kernels that only a concatenation reads: which one, and where they begin along its axis."""
    readers = users(nodes)
    found = {}
    for whole in nodes:
        start = 0
        for piece in whole.operands if whole.op.name == "concatenate" else ():
            made = piece.operands[0] if piece.op.name == "result" else piece
            if made.op.name == "fusion" and readers[piece] == [whole] and piece not in results:
                found[piece] = (whole, start)
            start += piece.shape[whole.params["axis"]]
    return found


def _is_structure(shape: Sequence[int]) -> bool:
    """Tell whether the code may be written for these extents: none is a number that may differ (ir/core/structural_key.py)."""
    return all(isinstance(n, int) and n <= SMALL for n in shape)


def _exchanged(pointers: Sequence[Value]) -> list[Value]:
    """Return (now, following, spare) of the next iteration, for each carried value."""
    return [v for i in range(0, len(pointers), 3) for v in (pointers[i + 1], pointers[i + 2], pointers[i + 1])]
