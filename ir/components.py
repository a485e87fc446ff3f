"""Take short axes apart: work on triples becomes three pieces of work on numbers.

    %d: f64[64,64,3] = sub %0, %1                 %0: f64[64,64] = sub %x0, %y0     (and so for 1 and 2)
    %1: f64[64,64,3] = mul %d, %d          →      %1: f64[64,64] = mul %0, %0
    %r: f64[64,64] = sum %1 {axes=[2]}            %r: f64[64,64] = add %1, …

A sum over the coordinates of points leaves other loops than a sum over points does, so they would be kernels apart, with
all that lies between them in memory.  Without the axis all is elementwise on one space, and the sums over points are
reductions side by side.  A reduction that keeps the axis is taken apart only where values without it are spread along it:
these would be computed for each coordinate anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.ir import build
from graphc.ir.build import elementwise, select
from graphc.ir.control import with_bodies
from graphc.ir.graph import Graph, Node, make, toposort
from graphc.ir.registers import fits_registers

__all__ = ["take_apart"]

SHORT = 4
"""The greatest extent of an axis that is taken apart."""

MANY = 64
"""So many elements must a component have: less is not worth more nodes."""

MOST_NODES = 300
"""A cone of more nodes stays as it is: each is written once for each component."""

FOLDS: dict[str, Callable[[Node, Node], Node]] = {
    "sum": lambda x, y: x + y,
    "prod": lambda x, y: x * y,
    "max": lambda x, y: elementwise("maximum", x, y),
    "min": lambda x, y: elementwise("minimum", x, y),
    "any": lambda x, y: x | y,
    "all": lambda x, y: x & y,
}


def take_apart(graph: Graph) -> Graph:
    """Return the graph with its short axes taken apart; the same object if there are none."""
    return graph.replace(_apart(graph.results))


def _apart(results: Sequence[Node]) -> Sequence[Node]:
    new: dict[Node, Node] = {}
    for node in toposort(results):
        operands = [new.get(o, o) for o in node.operands]
        same = all(a is b for a, b in zip(operands, node.operands, strict=True))
        now = _replaced(node if same else make(node.op, operands, node.params, node.regions, like=node))
        if now is not node:
            new[node] = now
    return [new.get(r, r) for r in results]


def _replaced(node: Node) -> Node:
    """Return what a node becomes."""
    if node.regions and node.op.name != "fusion":
        return node if fits_registers(node) else with_bodies(node, _apart)
    if node.op.name not in FOLDS:
        return node
    (x,), axes = node.operands, node.params["axes"]
    if x.op.kind != "elementwise" or len(_cone(x)) > MOST_NODES:
        return node
    for axis in range(x.type.rank):
        extent = x.shape[axis]
        if 1 < extent <= SHORT and x.type.size // extent >= MANY:
            if axes == (axis,):
                return _folded(node, x, axis)
            if axis not in axes and _is_spread(x, axis):
                return _side_by_side(node, x, axis)
    return node


def _cone(root: Node) -> list[Node]:
    """Return the elementwise work and the movement that end in a node, and what they begin with."""
    return toposort([root], lambda n: not (n.op.kind == "elementwise" or n.op.name in ("broadcast", "permute")))


def _is_spread(root: Node, axis: int) -> bool:
    """Whether something that is computed is repeated along an axis."""
    places: list[tuple[Node, int]] = [(root, axis)]
    seen: set[tuple[Node, int]] = set()
    while places:
        node, at = place = places.pop()
        if place in seen:
            continue
        seen.add(place)
        if node.op.kind == "elementwise":
            places += [(o, at) for o in node.operands]
        elif node.op.name == "permute":
            places.append((node.operands[0], node.params["axes"][at]))
        elif node.op.name == "broadcast":
            (x,) = node.operands
            if at in node.params["axes"]:
                places.append((x, node.params["axes"].index(at)))
            elif x.op.kind == "elementwise" and x.type.size >= MANY:
                return True
    return False


def _folded(node: Node, x: Node, axis: int) -> Node:
    """Return a reduction over a short axis as a chain of operations on its components."""
    fold = FOLDS[node.op.name]
    parts = [_component(x, axis, k, {}) for k in range(x.shape[axis])]
    total = parts[0]
    if node.op.name == "sum" and total.dtype.is_float:
        total = total + 0.0  # a sum starts at +0, so it is never -0
    for part in parts[1:]:
        total = fold(total, part)
    return _like(total, node)


def _side_by_side(node: Node, x: Node, axis: int) -> Node:
    """Return a reduction that keeps a short axis as one for each component, put together again."""
    axes = [a - (a > axis) for a in node.params["axes"]]
    at = axis - sum(a < axis for a in node.params["axes"])
    places = [a for a in range(node.type.rank) if a != at]
    index = build.iota(node.shape, at)
    parts = [build.reduce(node.op.name, _component(x, axis, k, {}), axes) for k in range(x.shape[axis])]
    wide = [build.broadcast(_like(part, node), node.shape, places) for part in parts]
    result = wide[-1]
    for k, part in reversed(list(enumerate(wide[:-1]))):
        result = select(elementwise("eq", index, k), part, result)
    return _like(result, node)


def _like(made: Node, node: Node) -> Node:
    if not made.where:
        made.where = node.where
    return made


def _component(x: Node, axis: int, k: int, known: dict[tuple[Node, int], Node]) -> Node:
    """Return `x` at index `k` of an axis, without the axis: computed so, down to where it is read."""
    if (x, axis) not in known:
        known[x, axis] = _made(x, axis, k, known)
    return known[x, axis]


def _made(x: Node, axis: int, k: int, known: dict[tuple[Node, int], Node]) -> Node:
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    if x.op.kind == "elementwise":
        return make(x.op, [_component(o, axis, k, known) for o in x.operands], x.params, like=x)
    if x.op.name == "constant":
        return build.constant(x.params["value"], x.dtype, shape)
    if x.op.name == "iota":
        along = x.params["axis"]
        return build.constant(k, x.dtype, shape) if along == axis else build.iota(shape, along - (along > axis), x.dtype)
    if x.op.name == "broadcast":
        (inner,), axes = x.operands, x.params["axes"]
        inner = _component(inner, axes.index(axis), k, known) if axis in axes else inner
        return build.broadcast(inner, shape, [a - (a > axis) for a in axes if a != axis])
    if x.op.name == "permute":
        axes = x.params["axes"]
        inner = _component(x.operands[0], axes[axis], k, known)
        return build.permute(inner, [a - (a > axes[axis]) for a in axes if a != axes[axis]])
    start, stop = [0] * x.type.rank, list(x.shape)
    start[axis], stop[axis] = k, k + 1
    return build.reshape(build.slice_(x, start, stop), shape)
