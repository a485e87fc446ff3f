"""Scalarize short axes: an operation on triples becomes three operations on scalars.

    %d: f64[64,64,3] = sub %0, %1                 %0: f64[64,64] = sub %x0, %y0     (and so for 1 and 2)
    %1: f64[64,64,3] = mul %d, %d          →      %1: f64[64,64] = mul %0, %0
    %r: f64[64,64] = sum %1 {axes=[2]}            %r: f64[64,64] = add %1, …

A sum over the coordinates of points keeps other loops than a sum over points, so they would be separate kernels with their
common operand in memory.  Without the short axis everything is elementwise on one iteration domain, and the sums over points
are reductions side by side.  A reduction that keeps the axis is scalarized only where computed values without the axis are
broadcast along it: these would otherwise be recomputed for each coordinate.

A loop whose body is scalarized carries components, and stacks them separately for loops that read them as components.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from graphc.ir.access.index_map import index_map
from graphc.ir.core import build
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.graph import Graph, Node, make, parameter, toposort, users
from graphc.ir.core.predicates import is_broadcast, is_constant, is_fusion, is_iota, is_loop
from graphc.ir.core.structural_key import SMALL
from graphc.ir.loops.promote import runs_in_registers
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import results_of, substitute
from graphc.ir.rewrite.pattern import op

__all__ = ["scalarize"]

SHORT = 4
"""The greatest extent of an axis that is scalarized."""

MANY = 64
"""The least number of elements of a component: fewer are not worth more nodes."""

MOST_NODES = 300
"""The most nodes of a scalarized cone: each is emitted once per component."""

_PERMUTE = op("permute")

FOLDS: dict[str, Callable[[Node, Node], Node]] = {
    "sum": lambda x, y: x + y,
    "prod": lambda x, y: x * y,
    "max": lambda x, y: elementwise("maximum", x, y),
    "min": lambda x, y: elementwise("minimum", x, y),
    "any": lambda x, y: x | y,
    "all": lambda x, y: x & y,
}


def scalarize(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with its short axes scalarized; the same object if there are none."""
    return graph.replace(_scalarized(graph.results, target))


def _scalarized(results: Sequence[Node], target: TargetInfo) -> Sequence[Node]:
    order = toposort(results)
    loops = _Loops(order, results, target)
    new: dict[Node, Node] = {}
    for node in order:
        if node in new or node in loops.pieces:
            continue
        operands = [new.get(o, o) for o in node.operands]
        if node in loops.bodies:
            new.update(loops.replaced(node, operands))
            continue
        same = all(a is b for a, b in zip(operands, node.operands, strict=True))
        now = _replaced(node if same else make(node.op, operands, node.params, node.regions, like=node))
        if now is not node:
            new[node] = now
    return [new.get(r, r) for r in results]


def _replaced(node: Node) -> Node:
    """Return the scalarized form of a node."""
    if node.op.name not in FOLDS:
        return node
    (x,), axes = node.operands, node.params["axes"]
    if x.op.kind != "elementwise" or len(_cone(x)) > MOST_NODES:
        return node
    for axis in range(x.type.rank):
        extent = x.shape[axis]
        if 1 < extent <= SHORT and x.type.size // extent >= MANY:
            if axes == (axis,):
                return _reduce_components(node, x, axis)
            if axis not in axes and _is_broadcast(x, axis):
                return _side_by_side(node, x, axis)
    return node


def _cone(root: Node) -> list[Node]:
    """Return the elementwise nodes and movement that lead to a node, and the values they start from."""
    return toposort([root], lambda n: n.op.kind != "elementwise" and not _is_through(n))


def _is_through(node: Node) -> bool:
    """Whether each axis of a movement is a whole axis of the operand, or repeats the operand."""
    return is_broadcast(node) or _PERMUTE.fits(node)


def _is_broadcast(root: Node, axis: int) -> bool:
    """Whether a computed value is broadcast along an axis."""
    places: list[tuple[Node, int]] = [(root, axis)]
    seen: set[tuple[Node, int]] = set()
    while places:
        node, at = key = places.pop()
        if key in seen:
            continue
        seen.add(key)
        if node.op.kind == "elementwise":
            places += [(o, at) for o in node.operands]
        elif _is_through(node):
            (x,), below = node.operands, index_map(node).operand_axis(at)
            if below is not None:
                places.append((x, below))
            elif x.op.kind == "elementwise" and x.type.size >= MANY:
                return True
    return False


def _reduce_components(node: Node, x: Node, axis: int) -> Node:
    """Return a reduction over a short axis as a chain of operations on its components."""
    fold = FOLDS[node.op.name]
    parts = [_component(x, axis, k, {}) for k in range(x.shape[axis])]
    total = parts[0]
    if node.op.linear and total.dtype.is_float:
        total = total + 0.0  # a sum starts at +0, so it is never -0
    for part in parts[1:]:
        total = fold(total, part)
    return _like(total, node)


def _side_by_side(node: Node, x: Node, axis: int) -> Node:
    """Return a reduction that keeps a short axis as one reduction per component, joined."""
    axes = [a - (a > axis) for a in node.params["axes"]]
    at = axis - sum(a < axis for a in node.params["axes"])
    parts = [build.reduce(node.op.name, _component(x, axis, k, {}), axes) for k in range(x.shape[axis])]
    return _like(_joined([_like(part, node) for part in parts], at), node)


def _joined(parts: Sequence[Node], axis: int) -> Node:
    """Join components along an axis by elementwise work, which fuses, and whose components simplify to the parts."""
    shape = list(parts[0].shape)
    shape.insert(axis, len(parts))
    places = [a for a in range(len(shape)) if a != axis]
    wide = [build.broadcast(part, tuple(shape), places) for part in parts]
    index, result = build.iota(tuple(shape), axis), wide[-1]
    for k, part in reversed(list(enumerate(wide[:-1]))):
        result = select(elementwise("eq", index, k), part, result)
    return result


def _like(result: Node, node: Node) -> Node:
    if not result.where:
        result.where = node.where
    return result


def _component(x: Node, axis: int, k: int, known: dict[tuple[Node, int], Node]) -> Node:
    """Return `x` at index `k` of an axis, without the axis, computed so from the values it starts from."""
    if (x, axis) not in known:
        known[x, axis] = _compute_component(x, axis, k, known)
    return known[x, axis]


def _compute_component(x: Node, axis: int, k: int, known: dict[tuple[Node, int], Node]) -> Node:
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    if x.op.kind == "elementwise":
        return make(x.op, [_component(o, axis, k, known) for o in x.operands], x.params, like=x)
    if is_constant(x):
        return build.constant(x.params["value"], x.dtype, shape)
    if is_iota(x):
        along = x.params["axis"]
        return build.constant(k, x.dtype, shape) if along == axis else build.iota(shape, along - (along > axis), x.dtype)
    if _is_through(x):
        below, axes = index_map(x).operand_axis(axis), x.params["axes"]
        inner = x.operands[0] if below is None else _component(x.operands[0], below, k, known)
        if is_broadcast(x):
            return build.broadcast(inner, shape, [a - (a > axis) for a in axes if a != axis])
        return build.permute(inner, [a - (a > below) for a in axes if a != below])
    return _slice(x, axis, k)


def _slice(x: Node, axis: int, k: int) -> Node:
    start, stop = [0] * x.type.rank, list(x.shape)
    start[axis], stop[axis] = k, k + 1
    return build.reshape(build.slice_(x, start, stop), (*x.shape[:axis], *x.shape[axis + 1 :]))


# -- loops ----------------------------------------------------------------------------------------------


class _Loops:
    """The loops and branches among some nodes whose bodies are scalarized."""

    def __init__(self, order: Sequence[Node], results: Sequence[Node], target: TargetInfo) -> None:
        self.bodies: dict[Node, list[Sequence[Node]]] = {}
        """The new results of their regions."""
        self.pieces: dict[Node, list[Node]] = {}
        """Components of stacks that only other loops read: they are not needed as one array."""
        self.results, self.readers = set(results), users(order)
        for node in order:
            if node.regions and not is_fusion(node) and not runs_in_registers(node, target):
                after = [_scalarized(region.results, target) for region in node.regions]
                if any(tuple(new) != region.results for region, new in zip(node.regions, after, strict=True)):
                    self.bodies[node] = after

    def replaced(self, node: Node, operands: Sequence[Node]) -> dict[Node, Node]:
        """Return the new results of a loop or branch, except for those that become pieces."""
        if not is_loop(node):
            replacement = Call.of(node).with_operands(operands).with_results(self.bodies[node])
            return dict(zip(results_of(node), replacement.results(), strict=True))
        loop = Loop.of(node)
        *tests, results = self.bodies[node]
        after = replace(loop, condition=tests[0][0] if tests else None).with_results(results)
        taken = {c.param for c in after.carries if _has_components(c.param) and _is_work(c.next)}
        taken.update(x.param for x in loop.xs if x.operand in self.pieces)
        split = self._split(node, after, taken)
        now = {b.param: (b.operand, operand) for b, operand in zip(loop.bindings, operands, strict=True)}
        pieces = {p: self.pieces.get(now[p][0]) or _slices(now[p][1]) for p in taken}
        return self._results(node, _expanded(after.with_operands(operands), pieces, split), taken, split)

    def _split(self, node: Node, loop: Loop, taken: Collection[Node]) -> list[bool]:
        """Return which ys become components: joined components that only loops among these run over."""
        _, stacks = loop.split_results(results_of(node))
        return [
            _has_components(y) and (y in taken or _is_work(y)) and self._is_taken(stack)
            for y, stack in zip(loop.ys, stacks, strict=True)
        ]

    def _is_taken(self, stack: Node) -> bool:
        """Whether a stack is only read item by item, by loops among these."""
        if stack in self.results:
            return False
        for reader in self.readers.get(stack, []):
            if reader not in self.bodies or not is_loop(reader):
                return False
            loop = Loop.of(reader)
            if stack in [b.operand for b in (*loop.carries, *loop.captures)]:
                return False
        return True

    def _results(self, node: Node, replacement: Loop, taken: Collection[Node], split: Sequence[bool]) -> dict[Node, Node]:
        """Map the results of a loop to those of its replacement."""
        loop = Loop.of(node)
        old_ends, old_stacks = loop.results()
        ends, stacks = map(iter, replacement.results())
        new = {}
        for old, c in zip(old_ends, loop.carries, strict=True):
            new[old] = _joined(list(islice(ends, old.shape[-1])), old.type.rank - 1) if c.param in taken else next(ends)
        for old, several in zip(old_stacks, split, strict=True):
            if several:
                self.pieces[old] = list(islice(stacks, old.shape[-1]))
            else:
                new[old] = next(stacks)
        return new


def _slices(x: Node) -> list[Node]:
    last = x.type.rank - 1
    return [_slice(x, last, k) for k in range(x.shape[last])]


def _has_components(x: Node) -> bool:
    return x.type.rank > 1 and 1 < x.shape[-1] <= SHORT and any(n > SMALL for n in x.shape[:-1])


def _is_work(x: Node) -> bool:
    """Whether the components of a value are computed from components."""
    return x.op.kind == "elementwise" and len(_cone(x)) <= MOST_NODES


def _expanded(loop: Loop, pieces: Mapping[Node, Sequence[Node]], split: Sequence[bool]) -> Loop:
    """Return the loop with components: for parameters that have `pieces`, and for the ys that are `split`."""
    parts: dict[Node, list[Node]] = {}
    joined: dict[Node, Node] = {}
    for param in dict.fromkeys(p for b in loop.bindings if b.param in pieces for p in (b.param, b.in_condition)):
        last = param.type.rank - 1
        parts[param] = [parameter(param.type.with_shape(param.shape[:last]), param.name) for _ in range(param.shape[last])]
        joined[param] = _joined(parts[param], last)
        joined.update(zip(_slices(param), parts[param], strict=True))
    known: list[dict[tuple[Node, int], Node]] = [{} for _ in range(SHORT)]

    def components(x: Node) -> list[Node]:
        last = x.type.rank - 1
        return [_component(x, last, k, known[k]) for k in range(x.shape[last])]

    def bound(b: Binding) -> list[Binding]:
        return list(map(Binding, pieces[b.param], parts[b.param], parts[b.in_condition])) if b.param in pieces else [b]

    tests = () if loop.condition is None else substitute([loop.condition], joined)
    loop = loop.with_results(substitute(loop.body.results, joined))
    carries: list[Carry] = []
    for c in loop.carries:
        nexts = components(c.next) if c.param in pieces else [c.next]
        carries += [Carry(b.operand, b.param, b.tested, next=n) for b, n in zip(bound(c), nexts, strict=True)]
    xs = [part for x in loop.xs for part in bound(x)]
    ys = [part for y, several in zip(loop.ys, split, strict=True) for part in (components(y) if several else [y])]
    return replace(loop, carries=carries, xs=xs, ys=ys, condition=tests[0] if tests else None)
