"""Write loops and branches whose values are small as straight-line code: each element is a value in a register.

What the loop carries are the phis of its head; items of sequences are read, and stacked results written, where
they lie.  Costly functions (sines, exponentials, …) of independent elements are computed side by side, as vectors.
Which bodies qualify is decided in `ir/registers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any, Protocol

import numpy as np

from graphc.codegen.emit import Function, Value
from graphc.codegen.ops import LLVM, MEMORY, OPS, cast, compare, larger, smaller
from graphc.codegen.step import table_bits
from graphc.codegen.tape import Tape, TapeWriter
from graphc.ir.fusion import weight
from graphc.ir.graph import Node, Region
from graphc.ir.in_place import SCATTERS, InPlace
from graphc.ir.registers import in_place, is_small
from graphc.ir.sizes import SIMPLE, SMALL
from graphc.ir.symbols import derived
from graphc.ir.types import DType, TensorType
from graphc.ir.views import Strides, as_view, dense_strides

__all__ = ["Held", "Host", "Memory", "RegisterWriter"]

COSTLY = 16
"""From this weight on, what is applied to several elements is computed for vectors of them."""

INLINE_VECTORS = 4
"""So many vectors of one function are written in line; more are calls, to keep the code small."""

BLOCK = 200
"""Instructions in a block, roughly: LLVM's scheduler takes time quadratic in them."""

CONTRACTED = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract"}
"""A product and the sum that takes it are rounded once: chains from turn to turn are what such loops wait for."""


@dataclass(frozen=True)
class Memory:
    """A value that lies in memory: the address of its first element, its type, strides in elements."""

    address: Value
    type: TensorType
    strides: Strides


Carried = list[Value] | Memory
"""The elements of a value in row-major order, or where they lie."""

Held = Carried | Tape
"""The same, or what grows."""


class Host(Protocol):
    """The program that loops are written into."""

    main: Function
    tapes: TapeWriter

    def number(self, value: int) -> Value:
        """Return an i64 that is read at run time."""
        ...

    def datum(self, bits: int, type: str) -> Value:
        """Return a number of a type that is read from the program's table."""
        ...

    def room(self, type: TensorType) -> Value:
        """Reserve memory for a value for the time of the step being written; return its address."""
        ...

    def move(self, source: Value, target: Value, size: int) -> None:
        """Copy bytes; source and target may be one place."""
        ...

    def fail(self, condition: Value) -> None:
        """Note an index out of bounds if the condition holds."""
        ...

    def split(self) -> None:
        """Begin a new block."""
        ...


class RegisterWriter:
    """Writes nodes into the main function of a program."""

    def __init__(self, host: Host) -> None:
        self.host, self.f = host, host.main
        self._numbers: dict[tuple[float, DType], Value] = {}
        self._mark = len(self.f.lines)

    # -- loops and branches -----------------------------------------------------------------------------

    def scan(self, node: Node, operands: Sequence[Held], stacks: Sequence[Memory | Tape]) -> list[Carried]:
        """Write a scan that stacks its items at `stacks`; return the carried values at the end."""
        f, p, (body,) = self.f, node.params, node.regions
        n, m = p["carried"], p["sequences"]
        carried, sequences, outside = self._start(operands[:n], node), operands[n : n + m], operands[n + m :]
        outside = self._ready(outside, body.params[n + m :])
        length = self._length(p["length"], sequences)
        self.host.tapes.reserve([s for s in stacks if isinstance(s, Tape)], length)
        stacked = [self._filled(s) for s in stacks]
        with f.loop(f.i64(0), length, carry=_flat(carried), hint="scan") as loop:
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if p["reverse"] else loop.index
            items = [self._item(self._memory(s, o.type), at) for s, o in zip(sequences, node.operands[n:], strict=False)]
            after = self.region(body, [*_shaped(loop.carry, carried), *items, *outside], in_place(body, n))
            for stack, result in zip(stacked, after[n:], strict=True):
                self._store(self._elements(result), self._item(stack, at))
            loop.next(_flat([self._kept(a, c) for a, c in zip(after, carried, strict=False)]))
        return _shaped(loop.results, carried)

    def _length(self, length: int | None, sequences: Sequence[Held]) -> Value:
        """Return how often a scan runs: what is known, or as often as the loop did that it runs over."""
        if length is not None:
            return self.host.number(length)
        return self.host.tapes.count(next(s for s in sequences if isinstance(s, Tape)))

    def _filled(self, x: Memory | Tape) -> Memory:
        """Return where the items of a tape are now."""
        return x if isinstance(x, Memory) else Memory(self.host.tapes.address(x), x.type, dense_strides(x.type.shape))

    def while_(self, node: Node, operands: Sequence[Held], stacks: Sequence[Memory | Tape]) -> list[Carried]:
        """Write a while loop that stacks its items on tapes; return the carried values at the end."""
        f, n = self.f, node.params["carried"]
        test, body = node.regions
        carried = self._start(operands[:n], node)
        outside = self._ready(operands[n:], body.params[n:])
        tapes = [s for s in stacks if isinstance(s, Tape)]
        self.host.tapes.begin(tapes)
        name, before = f.fresh("while"), f.label
        f.br(name)
        f.start(name)
        head = len(f.lines)
        first = _flat(carried)
        phis = [Value("%" + f.fresh("c"), v.type, v.lanes) for v in first]
        now = _shaped(phis, carried)
        (going,) = self._elements(self.region(test, [*now, *outside])[0])
        f.cond_br(going, f"body.{name}", f"end.{name}")
        f.start(f"body.{name}")
        after = self.region(body, [*now, *outside], in_place(body, n))
        at = self.host.tapes.next(tapes) if tapes else f.i64(0)
        for tape, result in zip(tapes, after[n:], strict=True):
            self._store(self._elements(result), self._item(self._filled(tape), at))
        following = _flat([self._kept(a, c) for a, c in zip(after, carried, strict=False)])
        end = f.label
        f.br(name)
        f.lines[head:head] = [
            f"  {phi.name} = phi {phi.type} [ {a.name}, %{before} ], [ {b.name}, %{end} ]"
            for phi, a, b in zip(phis, first, following, strict=True)
        ]
        f.start(f"end.{name}")
        return now

    def cond(self, node: Node, operands: Sequence[Held]) -> list[Carried]:
        """Write a branch; return its results."""
        f = self.f
        (pred,) = self._elements(operands[0])
        inside = list(operands[1:])
        name = f.fresh("cond")
        f.cond_br(pred, f"yes.{name}", f"no.{name}")
        arms: list[tuple[list[list[Value]], str]] = []
        for label, region in zip(("yes", "no"), node.regions, strict=True):
            f.start(f"{label}.{name}")
            found = [self._elements(r) for r in self.region(region, inside)]
            arms.append((found, f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (yes, from_yes), (no, from_no) = arms

        def joined(a: Value, b: Value) -> Value:
            return f.inst(f"phi {a.type} [ {a.name}, %{from_yes} ], [ {b.name}, %{from_no} ]", a.type)

        return [list(map(joined, x, y)) for x, y in zip(yes, no, strict=True)]

    def _start(self, operands: Sequence[Held], node: Node) -> list[Carried]:
        pairs = zip(operands, node.operands, strict=False)
        return [self._elements(x) if is_small(o.type) else self._memory(x, o.type) for x, o in pairs]

    def _ready(self, outside: Sequence[Held], params: Sequence[Node]) -> list[Held]:
        """Load small values of outside before the loop."""
        return [self._elements(x) if is_small(p.type) else x for x, p in zip(outside, params, strict=True)]

    def _kept(self, after: Held, carried: Held) -> Held:
        """Return what is carried on: elements where elements are carried."""
        return self._elements(after) if isinstance(carried, list) else carried

    def _item(self, sequence: Memory, at: Value) -> Memory:
        f = self.f
        step = self.host.number(sequence.strides[0])
        address = f.element(sequence.address, f.mul(at, step) if step.name != "1" else at, MEMORY[sequence.type.dtype.name])
        return Memory(address, sequence.type.with_shape(sequence.type.shape[1:]), sequence.strides[1:])

    # -- regions ------------------------------------------------------------------------------------------

    def region(self, region: Region, params: Sequence[Held], changes: InPlace | None = None) -> list[Held]:
        """Write a region and return its results; some of its parameters may be changed in place."""
        held: dict[Node, Any] = dict(zip(region.params, params, strict=True))
        for batch in _batches(changes or InPlace(order=region.nodes())):
            if len(batch) > 1 or (_is_costly(batch[0]) and batch[0].type.size > 1):
                self._side_by_side(batch, held)
            else:
                held[batch[0]] = self._node(batch[0], held)
            self._breathe()
        return [held[r] for r in region.results]

    def _breathe(self) -> None:
        """Begin a new block when this one is long."""
        if len(self.f.lines) - self._mark > BLOCK:
            self.host.split()
            self._mark = len(self.f.lines)

    def _node(self, node: Node, held: dict[Node, Any]) -> Any:
        name = node.op.name
        if name == "result":
            return held[node.operands[0]][node.params["index"]]
        if node.regions:
            return self._nested(node, [held[o] for o in node.operands])
        if node.op.kind == "movement":
            return self._movement(node, held)
        if name == "gather":
            return self._gather(node, held)
        if name in SCATTERS and not is_small(node.type):
            return self._put(node, held[node.operands[0]], [self._read(held, o) for o in node.operands[1:]])
        xs = [self._read(held, o) for o in node.operands]
        if node.op.kind == "elementwise":
            return [self._apply(node, list(x)) for x in zip(*xs, strict=True)]
        return _WRITERS[name](self, node, xs)

    def _nested(self, node: Node, operands: list[Held]) -> Any:
        """Write a loop or branch inside of the region; what it stacks, or changes in place, gets room."""
        if node.op.name != "cond":
            for i in in_place(node.regions[-1], node.params["carried"]).carried:
                operands[i] = self._copied(self._memory(operands[i], node.operands[i].type))
        if node.op.name == "cond":
            found: list[Any] = list(self.cond(node, operands))
        else:
            stacks = self._stacks(node.types[node.params["carried"] :])
            write = self.scan if node.op.name == "scan" else self.while_
            found = [*write(node, operands, stacks), *stacks]
        return found if len(found) > 1 else found[0]

    def _stacks(self, types: Sequence[TensorType]) -> list[Memory | Tape]:
        """Return room for what a loop stacks; all of it grows, or none."""
        if any(t.grows for t in types):
            return list(self.host.tapes.make(types))
        return [self._room(t) for t in types]

    def _apply(self, node: Node, xs: list[Value]) -> Value:
        f = self.f
        if node.op.name == "cast":
            return cast(f, xs[0], node.operands[0].dtype, node.dtype)
        if node.dtype.is_float and node.op.name in CONTRACTED:
            return f.binary(CONTRACTED[node.op.name], *xs)
        return OPS[node.op.name](f, _operand_dtype(node), xs)

    def _side_by_side(self, batch: Sequence[Node], held: dict[Node, Any]) -> None:
        """Apply one costly function to the elements of several nodes, vector by vector."""
        columns: list[tuple[Value, ...]] = []
        for node in batch:
            columns += zip(*(self._read(held, o) for o in node.operands), strict=True)
        lanes = 8 if batch[0].dtype.bytes == 8 else 16
        results: list[Value] = []
        inline = len(columns) <= INLINE_VECTORS * lanes
        for start in range(0, len(columns), lanes):
            chunk = columns[start : start + lanes]
            results += self._vector(batch[0], chunk, lanes, inline=inline)
            self._breathe()
        rest = iter(results)
        for node in batch:
            held[node] = list(islice(rest, node.type.size))

    def _vector(self, node: Node, columns: Sequence[tuple[Value, ...]], lanes: int, *, inline: bool) -> list[Value]:
        f = self.f
        if len(columns) == 1:
            return [self._apply(node, list(columns[0]))]
        while lanes >= 2 * len(columns):
            lanes //= 2
        packed = [self._packed([c[i] for c in columns], lanes) for i in range(len(columns[0]))]
        result = self._apply(node, packed) if inline else self._call(node, packed)
        return [f.extract(result, i) for i in range(len(columns))]

    def _packed(self, xs: Sequence[Value], lanes: int) -> Value:
        f, type = self.f, xs[0].type
        vector = Value("poison", type, lanes)
        for i in range(lanes):
            x = xs[min(i, len(xs) - 1)]
            vector = f.inst(f"insertelement {vector.typed}, {x.typed}, i64 {i}", type, lanes)
        return vector

    def _call(self, node: Node, xs: list[Value]) -> Value:
        """Apply a function that is written once in the module."""
        f = self.f
        name = f"{node.op.name}_{node.dtype.name}x{xs[0].lanes}"
        t = xs[0].typed.removesuffix(xs[0].name).strip()
        if all(other.name != name for other in f.module.functions):
            inner = Function(f.module, name, [(t, f"x{i}") for i in range(len(xs))], t, internal=True)
            args = [Value(f"%x{i}", x.type, x.lanes) for i, x in enumerate(xs)]
            inner.ret(OPS[node.op.name](inner, _operand_dtype(node), args))
        return f.inst(f"call {t} @{name}({', '.join(x.typed for x in xs)})", xs[0].type, xs[0].lanes)

    # -- memory ---------------------------------------------------------------------------------------------

    def _elements(self, x: Held) -> list[Value]:
        """Return the elements of a value, loaded if they are in memory."""
        if isinstance(x, list):
            return x
        assert isinstance(x, Memory), "a tape is run over"
        return [self._load(x, i) for i in np.ndindex(*x.type.shape)]

    def _read(self, held: dict[Node, Any], node: Node) -> list[Value]:
        """Return the elements of a node of the region; what is in memory is loaded once."""
        held[node] = self._elements(held[node])
        return held[node]  # type: ignore[no-any-return]

    def _load(self, x: Memory, at: Sequence[int]) -> Value:
        f = self.f
        value = f.load(self._address(x, at), MEMORY[x.type.dtype.name])
        return f.cmp("ne", value, f.like(0, value)) if x.type.dtype.is_bool else value

    def _address(self, x: Memory, at: Sequence[int]) -> Value:
        f = self.f
        offset = f.i64(0)
        for i, stride in zip(at, x.strides, strict=True):
            if i and stride:
                step = self.host.number(stride)
                literal = step.name.lstrip("-").isdigit()
                part = f.i64(i * int(step.name)) if literal else f.mul(f.i64(i), step)
                offset = f.i64(int(offset.name) + int(part.name)) if literal and _is_literal(offset) else _plus(f, offset, part)
        return f.element(x.address, offset, MEMORY[x.type.dtype.name])

    def _store(self, values: Sequence[Value], to: Memory) -> None:
        f = self.f
        for at, value in zip(np.ndindex(*to.type.shape), values, strict=True):
            x = f.convert("zext", value, "i8") if value.type == "i1" else value
            f.store(x, self._address(to, at))

    def store(self, values: Held, to: Memory) -> None:
        """Store the elements of a small value."""
        self._store(self._elements(values), to)

    def _memory(self, x: Held, type: TensorType) -> Memory:
        """Return where a value lies, put on the stack if it is in registers."""
        return self._spilled(x, type) if isinstance(x, list) else self._filled(x)

    def _spilled(self, values: Sequence[Value], type: TensorType) -> Memory:
        place = Memory(self.f.alloca(MEMORY[type.dtype.name], max(type.size, 1)), type, dense_strides(type.shape))
        self._store(values, place)
        return place

    def _copied(self, x: Memory) -> Memory:
        room = self._room(x.type)
        self.host.move(x.address, room.address, x.type.bytes)
        return room

    def _room(self, type: TensorType) -> Memory:
        return Memory(self.host.room(type), type, dense_strides(type.shape))

    # -- primitives --------------------------------------------------------------------------------------------

    def constant(self, value: float, dtype: DType) -> Value:
        """Return a number: simple ones are literals, others data, so that they change no code."""
        f, type = self.f, LLVM[dtype.name]
        simple = value in SIMPLE or value != value if dtype.is_float else abs(value) <= SMALL
        if dtype.is_bool or simple:
            return f.const(value, type)
        key = (value, dtype)
        if key not in self._numbers:
            self._numbers[key] = self.host.datum(derived(table_bits, value, dtype), type)
        return self._numbers[key]

    def _movement(self, node: Node, held: dict[Node, Any]) -> Held:
        view = as_view(node, lambda n: _strides(held[n], n)) if _over_memory(node, held) else None
        if view is not None:
            base: Memory = held[view.base]
            address = self.f.element(base.address, self.host.number(view.offset), MEMORY[node.dtype.name])
            found = Memory(address, node.type, view.strides)
            return self._elements(found) if is_small(node.type) else found
        x = self._read(held, node.operands[0])
        if node.op.name == "pad":
            (fill,) = self._read(held, node.operands[1])
            x = [*x, fill]
        return [x[i] for i in _picks(node)]

    def _gather(self, node: Node, held: dict[Node, Any]) -> list[Value]:
        x, *indices = node.operands
        base = self._memory(held[x], x.type)
        places = self._places(base, [self._read(held, i) for i in indices])
        rest = base.type.shape[len(indices) :]
        found = []
        for place in places:
            row = Memory(place, x.type.with_shape(rest), base.strides[len(indices) :])
            found += [self._load(row, at) for at in np.ndindex(*rest)]
        return found

    def _put(self, node: Node, place: Memory, xs: Sequence[list[Value]]) -> Memory:
        """Write, or add, updates at indices of an array in memory; return the array."""
        updates, *indices = xs
        rest = place.type.shape[len(indices) :]
        size = prod(rest)
        for number, address in enumerate(self._places(place, indices)):
            row = Memory(address, place.type.with_shape(rest), place.strides[len(indices) :])
            new = updates[number * size : (number + 1) * size]
            if node.op.name == "scatter_add":
                new = [self.f.add(self._load(row, at), u) for at, u in zip(np.ndindex(*rest), new, strict=True)]
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
                fits = f.cmp("ult", i, self.host.number(n))
                inside = f.and_(inside, fits)
                safe.append(f.select(fits, i, f.i64(0)))
            self.host.fail(f.xor(inside, f.const(True, "i1")))
            if 0 in base.type.shape:
                continue
            for i, stride in zip(safe, base.strides, strict=False):
                offset = _plus(f, offset, f.mul(i, self.host.number(stride)))
            yield f.element(base.address, offset, MEMORY[base.type.dtype.name])


def _over_memory(node: Node, held: dict[Node, Any]) -> bool:
    while node.op.kind == "movement":
        node = node.operands[0]
    return isinstance(held.get(node), Memory)


def _strides(x: Held, node: Node) -> Strides:
    return x.strides if isinstance(x, Memory) else dense_strides(node.shape)


def _is_literal(x: Value) -> bool:
    return x.name.lstrip("-").isdigit()


def _plus(f: Function, a: Value, b: Value) -> Value:
    return b if a.name == "0" else f.add(a, b)


def _flat(held: Sequence[Held]) -> list[Value]:
    """Return the elements of what is in registers."""
    return [v for x in held if isinstance(x, list) for v in x]


def _shaped(values: Sequence[Value], like: Sequence[Carried]) -> list[Carried]:
    """Undo `_flat`; what is in memory stays."""
    rest = iter(values)
    return [list(islice(rest, len(x))) if isinstance(x, list) else x for x in like]


def _operand_dtype(node: Node) -> DType:
    return node.operands[1 if node.op.name == "select" else 0].dtype


def _is_costly(node: Node) -> bool:
    return node.op.kind == "elementwise" and weight(node) >= COSTLY


def _batches(changes: InPlace) -> list[list[Node]]:
    """Return the nodes in an order for writing: costly ones that do not need one another are together."""
    depth: dict[Node, int] = {}
    found: dict[tuple[int, bool, object], list[Node]] = {}
    for number, node in enumerate(changes.order):
        costly = _is_costly(node)
        needed = (*node.operands, *changes.earlier.get(node, ()))
        depth[node] = max((depth.get(o, 0) for o in needed), default=0) + costly
        key = (depth[node], not costly, (node.op.name, node.dtype.name) if costly else number)
        found.setdefault(key, []).append(node)
    return [found[key] for key in sorted(found, key=lambda key: key[:2])]


def _picks(node: Node) -> list[int]:
    """Return, for each element of a movement's result, its number in the operand; one past the last is the fill."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    assert node.op.meaning is not None
    if node.op.name == "pad":
        return [int(i) for i in node.op.meaning(numbers, np.asarray(x.type.size), **node.params).ravel()]
    return [int(i) for i in node.op.meaning(numbers, **node.params).ravel()]


# -- primitives that are not elementwise: writer, node, elements of its operands -> elements ---------------------

Elements = list[Value]


def _constant(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    return [w.constant(node.params["value"], node.dtype)] * node.type.size


def _iota(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    assert node.op.meaning is not None
    return [w.constant(i.item(), node.dtype) for i in node.op.meaning(**node.params).ravel()]


def _concatenate(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    assert node.op.meaning is not None
    starts = np.cumsum([0, *(len(x) for x in xs)])
    numbers = [np.arange(o.type.size).reshape(o.shape) + s for o, s in zip(node.operands, starts, strict=False)]
    every = [v for x in xs for v in x]
    return [every[int(i)] for i in node.op.meaning(*numbers, **node.params).ravel()]


def _random_bits(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    f, (seed, start) = w.f, xs[0]
    i64 = node.operands[0].dtype
    return [OPS["random_bits"](f, i64, [seed, f.add(start, f.i64(i))]) for i in range(node.type.size)]


def _rows(node: Node, values: Elements, axes: Sequence[int]) -> Iterator[Elements]:
    """Yield, for each element of a reduction's result, what it is a reduction of, in order."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    kept = [a for a in range(x.type.rank) if a not in axes]
    count = int(np.prod([x.shape[a] for a in kept], dtype=int))
    for row in np.transpose(numbers, (*kept, *axes)).reshape(count, -1 if x.type.size else 0):
        yield [values[int(i)] for i in row]


Fold = Callable[[Function, DType, Value, Value], Value]

_FOLDS: dict[str, tuple[Fold, Callable[[DType], float]]] = {
    "sum": (lambda f, dtype, x, y: f.add(x, y), lambda dtype: 0),
    "prod": (lambda f, dtype, x, y: f.mul(x, y), lambda dtype: 1),
    "any": (lambda f, dtype, x, y: f.or_(x, y), lambda dtype: False),
    "all": (lambda f, dtype, x, y: f.and_(x, y), lambda dtype: True),
    "max": (larger, lambda dtype: 0),
    "min": (smaller, lambda dtype: 0),
}
"""How two elements become one, and what no elements give."""


def _reduce(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    f, dtype = w.f, node.dtype
    fold, empty = _FOLDS[node.op.name]
    found = []
    for row in _rows(node, xs[0], node.params["axes"]):
        while len(row) > 1:  # pairwise: short chains, small errors
            pairs = [fold(f, dtype, a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
            row = pairs + row[len(row) // 2 * 2 :]
        x = row[0] if row else f.const(empty(dtype), LLVM[dtype.name])
        # a sum starts at +0, so it is never -0
        found.append(f.add(x, f.const(0.0, x.type)) if node.op.name == "sum" and dtype.is_float else x)
    return found


def _arg(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    f, dtype = w.f, node.operands[0].dtype
    found = []
    for row in _rows(node, xs[0], (node.params["axis"],)):
        best, position = row[0], f.i64(0)
        for i, x in enumerate(row[1:], 1):
            better = compare(f, "gt" if node.op.name == "argmax" else "lt", dtype, x, best)
            if dtype.is_float:
                better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
            best, position = f.select(better, x, best), f.select(better, f.i64(i), position)
        found.append(position)
    return found


def _cumsum(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    """Running sums; f32 sums are carried in f64, as the loop over memory carries them."""
    f, axis = w.f, node.params["axis"]
    numbers = np.moveaxis(np.arange(node.type.size).reshape(node.shape), axis, -1)
    found: dict[int, Value] = {}
    wide = node.dtype.name == "f32"
    for row in numbers.reshape(-1, node.shape[axis]) if node.type.size else ():
        total: Value | None = None
        for i in map(int, row):
            x = f.convert("fpext", xs[0][i], "double") if wide else xs[0][i]
            total = f.add(f.const(0, x.type), x) if total is None else f.add(total, x)
            found[i] = f.convert("fptrunc", total, "float") if wide else total
    return [found[i] for i in range(node.type.size)]


def _matmul(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    f, (a, b) = w.f, node.operands
    numbers = [np.arange(o.type.size).reshape(-1, *o.shape[-2:]) for o in (a, b)]
    found = []
    for left, right in zip(*numbers, strict=True):
        for row in left:
            for column in right.T:
                products = [(xs[0][int(i)], xs[1][int(j)]) for i, j in zip(row, column, strict=True)]
                found.append(_dot(f, products, LLVM[node.dtype.name]))
    return found


def _dot(f: Function, products: Sequence[tuple[Value, Value]], type: str) -> Value:
    if not products:
        return f.const(0, type)
    total = f.mul(*products[0])
    for x, y in products[1:]:
        total = f.fma(x, y, total) if total.is_float else f.add(f.mul(x, y), total)
    return total


def _scatter(w: RegisterWriter, node: Node, xs: list[Elements]) -> Elements:
    return w._elements(w._put(node, w._spilled(xs[0], node.type), xs[1:]))


_WRITERS: dict[str, Callable[[RegisterWriter, Node, list[Elements]], Elements]] = {
    "constant": _constant,
    "iota": _iota,
    "concatenate": _concatenate,
    "random_bits": _random_bits,
    **dict.fromkeys(_FOLDS, _reduce),
    "argmax": _arg,
    "argmin": _arg,
    "cumsum": _cumsum,
    "matmul": _matmul,
    "scatter": _scatter,
    "scatter_add": _scatter,
}
