"""Find an axis along which a loop's body does the same to every element, and take it off.

    scan %c, %w {carried=1, …} (%c: f64[3,3], %w: f64[3,3]) { %1: f64[3,3] = matmul %c, %w … }
    scan %c, %w {carried=1, …} (%c: f64[1,3], %w: f64[3,3]) { %1: f64[1,3] = matmul %c, %w … }      three lanes

Row i of what is carried on is made of row i alone, so the loop is written for one row, and all rows are the lanes of
vectors (`codegen/program/register_loops/`).  Axes that belong together are found by joining them, operation by
operation: a class of axes qualifies if no operation mixes its elements, except to fold them.  What is folded by a sum and
then only added to, as the gradient by a weight is, is summed lane by lane, and over the lanes once after the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.analysis.axis_classes import Axis, AxisUnion, Slot, slot_of, type_of
from graphc.ir.core.cost import is_small, weight
from graphc.ir.core.graph import Node, Region, make, parameter
from graphc.ir.core.ops import REDUCTIONS, is_loop, is_result
from graphc.ir.core.types import TensorType

__all__ = ["Lanes", "lanes_of"]

VECTOR_BYTES = 32
"""What one instruction works on, for the estimate of what lanes save."""

WORTH = 0.75
"""Lanes are taken if they leave at most this part of the instructions."""

TURNS = 8
"""A loop inside the body counts as so many iterations."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """A loop without the axis its lanes run along.

    The sets hold nodes of the loop's bodies; what is in none of them is the same in all lanes.
    """

    loop: Node
    """The loop, where the axis has one element."""
    count: int
    axes: tuple[int | None, ...]
    """The axis that was taken off, for each operand of the loop."""
    results: tuple[int | None, ...]
    """The same for each result."""
    vectorized: frozenset[Node]
    """What had the axis."""
    partial: frozenset[Node]
    """What is the sum over all lanes, and held as its parts."""
    split: frozenset[Node]
    """Those of them that begin such a sum: their operands have the axis."""
    folded: frozenset[Node]
    """Reductions and products over the axis that are needed as they are: folded over the lanes where they stand."""
    counters: frozenset[Node]
    """The iotas that count along the axis."""

    @property
    def width(self) -> int:
        """How many lanes a vector has: a power of two; those beyond `count` repeat the last."""
        return 1 << (self.count - 1).bit_length()


def lanes_of(loop: Node, fits: Callable[[Node], bool], *, alone: bool) -> Lanes | None:
    """Return a loop with lanes that `fits` registers, the one with the fewest instructions; None if there is none.

    A loop that fits `alone`, without lanes, is to gain by them.
    """
    joined = AxisUnion(loop)
    most = WORTH * _cost(joined, None) if alone else float("inf")
    found = [roles for axis in joined.classes() if (roles := _roles(joined, axis)) is not None]
    for roles in sorted(found, key=lambda roles: _cost(joined, roles)):
        if _cost(joined, roles) > most:
            return None
        lanes = _Narrowing(roles).run(loop)
        if fits(lanes.loop):
            return lanes
    return None


# -- what each value is, once a class is chosen --------------------------------------------------------------

@dataclass(eq=False)
class _Roles:
    """What lanes along one class of axes make of each value."""

    count: int
    vectorized: dict[Slot, int]
    folds: list[Node] = field(default_factory=list)
    partial: set[Slot] = field(default_factory=set)


def _roles(joined: AxisUnion, root: Axis) -> _Roles | None:
    """Return what lanes along a class are to each value; None if a value has two of its axes."""
    vectorized: dict[Slot, int] = {}
    count = 0
    for slot in joined.slots:
        found = [i for i in range(type_of(slot).rank) if joined.find(Axis(slot, i)) == root]
        if len(found) > 1:
            return None
        if found:
            vectorized[slot] = found[0]
            count = int(type_of(slot).shape[found[0]])
    folds = [n for n in joined.depth if _folds(n, vectorized)]
    flows, stuck = _flows(joined, vectorized)
    begin = [Slot(n, 0) for n in folds if n.op.name in ("sum", "matmul")]
    whole = _reached(stuck, _turned(flows))
    return _Roles(count, vectorized, folds, _reached([s for s in begin if s not in whole], flows))


def _folds(node: Node, vectorized: dict[Slot, int]) -> bool:
    """Whether a node folds the elements along the lanes."""
    if node.op.name == "matmul":
        return vectorized.get(slot_of(node.operands[0])) == node.type.rank - 1
    return node.op.name in REDUCTIONS and vectorized.get(slot_of(node.operands[0])) in node.params["axes"]


def _adds(node: Node) -> bool:
    """Whether a node may be applied to the parts of a sum, each by itself."""
    alike = all(o.types[0].dtype is node.types[0].dtype for o in node.operands)
    return node.op.linear and alike and node.op.name != "cumsum"  # which rounds once what it adds up in a wider dtype


Flows = dict[Slot, list[Slot]]


def _flows(joined: AxisUnion, vectorized: dict[Slot, int]) -> tuple[Flows, list[Slot]]:
    """Return what becomes of a sum that is held as its parts, and which values cannot be held so."""
    flows: Flows = {}
    stuck: list[Slot] = [*vectorized]

    def flow(a: Slot, b: Slot) -> None:
        flows.setdefault(a, []).append(b)

    for node in joined.depth:
        if _adds(node):
            for o in node.operands:
                flow(slot_of(o), Slot(node, 0))
        elif not is_result(node):
            carried = node.params["carried"] if is_loop(node) else 0
            stuck += map(slot_of, node.operands[carried:])
            for i in range(carried):
                flow(slot_of(node.operands[i]), Slot(node, i))
    for node in (joined.loop, *joined.depth):
        for region in node.regions:
            carried = node.params.get("carried", 0) if region is node.regions[-1] else 0
            stuck += map(slot_of, region.results[carried:])
            for i in range(carried):
                flow(slot_of(region.results[i]), Slot(node, i))
            for i in range(node.params.get("carried", 0)):
                flow(Slot(node, i), Slot(region.params[i], 0))
                flow(Slot(region.params[i], 0), Slot(node, i))
                if not is_small(region.params[i].type):
                    stuck.append(Slot(region.params[i], 0))
    return flows, stuck


def _turned(flows: Flows) -> Flows:
    turned: Flows = {}
    for a, targets in flows.items():
        for b in targets:
            turned.setdefault(b, []).append(a)
    return turned


def _reached(begin: Iterable[Slot], flows: Flows) -> set[Slot]:
    found: set[Slot] = set()
    rest = list(begin)
    while rest:
        slot = rest.pop()
        if slot not in found:
            found.add(slot)
            rest += flows.get(slot, ())
    return found


# -- whether it pays -----------------------------------------------------------------------------------------


def _cost(joined: AxisUnion, roles: _Roles | None) -> float:
    """Estimate the instructions of a turn."""
    total = 0.0
    for node, depth in joined.depth.items():
        total += TURNS**depth * _instructions(node, roles)
    (*_, body), n = joined.loop.regions, joined.loop.params["carried"]
    m = joined.loop.params.get("sequences", 0)
    moved = (*body.params[n : n + m], *body.results[n:])  # loaded or stored in each iteration
    return total + sum(_vectors(value, roles) for value in moved if is_small(value.type))


def _instructions(node: Node, roles: _Roles | None) -> float:
    if node.op.kind in ("movement", "leaf") or node.regions:
        return 0
    if node.op.name == "matmul":
        return _vectors(node, roles) * _terms(node.operands[0], node.operands[0].shape[-1], roles) + _across(node, roles)
    if node.op.kind == "reduce":
        return _vectors(node.operands[0], roles) + _across(node, roles)
    each = weight(node)
    if each < 16 or (roles is not None and slot_of(node) in roles.vectorized):
        return each * _vectors(node, roles)
    return each * -(-node.type.size // 8) * 2 + 2 * node.type.size  # packed into vectors of 8, and taken out again


def _terms(x: Node, terms: int, roles: _Roles | None) -> int:
    """Return the products an element is the sum of, in each lane."""
    return 1 if roles is not None and roles.vectorized.get(slot_of(x)) == x.type.rank - 1 else terms


def _vectors(node: Node, roles: _Roles | None) -> int:
    """Return how many registers hold a value, if an element without lanes needs one."""
    if roles is None:
        return node.type.size
    slot = slot_of(node)
    registers = -(-(1 << (roles.count - 1).bit_length()) * node.dtype.bytes // VECTOR_BYTES)
    if slot in roles.vectorized:
        return node.type.size // roles.count * registers
    return node.type.size * registers if slot in roles.partial else node.type.size


def _across(node: Node, roles: _Roles | None) -> int:
    """Return what folding over the lanes takes."""
    folds = roles is not None and node in roles.folds and Slot(node, 0) not in roles.partial
    return 2 * roles.count * node.type.size if folds and roles is not None else 0


# -- the loop without the axis -------------------------------------------------------------------------------


class _Narrowing:
    """Makes the loop whose values have one element along the axis; each node becomes one that equals no other."""

    def __init__(self, roles: _Roles) -> None:
        self.roles = roles
        self.new: dict[Node, Node] = {}

    def run(self, loop: Node) -> Lanes:
        """Return the loop and what its values are."""
        n, m = loop.params["carried"], loop.params.get("sequences", 0)
        params = [slot_of(p) for p in loop.regions[-1].params]
        items = range(n, n + m)
        axes = [None if (a := self.roles.vectorized.get(s)) is None else a + (i in items) for i, s in enumerate(params)]
        results = [self.roles.vectorized.get(Slot(loop, i)) for i in range(len(loop.types))]
        outer = [parameter(_narrow(o.type, a)) for o, a in zip(loop.operands, axes, strict=True)]
        regions = tuple(map(self._region, loop.regions))
        narrow = make(loop.op, outer, loop.params, regions, like=loop, unique=True)
        return Lanes(
            narrow, self.roles.count, tuple(axes), tuple(results),
            self._those(lambda n: slot_of(n) in self.roles.vectorized),
            self._those(lambda n: slot_of(n) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) not in self.roles.partial),
            self._those(lambda n: n.op.name == "iota" and self.roles.vectorized.get(Slot(n, 0)) == n.params["axis"]),
        )  # fmt: skip

    def _those(self, holds: Callable[[Node], bool]) -> frozenset[Node]:
        return frozenset(new for old, new in self.new.items() if len(old.types) == 1 and holds(old))

    def _region(self, region: Region) -> Region:
        for p in region.params:
            self.new.setdefault(p, parameter(_narrow(p.type, self.roles.vectorized.get(Slot(p, 0))), p.name))
        for node in region.nodes():
            if node not in self.new:
                regions = tuple(map(self._region, node.regions))
                operands = [self.new[o] for o in node.operands]
                self.new[node] = make(node.op, operands, self._params(node), regions, like=node, unique=True)
        return Region(tuple(self.new[p] for p in region.params), tuple(self.new[r] for r in region.results))

    def _params(self, node: Node) -> dict[str, Any]:
        axis = self.roles.vectorized.get(slot_of(node))
        if axis is None or node.regions or is_result(node):
            return node.params
        if node.op.name == "slice":
            return {**node.params, "stop": _one(node.params["stop"], axis)}
        return {**node.params, "shape": _one(node.params["shape"], axis)} if "shape" in node.params else node.params


def _one(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis + 1 :])


def _narrow(type: TensorType, axis: int | None) -> TensorType:
    return type if axis is None else type.with_shape(_one(type.shape, axis))
