"""Rules about where elements are: movement through movement, and arithmetic and reductions on what was repeated.

A result that depends on axes is a function; its first line says what it gives.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from itertools import permutations
from math import prod

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS, is_constant
from graphc.ir.core.structural_key import SMALL
from graphc.ir.rewrite.engine import Rule, Var, op, rule

__all__ = ["MOVEMENT"]

x, fill = Var("x"), Var("v")

_ELEMENTWISE = [p.name for p in PRIMITIVES.values() if p.kind == "elementwise"]
_IDEMPOTENT = ("max", "min", "any", "all")
_NOT_SUM = ("prod", *_IDEMPOTENT)


def _last_index(start: int, count: int, step: int) -> int:
    return start + (count - 1) * step


# -- nothing moves --------------------------------------------------------------------------------------


def _x_if_same_shape(node: Node, x: Node) -> Node | None:
    """x if the shape stays."""
    return x if node.shape == x.shape else None


def _x_if_in_order(node: Node, x: Node) -> Node | None:
    """x if the axes stay in order."""
    return x if list(node.params["axes"]) == sorted(node.params["axes"]) else None


def _x_if_nothing_padded(node: Node, x: Node, v: Node) -> Node | None:
    """x if the shape stays."""
    return x if node.shape == x.shape else None


def _flip_of_long_axes(node: Node, x: Node) -> Node | None:
    """flip(x) along those axes that have more than one element."""
    axes = node.params["axes"]
    long = [a for a in axes if x.shape[a] > 1]
    return build.flip(x, long) if len(long) < len(axes) else None


def _only_piece(node: Node) -> Node | None:
    """The only operand that is not empty, or the concatenation of those that are not."""
    axis = node.params["axis"]
    kept = [o for o in node.operands if o.shape[axis]]
    return build.concatenate(kept, axis) if kept and (len(kept) < len(node.operands) or len(kept) == 1) else None


# -- movement of movement -------------------------------------------------------------------------------


def _reshape_once(node: Node, x: Node) -> Node:
    """reshape(x) to the last shape."""
    return build.reshape(x, node.shape)


def _permute_once(node: Node, x: Node) -> Node:
    """permute(x) by the product of both."""
    inner = node.operands[0].params["axes"]
    return build.permute(x, [inner[a] for a in node.params["axes"]])


def _broadcast_once(node: Node, x: Node) -> Node:
    """broadcast(x) to the last shape."""
    axes = node.params["axes"]
    return build.broadcast(x, node.shape, [axes[a] for a in node.operands[0].params["axes"]])


def _product_of_transposes(node: Node, x: Node, y: Node) -> Node | None:
    """matmul(transpose(y), transpose(x)), if the last two axes change places and no others."""
    n = node.type.rank
    swapped = node.params["axes"] == (*range(n - 2), n - 1, n - 2)
    return build.matmul(build.swap_last(y), build.swap_last(x)) if swapped else None


def _flip_once(node: Node, x: Node) -> Node:
    """flip(x) along the axes that are in one of the two."""
    return build.flip(x, sorted(set(node.params["axes"]) ^ set(node.operands[0].params["axes"])))


def _slice_once(node: Node, x: Node) -> Node:
    """slice(x) with the steps multiplied."""
    inner, outer = node.operands[0].params, node.params
    start = [s + t * p for s, t, p in zip(inner["start"], outer["start"], inner["step"], strict=True)]
    step = [p * q for p, q in zip(inner["step"], outer["step"], strict=True)]
    return _slice_of(x, start, node.shape, step)


def _slice_of(x: Node, start: Sequence[int], counts: Sequence[int], step: Sequence[int]) -> Node:
    return build.slice_(x, start, [_last_index(s, n, p) + 1 for s, n, p in zip(start, counts, step, strict=True)], step)


def _pad_once(node: Node, x: Node, v: Node) -> Node | None:
    """pad(x, v) with the widths added, if the outer one puts nothing between elements."""
    inner, outer = node.operands[0].params, node.params
    if any(outer["interior"]):
        return None
    low = [a + b for a, b in zip(inner["low"], outer["low"], strict=True)]
    high = [a + b for a, b in zip(inner["high"], outer["high"], strict=True)]
    return build.pad(x, low, high, inner["interior"], v)


def _flat_concatenate(node: Node) -> Node | None:
    """One concatenation of all pieces, if they are along the same axis."""
    axis = node.params["axis"]
    nested = [o.op.name == "concatenate" and o.params["axis"] == axis for o in node.operands]
    if not any(nested):
        return None
    pieces = [piece for o, n in zip(node.operands, nested, strict=True) for piece in (o.operands if n else (o,))]
    return build.concatenate(pieces, axis)


def _joined_slices(node: Node) -> Node | None:
    """Fewer pieces, where slices of one node follow each other in it."""
    axis = node.params["axis"]
    pieces = [node.operands[0]]
    for piece in node.operands[1:]:
        joined = _join(pieces[-1], piece, axis)
        pieces[-1:] = [pieces[-1], piece] if joined is None else [joined]
    return build.concatenate(pieces, axis) if len(pieces) < len(node.operands) else None


def _join(a: Node, b: Node, axis: int) -> Node | None:
    if a.op.name != "slice" or b.op.name != "slice" or a.operands != b.operands or a.params["step"][axis] != 1:
        return None
    others = [i for i in range(a.type.rank) if i != axis]
    alike = all(a.params[key][i] == b.params[key][i] for key in ("start", "stop", "step") for i in others)
    if not alike or b.params["step"][axis] != 1 or b.params["start"][axis] != a.params["stop"][axis]:
        return None
    stop = list(a.params["stop"])
    stop[axis] = b.params["stop"][axis]
    return build.slice_(a.operands[0], a.params["start"], stop, a.params["step"])


# -- sums of parts --------------------------------------------------------------------------------------


def _joined_parts(node: Node, terms: list[Node]) -> Node | None:
    """The sum with pad(concatenate of two terms), if each is zeros but for a block, one next to the other."""
    for axis in range(node.type.rank):
        parts = [t for t in terms if _is_part(t, axis)]
        for before, after in permutations(parts, 2):
            if _adjacent(before, after, axis):
                return _with_joined(terms, before, after, axis)
    return None


def _with_joined(terms: list[Node], before: Node, after: Node, axis: int) -> Node:
    """Return the sum of `terms`, in which one part takes the place of two: that of the later one."""
    x, y = before.operands[0], after.operands[0]
    if x.dtype.is_float:
        x, y = _plus_zero(x), _plus_zero(y)
    joined = build.pad(build.concatenate((x, y), axis), before.params["low"], after.params["high"], None, 0)
    left = list(terms)
    left.remove(before)
    left.remove(after)
    at = max(terms.index(before), terms.index(after)) - 1
    return reduce(operator.add, [*left[:at], joined, *left[at:]])


def _plus_zero(x: Node) -> Node:
    """Return a part of a sum after a zero was added to it, so that it is never -0.0, if that is not done yet."""
    if x.op.name == "concatenate":
        pieces = [_plus_zero(o) for o in x.operands]
        done = all(new is old for new, old in zip(pieces, x.operands, strict=True))
        return x if done else build.concatenate(pieces, x.params["axis"])
    return x if x.op.name == "add" and any(map(_is_plus_zero, x.operands)) else x + 0.0


def _is_plus_zero(x: Node) -> bool:
    return x.op.name == "constant" and x.params["value"] == 0 and str(x.params["value"]) != "-0.0"


def _is_part(x: Node, axis: int) -> bool:
    """Whether a node is zeros but for a block, made of long enough runs of neighbours to be joined along an axis."""
    if x.op.name != "pad" or not is_constant(x.operands[1]) or any(x.params["interior"]):
        return False
    fill = x.operands[1].params["value"]
    if fill != 0 or str(fill) == "-0.0" or not x.operands[0].type.size:
        return False
    return prod(x.shape[:axis]) == 1 or prod(x.operands[0].shape[axis:]) > SMALL


def _adjacent(before: Node, after: Node, axis: int) -> bool:
    """Tell whether the block of one part begins where that of another ends along an axis, and is like it along the others."""
    x, y = before.operands[0], after.operands[0]
    if before.params["low"][axis] + x.shape[axis] != after.params["low"][axis]:
        return False
    others = [a for a in range(x.type.rank) if a != axis]
    return all(before.params["low"][a] == after.params["low"][a] and x.shape[a] == y.shape[a] for a in others)


# -- movement of what was repeated ----------------------------------------------------------------------


def _permute_of_broadcast(node: Node, x: Node) -> Node:
    """broadcast(permute(x)) to the permuted axes."""
    places = [node.params["axes"].index(a) for a in node.operands[0].params["axes"]]
    order = sorted(range(len(places)), key=places.__getitem__)
    return build.broadcast(build.permute(x, order), node.shape, sorted(places))


def _reshape_of_broadcast(node: Node, x: Node) -> Node | None:
    """broadcast(reshape(x)) if axes of one element come or go, or x has but one element."""
    whole = node.operands[0]
    if x.type.size == 1:
        return build.broadcast(build.reshape(x, ()), node.shape, ())
    before, after = _long_axes(whole.shape), _long_axes(node.shape)
    if [whole.shape[a] for a in before] != [node.shape[a] for a in after]:
        return None
    kept = [after[before.index(a)] for a in whole.params["axes"] if whole.shape[a] != 1]
    return build.broadcast(build.reshape(x, [node.shape[a] for a in kept]), node.shape, kept)


def _long_axes(shape: Sequence[int]) -> list[int]:
    return [a for a, n in enumerate(shape) if n != 1]


def _slice_of_broadcast(node: Node, x: Node) -> Node:
    """broadcast(slice(x))."""
    axes = node.operands[0].params["axes"]
    start, stop, step = ([node.params[key][a] for a in axes] for key in ("start", "stop", "step"))
    return build.broadcast(build.slice_(x, start, stop, step), node.shape, axes)


def _flip_of_broadcast(node: Node, x: Node) -> Node:
    """broadcast(flip(x)) along the axes that x has."""
    axes = node.operands[0].params["axes"]
    return build.broadcast(build.flip(x, [axes.index(a) for a in node.params["axes"] if a in axes]), node.shape, axes)


def _broadcast_of_reshape(node: Node, x: Node) -> Node | None:
    """broadcast(reshape(x)) without the axes of one element."""
    inner, axes = node.operands[0], node.params["axes"]
    kept = _long_axes(inner.shape)
    if len(kept) == inner.type.rank:
        return None
    return build.broadcast(build.reshape(x, [inner.shape[a] for a in kept]), node.shape, [axes[a] for a in kept])


def _reshape_if_nothing_repeats(node: Node, x: Node) -> Node | None:
    """reshape(x) if all new axes have one element."""
    return build.reshape(x, node.shape) if x.type.size == node.type.size else None


def _iota_of_broadcast(node: Node, i: Node) -> Node:
    """The index along the axis where it went."""
    return build.iota(node.shape, node.params["axes"][i.params["axis"]], node.dtype)


def _iota_of_permute(node: Node, i: Node) -> Node:
    """The index along the axis where it went."""
    return build.iota(node.shape, node.params["axes"].index(i.params["axis"]), node.dtype)


def _arithmetic_first(node: Node) -> Node | None:
    """broadcast of the same on the axes that an operand has."""
    repeated = [o for o in node.operands if o.op.name == "broadcast"]
    axes = sorted({a for o in repeated for a in o.params["axes"]})
    if not repeated or len(axes) == node.type.rank:
        return None
    small = tuple(node.shape[a] for a in axes)
    operands = [_on_axes(o, small, axes) for o in node.operands]
    return build.broadcast(make(node.op, operands, node.params, like=node), node.shape, axes)


def _permuted_last(node: Node) -> Node | None:
    """permute of the same on the axes as they were, if whatever is moved at all is moved alike."""
    moved = [o for o in node.operands if o.op.name == "permute"]
    if not moved or any(o.params != moved[0].params for o in moved):
        return None
    order = moved[0].params["axes"]
    back = sorted(range(len(order)), key=order.__getitem__)
    operands = [o.operands[0] if o in moved else _repeated_along(o, back) for o in node.operands]
    return build.permute(make(node.op, operands, node.params, like=node), order)


def _repeated_along(operand: Node, order: Sequence[int]) -> Node:
    """Return the permuted broadcast or constant as one."""
    shape = tuple(operand.shape[a] for a in order)
    if is_constant(operand):
        return build.constant(operand.params["value"], operand.dtype, shape)
    places = [list(order).index(a) for a in operand.params["axes"]]
    inner = sorted(range(len(places)), key=places.__getitem__)
    return build.broadcast(build.permute(operand.operands[0], inner), shape, sorted(places))


def _on_axes(operand: Node, shape: tuple[int, ...], axes: list[int]) -> Node:
    if is_constant(operand):
        return build.constant(operand.params["value"], operand.dtype, shape)
    return build.broadcast(operand.operands[0], shape, [axes.index(a) for a in operand.params["axes"]])


# -- slices of what was put together --------------------------------------------------------------------


def _slice_of_pad(node: Node, x: Node, v: Node) -> Node | None:
    """slice(x) along axes where it meets only x, v if it meets only v."""
    rank = x.type.rank
    axes = [_PaddedAxis(node, a) for a in range(rank)]
    if any(axis.misses for axis in axes):
        return build.broadcast(v, node.shape, ())
    if not all(axis.whole or axis.inside for axis in axes) or all(axis.whole for axis in axes):
        return None
    inner = _slice_of(x, [a.start for a in axes], [a.count for a in axes], [a.step for a in axes])
    return build.pad(inner, [a.low for a in axes], [a.high for a in axes], [a.interior for a in axes], v)


class _PaddedAxis:
    """How a slice of a pad lies along one axis, and what slice and pad of the operand give the same."""

    def __init__(self, node: Node, axis: int) -> None:
        padded = node.operands[0]
        begin, step = node.params["start"][axis], node.params["step"][axis]
        low, high, gap = (padded.params[key][axis] for key in ("low", "high", "interior"))
        extent = padded.operands[0].shape[axis]
        last = _last_index(begin, node.shape[axis], step)
        end = _last_index(low, extent, gap + 1)
        aligned = (begin - low) % (gap + 1) == 0 and (step % (gap + 1) == 0 or node.shape[axis] == 1)
        self.whole = node.shape[axis] == padded.shape[axis]
        self.inside = not self.whole and low <= begin and last <= end and aligned
        self.misses = last < low or begin > end or not extent
        self.start, self.count, self.step = 0, extent, 1
        self.low, self.high, self.interior = low, high, gap
        if self.inside:
            self.start, self.count, self.step = (begin - low) // (gap + 1), node.shape[axis], max(1, step // (gap + 1))
            self.low = self.high = self.interior = 0


def _slice_of_concatenate(node: Node) -> Node | None:
    """slice of the pieces that it meets."""
    whole = node.operands[0]
    axis = whole.params["axis"]
    begin = node.params["start"][axis]
    last = _last_index(begin, node.shape[axis], node.params["step"][axis])
    ends = np.cumsum([o.shape[axis] for o in whole.operands])
    first_piece, last_piece = (int(np.searchsorted(ends, i, side="right")) for i in (begin, last))
    pieces = whole.operands[first_piece : last_piece + 1]
    if len(pieces) == len(whole.operands):
        return None
    start = list(node.params["start"])
    start[axis] -= int(ends[first_piece]) - whole.operands[first_piece].shape[axis]
    return _slice_of(build.concatenate(pieces, axis), start, node.shape, node.params["step"])


# -- reductions -----------------------------------------------------------------------------------------


def _kept(node: Node, rank: int) -> list[int]:
    return [a for a in range(rank) if a not in node.params["axes"]]


def _x_if_no_axes(node: Node, x: Node) -> Node | None:
    """x if there are no axes."""
    return None if node.params["axes"] else x


def _reduce_once(node: Node, x: Node) -> Node:
    """One reduction over the axes of both."""
    inner = node.operands[0]
    kept = _kept(inner, x.type.rank)
    return build.reduce(node.op.name, x, [*inner.params["axes"], *(kept[a] for a in node.params["axes"])])


def _reduce_of_broadcast(node: Node, x: Node) -> Node | None:
    """The same of x, without the axes along which it is repeated."""
    return _without_repeats(node, x)


def _without_repeats(node: Node, x: Node) -> Node | None:
    """Reduce what was repeated over those axes alone that it has; None if that is all of them."""
    whole, reduced = node.operands[0], node.params["axes"]
    axes = whole.params["axes"]
    if all(a in axes for a in reduced) or not whole.type.size:
        return None
    result = build.reduce(node.op.name, x, [axes.index(a) for a in reduced if a in axes])
    kept = _kept(node, whole.type.rank)
    return build.broadcast(result, node.shape, [kept.index(a) for a in axes if a not in reduced])


def _sum_of_broadcast(node: Node, x: Node) -> Node | None:
    """The sum of x along its own axes, times the number of repeats."""
    whole = node.operands[0]
    count = prod(whole.shape[a] for a in node.params["axes"] if a not in whole.params["axes"])
    small = _without_repeats(node, x)
    if small is None or (x.dtype.is_float and count > 1 << 24):
        return None
    many: Node = small * count
    return many + 0.0 if x.dtype.is_float else many  # a sum is never -0.0


def _reduce_of_permute(node: Node, x: Node) -> Node | None:
    """The same over the axes where they come from, if the others stay in order."""
    order = node.operands[0].params["axes"]
    kept = [order[a] for a in _kept(node, x.type.rank)]
    return build.reduce(node.op.name, x, [order[a] for a in node.params["axes"]]) if kept == sorted(kept) else None


def _reduce_of_flip(node: Node, x: Node) -> Node | None:
    """Without flipping along the axes that are reduced."""
    flipped = node.operands[0].params["axes"]
    kept = [a for a in flipped if a not in node.params["axes"]]
    return build.reduce(node.op.name, build.flip(x, kept), node.params["axes"]) if len(kept) < len(flipped) else None


def _reduce_all_of_reshape(node: Node, x: Node) -> Node | None:
    """The same of x if it is over all axes."""
    return build.reduce(node.op.name, x, range(x.type.rank)) if node.shape == () else None


def _reshape_if_single(node: Node, x: Node) -> Node | None:
    """reshape(x) if the axes have one element each."""
    return build.reshape(x, node.shape) if all(x.shape[a] == 1 for a in node.params["axes"]) else None


def _sum_of_single(node: Node, x: Node) -> Node | None:
    """reshape(x) + 0 if the axes have one element each, for a sum is never -0.0."""
    same = _reshape_if_single(node, x)
    return same + 0.0 if same is not None and x.dtype.is_float else same


def _sum_of_pad(node: Node, x: Node, v: Node) -> Node | None:
    """pad(sum(x)) along the axes that stay, if the fill is zero."""
    if v.params["value"] != 0:
        return None
    kept = _kept(node, x.type.rank)
    low, high, interior = ([node.operands[0].params[key][a] for a in kept] for key in ("low", "high", "interior"))
    return build.pad(build.sum_(x, node.params["axes"]), low, high, interior)


def _x_if_single(node: Node, x: Node) -> Node | None:
    """x if the axis has one element."""
    return x if x.shape[node.params["axis"]] == 1 else None


def _zero_if_single(node: Node, x: Node) -> Node | None:
    """0 if the axis has one element."""
    return build.zeros_like(node) if x.shape[node.params["axis"]] == 1 else None


# -- the rules ------------------------------------------------------------------------------------------

_NOTHING_MOVES = [
    rule("reshape-same", op("reshape", x), _x_if_same_shape),
    rule("permute-same", op("permute", x), _x_if_in_order),
    rule("broadcast-same", op("broadcast", x), _x_if_same_shape),
    rule("slice-same", op("slice", x), _x_if_same_shape),
    rule("pad-same", op("pad", x, fill), _x_if_nothing_padded),
    rule("flip-single", op("flip", x), _flip_of_long_axes),
    rule("concatenate-empty", op("concatenate"), _only_piece),
    rule("cumsum-single", op("cumsum", x), _x_if_single),
    rule("argmax-single", op("argmax", x), _zero_if_single),
    rule("argmin-single", op("argmin", x), _zero_if_single),
]

_MOVED_ALIKE = ["permute", "broadcast", "constant"]

_MOVED_TWICE = [
    rule("reshape-reshape", op("reshape", op("reshape", x)), _reshape_once),
    rule("permute-permute", op("permute", op("permute", x)), _permute_once),
    rule("permute-matmul", op("permute", op("matmul", x, Var("y"))), _product_of_transposes, exact=False, single_use=True),
    rule("broadcast-broadcast", op("broadcast", op("broadcast", x)), _broadcast_once),
    rule("flip-flip", op("flip", op("flip", x)), _flip_once),
    rule("slice-slice", op("slice", op("slice", x)), _slice_once),
    rule("pad-pad", op("pad", op("pad", x, fill), fill), _pad_once),
    rule("concatenate-concatenate", op("concatenate"), _flat_concatenate),
    rule("concatenate-slices", op("concatenate"), _joined_slices),
    rule("slice-pad", op("slice", op("pad", x, fill)), _slice_of_pad),
    rule("slice-concatenate", op("slice", op("concatenate")), _slice_of_concatenate),
    rule("add-part", op("add", x, op("pad", Var("y"), fill)), _joined_parts, exact=False, tree=True),
    rule("add-parts", op("add", op("add"), op("add")), _joined_parts, exact=False, tree=True),
]

_REPEATED = [
    rule("broadcast-single", op("broadcast", x), _reshape_if_nothing_repeats),
    rule("broadcast-reshape", op("broadcast", op("reshape", x)), _broadcast_of_reshape),
    rule("permute-broadcast", op("permute", op("broadcast", x)), _permute_of_broadcast),
    rule("reshape-broadcast", op("reshape", op("broadcast", x)), _reshape_of_broadcast),
    rule("slice-broadcast", op("slice", op("broadcast", x)), _slice_of_broadcast),
    rule("flip-broadcast", op("flip", op("broadcast", x)), _flip_of_broadcast),
    rule("broadcast-iota", op("broadcast", Var("i", op="iota")), _iota_of_broadcast),
    rule("permute-iota", op("permute", Var("i", op="iota")), _iota_of_permute),
    rule("elementwise-permute", op("elementwise", any_of=_ELEMENTWISE, every=_MOVED_ALIKE), _permuted_last),
    rule("elementwise-broadcast", op("elementwise", any_of=_ELEMENTWISE, every=["broadcast", "constant"]), _arithmetic_first),
]

_REDUCED = [
    rule("reduce-nothing", op("reduction", x, any_of=REDUCTIONS), _x_if_no_axes),
    rule("sum-single", op("sum", x), _sum_of_single),
    rule("reduce-single", op("other reduction", x, any_of=_NOT_SUM), _reshape_if_single),
    *(rule(f"{name}-{name}", op(name, op(name, x)), _reduce_once, exact=False, single_use=True) for name in REDUCTIONS),
    rule("sum-broadcast", op("sum", op("broadcast", x)), _sum_of_broadcast, exact=False),
    rule("reduce-broadcast", op("max, min, any or all", op("broadcast", x), any_of=_IDEMPOTENT), _reduce_of_broadcast),
    rule("reduce-permute", op("reduction", op("permute", x), any_of=REDUCTIONS), _reduce_of_permute, exact=False),
    rule("reduce-flip", op("reduction", op("flip", x), any_of=REDUCTIONS), _reduce_of_flip, exact=False),
    rule("reduce-reshape", op("reduction", op("reshape", x), any_of=REDUCTIONS), _reduce_all_of_reshape, exact=False),
    rule("sum-pad", op("sum", op("pad", x, Var("v", op="constant"))), _sum_of_pad, exact=False),
]

MOVEMENT: list[Rule] = [*_NOTHING_MOVES, *_MOVED_TWICE, *_REPEATED, *_REDUCED]
"""All rules about movement and reductions, in order of preference."""
