"""The legality rule for kernels: a reduction is read at its own outer point only.

A kernel computes a reduction once per point of its outer loops, over all of its inner loops.  Therefore

- *own*: every read of a reduction inside its kernel, direct or through other nodes, is at the reduction's own axes: through
  transposing, reshaping or repeating movement, not at the neighbours that `flip`, `pad`, `slice` or `gather` lead to;
- *whole*: no condition of the reader (the window of a `pad`, a bound of a `gather`) restricts the reduction's domain;
- *last*: a reduction over outer loops is complete when these loops end, and only other kernels read it.

A value that a kernel reads at another point is recomputed from memory; if a reduction is below it, it takes another kernel.

    %z = sub %y, %s                          %s = sum %y {axes=[1]}, broadcast
    flip %z {axes=[1]}                       one kernel: row by row, %s at its own row
    flip %z {axes=[0]}                       two kernels: %s would be read at the mirrored row

`grouping.py` checks the rule before it merges groups, and the verifier checks the schedules of fusions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import prod
from typing import Any

from graphc.ir.access.index_map import IndexMap, index_map
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.ops import REDUCTIONS
from graphc.ir.core.predicates import is_gather

__all__ = ["Axes", "Loop", "Point", "illegal", "point_through", "reads_reduced", "reduced_axes"]


class Loop:
    """A loop of an iteration space.  Its number orders sets of loops independently of extents."""

    __slots__ = ("extent", "number")

    def __init__(self, extent: int) -> None:
        self.extent = extent
        self.number = next(_numbered)


_numbered = count()


Axes = tuple[tuple[Loop, ...], ...]
"""For each axis, the loops whose product it is; none for an axis of extent 1."""


Point = tuple[tuple[Loop, ...] | None, ...]
"""Where a value is read: as `Axes`, but None for an axis whose index is not that of its loops."""


def reduced_axes(node: Node) -> tuple[int, ...]:
    """Return the axes that a reduction reduces."""
    return (node.params["axis"],) if "axis" in node.params else node.params["axes"]


# -- where operands are read ----------------------------------------------------------------------------


def operand_points(node: Node, at: Point) -> list[tuple[Node, Point]]:
    """Return the operands that a kernel reads to compute a non-reduction node at a point, and the point of each."""
    if node.op.kind == "elementwise":
        return [(o, at) for o in node.operands]
    if node.op.kind == "movement":
        return [(node.operands[0], point_below(index_map(node), at)), *((o, ()) for o in node.operands[1:])]
    if is_gather(node):
        data, *indices = node.operands
        k = indices[0].type.rank
        jumped = tuple(() if n == 1 else None for n in data.shape[: len(indices)])
        return [(data, jumped + at[k:]), *((i, at[:k]) for i in indices)]
    return [(o, _elsewhere(o.shape)) for o in node.operands] if node.op.jumps else []


def _elsewhere(shape: Sequence[int]) -> Point:
    return tuple(() if n == 1 else None for n in shape)


def point_below(map: IndexMap, at: Point) -> Point:
    """Return where an operand is read when the result is computed at a point."""
    below = [*_elsewhere(map.below)]
    for axes, places in map.blocks:
        for operand_axis, loops in zip(
            places, _distributed([at[a] for a in axes], [map.below[a] for a in places]), strict=True
        ):
            below[operand_axis] = loops
    return tuple(below)


def _distributed(block: Sequence[tuple[Loop, ...] | None], shape: Sequence[int]) -> Point:
    """Distribute the loops of some axes over the axes of a shape of equal size; None if they do not line up."""
    if len(block) == len(shape) == 1:
        return tuple(block)
    if None in block or 0 in shape:
        return _elsewhere(shape)
    rest = [loop for axis in block if axis is not None for loop in axis]
    result: list[tuple[Loop, ...]] = []
    for n in reversed(shape):
        axis: list[Loop] = []
        while rest and prod(loop.extent for loop in axis) < n:
            axis.insert(0, rest.pop())
        if prod(loop.extent for loop in axis) != n:
            return _elsewhere(shape)
        result.append(tuple(axis))
    return tuple(reversed(result))


def point_through(at: Point, moves: Sequence[Node]) -> Point:
    """Return where the operand below a chain of nodes is read when the first of them is computed at a point."""
    for move in moves:
        at = operand_points(move, at)[0][1]
    return at


def reads_reduced(root: Node, at: Point) -> Iterator[tuple[Node, Point]]:
    """Yield the reductions that a value at a point depends on within its kernel, and where each is read."""
    stack, seen = [(root, at)], {(root, at)}
    while stack:
        node, here = stack.pop()
        if node.op.kind == "reduce":
            yield node, here
            continue
        for read in operand_points(node, here):
            if read not in seen:
                seen.add(read)
                stack.append(read)


# -- the schedule of a fusion ---------------------------------------------------------------------------

SCHEDULE = ("dims", "outer", "results", "reduces")


def illegal(region: Region, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the schedule of a fusion: malformed attributes, or reads that break the rule.

    `dims` are the loop extents, the first `outer` of them outer loops; `results` gives the loops of each result's axes, and
    `reduces` the loops that each reduction reduces.
    """
    complaint = _malformed(region, params)
    if complaint:
        yield complaint
        return
    loops = [Loop(n) for n in params["dims"]]
    schedule = _Schedule(
        loops,
        frozenset(loops[: params["outer"]]),
        [_axes(axes, loops) for axes in params["results"]],
        dict(zip(_reductions(region), (_axes(axes, loops) for axes in params["reduces"]), strict=True)),
    )
    yield from schedule.unwritten(region)
    yield from schedule.unlawful(region)


def _axes(numbers: Sequence[Sequence[int]], loops: Sequence[Loop]) -> tuple[tuple[Loop, ...], ...]:
    return tuple(tuple(loops[i] for i in axis) for axis in numbers)


def _reductions(region: Region) -> list[Node]:
    return [n for n in region.nodes() if n.op.kind == "reduce"]


def _malformed(region: Region, params: Mapping[str, Any]) -> str:
    """Return what is malformed in a schedule, or None."""
    if sorted(params) != sorted(SCHEDULE):
        return f"a schedule says {', '.join(SCHEDULE)}, not {', '.join(params)}"
    dims, outer = params["dims"], params["outer"]
    if not _are_counts(dims) or not _are_counts((outer,)) or outer > len(dims):
        return f"{outer} of {dims} are no outer loops"
    reductions = _reductions(region)
    wanted = [("result", "results", r.shape) for r in region.results]
    wanted += [("reduction", "reduces", tuple(n.operands[0].shape[a] for a in reduced_axes(n))) for n in reductions]
    for what, key, shapes in (("results", "results", region.results), ("reductions", "reduces", reductions)):
        if not isinstance(params[key], tuple) or len(params[key]) != len(shapes):
            return f"{key} tells the loops of {len(shapes)} {what}, got {params[key]}"
    for (what, _, shape), axes in zip(wanted, [*params["results"], *params["reduces"]], strict=True):
        if not _spans(axes, shape, dims):
            return f"{axes} are no loops for the axes {list(shape)} of a {what}, of loops {dims}"
    return ""


def _are_counts(numbers: object) -> bool:
    return isinstance(numbers, tuple) and all(type(n) is int and n >= 0 for n in numbers)


def _spans(axes: object, shape: Sequence[int], dims: Sequence[int]) -> bool:
    """Whether loop numbers, each used once, have the extents of a shape."""
    if not isinstance(axes, tuple) or len(axes) != len(shape) or not all(map(_are_counts, axes)):
        return False
    loops = [lo for axis in axes for lo in axis]
    if len(set(loops)) < len(loops) or any(lo >= len(dims) for lo in loops):
        return False
    return all(prod(dims[lo] for lo in axis) == n for axis, n in zip(axes, shape, strict=True))


@dataclass
class _Schedule:
    """A well-formed schedule: its loops, the outer ones, the axes of its results, and the loops that its reductions reduce."""

    loops: list[Loop]
    outer: frozenset[Loop]
    results: list[tuple[tuple[Loop, ...], ...]]
    reduced: dict[Node, tuple[tuple[Loop, ...], ...]]
    own: dict[Node, Point] = field(default_factory=dict)
    """Where each reduction was first read."""

    def reduced_loops(self, node: Node) -> frozenset[Loop]:
        """Return the loops that a reduction reduces."""
        return frozenset(lo for axis in self.reduced.get(node, ()) for lo in axis)

    def is_outer_reduction(self, node: Node) -> bool:
        """Whether a node is a reduction over outer loops."""
        return not self.outer.isdisjoint(self.reduced_loops(node))

    def unwritten(self, region: Region) -> Iterator[str]:
        """Yield complaints about results that an outer loop would write repeatedly."""
        for node, axes in zip(region.results, self.results, strict=True):
            away = self.reduced_loops(node) if self.is_outer_reduction(node) else frozenset()
            if not {lo for axis in axes for lo in axis} >= self.outer - away:
                yield f"{node.op.name}, a result, does not have all outer loops"

    def unlawful(self, region: Region) -> Iterator[str]:
        """Yield complaints about reductions read at another point than their own, or before they are complete."""
        waiting: list[tuple[Node, Point]] = []
        for node, axes in zip(region.results, self.results, strict=True):
            for r, at in reads_reduced(node, axes):
                if r is not node and self.is_outer_reduction(r):
                    yield f"{r.op.name} folds outer loops, and is read in its own kernel"
                waiting.append((r, at))
        folded = {self.reduced_loops(r) for r in self.reduced if self.is_outer_reduction(r)}
        if len(folded) > 1:
            yield "reductions fold different outer loops"
        done: set[tuple[Node, Point]] = set()
        for r, at in waiting:  # which grows
            if (r, at) in done:
                continue
            done.add((r, at))
            if self.own.setdefault(r, at) != at:
                yield f"{r.op.name} is read at two points, {self._spelled(self.own[r])} and {self._spelled(at)}"
                continue
            complaint = self._misplaced(r, at)
            if complaint:
                yield complaint
                continue
            for below in reads_reduced(r.operands[0], self._operand_point(r, at)):
                if self.is_outer_reduction(below[0]):
                    yield f"{below[0].op.name} folds outer loops, and is read in its own kernel"
                waiting.append(below)

    def _misplaced(self, r: Node, at: Point) -> str:
        """Return what is wrong with the point at which a reduction is read, or None."""
        if None in at:
            return f"{r.op.name} is read elsewhere than at its own point"
        loops, reduced = {lo for axis in at if axis is not None for lo in axis}, self.reduced_loops(r)
        if self.is_outer_reduction(r):
            # the last outer loops, and for each point of inner loops, whose accumulators are in memory
            last = frozenset(self.loops[len(self.outer) - len(reduced) : len(self.outer)])
            fits = reduced == last and loops > self.outer - reduced and loops.isdisjoint(reduced)
        else:
            fits = loops == self.outer
        if self.is_outer_reduction(r) and r.op.name not in REDUCTIONS:
            return f"{r.op.name} folds outer loops, and positions are kept in no accumulators"
        return "" if fits else f"{r.op.name} is read at {self._spelled(at)}, and {len(self.outer)} loops are outer ones"

    def _operand_point(self, r: Node, at: Point) -> Point:
        kept, reduced, away = iter(at), iter(self.reduced[r]), reduced_axes(r)
        return tuple(next(reduced) if a in away else next(kept) for a in range(r.operands[0].type.rank))

    def _spelled(self, at: Point) -> str:
        axes = ["elsewhere" if axis is None else " ".join(f"i{self.loops.index(lo)}" for lo in axis) for axis in at]
        return f"[{', '.join(axes)}]"
