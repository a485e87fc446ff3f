"""Assign buffers to the values of a program: arrays of the caller, slots of the arena, views of other buffers.

A buffer of the arena has a live range, in numbers of kernel calls (`arena.plan` lays out the arena by them).  A buffer that
exists before a loop and is used in its body is live until the loop ends: `Buffers.extend_over_loop`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.program.memory.arena import LiveRange
from graphc.codegen.program.memory.main_function import Emit, EntryAddress, MainFunction, load_slot
from graphc.codegen.program.memory.tape import Tape
from graphc.ir.analysis.views import Strides, as_view, dense_strides
from graphc.ir.core.cost import is_small
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_concatenate, is_result
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.types import TensorType

__all__ = ["SLOT_ELEMENTS", "Buffer", "Buffers", "Layout", "has_constant_extents", "pieces_of"]

SLOT_ELEMENTS = 16
"""The most elements of a value in a static slot."""

WORD = 8
"""Alignment of small values in bytes."""

Layout = tuple[Sequence[int], Sequence[int]]
"""Extents and strides of a buffer."""


@dataclass(eq=False)
class Buffer:
    """The buffer of a value: an address, strides in elements, and the live ranges that a use extends."""

    place: Value | EntryAddress
    """Its address: at the current position, or one that can be computed anywhere."""
    strides: Strides
    ranges: list[LiveRange] = field(default_factory=list)
    tape: Tape | None = None
    """The tape of a growing value; `place` is then the tape's and has no meaning of its own."""
    padded: bool = False
    """Whether each element is followed by the other lanes of a vector."""
    row: tuple[Value, int] | None = None
    """The row and offset of a stack that shares its rows with others: see `Memory.row`."""

    @property
    def address(self) -> Value:
        """The address, computed where it dominates all uses."""
        return self.place.at_entry if isinstance(self.place, EntryAddress) else self.place

    def passed(self) -> Value:
        """Return the address for one use at the current position."""
        return self.place.here() if isinstance(self.place, EntryAddress) else self.place


class Buffers:
    """The buffers of the region being emitted, and the live ranges of the whole program."""

    def __init__(self, main: MainFunction, arena: int) -> None:
        self.main = main
        self.of: dict[Node, Buffer] = {}
        self.call = 0
        """The number of the kernel call being emitted."""
        self.ranges: list[tuple[LiveRange, int]] = []
        """Live ranges in the arena, with the parameters that are their offsets."""
        self.loops: list[set[Buffer]] = []
        """The buffers used so far by each loop around the current position."""
        self.updated: set[Node] = set()
        """Scatters that update their first operand in place."""
        self.pieces: dict[Node, tuple[Node, int]] = {}
        """Results that are written directly into a concatenation, with it and their start along its axis."""
        self._arena = arena
        self._sizes: list[tuple[LiveRange, int]] = []
        self._result_nodes: dict[Region, defaultdict[Node, dict[int, Node]]] = {}
        self._static_slots: tuple[EntryAddress, LiveRange] | None = None

    # -- the arena ------------------------------------------------------------------------------------------

    def reserve(self, size: int) -> tuple[EntryAddress, LiveRange]:
        """Reserve bytes of the arena from the current call on; each use extends the live range."""
        live, slot = LiveRange(size, self.call, self.call), self.main.slot(0)
        self.ranges.append((live, slot))

        def address(emit: Emit) -> Value:
            return emit(f"getelementptr i8, ptr {arena.at_entry.name}, i64 {load_slot(emit, slot).name}", "ptr")

        def declare(address: Value) -> Value:
            return self.main.f.bounded(address, lambda: (0, self.size_of(live)), "a room", early=True)

        arena = self.main.base(self._arena)
        return EntryAddress(self.main, address, declare), live

    def size_of(self, live: LiveRange) -> Value:
        """Return the bytes of a live range, which are final when the whole program is emitted."""
        size = self.main.parameter(0, "i64")
        self._sizes.append((live, len(self.main.parameters) - 1))
        return size

    def allocate(self, type: TensorType) -> Buffer:
        """Allocate a dense buffer.  Small values get static slots, at constant offsets, which are live all the time."""
        if not (is_small(type, SLOT_ELEMENTS) and has_constant_extents(type.shape)):
            address, live = self.reserve(type.bytes)
            return Buffer(address, dense_strides(type.shape), [live])
        if self._static_slots is None:
            self._static_slots = self.reserve(0)
            self._static_slots[1].first = 0
        return Buffer(self._static_slot(type.bytes, *self._static_slots), dense_strides(type.shape))

    def _static_slot(self, size: int, slots: EntryAddress, live: LiveRange) -> EntryAddress:
        start, live.bytes = live.bytes, live.bytes + -(-size // WORD) * WORD

        def address(emit: Emit) -> Value:
            return emit(f"getelementptr i8, ptr {slots.at_entry.name}, i64 {start}", "ptr")

        def declare(address: Value) -> Value:
            return self.main.f.bounded(address, lambda: (0, size), "a small room", early=True)

        return EntryAddress(self.main, address, declare)

    def temporary(self, type: TensorType) -> Value:
        """Reserve a buffer for the current call alone; return its address."""
        buffer = self.allocate(type)
        self.use(buffer)
        return buffer.address

    def use(self, buffer: Buffer) -> None:
        """Record a use by the current call, and so by every iteration of the loops around it."""
        for loop in self.loops:
            loop.add(buffer)
        for live in buffer.ranges:
            live.last = max(live.last, self.call)

    def extend_over_loop(self, used: set[Buffer], begin: int) -> None:
        """Keep the buffers that a loop used and that existed at its begin live until its end; others are per iteration."""
        self.call += 1
        for buffer in used:
            if any(live.first <= begin for live in buffer.ranges):
                self.use(buffer)

    def finish(self) -> None:
        """Close the live ranges, when the whole program is emitted."""
        if self._static_slots is not None:
            self._static_slots[1].last = self.call

    def fill_sizes(self) -> None:
        """Write the final bytes of live ranges into the parameters that `size_of` returned."""
        for live, slot in self._sizes:
            self.main.parameters[slot] = live.bytes

    # -- operands -------------------------------------------------------------------------------------------

    def view(self, node: Node) -> tuple[Buffer, Operand]:
        """Return the buffer that a node reads, and its strides and offset in it."""
        view = as_view(node, lambda n: self.of[n].strides)
        assert view is not None, f"{node} is not a view"
        buffer = self.of[view.base]
        self.use(buffer)
        return buffer, Operand(view.strides, view.offset)

    def layout(self, node: Node) -> Layout | None:
        """Return extents and strides of the buffer below a view; None if it grows."""
        view = as_view(node, lambda n: self.of[n].strides)
        assert view is not None
        buffer = self.of[view.base]
        return None if buffer.tape is not None or view.base.type.grows else (view.base.shape, buffer.strides)

    def filled(self, buffer: Buffer) -> Buffer:
        """Return the buffer itself; of a tape, its items at their current address."""
        return buffer if buffer.tape is None else Buffer(self.main.tapes.address(buffer.tape), buffer.strides)

    def item(self, stack: Buffer, shape: tuple[int, ...], size: int, index: Value) -> Buffer:
        """Return the buffer of one item of a dense stack of a shape, whose elements have `size` bytes."""
        f = self.main.f
        step = self.main.number(dense_strides(shape)[0] * size)
        return Buffer(f.element(stack.address, f.mul(index, step), "i8"), dense_strides(shape)[1:], stack.ranges)

    # -- results --------------------------------------------------------------------------------------------

    def result(self, node: Node) -> Buffer:
        """Return the buffer of a result, and record its use."""
        if node in self.pieces:
            self.of[node] = self._piece(*self.pieces[node])
        if node not in self.of:
            self.of[node] = self.allocate(node.type)
        self.use(self.of[node])
        return self.of[node]

    def _piece(self, concatenation: Node, start: int) -> Buffer:
        joined = self.result(concatenation)
        offset = self.main.number(start * joined.strides[concatenation.params["axis"]] * concatenation.dtype.bytes)
        return Buffer(self.main.f.element(joined.address, offset, "i8"), joined.strides, joined.ranges)

    def results(self, region: Region, node: Node) -> list[Buffer]:
        """Return a buffer for each result of a node, also for one without a reader."""
        read = self.result_nodes(region, node)
        tapes = self.main.tapes.make([t for t in node.types if t.grows])
        buffers = []
        for i, type in enumerate(node.types):
            if type.grows:
                tape = tapes.pop(0)
                buffer = Buffer(tape.data, dense_strides(type.shape), tape=tape)
                self.of.update({read[i]: buffer} if i in read else {})
            else:
                buffer = self.result(read[i]) if i in read else self.allocate(type)
            buffers.append(buffer)
        return buffers

    def result_nodes(self, region: Region, node: Node) -> dict[int, Node]:
        """Return the `result` nodes of a node in a region, by number."""
        if len(node.types) == 1:
            return {0: node}
        if region not in self._result_nodes:
            results_of = self._result_nodes[region] = defaultdict[Node, dict[int, Node]](dict)
            for n in (*region.nodes(), *region.results):
                if is_result(n):
                    results_of[n.operands[0]][n.params["index"]] = n
        return self._result_nodes[region][node]


def has_constant_extents(shape: Sequence[int]) -> bool:
    """Return whether all extents may be literals in the code: they are part of the structural key."""
    return all(isinstance(n, int) and n <= SMALL for n in shape)


def pieces_of(nodes: Sequence[Node]) -> dict[Node, tuple[Node, int]]:
    """Return the values that kernels write directly into a concatenation, with it and their start along its axis."""
    pieces = {}
    for joined in nodes:
        start = 0
        for number, piece in enumerate(joined.operands if is_concatenate(joined) else ()):
            if number in joined.params.get("in_place", ()):
                pieces[piece] = (joined, start)
            start += piece.shape[joined.params["axis"]]
    return pieces
