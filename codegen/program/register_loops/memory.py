"""Loads, stores and scatters of register loops, element by element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import LLVM, MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.register_loops.lanes import LaneWriter
from graphc.codegen.program.register_loops.values import BodyValue, LaneLayout, Memory, TapeItems
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import adds_updates
from graphc.ir.core.types import TensorType

__all__ = ["MemoryWriter"]


class MemoryWriter:
    """Moves values between memory and registers."""

    def __init__(self, buffers: Buffers, lanes: LaneWriter) -> None:
        self.buffers, self.main, self.f, self.lanes = buffers, buffers.main, buffers.main.f, lanes

    # -- forms ----------------------------------------------------------------------------------------------

    def elements(self, x: BodyValue) -> list[Value]:
        """Return the elements of a value, loaded if it is in memory."""
        if isinstance(x, list):
            return x
        assert isinstance(x, Memory), "a tape is read item by item"
        return [self.load(x, i) for i in np.ndindex(*x.type.shape)]

    def read(self, values: dict[Node, Any], node: Node) -> list[Value]:
        """Return the elements of a node of the region; loaded ones are cached in `values`."""
        values[node] = self.elements(values[node])
        return values[node]  # type: ignore[no-any-return]

    def filled(self, x: Memory | TapeItems) -> Memory:
        """Return the memory itself; of a tape, its items at their current address."""
        if isinstance(x, Memory):
            return x
        return Memory(self.main.tapes.address(x.tape), x.type, x.strides, x.lanes)

    def memory(self, x: BodyValue, type: TensorType) -> Memory:
        """Return a value in memory, spilled if it is in registers."""
        return self.spilled(x, type) if isinstance(x, list) else self.filled(x)

    def spilled(self, values: Sequence[Value], type: TensorType) -> Memory:
        """Store elements on the stack."""
        width = max((v.lanes for v in values), default=1)
        address = self.f.alloca(MEMORY[type.dtype.name], max(type.size * width, 1))
        to = Memory(address, type, dense_strides(type.shape)) if width == 1 else self._padded(address, type)
        self.store(values, to)
        return to

    # -- allocation -----------------------------------------------------------------------------------------

    def allocate(self, type: TensorType) -> Memory:
        """Reserve memory for a value."""
        return Memory(self.buffers.temporary(type), type, dense_strides(type.shape))

    def allocate_wide(self, type: TensorType) -> Memory:
        """Reserve memory in which each element of a type is a vector."""
        return self._padded(self.buffers.temporary(type.with_shape((*type.shape, self.lanes.width))), type)

    def _padded(self, address: Value, type: TensorType) -> Memory:
        lanes = self.lanes.lanes
        assert lanes is not None
        layout = LaneLayout(lanes.count, lanes.width)
        return Memory(address, type, tuple(s * layout.width for s in dense_strides(type.shape)), layout, padded=True)

    def copied(self, x: Memory) -> Memory:
        """Return a copy of a dense value."""
        copy = self.allocate(x.type)
        self.main.move(x.address, copy.address, x.type.bytes)
        return copy

    # -- loads and stores -----------------------------------------------------------------------------------

    def load(self, x: Memory, at: Sequence[int]) -> Value:
        """Load one element."""
        f, address = self.f, self._address(x, at)
        type = MEMORY[x.type.dtype.name]
        value = f.load(address, type) if x.lanes is None else self._load_lanes(address, type, x.lanes, padded=x.padded)
        return f.cmp("ne", value, f.like(0, value)) if x.type.dtype.is_bool else value

    def _load_lanes(self, address: Value, type: str, lanes: LaneLayout, *, padded: bool) -> Value:
        f, count, width = self.f, lanes.count, lanes.width
        if lanes.stride != 1:
            return self.lanes.packed([f.load(f.element(address, i, type), type) for i in self._lane_offsets(lanes)], width)
        if padded or count == width:
            return f.load(address, type, width)
        return f.shuffle(f.load(address, type, count), None, [min(i, count - 1) for i in range(width)])

    def store(self, values: Sequence[Value], to: Memory) -> None:
        """Store all elements."""
        f = self.f
        for at, value in zip(np.ndindex(*to.type.shape), values, strict=True):
            x = f.convert("zext", value, "i8") if value.type == "i1" else value
            if to.lanes is None:
                f.store(x, self._address(to, at))
            else:
                self._store_lanes(f.splat(x, to.lanes.width), self._address(to, at), to.lanes, padded=to.padded)

    def _store_lanes(self, x: Value, address: Value, lanes: LaneLayout, *, padded: bool) -> None:
        f = self.f
        if lanes.stride == 1:
            f.store(x if padded or lanes.count == lanes.width else f.shuffle(x, None, range(lanes.count)), address)
            return
        for i, offset in enumerate(self._lane_offsets(lanes)):
            f.store(f.extract(x, i), f.element(address, offset, x.type))

    def _lane_offsets(self, lanes: LaneLayout) -> list[Value]:
        """Return the offset of each lane from the first."""
        stride = self.main.number(lanes.stride)
        return [self.f.i64(0), *(self.f.mul(self.f.i64(i), stride) for i in range(1, lanes.count))]

    def _address(self, x: Memory, at: Sequence[int]) -> Value:
        f = self.f
        offset = f.i64(0)
        for i, stride in zip(at, x.strides, strict=True):
            if i and stride:
                step = self.main.number(stride)
                literal = _is_literal(step)
                part = f.i64(i * int(step.name)) if literal else f.mul(f.i64(i), step)
                offset = f.i64(int(offset.name) + int(part.name)) if literal and _is_literal(offset) else _plus(f, offset, part)
        return f.element(x.address, offset, MEMORY[x.type.dtype.name])

    # -- indexed access -------------------------------------------------------------------------------------

    def gather(self, node: Node, values: dict[Node, Any]) -> list[Value]:
        """Return the elements of a gather, whose source is spilled if it is in registers."""
        x, *indices = node.operands
        base = self.memory(values[x], x.type)
        addresses = self._addresses(base, [self.read(values, i) for i in indices])
        rest = base.type.shape[len(indices) :]
        elements = []
        for address in addresses:
            row = Memory(address, x.type.with_shape(rest), base.strides[len(indices) :])
            elements += [self.load(row, at) for at in np.ndindex(*rest)]
        if 0 in base.type.shape:  # nothing can be read: the status is set where an index was given
            return [self.f.const(0, LLVM[node.dtype.name])] * node.type.size
        return elements

    def scatter(self, node: Node, array: Memory, xs: Sequence[list[Value]]) -> Memory:
        """Store, or add, updates at indices of an array; return the array."""
        updates, *indices = xs
        rest = array.type.shape[len(indices) :]
        size = prod(rest)
        for number, address in enumerate(self._addresses(array, indices)):
            row = Memory(address, array.type.with_shape(rest), array.strides[len(indices) :])
            new = updates[number * size : (number + 1) * size]
            if adds_updates(node):
                new = [self.f.add(self.load(row, at), u) for at, u in zip(np.ndindex(*rest), new, strict=True)]
            self.store(new, row)
        return array

    def _addresses(self, base: Memory, indices: Sequence[Sequence[Value]]) -> Iterator[Value]:
        """Yield the address of each tuple of indices; one out of bounds sets the status and addresses row 0 instead."""
        f = self.f
        for at in zip(*indices, strict=True):
            offset = f.i64(0)
            inside = f.const(True, "i1")
            safe = []
            for i, n in zip(at, base.type.shape, strict=False):
                fits = f.cmp("ult", i, self.main.number(n))
                inside = f.and_(inside, fits)
                safe.append(f.select(fits, i, f.i64(0)))
            self.main.fail_if(f.xor(inside, f.const(True, "i1")))
            if 0 in base.type.shape:
                continue
            for i, stride in zip(safe, base.strides, strict=False):
                offset = _plus(f, offset, f.mul(i, self.main.number(stride)))
            yield f.element(base.address, offset, MEMORY[base.type.dtype.name])


def _is_literal(x: Value) -> bool:
    return x.name.lstrip("-").isdigit()


def _plus(f: Function, a: Value, b: Value) -> Value:
    return b if a.name == "0" else f.add(a, b)
