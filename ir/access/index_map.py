"""Index maps: where a movement operation reads its operand, and under which condition.

    %y = permute %x {axes=[1,0]}                    y[i0, i1] = x[i1, i0]
    %y = broadcast %x {shape=[4,3], axes=[1]}       y[i0, i1] = x[i1]
    %y = slice %x {start=[2,0], step=[3,1], …}      y[i0, i1] = x[3*i0 + 2, i1]
    %y = flip %x {axes=[0]}                         y[i0, i1] = x[7 - i0, i1]
    %y = reshape %x {shape=[12]}                    y[i0] = x[i0 / 3, i0 % 3]
    %y = pad %x, %v {low=[1,0], …}                  y[i0, i1] = x[i0 - 1, i1] if 0 <= i0 - 1 < 8 else v
    %y = concatenate %a, %b {axis=0}                y[i0] = a[i0] if i0 < 5, b[i0 - 5] if 0 <= i0 - 5

A map gives each axis of the operand as a form of the result's axes (ir/access/affine.py).  Maps compose, so a chain of
movement operations is one map; splitting, fusing or interchanging loops is a reshape or a permutation composed in front.
Guards on the same form are merged: a map has at most one guard per form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import mul
from typing import Any

from graphc.ir.access.affine import Affine, Digit, axis_form, row_major
from graphc.ir.access.guard import Guard, joined
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node

__all__ = ["Access", "IndexMap", "access", "identity", "index_map", "reshape_blocks", "reshape_map"]

Shape = tuple[int, ...]
Block = tuple[tuple[int, ...], tuple[int, ...]]
"""Axes of the result, and the axes of the operand that are read along them."""


@dataclass(frozen=True)
class IndexMap:
    """How an operand of shape `below` is read for a result of shape `shape`: an index form per operand axis, and guards.

    Where a guard fails, nothing is read.
    """

    shape: Shape
    below: Shape
    axes: tuple[Affine, ...]
    guards: tuple[Guard, ...] = ()

    def positions(self) -> Iterator[tuple[Affine, tuple[int, ...]]]:
        """Yield each form with the operand axes of extent above 1 whose indices are its digits."""
        long = [a for a, n in enumerate(self.below) if n != 1]
        while long:
            form, count = self.axes[long[0]], 1
            if len(form.terms) == 1 and isinstance(first := form.terms[0][0], Digit):
                places, numbers = long[: len(first.extents)], range(len(first.extents))
                parts = [Affine(((Digit(first.form, first.extents, k), 1),)) for k in numbers]
                if [self.axes[a] for a in places] == parts and tuple([self.below[a] for a in places]) == first.extents:
                    form, count = first.form, len(places)
            yield form, tuple(long[:count])
            long = long[count:]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Contiguous blocks: result axes and the operand axes, of extent above 1, that they traverse completely and in order.

        The operand indices of a block are the digits of the row-major position over its result axes.
        """
        guarded = frozenset[int]().union(*(g.form.axes() for g in self.guards))
        blocks: list[Block] = []
        for form, places in self.positions():
            if guarded.isdisjoint(form.axes()):
                axes = _row_major_axes(form, self.shape, reduce(mul, [self.below[a] for a in places]))
                blocks += [] if axes is None else [(axes, places)]
        return tuple(blocks)

    @cached_property
    def sources(self) -> tuple[int | None, ...]:
        """For each operand axis, the result axis that traverses it completely and in order, or None."""
        single = {places[0]: axes[0] for axes, places in self.blocks if len(axes) == len(places) == 1}
        return tuple([single.get(a) for a in range(len(self.below))])

    def operand_axis(self, axis: int) -> int | None:
        """Return the operand axis that a result axis of extent above 1 traverses completely and in order, or None."""
        return self.sources.index(axis) if axis in self.sources else None

    @cached_property
    def shifts(self) -> bool:
        """Whether some element is read at another index than its own, or only where a guard holds."""
        return bool(self.guards) or sum(len(places) for _, places in self.blocks) < sum(n != 1 for n in self.below)

    @cached_property
    def varied(self) -> frozenset[int]:
        """The result axes that the element read depends on; along the others elements repeat."""
        return frozenset[int]().union(*(f.axes() for f in self.axes), *(g.form.axes() for g in self.guards))

    def then(self, inner: IndexMap) -> IndexMap | None:
        """Return the composition: read through this map, then through `inner`.  None if one form would need two guards."""
        guards = joined([*self.guards, *(g.substitute(self.axes, self.shape) for g in inner.guards)])
        if guards is None:
            return None
        return IndexMap(self.shape, inner.below, tuple([f.substitute(self.axes, self.shape) for f in inner.axes]), guards)

    def index(self, at: Sequence[Any]) -> tuple[Any, ...]:
        """Return the operand index for a result index; it may be out of range where a guard fails."""
        return tuple([form.value(at) for form in self.axes])

    def inside(self, at: Sequence[Any]) -> Any:
        """Return whether all guards hold at a result index."""
        held = True
        for guard in self.guards:
            held = held & guard.holds(at)
        return held

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.axes))}]"
        return f"{where} if {' and '.join(map(str, self.guards))}" if self.guards else where


def _row_major_axes(form: Affine, shape: Shape, size: int) -> tuple[int, ...] | None:
    """Return the axes whose row-major position in an array of `size` elements the form is; None if there are none."""
    axes: list[int] = []
    stride = 1
    for atom, c in reversed(form.terms):
        if not isinstance(atom, int) or c != stride:
            return None
        stride = stride * shape[atom] if axes else shape[atom]
        axes.append(atom)
    return tuple(reversed(axes)) if form.const == 0 and stride == size else None


def identity(shape: Shape) -> IndexMap:
    """Return the identity map."""
    return IndexMap(shape, shape, tuple([axis_form(a) for a in range(len(shape))]))


# -- one movement ---------------------------------------------------------------------------------------


def index_map(node: Node, number: int = 0) -> IndexMap:
    """Return the index map of one operand of a movement or concatenate node; `pad` yields its fill where a guard fails."""
    axes, guards = _MAPS[node.op.name](node, number)
    return IndexMap(node.shape, node.operands[number].shape, tuple(axes), tuple(guards))


Parts = tuple[Iterable[Affine], Iterable[Guard]]


def _permute(node: Node, number: int) -> Parts:
    order = node.params["axes"]
    return [axis_form(order.index(a)) for a in range(len(order))], ()


def _broadcast(node: Node, number: int) -> Parts:
    extents = zip(node.params["axes"], node.operands[0].shape, strict=True)
    return [Affine() if n == 1 else axis_form(a) for a, n in extents], ()


def _slice(node: Node, number: int) -> Parts:
    return [axis_form(a, step, start) for a, (start, step) in enumerate(zip(*_taken(node, "start", "step"), strict=True))], ()


def _flip(node: Node, number: int) -> Parts:
    turned = node.params["axes"]
    return [axis_form(a, -1, n - 1) if a in turned else axis_form(a) for a, n in enumerate(node.shape)], ()


def _pad(node: Node, number: int) -> Parts:
    axes, guards = [], []
    widths = zip(*_taken(node, "low", "high", "interior"), node.operands[0].shape, strict=True)
    for a, (low, high, interior, n) in enumerate(widths):
        form, every = axis_form(a, 1, -low), interior + 1
        sparse = every > 1
        if low or high or sparse:
            guards.append(Guard(form, 0 if low else None, n if high or sparse else None, every))
        axes.append(Affine() if n == 1 else Affine(((Digit(form, (n, every), 0), 1),)) if sparse else form)
    return axes, guards


def _taken(node: Node, *names: str) -> Iterator[Sequence[int]]:
    return (node.params[name] for name in names)


def _reshape(node: Node, number: int) -> Parts:
    return reshape_map(node.shape, node.operands[0].shape).axes, ()


def _concatenate(node: Node, number: int) -> Parts:
    axis, extents = node.params["axis"], [o.shape[node.params["axis"]] for o in node.operands]
    start = [0, *accumulate(extents)][number]
    form = axis_form(axis, 1, -start)
    last = number == len(extents) - 1
    guard = Guard(form, 0 if number else None, None if last else extents[number])
    axes = [form if a == axis else axis_form(a) for a in range(node.type.rank)]
    return axes, () if last and not number else (guard,)


_MAPS: dict[str, Callable[[Node, int], Parts]] = {
    "permute": _permute,
    "broadcast": _broadcast,
    "slice": _slice,
    "flip": _flip,
    "pad": _pad,
    "reshape": _reshape,
    "concatenate": _concatenate,
}


def reshape_map(shape: Shape, below: Shape) -> IndexMap:
    """Return how an array of shape `below` is read under another shape, one block of axes with equal products at a time."""
    axes: list[Affine] = []
    for mine, operand_axes in reshape_blocks(shape, below):
        form = row_major(range(len(shape))[mine], shape[mine])
        extents = tuple([n for n in below[operand_axes] if n != 1])
        parts = [form] if len(extents) == 1 else [Affine(((Digit(form, extents, k), 1),)) for k in range(len(extents))]
        rest = iter(parts)
        axes += [Affine() if n == 1 else next(rest) for n in below[operand_axes]]
    return IndexMap(shape, below, tuple(axes))


def reshape_blocks(shape: Shape, below: Shape) -> Iterator[tuple[slice, slice]]:
    """Yield the smallest blocks of axes of two shapes of equal size whose extents have equal products."""
    i = j = 0
    while i < len(shape) or j < len(below):
        i0, j0, p, q = i, j, 1, 1
        if i < len(shape):
            p, i = shape[i], i + 1
        while p != q or j == j0 or 0 in (p, q):
            if (p < q or j == len(below)) and i < len(shape):
                p, i = p * shape[i], i + 1
            elif j < len(below):
                q, j = q * below[j], j + 1
            else:
                break
        yield slice(i0, i), slice(j0, j)


# -- a chain of movement --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """A value read through movement: the value, the index map, and the fill where a guard fails."""

    base: Node
    map: IndexMap
    fill: Node | None = None


def access(node: Node) -> Access:
    """Return how a value is read through the movement above it, as far down as one map with one fill reaches."""
    result = Access(node, identity(node.shape))
    while result.base.op.kind == "movement":
        base, *fills = result.base.operands
        fill = fills[0] if fills else result.fill
        below = result.map.then(index_map(result.base))
        if below is None or (fill is not result.fill and result.fill is not None):
            break
        result = Access(base, below, fill)
    return result
