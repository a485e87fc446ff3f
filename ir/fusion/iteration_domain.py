"""Iteration domains: the loops of each axis of a value, and of an operand that is read through movement.

    %e = exp %x             f32[64,8]      axes (i0), (i1)
    %f = reshape %e         f32[512]       axis (i0 i1)
    %s = sum %e {axes=[1]}  f32[64]        axis (i0), reduces (i1): i0 is an outer loop

The nodes of a group share one iteration domain, a set of loops.  Each axis of a node is a product of loops; a reshape that
merges axes gives one axis several loops.  In a group without reductions all nodes have the same loops.  In a group with
reductions all of these keep the same loops, the *outer* ones, and every node has at least these: the kernel consists of loops
over the outer domain around passes over inner loops, as in softmax or layer_norm.  An *outer reduction* reduces outer loops
and keeps inner ones; its value is complete after these loops, so it is stored and not read in its own kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from graphc.ir.access.index_map import index_map
from graphc.ir.access.legality import Axes, Loop, reduced_axes
from graphc.ir.analysis.storage import is_compute, is_inlined
from graphc.ir.core.cached import cached_property
from graphc.ir.core.cost import CHEAP, KernelWeight, weight
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_gather

__all__ = [
    "Edge", "Group", "Misaligned", "aligned", "by_number", "edges_of", "fresh", "is_cheap", "loops_of", "through",
]  # fmt: skip

def by_number(loops: Iterable[Loop]) -> list[Loop]:
    """Return loops in the order of their numbers."""
    return sorted(loops, key=lambda loop: loop.number)


def loops_of(axes: Axes) -> frozenset[Loop]:
    """Return all loops of some axes."""
    return frozenset(loop for axis in axes for loop in axis)


def fresh(shape: Sequence[int]) -> Axes:
    """Return axes of new loops for a shape."""
    return tuple(() if n == 1 else (Loop(n),) for n in shape)



@dataclass(frozen=True)
class Edge:
    """A read of a computed node through movement; a jump is the first entry of `movement`."""

    reader: Node
    movement: tuple[Node, ...]
    source: Node

    @property
    def jumps(self) -> bool:
        """Whether the source is read from memory at computed indices."""
        return bool(self.movement) and self.movement[0].op.jumps

    @cached_property
    def elsewhere(self) -> bool:
        """Whether the source is read at other points than those it is computed at."""
        return self.jumps or any(index_map(m).shifts for m in self.movement)


@dataclass(eq=False)
class Group:
    """Nodes that will be one kernel."""

    bit: int
    nodes: list[Node] = field(default_factory=list)
    axes: dict[Node, Axes] = field(default_factory=dict)
    reduced: dict[Node, Axes] = field(default_factory=dict)
    """The loops of the axes that each reduction reduces."""
    outer: frozenset[Loop] | None = None
    """The loops that all reductions keep; None while there is no reduction."""
    domain: frozenset[Loop] = frozenset()
    weight: KernelWeight = field(default_factory=KernelWeight)
    outer_reductions: frozenset[Node] = frozenset()
    """Reductions over outer loops, the same ones for all."""
    ancestors: int = 0
    reductions: int = 0
    """Its reductions, as a bit mask."""
    elsewhere: list[Edge] = field(default_factory=list)
    """Edges within the group that read a value at other points than its own, so that it is recomputed."""
    behind: int = 0
    """Bit mask of the groups reachable through operands that cannot fuse, such as matmuls and loops.

    Merging with one of them would make a cycle.
    """

    def read_axes(self, edge: Edge) -> Axes:
        """Return the axes at which the movement of an edge of this group begins."""
        return self.axes[edge.reader] if edge.jumps else self.operand_axes(edge.reader)

    def operand_axes(self, node: Node) -> Axes:
        """Return the axes at which `node` reads its aligned operands."""
        if is_gather(node):
            return self.axes[node][: node.operands[1].type.rank]
        kept, reduced = iter(self.axes[node]), iter(self.reduced.get(node, ()))
        if node not in self.reduced:
            return self.axes[node]
        away = reduced_axes(node)
        return tuple(next(reduced) if a in away else next(kept) for a in range(node.operands[0].type.rank))

    @property
    def folded(self) -> frozenset[Loop]:
        """The outer loops that the outer reductions reduce."""
        return frozenset(loop for node in self.outer_reductions for loop in loops_of(self.reduced[node]))

    def substitute(self, new: dict[Loop, tuple[Loop, ...]]) -> None:
        """Replace loops by others."""

        def axis(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
            return tuple(n for loop in loops for n in new.get(loop, (loop,)))

        self.axes = {node: tuple(map(axis, axes)) for node, axes in self.axes.items()}
        self.reduced = {node: tuple(map(axis, axes)) for node, axes in self.reduced.items()}
        self.domain = frozenset(axis(tuple(self.domain)))
        self.outer = None if self.outer is None else frozenset(axis(tuple(self.outer)))

    def split(self, loop: Loop, inner: int) -> tuple[Loop, Loop]:
        """Replace a loop by two, the second of extent `inner`."""
        parts = (Loop(loop.extent // inner), Loop(inner))
        self.substitute({loop: parts})
        return parts


def is_cheap(node: Node) -> bool:
    """Whether recomputing a node from values in memory costs less than a store and a load."""
    cost, stack, seen = 0, [node], set[Node]()
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.op.kind == "reduce" and n is not node:
            continue  # a small result, stored for all readers
        if n.op.kind != "elementwise" and not is_inlined(n):
            if n is node and is_compute(n):
                return False
            continue
        cost += weight(n)
        if cost > CHEAP:
            return False
        stack.extend(n.operands)
    return True


def edges_of(node: Node) -> Iterator[Edge]:
    """Yield the edges of a node's reads; a node that is movement itself (a result) reads through itself."""
    for operand in (node,) if node.op.kind == "movement" else node.operands:
        movement = [node] if node.op.jumps and operand is node.operands[0] else []
        while operand.op.kind == "movement":
            movement.append(operand)
            operand = operand.operands[0]
        if is_compute(operand):
            yield Edge(node, tuple(movement), operand)


def aligned(node: Node) -> tuple[Node, ...]:
    """Return the operands that are read at the node's own points; others are read from memory at any point."""
    return node.operands[1:] if node.op.jumps else node.operands


class Misaligned(Exception):
    """A value is read at another point than it is computed at."""


def through(group: Group, axes: Axes, movement: Sequence[Node]) -> Axes:
    """Return the axes at which the operand below `movement` is read.  May split loops of `group`."""
    for move in movement:
        map = index_map(move)
        if map.shifts:
            raise Misaligned
        below: list[tuple[Loop, ...]] = [()] * len(map.below)
        for block, places in reversed(map.blocks):
            read = _regroup(group, [axes[a] for a in block], [map.below[a] for a in places])
            for operand_axis, axis in zip(places, read, strict=True):
                below[operand_axis] = axis
        axes = tuple(below)
    return axes


def _regroup(group: Group, axes: Sequence[tuple[Loop, ...]], shape: Sequence[int]) -> Axes:
    """Distribute the loops of some axes over the axes of a shape of equal size."""
    if len(axes) == len(shape) == 1:
        return tuple(axes)
    if 0 in shape:
        raise Misaligned
    rest = [loop for axis in axes for loop in axis]
    result: list[tuple[Loop, ...]] = []
    for n in reversed(shape):
        axis: list[Loop] = []
        while n > 1:
            loop = rest.pop()
            if n % loop.extent:
                if loop.extent % n:
                    raise Misaligned
                outer, loop = group.split(loop, n)
                result = [tuple(x) for x in result]
                rest.append(outer)
            axis.insert(0, loop)
            n //= loop.extent
        result.append(tuple(axis))
    return tuple(reversed(result))
