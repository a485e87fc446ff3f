"""The lane layout of a vectorized loop: which values are vectors, and the loop without the vectorized axis.

    %c: f64[3,3] = scan %c0, %w {carries=1, …, registers=true, lanes=3, lane_axes=[[0,none],[0]]} …

Vectorizing along an axis vectorizes along all axes of its class (`ir/analysis/axis_classes.py`).  A value with such an axis is
a vector, and the loop is written for one element of it.  A value that is summed over the axis and then only added to, such as
the gradient with respect to a weight, is held as partial sums, one per lane, which are added once after the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from graphc.ir.analysis.axis_classes import NON_VECTORIZABLE, Axis, AxisUnion, Slot, slot_of, type_of
from graphc.ir.core.cost import is_small
from graphc.ir.core.decisions import essential
from graphc.ir.core.graph import Node, Region, make, parameter
from graphc.ir.core.ops import REDUCTIONS
from graphc.ir.core.predicates import is_iota, is_loop, is_matmul, is_result
from graphc.ir.core.types import TensorType
from graphc.ir.regions.loop import Carry, Loop

__all__ = ["LaneAxes", "Lanes", "Roles", "axes_of", "decided_lanes", "illegal_lanes", "roles_of", "with_lanes"]

LaneAxes = tuple[tuple[int | None, ...], tuple[int | None, ...]]
"""The vectorized axis of each operand and of each result of a loop; None where all lanes share the value."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """A loop without its vectorized axis.

    The sets hold nodes of the loop's bodies; a node in none of them has one value for all lanes.
    """

    loop: Node
    """The loop, with extent 1 along the axis."""
    count: int
    axes: tuple[int | None, ...]
    """The vectorized axis of each operand of the loop, or None."""
    results: tuple[int | None, ...]
    """The vectorized axis of each result, or None."""
    vectorized: frozenset[Node]
    """The values that have the axis."""
    partial: frozenset[Node]
    """The values held as partial sums, one per lane."""
    split: frozenset[Node]
    """Those of them that start a partial sum: their operands have the axis."""
    folded: frozenset[Node]
    """Reductions and matmuls over the axis whose value is needed in the loop: reduced across the lanes where they stand."""
    counters: frozenset[Node]
    """The iotas along the axis."""

    @property
    def width(self) -> int:
        """The number of lanes of a vector: a power of two; lanes beyond `count` repeat the last one."""
        return 1 << (self.count - 1).bit_length()


# -- reading and checking a decision -------------------------------------------------------------------------


def decided_lanes(loop: Node) -> Lanes | None:
    """Return the lane layout that a loop declares, or None."""
    if "lanes" not in loop.params:
        return None
    known = _layouts.get(loop.regions[-1])
    if known is not None and known[0] == _application(loop, loop.params["lane_axes"]):
        return known[1]
    joined = AxisUnion(loop, loop.params["registers"] * loop.params["lanes"])
    root = _chosen(joined)
    roles = None if root is None else roles_of(joined, root)
    assert roles is not None, "the lanes of a loop run along no axis"
    return with_lanes(loop, roles)


def with_lanes(loop: Node, roles: Roles) -> Lanes:
    """Return the layout of a loop vectorized along a class of axes."""
    lanes = _Narrowing(roles).run(loop)
    _layouts[loop.regions[-1]] = _application(loop, (lanes.axes, lanes.results)), lanes
    return lanes


_layouts: WeakKeyDictionary[Region, tuple[Any, Lanes]] = WeakKeyDictionary()
"""For each loop body, the last layout computed for it, and the loop it was computed for."""


def _application(loop: Node, axes: LaneAxes) -> tuple[Any, ...]:
    return (loop.op, axes, loop.params["registers"], *essential(loop).values(), *(o.type for o in loop.operands))


def illegal_lanes(loop: Node) -> Iterator[str]:
    """Yield why a loop cannot have the lanes that it declares."""
    if not {"registers", "lanes", "lane_axes"} <= loop.params.keys():
        yield f"{loop.op.name} has lanes in registers only, and says along which axes"
        return
    wanted = (loop.params["lanes"], loop.params["lane_axes"])
    for axes, types in zip(wanted[1], ([o.type for o in loop.operands], loop.types), strict=True):
        if len(axes) != len(types) or any(a is not None and a >= t.rank for a, t in zip(axes, types, strict=True)):
            yield f"{wanted[1]} are no axes of the operands and the results of {loop.op.name}"
            return
    joined = AxisUnion(loop, loop.params["registers"] * wanted[0])
    root = _chosen(joined)
    roles = None if root is None or root == NON_VECTORIZABLE else roles_of(joined, root)
    if roles is None:
        yield f"lanes of {loop.op.name} run along an axis whose elements its bodies mix, or along none"
    elif roles.count < 2:
        yield f"an axis of {roles.count} elements has no lanes"
    elif (roles.count, axes_of(loop, roles)) != wanted:
        yield f"lanes along these axes are {roles.count}, along {axes_of(loop, roles)}, not {wanted[0]}, along {wanted[1]}"


def _chosen(joined: AxisUnion) -> Axis | None:
    """Return the class of the first axis that a loop declares as vectorized."""
    loop = Loop.of(joined.loop)
    operands, results = joined.loop.params["lane_axes"]
    for b, axis in zip(loop.bindings, operands, strict=True):
        if axis is not None:
            return joined.find(Axis(Slot(b.param, 0), axis - (b in loop.xs)))
    return next((joined.find(Axis(Slot(joined.loop, i), axis)) for i, axis in enumerate(results) if axis is not None), None)


def axes_of(loop: Node, roles: Roles) -> LaneAxes:
    """Return the vectorized axes of a loop's operands and results."""
    record = Loop.of(loop)
    params = {b: roles.vectorized.get(slot_of(b.param)) for b in record.bindings}
    operands = [None if axis is None else axis + (b in record.xs) for b, axis in params.items()]
    return tuple(operands), tuple([roles.vectorized.get(Slot(loop, i)) for i in range(len(loop.types))])


# -- what each value is, once a class is chosen --------------------------------------------------------------


@dataclass(eq=False)
class Roles:
    """The role of each value of a loop that is vectorized along a class of axes."""

    count: int
    vectorized: dict[Slot, int]
    folds: list[Node] = field(default_factory=list)
    partial: set[Slot] = field(default_factory=set)


def roles_of(joined: AxisUnion, root: Axis) -> Roles | None:
    """Return the role of each value when vectorized along a class; None if a value has two axes of the class."""
    vectorized: dict[Slot, int] = {}
    count = 0
    for slot in joined.slots:
        axes = [i for i in range(type_of(slot).rank) if joined.find(Axis(slot, i)) == root]
        if len(axes) > 1:
            return None
        if axes:
            vectorized[slot] = axes[0]
            count = int(type_of(slot).shape[axes[0]])
    folds = [n for n in joined.depth if _folds(n, vectorized)]
    flows, stuck = _flows(joined, vectorized)
    begin = [Slot(n, 0) for n in folds if n.op.linear or is_matmul(n)]
    uniform_sums = _reached(stuck, _turned(flows))
    return Roles(count, vectorized, folds, _reached([s for s in begin if s not in uniform_sums], flows))


def _folds(node: Node, vectorized: dict[Slot, int]) -> bool:
    """Whether a node reduces over the vectorized axis."""
    if is_matmul(node):
        return vectorized.get(slot_of(node.operands[0])) == node.type.rank - 1
    return node.op.name in REDUCTIONS and vectorized.get(slot_of(node.operands[0])) in node.params["axes"]


def _adds(node: Node) -> bool:
    """Whether a node may be applied to each partial sum separately."""
    alike = all(o.types[0].dtype is node.types[0].dtype for o in node.operands)
    return node.op.linear and alike and node.op.rounding != "once"


Flows = dict[Slot, list[Slot]]


def _flows(joined: AxisUnion, vectorized: dict[Slot, int]) -> tuple[Flows, list[Slot]]:
    """Return what becomes of a value held as partial sums, and which values cannot be held so."""
    flows: Flows = {}
    stuck: list[Slot] = [*vectorized]

    def flow(a: Slot, b: Slot) -> None:
        flows.setdefault(a, []).append(b)

    def carry(node: Node, c: Carry, number: int) -> None:
        end = Slot(node, number)
        flow(slot_of(c.next), end)
        for param in (c.in_condition, c.param):
            flow(end, Slot(param, 0))
            flow(Slot(param, 0), end)
            if not is_small(param.type, joined.loop.params["registers"]):
                stuck.append(Slot(param, 0))

    for node in joined.depth:
        if _adds(node):
            for o in node.operands:
                flow(slot_of(o), Slot(node, 0))
        elif is_loop(node):
            loop = Loop.of(node)
            stuck += [slot_of(b.operand) for b in (*loop.xs, *loop.captures)]
            for i, c in enumerate(loop.carries):
                flow(slot_of(c.operand), Slot(node, i))
        elif not is_result(node):
            stuck += map(slot_of, node.operands)
    for node in (joined.loop, *joined.depth):
        if is_loop(node):
            loop = Loop.of(node)
            stuck += map(slot_of, loop.ys if loop.condition is None else (loop.condition, *loop.ys))
            for i, c in enumerate(loop.carries):
                carry(node, c, i)
        else:
            stuck += [slot_of(r) for region in node.regions for r in region.results]
    return flows, stuck


def _turned(flows: Flows) -> Flows:
    turned: Flows = {}
    for a, targets in flows.items():
        for b in targets:
            turned.setdefault(b, []).append(a)
    return turned


def _reached(begin: Iterable[Slot], flows: Flows) -> set[Slot]:
    reached: set[Slot] = set()
    rest = list(begin)
    while rest:
        slot = rest.pop()
        if slot not in reached:
            reached.add(slot)
            rest += flows.get(slot, ())
    return reached


# -- the loop without the axis -------------------------------------------------------------------------------


class _Narrowing:
    """Builds the loop with extent 1 along the axis; every node becomes a new, distinct one."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.new: dict[Node, Node] = {}

    def run(self, loop: Node) -> Lanes:
        """Return the loop and the roles of its values."""
        axes, results = axes_of(loop, self.roles)
        outer = [parameter(_narrow(o.type, a)) for o, a in zip(loop.operands, axes, strict=True)]
        regions = tuple(map(self._region, loop.regions))
        params = {**essential(loop), "registers": loop.params["registers"]}
        narrow = make(loop.op, outer, params, regions, like=loop, unique=True)
        return Lanes(
            narrow, self.roles.count, axes, results,
            self._those(lambda n: slot_of(n) in self.roles.vectorized),
            self._those(lambda n: slot_of(n) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) not in self.roles.partial),
            self._those(lambda n: is_iota(n) and self.roles.vectorized.get(Slot(n, 0)) == n.params["axis"]),
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
        return {key: _one(value, axis) if key in ("shape", "stop") else value for key, value in node.params.items()}


def _one(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis + 1 :])


def _narrow(type: TensorType, axis: int | None) -> TensorType:
    return type if axis is None else type.with_shape(_one(type.shape, axis))
