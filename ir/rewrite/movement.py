"""Rules about movement of movement.

A result that depends on axes is a function; the first line of its docstring is the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["MOVEMENT"]

x, fill = Var("x"), Var("v")
_CONCATENATE, _SLICE = op("concatenate"), op("slice")



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
    """The only operand that is not empty, or the concatenation of the nonempty ones."""
    axis = node.params["axis"]
    kept = [o for o in node.operands if o.shape[axis]]
    return build.concatenate(kept, axis) if kept and (len(kept) < len(node.operands) or len(kept) == 1) else None


# -- movement of movement -------------------------------------------------------------------------------


def _reshape_once(node: Node, x: Node) -> Node:
    """reshape(x) to the last shape."""
    return build.reshape(x, node.shape)


def _permute_once(node: Node, x: Node) -> Node:
    """permute(x) by the composed permutation."""
    inner = node.operands[0].params["axes"]
    return build.permute(x, [inner[a] for a in node.params["axes"]])


def _broadcast_once(node: Node, x: Node) -> Node:
    """broadcast(x) to the last shape."""
    axes = node.params["axes"]
    return build.broadcast(x, node.shape, [axes[a] for a in node.operands[0].params["axes"]])


def _transposed_matmul(node: Node, x: Node, y: Node) -> Node | None:
    """matmul(transpose(y), transpose(x)), if only the last two axes are swapped."""
    n = node.type.rank
    swapped = node.params["axes"] == (*range(n - 2), n - 1, n - 2)
    return build.matmul(build.swap_last(y), build.swap_last(x)) if swapped else None


def _flip_once(node: Node, x: Node) -> Node:
    """flip(x) along the axes flipped exactly once."""
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
    """pad(x, v) with the widths added, if the outer pad inserts nothing between elements."""
    inner, outer = node.operands[0].params, node.params
    if any(outer["interior"]):
        return None
    low = [a + b for a, b in zip(inner["low"], outer["low"], strict=True)]
    high = [a + b for a, b in zip(inner["high"], outer["high"], strict=True)]
    return build.pad(x, low, high, inner["interior"], v)


def _flat_concatenate(node: Node) -> Node | None:
    """One concatenation of all pieces, if they are along the same axis."""
    axis = node.params["axis"]
    nested = [_CONCATENATE.fits(o) and o.params["axis"] == axis for o in node.operands]
    if not any(nested):
        return None
    pieces = [piece for o, n in zip(node.operands, nested, strict=True) for piece in (o.operands if n else (o,))]
    return build.concatenate(pieces, axis)


def _joined_slices(node: Node) -> Node | None:
    """Fewer pieces, where consecutive pieces are consecutive slices of one node."""
    axis = node.params["axis"]
    pieces = [node.operands[0]]
    for piece in node.operands[1:]:
        joined = _join(pieces[-1], piece, axis)
        pieces[-1:] = [pieces[-1], piece] if joined is None else [joined]
    return build.concatenate(pieces, axis) if len(pieces) < len(node.operands) else None


def _join(a: Node, b: Node, axis: int) -> Node | None:
    if not (_SLICE.fits(a) and _SLICE.fits(b)) or a.operands != b.operands or a.params["step"][axis] != 1:
        return None
    others = [i for i in range(a.type.rank) if i != axis]
    alike = all(a.params[key][i] == b.params[key][i] for key in ("start", "stop", "step") for i in others)
    if not alike or b.params["step"][axis] != 1 or b.params["start"][axis] != a.params["stop"][axis]:
        return None
    stop = list(a.params["stop"])
    stop[axis] = b.params["stop"][axis]
    return build.slice_(a.operands[0], a.params["start"], stop, a.params["step"])


# -- slices of pads and concatenations --------------------------------------------------------------------


def _slice_of_pad(node: Node, x: Node, v: Node) -> Node | None:
    """slice(x) along axes where it meets only x; v if it meets only v."""
    rank = x.type.rank
    axes = [_PaddedAxis(node, a) for a in range(rank)]
    if any(axis.misses for axis in axes):
        return build.broadcast(v, node.shape, ())
    if not all(axis.covers_axis or axis.inside for axis in axes) or all(axis.covers_axis for axis in axes):
        return None
    inner = _slice_of(x, [a.start for a in axes], [a.count for a in axes], [a.step for a in axes])
    return build.pad(inner, [a.low for a in axes], [a.high for a in axes], [a.interior for a in axes], v)


class _PaddedAxis:
    """A slice of a pad along one axis, and the equivalent slice and pad of the operand."""

    def __init__(self, node: Node, axis: int) -> None:
        padded = node.operands[0]
        begin, step = node.params["start"][axis], node.params["step"][axis]
        low, high, gap = (padded.params[key][axis] for key in ("low", "high", "interior"))
        extent = padded.operands[0].shape[axis]
        last = _last_index(begin, node.shape[axis], step)
        end = _last_index(low, extent, gap + 1)
        aligned = (begin - low) % (gap + 1) == 0 and (step % (gap + 1) == 0 or node.shape[axis] == 1)
        self.covers_axis = node.shape[axis] == padded.shape[axis]
        self.inside = not self.covers_axis and low <= begin and last <= end and aligned
        self.misses = last < low or begin > end or not extent
        self.start, self.count, self.step = 0, extent, 1
        self.low, self.high, self.interior = low, high, gap
        if self.inside:
            self.start, self.count, self.step = (begin - low) // (gap + 1), node.shape[axis], max(1, step // (gap + 1))
            self.low = self.high = self.interior = 0


def _slice_of_concatenate(node: Node) -> Node | None:
    """A slice of the pieces that it meets."""
    joined = node.operands[0]
    axis = joined.params["axis"]
    begin = node.params["start"][axis]
    last = _last_index(begin, node.shape[axis], node.params["step"][axis])
    ends = np.cumsum([o.shape[axis] for o in joined.operands])
    first_piece, last_piece = (int(np.searchsorted(ends, i, side="right")) for i in (begin, last))
    pieces = joined.operands[first_piece : last_piece + 1]
    if len(pieces) == len(joined.operands):
        return None
    start = list(node.params["start"])
    start[axis] -= int(ends[first_piece]) - joined.operands[first_piece].shape[axis]
    return _slice_of(build.concatenate(pieces, axis), start, node.shape, node.params["step"])


# -- axes of one element -----------------------------------------------------------------------------------


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
    rule("argsort-single", op("argsort", x), _zero_if_single),
]

_MOVED_TWICE = [
    rule("reshape-reshape", op("reshape", op("reshape", x)), _reshape_once),
    rule("permute-permute", op("permute", op("permute", x)), _permute_once),
    rule("permute-matmul", op("permute", op("matmul", x, Var("y"))), _transposed_matmul, reassociates=True, single_use=True),
    rule("broadcast-broadcast", op("broadcast", op("broadcast", x)), _broadcast_once),
    rule("flip-flip", op("flip", op("flip", x)), _flip_once),
    rule("slice-slice", op("slice", op("slice", x)), _slice_once),
    rule("pad-pad", op("pad", op("pad", x, fill), fill), _pad_once),
    rule("concatenate-concatenate", op("concatenate"), _flat_concatenate),
    rule("concatenate-slices", op("concatenate"), _joined_slices),
    rule("slice-pad", op("slice", op("pad", x, fill)), _slice_of_pad),
    rule("slice-concatenate", op("slice", op("concatenate")), _slice_of_concatenate),
]

MOVEMENT: list[Rule] = [*_NOTHING_MOVES, *_MOVED_TWICE]
"""All rules about movement, except of broadcasts, in order of preference."""
