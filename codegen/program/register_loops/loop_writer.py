"""Write loops and branches whose values are small as straight-line code: each element is a value in a register.

What the loop carries are the phis of its head; items of sequences are read, and stacked results written, where
they lie.  Costly functions (sines, exponentials, …) of independent elements are computed side by side, as vectors.
Which bodies qualify is decided in `ir/analysis/register_promotion.py`, and whether an axis becomes the lanes of vectors
in `ir/analysis/vectorize.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from graphc.codegen.llvm.builder import Loop, Value, llvm_type
from graphc.codegen.llvm.scalar_ops import MEMORY, OPS, cast
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.register_loops.ops import CONTRACTED, WRITERS, early_products, picks
from graphc.codegen.program.register_loops.values import Carried, Held, Holder, Memory, Run, Spread
from graphc.ir.analysis.in_place import SCATTERS, InPlace
from graphc.ir.analysis.register_promotion import in_place
from graphc.ir.analysis.vectorize import Lanes
from graphc.ir.analysis.views import Strides, as_view, dense_strides
from graphc.ir.core.cost import is_small, weight
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.types import DType, TensorType

__all__ = ["RegisterWriter"]

COSTLY = 16
"""From this weight on, what is applied to several elements is computed for vectors of them."""

INLINE_VECTORS = 4
"""So many vectors of one function are written in line; more are calls, to keep the code small."""

INLINE = 16
"""Applications of one costly function, wherever they are, that are written in line; more are calls."""

ITERATIONS, OUTER_ITERATIONS = 1024, 32
"""Iterations of a loop between two polls, if it has no other loop inside, and if it has."""

BLOCK = 200
"""Instructions in a block, roughly: LLVM's scheduler takes time quadratic in them."""


class RegisterWriter(Holder):
    """Writes nodes into the main function of a program."""

    def __init__(self, buffers: Buffers, lanes: Lanes | None = None) -> None:
        super().__init__(buffers, lanes)
        self._rows: dict[tuple[str, str], Value] = {}
        self._early: set[Node] = set()
        self._inlined: Counter[tuple[str, int]] = Counter()
        self._mark = len(self.f.lines)

    # -- loops and branches -----------------------------------------------------------------------------

    def vectorized(self, operands: Sequence[Held], places: Sequence[Memory | Run]) -> tuple[list[Carried], list[Memory | Run]]:
        """Write the loop that has lanes; return the carried values at the end, and the places seen as they are."""
        assert self.lanes is not None
        lanes, loop = self.lanes, self.lanes.loop
        n, body = loop.params["carried"], loop.regions[-1]
        given = [self._across(x, o.type, a) for x, o, a in zip(operands, loop.operands, lanes.axes, strict=True)]
        targets = [self._across_memory(p, t, a) for p, t, a in zip(places, loop.types, lanes.results, strict=True)]
        found = (self.scan if loop.op.name == "scan" else self.while_)(loop, given, targets[n:])
        ends = zip(found, body.params, strict=False)
        return [self.folded(p, x, "sum") if self.is_partial(p) and isinstance(x, list) else x for x, p in ends], targets

    def _across(self, x: Held, type: TensorType, axis: int | None) -> Held:
        """Return a value of outside whose elements are vectors along an axis."""
        return x[: type.size] if isinstance(x, list) else self._across_memory(x, type, axis)

    def _across_memory(self, x: Memory | Run, type: TensorType, axis: int | None) -> Memory | Run:
        if axis is None:
            return x
        assert self.lanes is not None
        return replace(x, type=type, spread=Spread(self.lanes.count, self.lanes.width, x.strides[axis]))

    def scan(self, node: Node, operands: Sequence[Held], stacks: Sequence[Memory | Run]) -> list[Carried]:
        """Write a scan that stacks its items at `stacks`; return the carried values at the end."""
        f, p, (body,) = self.f, node.params, node.regions
        n, m = p["carried"], p["sequences"]
        carried, sequences, outside = self._start(operands[:n], body), operands[n : n + m], operands[n + m :]
        outside = self._ready(outside, body.params[n + m :])
        length = self._length(p["length"], sequences)
        self.main.tapes.reserve([s.tape for s in stacks if isinstance(s, Run)], length)
        stacked = [self.filled(s) for s in stacks]
        with self._counted(length, _flat(carried), _iterations(node)) as loop:
            at = f.sub(f.sub(length, f.i64(1)), loop.index) if p["reverse"] else loop.index
            items = [self._item(self.memory(s, o.type), at) for s, o in zip(sequences, node.operands[n:], strict=False)]
            after = self.region(body, [*_shaped(loop.carry, carried), *items, *outside], in_place(body, n))
            for stack, result in zip(stacked, after[n:], strict=True):
                self._store(self.elements(result), self._item(stack, at))
            loop.next(_flat([self._kept(a, p) for a, p in zip(after, body.params[:n], strict=False)]))
        return _shaped(loop.results, carried)

    @contextmanager
    def _counted(self, length: Value, carry: Sequence[Value], many: int) -> Iterator[Loop]:
        """Write a loop over 0 … length-1 in runs of `many` iterations, between which it polls; inside it costs nothing."""
        f = self.f
        if length.name.isdigit() and int(length.name) <= many:
            with f.loop(f.i64(0), length, carry=carry, hint="scan") as loop:
                yield loop
            return
        with f.loop(f.i64(0), length, many, carry=carry, hint="run") as run:
            self.main.poll.tick()
            end = f.add(run.index, f.i64(many))
            end = f.select(f.cmp("slt", end, length), end, length)
            with f.loop(run.index, end, carry=run.carry, nonempty=True, hint="scan") as loop:
                yield loop
            run.next(loop.results)
        loop.results = run.results

    def _length(self, length: int | None, sequences: Sequence[Held]) -> Value:
        """Return how often a scan runs: what is known, or as often as the loop did that it runs over."""
        if length is not None:
            return self.main.number(length)
        return self.main.tapes.count(next(s.tape for s in sequences if isinstance(s, Run)))

    def while_(self, node: Node, operands: Sequence[Held], stacks: Sequence[Memory | Run]) -> list[Carried]:
        """Write a while loop that stacks its items on tapes; return the carried values at the end."""
        f, n = self.f, node.params["carried"]
        test, body = node.regions
        carried = self._start(operands[:n], body)
        outside = self._ready(operands[n:], body.params[n:])
        grown = [s for s in stacks if isinstance(s, Run)]
        tapes = [s.tape for s in grown]
        self.main.tapes.begin(tapes)
        many = f.i64(_iterations(node))
        with f.repeat(_flat(carried), "run") as runs:  # of so many iterations, between which it polls
            self.main.poll.tick()
            with f.repeat([f.i64(0), *runs.carry]) as loop:
                count, now = loop.carry[0], _shaped(loop.carry[1:], carried)
                (going,) = self.elements(self.region(test, [*now, *outside])[0])
                f.go_on_if(loop, f.and_(going, f.cmp("slt", count, many)))
                after = self.region(body, [*now, *outside], in_place(body, n))
                at = self.main.tapes.next(tapes) if tapes else f.i64(0)
                for run, result in zip(grown, after[n:], strict=True):
                    self._store(self.elements(result), self._item(self.filled(run), at))
                following = _flat([self._kept(a, p) for a, p in zip(after, body.params[:n], strict=False)])
                loop.next([f.add(count, f.i64(1)), *following])
            f.go_on_if(runs, going)
            runs.next(loop.results[1:])
        return now

    def cond(self, node: Node, operands: Sequence[Held]) -> list[Carried]:
        """Write a branch; return its results."""
        f = self.f
        (pred,) = self.elements(operands[0])
        inside = list(operands[1:])
        name = f.fresh("cond")
        f.cond_br(pred, f"yes.{name}", f"no.{name}")
        arms: list[tuple[list[list[Value]], str]] = []
        for label, region in zip(("yes", "no"), node.regions, strict=True):
            f.start(f"{label}.{name}")
            results = self.region(region, inside)
            found = [self.held_as(n, self.elements(r)) for n, r in zip(region.results, results, strict=True)]
            arms.append((found, f.label))
            f.br(f"end.{name}")
        f.start(f"end.{name}")
        (yes, from_yes), (no, from_no) = arms

        def joined(a: Value, b: Value) -> Value:
            t = llvm_type(a.type, a.lanes)
            return f.inst(f"phi {t} [ {a.name}, %{from_yes} ], [ {b.name}, %{from_no} ]", a.type, a.lanes)

        return [list(map(joined, x, y)) for x, y in zip(yes, no, strict=True)]

    def _start(self, operands: Sequence[Held], body: Region) -> list[Carried]:
        pairs = zip(operands, body.params, strict=False)
        return [self.held_as(p, self.elements(x)) if is_small(p.type) else self.memory(x, p.type) for x, p in pairs]

    def _ready(self, outside: Sequence[Held], params: Sequence[Node]) -> list[Held]:
        """Load small values of outside before the loop."""
        ready = [self.elements(x) if is_small(p.type) else x for x, p in zip(outside, params, strict=True)]
        self.splat_early(_flat(ready))
        return ready

    def _kept(self, after: Held, param: Node) -> Held:
        """Return what is carried on: elements where elements are carried."""
        return self.held_as(param, self.elements(after)) if is_small(param.type) else after

    def _item(self, sequence: Memory, at: Value) -> Memory:
        f = self.f
        type = MEMORY[sequence.type.dtype.name]
        if sequence.row is not None:  # one address for all that lies in a row
            first, before = sequence.row
            key = first.name, at.name
            if key not in self._rows:
                self._rows[key] = f.element(first, f.mul(at, f.i64(sequence.strides[0])), type)
            address = f.element(self._rows[key], f.i64(before), type)
        else:
            step = self.main.number(sequence.strides[0])
            address = f.element(sequence.address, f.mul(at, step) if step.name != "1" else at, type)
        return Memory(
            address, sequence.type.with_shape(sequence.type.shape[1:]), sequence.strides[1:], sequence.spread, sequence.padded
        )

    # -- regions ------------------------------------------------------------------------------------------

    def region(self, region: Region, params: Sequence[Held], changes: InPlace | None = None) -> list[Held]:
        """Write a region and return its results; some of its parameters may be changed in place."""
        held: dict[Node, Any] = dict(zip(region.params, params, strict=True))
        self._early |= early_products(region.nodes())
        for batch in _batches(changes or InPlace(order=region.nodes())):
            if len(batch) > 1 or (_is_costly(batch[0]) and batch[0].type.size > 1):
                self._side_by_side(batch, held)
            else:
                held[batch[0]] = self._node(batch[0], held)
            self._breathe()
        return [held[r] for r in region.results]

    # -- nodes ----------------------------------------------------------------------------------------------

    def _breathe(self) -> None:
        """Begin a new block when this one is long."""
        if len(self.f.lines) - self._mark > BLOCK:
            self.main.split_block()
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
            return self.gather(node, held)
        if name in SCATTERS and not is_small(node.type):
            return self.put(node, held[node.operands[0]], [self.read(held, o) for o in node.operands[1:]])
        xs = [self.read(held, o) for o in node.operands]
        return self._computed(node, xs) if self.lanes is None else self._over_lanes(node, xs, self.lanes)

    def _computed(self, node: Node, xs: list[list[Value]]) -> list[Value]:
        if node.op.kind == "elementwise":
            return [self._apply(node, list(x)) for x in zip(*xs, strict=True)]
        return WRITERS[node.op.name](self, node, xs)

    def _over_lanes(self, node: Node, xs: list[list[Value]], lanes: Lanes) -> list[Value]:
        """Compute a node, which may fold the axis that the lanes run along."""
        if node in lanes.split:
            return self.wide(self._computed(node, xs))
        if node in lanes.folded:
            return self.folded(node, self.wide(self._computed(node, xs)), "sum" if node.op.name == "matmul" else node.op.name)
        return self._computed(node, [self.parts(x) for x in xs] if node in lanes.partial else xs)

    def _nested(self, node: Node, operands: list[Held]) -> Any:
        """Write a loop or branch inside of the region; what it stacks, or changes in place, gets room."""
        splats = self._splats
        if node.op.name != "cond":
            for i in in_place(node.regions[-1], node.params["carried"]).carried:
                operands[i] = self.copied(self.memory(operands[i], node.operands[i].type))
        if node.op.name == "cond":
            found: list[Any] = list(self.cond(node, operands))
        else:
            stacks = self._stacks(node.regions[-1].results[node.params["carried"] :], node.types[node.params["carried"] :])
            write = self.scan if node.op.name == "scan" else self.while_
            found = [*write(node, operands, stacks), *stacks]
        self._splats = splats  # what was written in an arm is not known behind it
        return found if len(found) > 1 else found[0]

    def _stacks(self, items: Sequence[Node], types: Sequence[TensorType]) -> list[Memory | Run]:
        """Return room for what a loop stacks; all of it grows, or none."""
        if any(t.grows for t in types):
            return [Run(tape, tape.type, dense_strides(tape.type.shape)) for tape in self.main.tapes.make(types)]
        vectorized = self.lanes.vectorized if self.lanes is not None else ()
        return [self.wide_room(t) if i in vectorized else self.room(t) for i, t in zip(items, types, strict=True)]

    def _apply(self, node: Node, xs: list[Value]) -> Value:
        f, xs = self.f, self.common(xs)
        if _is_costly(node):
            self._inlined[node.op.name, xs[0].lanes] += 1
            if self._inlined[node.op.name, xs[0].lanes] > INLINE:
                return self._call(node, xs)
        if node.op.name == "cast":
            return cast(f, xs[0], node.operands[0].dtype, node.dtype)
        if node.dtype.is_float and node.op.name in CONTRACTED and node not in self._early:
            return f.binary(CONTRACTED[node.op.name], *xs)
        return OPS[node.op.name](f, _operand_dtype(node), xs)

    def _side_by_side(self, batch: Sequence[Node], held: dict[Node, Any]) -> None:
        """Apply one costly function to the elements of several nodes, vector by vector."""
        wide = [n for n in batch if any(x.lanes > 1 for o in n.operands for x in self.read(held, o))]
        self._one_by_one(wide, held)
        batch = [n for n in batch if n not in wide]
        columns: list[tuple[Value, ...]] = []
        for node in batch:
            columns += zip(*(self.read(held, o) for o in node.operands), strict=True)
        lanes = 8 if batch and batch[0].dtype.bytes == 8 else 16
        results: list[Value] = []
        inline = len(columns) <= INLINE_VECTORS * lanes
        for start in range(0, len(columns), lanes):
            chunk = columns[start : start + lanes]
            results += self._vector(batch[0], chunk, lanes, inline=inline)
            self._breathe()
        rest = iter(results)
        for node in batch:
            held[node] = list(islice(rest, node.type.size))

    def _one_by_one(self, batch: Sequence[Node], held: dict[Node, Any]) -> None:
        """Apply a costly function to vectors of lanes, each by itself."""
        few = sum(n.type.size for n in batch) <= INLINE_VECTORS
        for node in batch:
            found = []
            for column in zip(*(held[o] for o in node.operands), strict=True):
                found.append(self._apply(node, list(column)) if few else self._call(node, self.common(column)))
                self._breathe()
            held[node] = found

    def _vector(self, node: Node, columns: Sequence[tuple[Value, ...]], lanes: int, *, inline: bool) -> list[Value]:
        f = self.f
        if len(columns) == 1:
            return [self._apply(node, list(columns[0]))]
        while lanes >= 2 * len(columns):
            lanes //= 2
        packed = [self.packed([c[i] for c in columns], lanes) for i in range(len(columns[0]))]
        result = self._apply(node, packed) if inline else self._call(node, packed)
        return [f.extract(result, i) for i in range(len(columns))]

    def _call(self, node: Node, xs: list[Value]) -> Value:
        """Apply a function that is written once in the module."""
        f = self.f
        name = f"{node.op.name}_{node.dtype.name}x{xs[0].lanes}"
        t = xs[0].typed.removesuffix(xs[0].name).strip()
        if all(other.name != name for other in f.module.functions):
            inner = f.module.function(name, [(t, f"x{i}") for i in range(len(xs))], t, internal=True)
            args = [Value(f"%x{i}", x.type, x.lanes) for i, x in enumerate(xs)]
            inner.ret(OPS[node.op.name](inner, _operand_dtype(node), args))
        return f.inst(f"call {t} @{name}({', '.join(x.typed for x in xs)})", xs[0].type, xs[0].lanes)

    def _movement(self, node: Node, held: dict[Node, Any]) -> Held:
        view = as_view(node, lambda n: _strides(held[n], n)) if _over_memory(node, held) else None
        if view is not None:
            base: Memory = held[view.base]
            address = self.f.element(base.address, self.main.number(view.offset), MEMORY[node.dtype.name])
            found = Memory(address, node.type, view.strides, base.spread, base.padded)
            return self.elements(found) if is_small(node.type) else found
        x = self.read(held, node.operands[0])
        if node.op.name == "pad":
            x = [*x, *self.read(held, node.operands[1])]
        x = self.parts(x) if self.is_partial(node) else x
        return [x[i] for i in picks(node)]


def _iterations(loop: Node) -> int:
    """Return how many iterations of a loop may run between two polls."""
    nodes = [n for region in loop.regions for n in region.nodes()]
    for node in nodes:  # grows on the way
        nodes += [n for region in node.regions for n in region.nodes()]
    return OUTER_ITERATIONS if any(n.op.name in ("scan", "while") for n in nodes) else ITERATIONS


def _over_memory(node: Node, held: dict[Node, Any]) -> bool:
    while node.op.kind == "movement":
        node = node.operands[0]
    return isinstance(held.get(node), Memory)


def _strides(x: Held, node: Node) -> Strides:
    return x.strides if isinstance(x, Memory) else dense_strides(node.shape)


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
