"""Partial writes: forward what was written to slices that read it, and join chains of writes into one concatenation.

A write of a box is a select between the padded new values and the previous ones:

    %m = pad %true, %false {low=[2], high=[5], interior=[0]}
    %p = pad %new, %zero {low=[2], high=[5], interior=[0]}
    %after = select %m, %p, %before

A value that is written box by box is a chain of such selects, which costs one pass over the whole value for each write, and so
does its gradient.  Store-to-load forwarding and store coalescing leave one concatenation of what was written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple
from weakref import WeakKeyDictionary

from graphc.ir.core import build
from graphc.ir.core.graph import Node, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant, is_plus_zero, is_zero
from graphc.ir.rewrite.engine import RuleSet, Trace, rewrite, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["COALESCE", "FORWARD", "coalesce_stores"]

LEAST = 4
"""The least number of writes in a chain that is joined: masks of fewer are cheaper, since they fuse with their readers."""

_ADD, _PAD, _SELECT, _BROADCAST = (PRIMITIVES[name] for name in ("add", "pad", "select", "broadcast"))


class Interval(NamedTuple):
    """The indices of a box along an axis."""

    start: int
    stop: int


Box = Sequence[Interval]


@dataclass(frozen=True)
class _Store:
    """A write of `new` to a box of `before`."""

    box: Box
    new: Node
    before: Node


_blocks: WeakKeyDictionary[Node, Box | None] = WeakKeyDictionary()
"""The blocks of pads: a long chain asks for each of them many times."""


def _block(padded: Node) -> Box | None:
    """Return the box of a pad's operand; None if the pad separates its elements."""
    if padded not in _blocks:
        low, shape = padded.params["low"], padded.operands[0].shape
        is_box = not any(padded.params["interior"])
        _blocks[padded] = [Interval(s, s + n) for s, n in zip(low, shape, strict=True)] if is_box else None
    return _blocks[padded]


def _mask(cond: Node) -> Box | None:
    """Return the box in which a mask holds; None for any other condition."""
    if cond.op is not _PAD:
        return None
    inside, outside = cond.operands
    is_mask = is_constant(inside) and is_constant(outside) and not is_zero(inside) and is_zero(outside)
    return _block(cond) if is_mask else None


def _store(node: Node) -> _Store | None:
    """Return the write that a node is, or None."""
    if node.op is not _SELECT:
        return None
    cond, values, before = node.operands
    box = _mask(cond)
    if box is None:
        return None
    if is_constant(values):
        shape = tuple([i.stop - i.start for i in box])
        return _Store(box, build.constant(values.params["value"], values.dtype, shape), before)
    is_padded = values.op is _PAD and _block(values) == box
    return _Store(box, values.operands[0], before) if is_padded else None


# -- forwarding ---------------------------------------------------------------------------------------------------------


class _Read:
    """A slice that is followed through writes to the value it is taken from."""

    def __init__(self, node: Node) -> None:
        self.source, self.step, self.shape = node.operands[0], node.params["step"], node.shape
        self.advanced = False
        self.drops_zero = False
        self.begin(node.params["start"])

    def begin(self, start: Sequence[int]) -> None:
        """Set the first index; `hull` is the box of all indices up to the last one."""
        self.start = start
        extents = zip(start, self.shape, self.step, strict=True)
        self.hull: Box = [Interval(first, first + (n - 1) * step + 1) for first, n, step in extents]

    def advance(self) -> bool:
        """Go to the operand that the elements come from; return False if it is not one alone."""
        node = self.source
        if node.op is _SELECT:
            chosen = _chosen(node, self.hull)
            if chosen is None:
                return False
            self.source = chosen
        elif node.op is _PAD and self.advanced:
            if not _is_inside(self.hull, node):
                return False
            self.begin([s - low for s, low in zip(self.start, node.params["low"], strict=True)])
            self.source = node.operands[0]
        elif node.op is _ADD:
            first, second = node.operands
            if not _vanishes(second, self.hull):
                if not _vanishes(first, self.hull):
                    return False
                first = second
            self.source, self.drops_zero = first, True
        else:
            return False
        self.advanced = True
        return True


def _side(region: Box, box: Box) -> bool | None:
    """Return whether a region is inside of a box; False if it is outside, None if it is both."""
    inside = True
    for (first, end), (start, stop) in zip(region, box, strict=True):
        if end <= start or first >= stop:
            return False
        inside = inside and start <= first and end <= stop
    return inside or None


def _chosen(node: Node, region: Box) -> Node | None:
    """Return the operand that a select takes a whole region from; None if that is not one, or its mask is no box."""
    box = _mask(node.operands[0])
    side = None if box is None else _side(region, box)
    return None if side is None else node.operands[1 if side else 2]


def _is_inside(region: Box, padded: Node) -> bool:
    """Return whether a region of a pad is one of its operand."""
    block = _block(padded)
    return block is not None and bool(_side(region, block))


def _vanishes(node: Node, region: Box) -> bool:
    """Return whether a node is zero, not -0.0, in a region because of a pad or a mask."""
    while node.op is _SELECT:
        chosen = _chosen(node, region)
        if chosen is None:
            return False
        node = chosen
    if node.op is _PAD and is_plus_zero(node.operands[1]):
        return _side(region, _block(node) or _hull(node)) is False
    return is_plus_zero(node.operands[0] if node.op is _BROADCAST else node)


def _hull(padded: Node) -> Box:
    """Return the least box around the elements of a pad's operand."""
    low, gaps, shape = padded.params["low"], padded.params["interior"], padded.operands[0].shape
    return [Interval(s, s + max(0, (n - 1) * (gap + 1) + 1)) for s, gap, n in zip(low, gaps, shape, strict=True)]


def _forwarded(node: Node) -> Node | None:
    """The slice of the values that were written there."""
    if not node.type.size:
        return None
    read = _Read(node)
    while read.advance():
        pass
    source, region = read.source, read.hull
    # where a term is another padded block: a sum of whole values would be recomputed for each slice
    splits = source.op is _ADD and any(term.op is _PAD and _is_inside(region, term) for term in source.operands)
    if not read.advanced and not splits:
        return None
    stop = [i.stop for i in region]
    if splits:
        value = reduce(add, [build.slice_(term, read.start, stop, read.step) for term in source.operands])
    else:
        value = build.slice_(source, read.start, stop, read.step)
    return value + 0.0 if read.drops_zero and value.dtype.is_float else value


# -- coalescing ---------------------------------------------------------------------------------------------------------


def _coalesced(node: Node, terms: list[Node]) -> Node | None:
    """The concatenation of what a chain of writes along one axis wrote."""
    ends = set(terms)
    stores: list[_Store] = []
    base = node
    while (store := _store(base)) is not None and (base is node or base not in ends):
        stores.append(store)
        base = store.before
    axis = _common_axis(node, stores)
    if axis is None or len(stores) < LEAST:
        return None
    return build.concatenate(_pieces(stores, base, axis), axis)


def _common_axis(node: Node, stores: Sequence[_Store]) -> int | None:
    """Return the axis along which all boxes extend, if they are whole along the others."""
    whole = [Interval(0, n) for n in node.shape]
    axes = {a for store in stores for a, (i, n) in enumerate(zip(store.box, whole, strict=True)) if i != n}
    return axes.pop() if len(axes) == 1 else None


def _pieces(stores: Sequence[_Store], base: Node, axis: int) -> list[Node]:
    """Return what remains of each write and of the base, in order along the axis; `stores` begins with the last write."""
    covered: list[Interval] = []  # disjoint, in order; those that touch are joined
    pieces: list[tuple[int, Node]] = []
    for value, at in [*((s.new, s.box[axis]) for s in stores), (base, Interval(0, base.shape[axis]))]:
        for gap in _gaps(covered, at):
            pieces.append((gap.start, _part(value, axis, gap.start - at.start, gap.stop - at.start)))
        _cover(covered, at)
    return [piece for _, piece in sorted(pieces, key=lambda p: p[0])]


def _gaps(covered: list[Interval], at: Interval) -> list[Interval]:
    """Return the parts of an interval that no other covers."""
    gaps, position = [], at.start
    for i in covered[max(0, _begun(covered, at.start) - 1) :]:
        if i.start >= at.stop:
            break
        if i.start > position:
            gaps.append(Interval(position, i.start))
        position = max(position, i.stop)
    if position < at.stop:
        gaps.append(Interval(position, at.stop))
    return gaps


def _cover(covered: list[Interval], at: Interval) -> None:
    """Add an interval to those covered."""
    first = _begun(covered, at.start)
    if first and covered[first - 1].stop >= at.start:
        first -= 1
    last = first
    while last < len(covered) and covered[last].start <= at.stop:
        at = Interval(min(at.start, covered[last].start), max(at.stop, covered[last].stop))
        last += 1
    covered[first:last] = [at]


def _begun(covered: list[Interval], index: int) -> int:
    """Return how many intervals begin at an index or before."""
    return bisect_right(covered, index, key=lambda i: i.start)


def _part(x: Node, axis: int, start: int, stop: int) -> Node:
    low, high = [0] * x.type.rank, list(x.shape)
    low[axis], high[axis] = start, stop
    return build.slice_(x, low, high)


# -- the pass -----------------------------------------------------------------------------------------------------------

FORWARD = RuleSet((
    rule("forward-store", op("slice", op("select")), _forwarded, reassociates=True),
    rule("forward-sum", op("slice", op("add")), _forwarded, reassociates=True),
))  # fmt: skip
COALESCE = RuleSet((rule("coalesce-stores", op("select", op("pad"), Var("x"), Var("y")), _coalesced, tree=True),))


def coalesce_stores(roots: Sequence[Node], trace: Trace | None = None) -> list[Node]:
    """Return the roots with reads of written parts forwarded, then with chains of writes joined."""
    if _count_stores(toposort(roots)) < LEAST:
        return list(roots)
    return rewrite(rewrite(roots, FORWARD, trace), COALESCE, trace)


def _count_stores(nodes: Sequence[Node]) -> int:
    inner = sum(_count_stores(region.nodes()) for node in nodes for region in node.regions)
    return inner + sum(_store(node) is not None for node in nodes)
