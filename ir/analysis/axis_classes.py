"""Group the axes of the values in a loop's body into classes that one vector dimension could run along.

    %1: f64[3,2] = matmul %c, %w        axis 0 of %c and of %1 are one, axis 1 of %c and axis 0 of %w, axis 1 of %w and of %1

Two axes are joined where an operation treats them elementwise, also from one iteration to the next and into and out of inner
loops.  An axis along which an operation mixes elements is not vectorizable; reducing over an axis does not mix it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from graphc.ir.access.index_map import index_map
from graphc.ir.core.graph import Node
from graphc.ir.core.ops import REDUCTIONS
from graphc.ir.core.predicates import is_result
from graphc.ir.core.types import TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Loop

__all__ = ["Axis", "AxisUnion", "Slot", "slot_of", "type_of"]

MOST_CLASSES = 4
"""At most this many classes are considered, the largest ones first."""


class Slot(NamedTuple):
    """One result of a node."""

    node: Node
    number: int


class Axis(NamedTuple):
    """An axis of a value; None is the axis of everything that is not vectorizable."""

    slot: Slot | None
    number: int


NON_VECTORIZABLE = Axis(None, 0)
"""The class of all axes that must not be vectorized."""


def slot_of(node: Node) -> Slot:
    """Return the slot of a node with one result."""
    return Slot(node.operands[0], node.params["index"]) if is_result(node) else Slot(node, 0)


def type_of(slot: Slot) -> TensorType:
    """Return the type of a slot."""
    return slot.node.types[slot.number]


class AxisUnion:
    """Union-find over the axes of all values in a loop's bodies."""

    def __init__(self, loop: Node, largest: int) -> None:
        """Join the axes of a loop; values of more than `largest` elements are not vectorizable."""
        self.loop, self.largest = loop, largest
        self.parent: dict[Axis, Axis] = {}
        self.depth: dict[Node, int] = {}
        self._enter(loop, 0)
        self.slots = list(self._slots())
        _join_iterations(self, loop, inner=False)
        for node in self.depth:
            rule = _elementwise if node.op.kind == "elementwise" else _RULES.get(node.op.name, _mixes)
            rule(self, node)

    def _enter(self, node: Node, depth: int) -> None:
        for region in node.regions:
            for inner in region.nodes():
                self.depth[inner] = max(depth, self.depth.get(inner, 0))
                self._enter(inner, depth + 1)

    def _slots(self) -> Iterator[Slot]:
        """Yield every value once: the parameters of the bodies and the results of their nodes."""
        loops = [self.loop, *(n for n in self.depth if n.regions)]
        params = dict.fromkeys(p for loop in loops for region in loop.regions for p in region.params)
        for node in (*params, *self.depth, self.loop):
            if not is_result(node):
                yield from (Slot(node, i) for i in range(len(node.types)))

    def find(self, axis: Axis) -> Axis:
        """Return the representative of the class of an axis."""
        root = axis
        while root in self.parent:
            root = self.parent[root]
        while axis in self.parent:  # path compression
            above = self.parent[axis]
            if above != root:
                self.parent[axis] = root
            axis = above
        return root

    def join(self, a: Axis, b: Axis) -> None:
        """Merge two classes; merging with `NON_VECTORIZABLE` bars the class."""
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[b if a is NON_VECTORIZABLE else a] = a if a is NON_VECTORIZABLE else b

    def same(self, a: Slot, b: Slot, shift: int = 0) -> None:
        """Join the axes of two values pairwise; the second has `shift` additional leading axes."""
        for i in range(type_of(a).rank):
            self.join(Axis(a, i), Axis(b, i + shift))

    def bar(self, slot: Slot, axes: Iterable[int] | None = None) -> None:
        """Make axes of a value non-vectorizable; all of them if none are given."""
        for i in range(type_of(slot).rank) if axes is None else axes:
            self.join(NON_VECTORIZABLE, Axis(slot, i))

    def classes(self, lanes: int) -> list[Axis]:
        """Return the classes of axes of extent at most `lanes`, largest first."""
        members: dict[Axis, int] = {}
        for slot in self.slots:
            for i, n in enumerate(type_of(slot).shape):
                if 2 <= n <= lanes:
                    root = self.find(Axis(slot, i))
                    members[root] = members.get(root, 0) + 1
        members.pop(NON_VECTORIZABLE, None)
        return sorted(members, key=lambda root: -members[root])[:MOST_CLASSES]


def _elementwise(axes: AxisUnion, node: Node) -> None:
    for o in node.operands:
        axes.same(slot_of(o), Slot(node, 0))


def _mixes(axes: AxisUnion, node: Node) -> None:
    for slot in (*map(slot_of, node.operands), *(Slot(node, i) for i in range(len(node.types)))):
        axes.bar(slot)


def _leaf(axes: AxisUnion, node: Node) -> None:
    pass


def _kept(axes: AxisUnion, x: Slot, y: Slot, pairs: Iterable[tuple[int, int]], varied: Iterable[int] | None = None) -> None:
    """Join pairs (operand axis, result axis) and bar all others: of the result's, those in `varied`."""
    pairs = list(pairs)
    for i, j in pairs:
        axes.join(Axis(x, i), Axis(y, j))
    axes.bar(x, set(range(type_of(x).rank)) - {i for i, _ in pairs})
    axes.bar(y, set(range(type_of(y).rank) if varied is None else varied) - {j for _, j in pairs})


def _movement(axes: AxisUnion, node: Node) -> None:
    """Join an operand axis and the result axis that traverses it completely and in order."""
    _read(axes, node, 0)


def _reshape(axes: AxisUnion, node: Node) -> None:
    if node.type.size > axes.largest:
        return _mixes(axes, node)
    _read(axes, node, 0)


def _concatenate(axes: AxisUnion, node: Node) -> None:
    for number in range(len(node.operands)):
        _read(axes, node, number)


def _read(axes: AxisUnion, node: Node, number: int) -> None:
    map = index_map(node, number)
    pairs = [(i, j) for i, j in enumerate(map.sources) if j is not None]
    _kept(axes, slot_of(node.operands[number]), Slot(node, 0), pairs, map.varied)


def _cumsum(axes: AxisUnion, node: Node) -> None:
    pairs = [(i, i) for i in range(node.type.rank) if i != node.params["axis"]]
    _kept(axes, slot_of(node.operands[0]), Slot(node, 0), pairs)


def _matrices(axes: AxisUnion, node: Node) -> None:
    """Keep the leading axes: each matrix is computed alone."""
    for x in node.operands:
        _kept(axes, slot_of(x), Slot(node, 0), [(i, i) for i in range(node.type.rank - 2)])


def _reduce(axes: AxisUnion, node: Node) -> None:
    x, gone = slot_of(node.operands[0]), node.params["axes"]
    for j, i in enumerate(i for i in range(type_of(x).rank) if i not in gone):
        axes.join(Axis(x, i), Axis(Slot(node, 0), j))


def _arg(axes: AxisUnion, node: Node) -> None:
    x, gone = slot_of(node.operands[0]), node.params["axis"]
    _kept(axes, x, Slot(node, 0), [(i, j) for j, i in enumerate(i for i in range(type_of(x).rank) if i != gone)])


def _matmul(axes: AxisUnion, node: Node) -> None:
    x, y, z, last = *map(slot_of, node.operands), Slot(node, 0), node.type.rank - 1
    for i in range(last - 1):
        axes.join(Axis(x, i), Axis(z, i))
        axes.join(Axis(y, i), Axis(z, i))
    axes.join(Axis(x, last - 1), Axis(z, last - 1))
    axes.join(Axis(x, last), Axis(y, last - 1))
    axes.join(Axis(y, last), Axis(z, last))


def _cond(axes: AxisUnion, node: Node) -> None:
    call = Call.of(node)
    for arm in call.arms:
        for x, p in zip(call.arguments, arm.params, strict=True):
            axes.same(slot_of(x), Slot(p, 0))
        for i, r in enumerate(arm.results):
            axes.same(slot_of(r), Slot(node, i))


def _loop(axes: AxisUnion, node: Node) -> None:
    """Join the axes of values that enter an inner loop, pass through its iterations, and leave it."""
    loop = Loop.of(node)
    for b in loop.bindings:
        is_x, operand = b in loop.xs, slot_of(b.operand)
        axes.same(Slot(b.param, 0), operand, shift=int(is_x))
        axes.bar(operand, [0] if is_x else [])
    _join_iterations(axes, node, inner=True)


def _join_iterations(axes: AxisUnion, node: Node, *, inner: bool) -> None:
    """Join carries across iterations, and ys with their stacks; those of an inner loop may grow."""
    loop = Loop.of(node)
    for b in loop.bindings:
        axes.same(Slot(b.in_condition, 0), Slot(b.param, 0))
    ends, stacks = loop.split_results([Slot(node, i) for i in range(len(node.types))])
    for c, end in zip(loop.carries, ends, strict=True):
        axes.same(slot_of(c.next), Slot(c.param, 0))
        axes.same(slot_of(c.next), end)
    for y, stack in zip(loop.ys, stacks, strict=True):
        if type_of(stack).grows and inner:
            axes.bar(slot_of(y))
            axes.bar(stack)
        else:
            axes.same(slot_of(y), stack, shift=1)
            axes.bar(stack, [0])


_RULES: dict[str, Callable[[AxisUnion, Node], None]] = {
    "constant": _leaf,
    "iota": _leaf,
    "result": _leaf,
    "permute": _movement,
    "reshape": _reshape,
    "broadcast": _movement,
    "slice": _movement,
    "pad": _movement,
    "flip": _movement,
    "concatenate": _concatenate,
    "cumsum": _cumsum,
    **dict.fromkeys(REDUCTIONS, _reduce),
    "argmax": _arg,
    "argmin": _arg,
    "matmul": _matmul,
    **dict.fromkeys(("cholesky", "triangular_solve", "lu", "lu_solve"), _matrices),
    "cond": _cond,
    "scan": _loop,
    "while": _loop,
}
"""How each non-elementwise operation joins axes; an operation not listed mixes elements along all axes."""
