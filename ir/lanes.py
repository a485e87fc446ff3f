"""Find an axis along which a loop's body does the same to every element, and take it off.

    scan %c, %w {carried=1, …} (%c: f64[3,3], %w: f64[3,3]) { %1: f64[3,3] = matmul %c, %w … }
    scan %c, %w {carried=1, …} (%c: f64[1,3], %w: f64[3,3]) { %1: f64[1,3] = matmul %c, %w … }      three lanes

Row i of what is carried on is made of row i alone, so the loop is written for one row, and all rows are the lanes of
vectors (`codegen/registers.py`).  Axes that belong together are found by joining them, operation by operation: a class
of axes qualifies if no operation mixes its elements, except to fold them.  What is folded by a sum and then only added
to, as the gradient by a weight is, is summed lane by lane, and over the lanes once after the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

from graphc.ir.graph import Node, Region, make, parameter
from graphc.ir.measures import SMALL_ELEMENTS, is_small, weight
from graphc.ir.primitives import REDUCTIONS
from graphc.ir.types import TensorType

__all__ = ["Lanes", "lanes_of"]

MOST_LANES = 16
"""An axis of more elements is no axis of lanes."""

VECTOR_BYTES = 32
"""What one instruction works on, for the estimate of what lanes save."""

WORTH = 0.75
"""Lanes are taken if they leave at most this part of the instructions."""

TURNS = 8
"""A loop inside the body counts as so many turns."""

MOST_CLASSES = 4
"""So many classes of axes are looked at, those with the most members first."""


class Slot(NamedTuple):
    """One of the results of a node."""

    node: Node
    number: int


class Axis(NamedTuple):
    """An axis of a value; None stands for what no lanes can run along."""

    slot: Slot | None
    number: int


CROOKED = Axis(None, 0)


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
    laned: frozenset[Node]
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
    joined = _Joined(loop)
    most = WORTH * _cost(joined, None) if alone else float("inf")
    found = [roles for axis in joined.classes() if (roles := _roles(joined, axis)) is not None]
    for roles in sorted(found, key=lambda roles: _cost(joined, roles)):
        if _cost(joined, roles) > most:
            return None
        lanes = _Narrowing(roles).run(loop)
        if fits(lanes.loop):
            return lanes
    return None


def _slot(node: Node) -> Slot:
    return Slot(node.operands[0], node.params["index"]) if node.op.name == "result" else Slot(node, 0)


def _type(slot: Slot) -> TensorType:
    return slot.node.types[slot.number]


# -- which axes belong together ------------------------------------------------------------------------------


class _Joined:
    """The axes of all values in the bodies of a loop, joined where an operation works along both alike."""

    def __init__(self, loop: Node) -> None:
        self.loop = loop
        self.parent: dict[Axis, Axis] = {}
        self.depth: dict[Node, int] = {}
        self._enter(loop, 0)
        self.slots = list(self._slots())
        _link_turns(self, loop, inner=False)
        for node in self.depth:
            rule = _elementwise if node.op.kind == "elementwise" else _RULES.get(node.op.name, _mixes)
            rule(self, node)

    def _enter(self, node: Node, depth: int) -> None:
        for region in node.regions:
            for inner in region.nodes():
                self.depth[inner] = max(depth, self.depth.get(inner, 0))
                self._enter(inner, depth + 1)

    def _slots(self) -> Iterator[Slot]:
        """Yield every value once: the parameters of the bodies, and the results of their nodes."""
        loops = [self.loop, *(n for n in self.depth if n.regions)]
        params = dict.fromkeys(p for loop in loops for region in loop.regions for p in region.params)
        for node in (*params, *self.depth, self.loop):
            if node.op.name != "result":
                yield from (Slot(node, i) for i in range(len(node.types)))

    def find(self, axis: Axis) -> Axis:
        """Return what stands for the class of an axis."""
        root = axis
        while root in self.parent:
            root = self.parent[root]
        while axis in self.parent:  # the next search is short
            above = self.parent[axis]
            if above != root:
                self.parent[axis] = root
            axis = above
        return root

    def join(self, a: Axis, b: Axis) -> None:
        """Make two classes one; with `CROOKED` no lanes run along it."""
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[b if a is CROOKED else a] = a if a is CROOKED else b

    def same(self, a: Slot, b: Slot, shift: int = 0) -> None:
        """Join the axes of two values, in order; the second has `shift` more in front."""
        for i in range(_type(a).rank):
            self.join(Axis(a, i), Axis(b, i + shift))

    def bar(self, slot: Slot, axes: Iterable[int] | None = None) -> None:
        """Bar lanes from axes of a value; from all if none are given."""
        for i in range(_type(slot).rank) if axes is None else axes:
            self.join(CROOKED, Axis(slot, i))

    def classes(self) -> list[Axis]:
        """Return the classes that lanes might run along, the one with the most members first."""
        members: dict[Axis, int] = {}
        for slot in self.slots:
            for i, n in enumerate(_type(slot).shape):
                if 2 <= n <= MOST_LANES:
                    root = self.find(Axis(slot, i))
                    members[root] = members.get(root, 0) + 1
        members.pop(CROOKED, None)
        return sorted(members, key=lambda root: -members[root])[:MOST_CLASSES]


def _elementwise(axes: _Joined, node: Node) -> None:
    for o in node.operands:
        axes.same(_slot(o), Slot(node, 0))


def _mixes(axes: _Joined, node: Node) -> None:
    for slot in (*map(_slot, node.operands), *(Slot(node, i) for i in range(len(node.types)))):
        axes.bar(slot)


def _leaf(axes: _Joined, node: Node) -> None:
    pass


def _kept(axes: _Joined, node: Node, pairs: Iterable[tuple[int, int]]) -> None:
    """Join (axis of the operand, axis of the result), and bar all others."""
    x, y, pairs = _slot(node.operands[0]), Slot(node, 0), list(pairs)
    for i, j in pairs:
        axes.join(Axis(x, i), Axis(y, j))
    axes.bar(x, set(range(_type(x).rank)) - {i for i, _ in pairs})
    axes.bar(y, set(range(_type(y).rank)) - {j for _, j in pairs})


def _permute(axes: _Joined, node: Node) -> None:
    _kept(axes, node, [(a, i) for i, a in enumerate(node.params["axes"])])


def _reshape(axes: _Joined, node: Node) -> None:
    before, after = node.operands[0].shape, node.shape
    if node.type.size > SMALL_ELEMENTS * MOST_LANES:
        return _mixes(axes, node)
    ends = {(prod(after[: j + 1]), n): j for j, n in enumerate(after)}
    found = ((i, ends.get((prod(before[: i + 1]), n))) for i, n in enumerate(before))
    _kept(axes, node, [(i, j) for i, j in found if j is not None])


def _broadcast(axes: _Joined, node: Node) -> None:
    for i, j in enumerate(node.params["axes"]):
        axes.join(Axis(_slot(node.operands[0]), i), Axis(Slot(node, 0), j))


def _slice(axes: _Joined, node: Node) -> None:
    p = node.params
    cuts = zip(p["start"], p["stop"], p["step"], node.operands[0].shape, strict=True)
    _kept(axes, node, [(i, i) for i, (start, stop, step, n) in enumerate(cuts) if start == 0 and stop == n and step == 1])


def _pad(axes: _Joined, node: Node) -> None:
    p = node.params
    widths = zip(p["low"], p["high"], p["interior"], strict=True)
    _kept(axes, node, [(i, i) for i, width in enumerate(widths) if width == (0, 0, 0)])


def _flip(axes: _Joined, node: Node) -> None:
    _kept(axes, node, [(i, i) for i in range(node.type.rank) if i not in node.params["axes"]])


def _cumsum(axes: _Joined, node: Node) -> None:
    _kept(axes, node, [(i, i) for i in range(node.type.rank) if i != node.params["axis"]])


def _concatenate(axes: _Joined, node: Node) -> None:
    joint = node.params["axis"]
    for o in node.operands:
        axes.same(_slot(o), Slot(node, 0))
    for slot in (*map(_slot, node.operands), Slot(node, 0)):
        axes.bar(slot, [joint])


def _reduce(axes: _Joined, node: Node) -> None:
    x, gone = _slot(node.operands[0]), node.params["axes"]
    for j, i in enumerate(i for i in range(_type(x).rank) if i not in gone):
        axes.join(Axis(x, i), Axis(Slot(node, 0), j))


def _arg(axes: _Joined, node: Node) -> None:
    x, gone = _slot(node.operands[0]), node.params["axis"]
    _kept(axes, node, [(i, j) for j, i in enumerate(i for i in range(_type(x).rank) if i != gone)])


def _matmul(axes: _Joined, node: Node) -> None:
    x, y, z, last = *map(_slot, node.operands), Slot(node, 0), node.type.rank - 1
    for i in range(last - 1):
        axes.join(Axis(x, i), Axis(z, i))
        axes.join(Axis(y, i), Axis(z, i))
    axes.join(Axis(x, last - 1), Axis(z, last - 1))
    axes.join(Axis(x, last), Axis(y, last - 1))
    axes.join(Axis(y, last), Axis(z, last))


def _cond(axes: _Joined, node: Node) -> None:
    for region in node.regions:
        for o, p in zip(node.operands[1:], region.params, strict=True):
            axes.same(_slot(o), Slot(p, 0))
        for i, r in enumerate(region.results):
            axes.same(_slot(r), Slot(node, i))


def _loop(axes: _Joined, node: Node) -> None:
    _link_turns(axes, node, inner=True)


def _link_turns(axes: _Joined, node: Node, *, inner: bool) -> None:
    """Join what goes into a loop, through its turns, and out of it.

    Where a loop is an `inner` one, its operands and results are values of the body.
    """
    n, m = node.params["carried"], node.params.get("sequences", 0)
    for region in node.regions:
        for i in range(len(region.params)):
            first = Slot(region.params[i], 0)
            axes.same(first, Slot(node.regions[-1].params[i], 0))
            if inner:
                is_item = n <= i < n + m
                axes.same(first, _slot(node.operands[i]), shift=int(is_item))
                axes.bar(_slot(node.operands[i]), [0] if is_item else [])
    for i, r in enumerate(node.regions[-1].results):
        if i < n:
            axes.same(_slot(r), Slot(node.regions[-1].params[i], 0))
            axes.same(_slot(r), Slot(node, i))
        elif node.types[i].grows and inner:
            axes.bar(_slot(r))
        else:
            axes.same(_slot(r), Slot(node, i), shift=1)
        if i >= n:
            axes.bar(Slot(node, i), None if node.types[i].grows and inner else [0])


_RULES: dict[str, Callable[[_Joined, Node], None]] = {
    "constant": _leaf,
    "iota": _leaf,
    "result": _leaf,
    "permute": _permute,
    "reshape": _reshape,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "flip": _flip,
    "concatenate": _concatenate,
    "cumsum": _cumsum,
    **dict.fromkeys(REDUCTIONS, _reduce),
    "argmax": _arg,
    "argmin": _arg,
    "matmul": _matmul,
    "cond": _cond,
    "scan": _loop,
    "while": _loop,
}
"""What an operation that is not elementwise joins; what is not listed mixes elements along all axes."""


# -- what each value is, once a class is chosen --------------------------------------------------------------

ADDING = ("add", "sub", "permute", "reshape", "slice", "broadcast", "flip", "pad", "concatenate", "sum")
"""What may be applied to the parts of a sum, each by itself."""


@dataclass(eq=False)
class _Roles:
    """What lanes along one class of axes make of each value."""

    count: int
    laned: dict[Slot, int]
    folds: list[Node] = field(default_factory=list)
    partial: set[Slot] = field(default_factory=set)


def _roles(joined: _Joined, root: Axis) -> _Roles | None:
    """Return what lanes along a class are to each value; None if a value has two of its axes."""
    laned: dict[Slot, int] = {}
    count = 0
    for slot in joined.slots:
        found = [i for i in range(_type(slot).rank) if joined.find(Axis(slot, i)) == root]
        if len(found) > 1:
            return None
        if found:
            laned[slot] = found[0]
            count = int(_type(slot).shape[found[0]])
    folds = [n for n in joined.depth if _folds(n, laned)]
    flows, stuck = _flows(joined, laned)
    begin = [Slot(n, 0) for n in folds if n.op.name in ("sum", "matmul")]
    whole = _reached(stuck, _turned(flows))
    return _Roles(count, laned, folds, _reached([s for s in begin if s not in whole], flows))


def _folds(node: Node, laned: dict[Slot, int]) -> bool:
    """Whether a node folds the elements along the lanes."""
    if node.op.name == "matmul":
        return laned.get(_slot(node.operands[0])) == node.type.rank - 1
    return node.op.name in REDUCTIONS and laned.get(_slot(node.operands[0])) in node.params["axes"]


Flows = dict[Slot, list[Slot]]


def _flows(joined: _Joined, laned: dict[Slot, int]) -> tuple[Flows, list[Slot]]:
    """Return what becomes of a sum that is held as its parts, and which values cannot be held so."""
    flows: Flows = {}
    stuck: list[Slot] = [*laned]

    def flow(a: Slot, b: Slot) -> None:
        flows.setdefault(a, []).append(b)

    for node in joined.depth:
        if node.op.name in ADDING:
            for o in node.operands:
                flow(_slot(o), Slot(node, 0))
        elif node.op.name != "result":
            carried = node.params["carried"] if node.op.name in ("scan", "while") else 0
            stuck += map(_slot, node.operands[carried:])
            for i in range(carried):
                flow(_slot(node.operands[i]), Slot(node, i))
    for node in (joined.loop, *joined.depth):
        for region in node.regions:
            carried = node.params.get("carried", 0) if region is node.regions[-1] else 0
            stuck += map(_slot, region.results[carried:])
            for i in range(carried):
                flow(_slot(region.results[i]), Slot(node, i))
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


def _cost(joined: _Joined, roles: _Roles | None) -> float:
    """Estimate the instructions of a turn."""
    total = 0.0
    for node, depth in joined.depth.items():
        total += TURNS**depth * _instructions(node, roles)
    (*_, body), n = joined.loop.regions, joined.loop.params["carried"]
    m = joined.loop.params.get("sequences", 0)
    moved = (*body.params[n : n + m], *body.results[n:])  # loaded or stored in each turn
    return total + sum(_vectors(value, roles) for value in moved if is_small(value.type))


def _instructions(node: Node, roles: _Roles | None) -> float:
    if node.op.kind in ("movement", "leaf") or node.regions:
        return 0
    if node.op.name == "matmul":
        return _vectors(node, roles) * _terms(node.operands[0], node.operands[0].shape[-1], roles) + _across(node, roles)
    if node.op.kind == "reduce":
        return _vectors(node.operands[0], roles) + _across(node, roles)
    each = weight(node)
    if each < 16 or (roles is not None and _slot(node) in roles.laned):
        return each * _vectors(node, roles)
    return each * -(-node.type.size // 8) * 2 + 2 * node.type.size  # packed into vectors of 8, and taken out again


def _terms(x: Node, terms: int, roles: _Roles | None) -> int:
    """Return the products an element is the sum of, in each lane."""
    return 1 if roles is not None and roles.laned.get(_slot(x)) == x.type.rank - 1 else terms


def _vectors(node: Node, roles: _Roles | None) -> int:
    """Return how many registers hold a value, if an element without lanes needs one."""
    if roles is None:
        return node.type.size
    slot = _slot(node)
    registers = -(-(1 << (roles.count - 1).bit_length()) * node.dtype.bytes // VECTOR_BYTES)
    if slot in roles.laned:
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
        params = [_slot(p) for p in loop.regions[-1].params]
        items = range(n, n + m)
        axes = [None if (a := self.roles.laned.get(s)) is None else a + (i in items) for i, s in enumerate(params)]
        results = [self.roles.laned.get(Slot(loop, i)) for i in range(len(loop.types))]
        outer = [parameter(_narrow(o.type, a)) for o, a in zip(loop.operands, axes, strict=True)]
        regions = tuple(map(self._region, loop.regions))
        narrow = make(loop.op, outer, loop.params, regions, like=loop, unique=True)
        return Lanes(
            narrow, self.roles.count, tuple(axes), tuple(results),
            self._those(lambda n: _slot(n) in self.roles.laned),
            self._those(lambda n: _slot(n) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) in self.roles.partial),
            self._those(lambda n: n in self.roles.folds and Slot(n, 0) not in self.roles.partial),
            self._those(lambda n: n.op.name == "iota" and self.roles.laned.get(Slot(n, 0)) == n.params["axis"]),
        )  # fmt: skip

    def _those(self, holds: Callable[[Node], bool]) -> frozenset[Node]:
        return frozenset(new for old, new in self.new.items() if len(old.types) == 1 and holds(old))

    def _region(self, region: Region) -> Region:
        for p in region.params:
            self.new.setdefault(p, parameter(_narrow(p.type, self.roles.laned.get(Slot(p, 0))), p.name))
        for node in region.nodes():
            if node not in self.new:
                regions = tuple(map(self._region, node.regions))
                operands = [self.new[o] for o in node.operands]
                self.new[node] = make(node.op, operands, self._params(node), regions, like=node, unique=True)
        return Region(tuple(self.new[p] for p in region.params), tuple(self.new[r] for r in region.results))

    def _params(self, node: Node) -> dict[str, Any]:
        axis = self.roles.laned.get(_slot(node))
        if axis is None or node.regions or node.op.name == "result":
            return node.params
        if node.op.name == "slice":
            return {**node.params, "stop": _one(node.params["stop"], axis)}
        return {**node.params, "shape": _one(node.params["shape"], axis)} if "shape" in node.params else node.params


def _one(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis + 1 :])


def _narrow(type: TensorType, axis: int | None) -> TensorType:
    return type if axis is None else type.with_shape(_one(type.shape, axis))
