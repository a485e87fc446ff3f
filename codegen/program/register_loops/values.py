"""How a loop in registers holds its values: element by element, each a number or a vector of lanes, or in memory.

A loop may have lanes (`ir/analysis/vectorize.py`): its bodies are written for one element of an axis, and what differs
along the axis is a vector.  What is the same in all lanes stays a number until it meets a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from graphc.codegen.llvm.builder import Function, Value, llvm_type
from graphc.codegen.llvm.scalar_ops import LLVM, MEMORY, larger, smaller
from graphc.codegen.nests.kernel_function import table_bits
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.memory.tape import Tape
from graphc.ir.analysis.vectorize import Lanes
from graphc.ir.analysis.views import Strides, dense_strides
from graphc.ir.core.graph import Node
from graphc.ir.core.guards import derived
from graphc.ir.core.structural_key import SIMPLE, SMALL
from graphc.ir.core.types import DType, TensorType

__all__ = ["FOLDS", "Carried", "Fold", "Held", "Holder", "Memory", "Run", "Spread", "paired"]


@dataclass(frozen=True)
class Spread:
    """How the lanes of an element lie in memory: `count` of the `width` that a vector has, so many elements apart."""

    count: int
    width: int
    stride: int = 1


@dataclass(frozen=True)
class Memory:
    """A value that lies in memory: the address of its first element, its type, strides in elements.

    With a spread each element is a vector; what is `padded` has room for all of its lanes, side by side.
    """

    address: Value
    type: TensorType
    strides: Strides
    spread: Spread | None = None
    padded: bool = False
    row: tuple[Value, int] | None = None
    """If its items lie in rows with those of others: the first row, and how many elements before it are in one."""


Carried = list[Value] | Memory
"""The elements of a value in row-major order, or where they lie."""


@dataclass(frozen=True)
class Run:
    """The items of a tape, as `Memory` has them but for the address, which changes as the tape grows."""

    tape: Tape
    type: TensorType
    strides: Strides
    spread: Spread | None = None


Held = Carried | Run
"""The same, or what grows."""


MOST_NUMBERS = 32
"""Numbers that are read before a loop; no more would stay in registers, and LLVM is slow to find that out."""

Fold = Callable[[Function, DType, Value, Value], Value]

FOLDS: dict[str, tuple[Fold, Callable[[DType], float]]] = {
    "sum": (lambda f, dtype, x, y: f.add(x, y), lambda dtype: 0),
    "prod": (lambda f, dtype, x, y: f.mul(x, y), lambda dtype: 1),
    "any": (lambda f, dtype, x, y: f.or_(x, y), lambda dtype: False),
    "all": (lambda f, dtype, x, y: f.and_(x, y), lambda dtype: True),
    "max": (larger, lambda dtype: 0),
    "min": (smaller, lambda dtype: 0),
}
"""How two elements become one, and what no elements give."""


def paired(f: Function, dtype: DType, fold: Fold, row: list[Value]) -> Value:
    """Fold pairwise: short chains, small errors."""
    while len(row) > 1:
        pairs = [fold(f, dtype, a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
        row = pairs + row[len(row) // 2 * 2 :]
    return row[0]


class Holder:
    """Brings values from memory into registers and back, and from numbers to vectors and back."""

    def __init__(self, buffers: Buffers, lanes: Lanes | None = None) -> None:
        self.buffers, self.main, self.f, self.lanes = buffers, buffers.main, buffers.main.f, lanes
        self._splats: dict[str, Value] = {}
        self._numbers: dict[tuple[float, DType], Value] = {}
        self._slots: dict[tuple[float, DType], int] = {}

    # -- lanes ----------------------------------------------------------------------------------------------

    def held_as(self, node: Node, values: list[Value]) -> list[Value]:
        """Return elements as those of a node are held: vectors, if it is vectorized or a sum in parts."""
        if self.lanes is not None and node in self.lanes.vectorized:
            return self.wide(values)
        return self.parts(values) if self.is_partial(node) else values

    def is_partial(self, node: Node) -> bool:
        """Tell whether a node is a sum of which each lane holds a part."""
        return self.lanes is not None and node in self.lanes.partial

    def wide(self, values: Sequence[Value]) -> list[Value]:
        """Return values in all lanes."""
        assert self.lanes is not None
        width = self.lanes.width
        return [v if v.lanes == width else self._splats.get(v.name) or self.f.splat(v, width) for v in values]

    def common(self, values: Sequence[Value]) -> list[Value]:
        """Return values in as many lanes as the widest one has."""
        return list(values) if len({v.lanes for v in values}) == 1 else self.wide(values)

    def splat_early(self, values: Sequence[Value]) -> None:
        """Write now, before a loop, what puts numbers into all lanes; inside they are needed in each iteration."""
        if self.lanes is not None:
            numbers = [v for v in values if v.lanes == 1 and v.name.startswith("%")]
            self._splats = {**self._splats, **{v.name: self.f.splat(v, self.lanes.width) for v in numbers}}

    def parts(self, values: Sequence[Value]) -> list[Value]:
        """Return sums in parts: of a number the first lane holds all."""
        assert self.lanes is not None
        f, width = self.f, self.lanes.width
        found = []
        for v in values:
            nothing = f.const(-0.0, v.type, width).name if v.is_float else "zeroinitializer"
            first = f"insertelement {llvm_type(v.type, width)} {nothing}, {v.typed}, i64 0"
            found.append(v if v.lanes == width else f.inst(first, v.type, width))
        return found

    def folded(self, node: Node, values: Sequence[Value], op: str) -> list[Value]:
        """Return the lanes of each value folded to one, by the name of a reduction."""
        assert self.lanes is not None
        each = [[self.f.extract(v, i) for i in range(self.lanes.count)] for v in values]
        return [paired(self.f, node.dtype, FOLDS[op][0], lanes) for lanes in each]

    def packed(self, xs: Sequence[Value], lanes: int) -> Value:
        """Return a vector of numbers; lanes beyond them repeat the last."""
        f, type = self.f, xs[0].type
        vector = Value("poison", type, lanes)
        for i in range(lanes):
            x = xs[min(i, len(xs) - 1)]
            vector = f.inst(f"insertelement {vector.typed}, {x.typed}, i64 {i}", type, lanes)
        return vector

    # -- memory ---------------------------------------------------------------------------------------------

    def elements(self, x: Held) -> list[Value]:
        """Return the elements of a value, loaded if they are in memory."""
        if isinstance(x, list):
            return x
        assert isinstance(x, Memory), "a tape is run over"
        return [self.load(x, i) for i in np.ndindex(*x.type.shape)]

    def read(self, held: dict[Node, Any], node: Node) -> list[Value]:
        """Return the elements of a node of the region; what is in memory is loaded once."""
        held[node] = self.elements(held[node])
        return held[node]  # type: ignore[no-any-return]

    def filled(self, x: Memory | Run) -> Memory:
        """Return where the items of a tape are now."""
        if isinstance(x, Memory):
            return x
        return Memory(self.main.tapes.address(x.tape), x.type, x.strides, x.spread)

    def load(self, x: Memory, at: Sequence[int]) -> Value:
        """Load one element."""
        f, address = self.f, self._address(x, at)
        type = MEMORY[x.type.dtype.name]
        value = f.load(address, type) if x.spread is None else self._load_lanes(address, type, x.spread, padded=x.padded)
        return f.cmp("ne", value, f.like(0, value)) if x.type.dtype.is_bool else value

    def _load_lanes(self, address: Value, type: str, spread: Spread, *, padded: bool) -> Value:
        f, count, width = self.f, spread.count, spread.width
        if spread.stride != 1:
            return self.packed([f.load(f.element(address, i, type), type) for i in self._steps(spread)], width)
        if padded or count == width:
            return f.load(address, type, width)
        return f.shuffle(f.load(address, type, count), None, [min(i, count - 1) for i in range(width)])

    def _steps(self, spread: Spread) -> list[Value]:
        """Return how far it is from the first lane to each."""
        step = self.main.number(spread.stride)
        return [self.f.i64(0), *(self.f.mul(self.f.i64(i), step) for i in range(1, spread.count))]

    def _address(self, x: Memory, at: Sequence[int]) -> Value:
        f = self.f
        offset = f.i64(0)
        for i, stride in zip(at, x.strides, strict=True):
            if i and stride:
                step = self.main.number(stride)
                literal = step.name.lstrip("-").isdigit()
                part = f.i64(i * int(step.name)) if literal else f.mul(f.i64(i), step)
                offset = f.i64(int(offset.name) + int(part.name)) if literal and _is_literal(offset) else _plus(f, offset, part)
        return f.element(x.address, offset, MEMORY[x.type.dtype.name])

    def _store(self, values: Sequence[Value], to: Memory) -> None:
        f = self.f
        for at, value in zip(np.ndindex(*to.type.shape), values, strict=True):
            x = f.convert("zext", value, "i8") if value.type == "i1" else value
            if to.spread is None:
                f.store(x, self._address(to, at))
            else:
                self._store_lanes(f.splat(x, to.spread.width), self._address(to, at), to.spread, padded=to.padded)

    def _store_lanes(self, x: Value, address: Value, spread: Spread, *, padded: bool) -> None:
        f = self.f
        if spread.stride == 1:
            whole = padded or spread.count == spread.width
            f.store(x if whole else f.shuffle(x, None, range(spread.count)), address)
            return
        for i, step in enumerate(self._steps(spread)):
            f.store(f.extract(x, i), f.element(address, step, x.type))

    def store(self, values: Held, to: Memory) -> None:
        """Store the elements of a small value."""
        self._store(self.elements(values), to)

    def memory(self, x: Held, type: TensorType) -> Memory:
        """Return where a value lies, put on the stack if it is in registers."""
        return self.spilled(x, type) if isinstance(x, list) else self.filled(x)

    def spilled(self, values: Sequence[Value], type: TensorType) -> Memory:
        """Put elements on the stack; return where they are."""
        width = max((v.lanes for v in values), default=1)
        address = self.f.alloca(MEMORY[type.dtype.name], max(type.size * width, 1))
        place = Memory(address, type, dense_strides(type.shape)) if width == 1 else self._padded(address, type)
        self._store(values, place)
        return place

    def _padded(self, address: Value, type: TensorType) -> Memory:
        """Return memory in which each element is a vector."""
        assert self.lanes is not None
        spread = Spread(self.lanes.count, self.lanes.width)
        return Memory(address, type, tuple(s * spread.width for s in dense_strides(type.shape)), spread, padded=True)

    def wide_room(self, type: TensorType) -> Memory:
        """Reserve memory in which each element of a type is a vector."""
        assert self.lanes is not None
        return self._padded(self.buffers.temporary(type.with_shape((*type.shape, self.lanes.width))), type)

    def copied(self, x: Memory) -> Memory:
        """Return a copy of a dense value."""
        room = self.room(x.type)
        self.main.move(x.address, room.address, x.type.bytes)
        return room

    def room(self, type: TensorType) -> Memory:
        """Reserve memory for a value."""
        return Memory(self.buffers.temporary(type), type, dense_strides(type.shape))

    def constant(self, value: float, dtype: DType) -> Value:
        """Return a number: simple ones are literals, others data, so that they change no code."""
        f, type = self.f, LLVM[dtype.name]
        simple = value in SIMPLE or value != value if dtype.is_float else abs(value) <= SMALL
        if dtype.is_bool or simple:
            return f.const(value, type)
        key = (value, dtype)
        if key not in self._numbers and len(self._numbers) >= MOST_NUMBERS:
            if key not in self._slots:
                self._slots[key] = self.main.slot(derived(table_bits, value, dtype))
            return self.main.load_parameter(self._slots[key], type)
        if key not in self._numbers:
            self._numbers[key] = self.main.parameter(derived(table_bits, value, dtype), type)
        return self._numbers[key]

    # -- at indices -----------------------------------------------------------------------------------------

    def gather(self, node: Node, held: dict[Node, Any]) -> list[Value]:
        """Return the elements at indices of a value, which is in memory or put there."""
        x, *indices = node.operands
        base = self.memory(held[x], x.type)
        places = self._places(base, [self.read(held, i) for i in indices])
        rest = base.type.shape[len(indices) :]
        found = []
        for place in places:
            row = Memory(place, x.type.with_shape(rest), base.strides[len(indices) :])
            found += [self.load(row, at) for at in np.ndindex(*rest)]
        return found

    def put(self, node: Node, place: Memory, xs: Sequence[list[Value]]) -> Memory:
        """Write, or add, updates at indices of an array in memory; return the array."""
        updates, *indices = xs
        rest = place.type.shape[len(indices) :]
        size = prod(rest)
        for number, address in enumerate(self._places(place, indices)):
            row = Memory(address, place.type.with_shape(rest), place.strides[len(indices) :])
            new = updates[number * size : (number + 1) * size]
            if node.op.name == "scatter_add":
                new = [self.f.add(self.load(row, at), u) for at, u in zip(np.ndindex(*rest), new, strict=True)]
            self._store(new, row)
        return place

    def _places(self, base: Memory, indices: Sequence[Sequence[Value]]) -> Iterator[Value]:
        """Yield the address for each tuple of indices; one that is out of bounds is noted, and 0 taken."""
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
