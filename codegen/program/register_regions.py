"""Connect loops and branches in registers with the buffers of the program around them.

Operands are loaded, results stored.  Stacks that only loops in registers read get special layouts: rows shared by several
stacks, so that one address serves all, or elements padded to the lanes of a vector.
"""

from __future__ import annotations

from itertools import accumulate
from math import prod

from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.calls import Calls
from graphc.codegen.program.memory.arena import LiveRange
from graphc.codegen.program.memory.buffers import Buffer, Buffers, has_constant_extents
from graphc.codegen.program.register_loops.region_writer import RegisterWriter
from graphc.codegen.program.register_loops.values import BodyValue, Memory, TapeItems
from graphc.ir.analysis.in_place import decided_updates
from graphc.ir.analysis.lane_layout import Lanes, decided_lanes
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.cost import is_small
from graphc.ir.core.graph import Node, Region, users
from graphc.ir.core.predicates import is_branch, is_constant, is_result, is_scan
from graphc.ir.core.types import TensorType
from graphc.ir.regions.loop import Loop

__all__ = ["RegisterRegions"]


class RegisterRegions:
    """Emits loops and branches over small values as straight-line code."""

    def __init__(self, buffers: Buffers, calls: Calls) -> None:
        self.buffers, self.calls, self.main = buffers, calls, buffers.main
        self._xs: dict[Region, list[Node]] = {}

    def write(self, region: Region, node: Node) -> None:
        """Emit a loop or branch."""
        lanes = decided_lanes(node)
        writer = RegisterWriter(self.buffers, lanes, node.params["registers"])
        self._stack_in_rows(region, node)
        operands = [self._operand(o, writer) for o in node.operands]
        self._pad_stacks(region, node)
        places = [_memory(b, t) for b, t in zip(self.buffers.results(region, node), node.types, strict=True)]
        if is_branch(node):
            values = writer.loops.cond(node, operands)
        else:
            loop = Loop.of(node)
            updated = decided_updates(loop.body, loop.layout).carried
            for i, carry in enumerate(loop.carries):
                if carry.param in updated:
                    initial, buffer = operands[i], places[i]
                    assert isinstance(initial, Memory) and isinstance(buffer, Memory)
                    self.main.move(initial.address, buffer.address, initial.type.bytes)
                    operands[i] = buffer
            if lanes is not None:
                values, places = writer.loops.vectorized(operands, places)
            else:
                values = writer.loops.loop(loop, operands, loop.split_results(places)[1])
        for value, buffer, type in zip(values, places, node.types, strict=False):
            assert isinstance(buffer, Memory)
            if writer.context.is_small(buffer.type):
                writer.memory.store(writer.memory.elements(value), buffer)
            elif isinstance(value, Memory) and value is not buffer:
                self.main.move(value.address, buffer.address, type.bytes)  # all lanes, though `place` may be one lane's

    def _operand(self, node: Node, writer: RegisterWriter) -> BodyValue:
        if is_constant(node) and writer.context.is_small(node.type):
            return [writer.context.constants(node.params["value"], node.dtype)] * node.type.size
        if not writer.context.is_small(node.type):
            padded = node in self.buffers.of and self.buffers.of[node].padded
            return _memory(self.buffers.view(node)[0] if padded else self.calls.dense(node), node.type)
        buffer, operand = self.buffers.view(node)
        first = self.main.f.element(buffer.address, self.main.number(operand.offset), MEMORY[node.dtype.name])
        return Memory(first, node.type, operand.strides)

    # -- layouts of stacks ----------------------------------------------------------------------------------

    def _stack_in_rows(self, region: Region, node: Node) -> None:
        """Put stacks that only scans in registers read into shared rows, so that the items of an iteration have one address."""
        if "lanes" in node.params:
            return
        stacks = dict[str, list[Node]]()
        for n in self._xs_of(region):
            if is_result(n) and n.operands[0] is node and not n.type.grows and has_constant_extents(n.shape[1:]):
                stacks.setdefault(n.dtype.name, []).append(n)
        for nodes in stacks.values():
            start, live = self.buffers.reserve(sum(n.type.bytes for n in nodes))
            first = start.at_entry
            widths = [prod(n.shape[1:]) for n in nodes]
            for n, before in zip(nodes, accumulate(widths, initial=0), strict=False):
                address = self.main.at_entry(f"getelementptr i8, ptr {first.name}, i64 {before * n.dtype.bytes}")
                address = self._bounded(address, live, before * n.dtype.bytes)
                strides = (sum(widths), *dense_strides(n.shape[1:]))
                self.buffers.of[n] = Buffer(address, strides, [live], row=(first, before))

    def _bounded(self, address: Value, live: LiveRange, before: int) -> Value:
        """Declare the buffer of an address that is `before` bytes behind the begin of a live range."""
        f = self.main.f
        return f.bounded(address, lambda: (-before, f.sub(self.buffers.size_of(live), f.i64(before))), "a row", early=True)

    def _xs_of(self, region: Region) -> list[Node]:
        """Return the values of a region that are `xs` of scans in registers, and have no other reader."""
        if region not in self._xs:
            others, xs = set(region.results), dict[Node, None]()
            for node in region.nodes():
                if is_scan(node) and "registers" in node.params and "lanes" not in node.params:
                    carried, own, captured = Loop.of(node).split(node.operands)
                    xs.update(dict.fromkeys(own))
                    others.update(carried, captured)
                else:
                    others.update(node.operands)
            self._xs[region] = [n for n in xs if n not in others]
        return self._xs[region]

    def _pad_stacks(self, region: Region, node: Node) -> None:
        """Pad the elements of a loop's stacks to vectors, where all readers are loops with the same lanes."""
        lanes = decided_lanes(node)
        if lanes is None:
            return
        readers = users(region.nodes())
        _, of_ys = Loop.of(node).split_results(range(len(node.types)))
        for i, stack in self.buffers.result_nodes(region, node).items():
            axis = lanes.results[i]
            if i not in of_ys or axis is None or stack in self.buffers.of:
                continue
            if stack.type.grows or is_small(stack.type, node.params["registers"]):
                continue
            if all(_reads_items(reader, stack, axis, lanes) for reader in readers.get(stack, ())):
                narrow = lanes.loop.types[i]
                address, live = self.buffers.reserve(narrow.bytes * lanes.width)
                strides = [s * lanes.width for s in dense_strides(narrow.shape)]
                strides[axis] = 1
                self.buffers.of[stack] = Buffer(address, tuple(strides), [live], padded=True)


def _memory(buffer: Buffer, type: TensorType) -> Memory | TapeItems:
    if buffer.tape is not None:
        return TapeItems(buffer.tape, type, buffer.strides)
    return Memory(buffer.address, type, buffer.strides, padded=buffer.padded, row=buffer.row)


def _reads_items(reader: Node, stack: Node, axis: int, lanes: Lanes) -> bool:
    """Whether a node is a scan in registers with the same lanes that reads a stack only as one of its `xs`."""
    if not is_scan(reader) or reader.params.get("lanes") != lanes.count:
        return False
    loop, (axes, _) = Loop.of(reader), reader.params["lane_axes"]
    return all(b in loop.xs and a == axis for b, a in zip(loop.bindings, axes, strict=True) if b.operand is stack)
