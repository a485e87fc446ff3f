"""Rules about reductions: of reductions, of movement, over no axes or over axes of extent 1.

A result that depends on axes is a function; the first line of its docstring is the result.
"""

from __future__ import annotations

from math import prod

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS
from graphc.ir.core.predicates import is_zero
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["REDUCTION"]

x = Var("x")

_IDEMPOTENT = tuple([name for name in REDUCTIONS if PRIMITIVES[name].idempotent])
_NOT_SUM = tuple([name for name in REDUCTIONS if not PRIMITIVES[name].linear])


def _kept_axes(node: Node, rank: int) -> list[int]:
    return [a for a in range(rank) if a not in node.params["axes"]]


def _x_if_no_axes(node: Node, x: Node) -> Node | None:
    """x if there are no axes."""
    return None if node.params["axes"] else x


def _reduce_once(node: Node, x: Node) -> Node:
    """One reduction over the axes of both."""
    inner = node.operands[0]
    kept = _kept_axes(inner, x.type.rank)
    return build.reduce(node.op.name, x, [*inner.params["axes"], *(kept[a] for a in node.params["axes"])])


def _reduce_of_broadcast(node: Node, x: Node) -> Node | None:
    """The same reduction of x, over the axes along which it is not repeated."""
    return _without_repeats(node, x)


def _without_repeats(node: Node, x: Node) -> Node | None:
    """Reduce a broadcast over those axes that its operand has; None if these are all."""
    broadcast, reduced = node.operands[0], node.params["axes"]
    axes = broadcast.params["axes"]
    if all(a in axes for a in reduced) or not broadcast.type.size:
        return None
    result = build.reduce(node.op.name, x, [axes.index(a) for a in reduced if a in axes])
    kept = _kept_axes(node, broadcast.type.rank)
    return build.broadcast(result, node.shape, [kept.index(a) for a in axes if a not in reduced])


def _sum_of_broadcast(node: Node, x: Node) -> Node | None:
    """The sum of x along its own axes, times the number of repetitions."""
    broadcast = node.operands[0]
    count = prod(broadcast.shape[a] for a in node.params["axes"] if a not in broadcast.params["axes"])
    small = _without_repeats(node, x)
    if small is None or (x.dtype.is_float and count > 1 << 24):
        return None
    many: Node = small * count
    return many + 0.0 if x.dtype.is_float else many  # a sum is never -0.0


def _reduce_of_permute(node: Node, x: Node) -> Node | None:
    """The same reduction over the unpermuted axes, if the other axes stay in order."""
    order = node.operands[0].params["axes"]
    kept = [order[a] for a in _kept_axes(node, x.type.rank)]
    return build.reduce(node.op.name, x, [order[a] for a in node.params["axes"]]) if kept == sorted(kept) else None


def _reduce_of_flip(node: Node, x: Node) -> Node | None:
    """The same reduction without flips along reduced axes."""
    flipped = node.operands[0].params["axes"]
    kept = [a for a in flipped if a not in node.params["axes"]]
    return build.reduce(node.op.name, build.flip(x, kept), node.params["axes"]) if len(kept) < len(flipped) else None


def _reduce_all_of_reshape(node: Node, x: Node) -> Node | None:
    """The same reduction of x, if it is over all axes."""
    return build.reduce(node.op.name, x, range(x.type.rank)) if node.shape == () else None


def _reshape_if_single(node: Node, x: Node) -> Node | None:
    """reshape(x) if the reduced axes have extent 1."""
    return build.reshape(x, node.shape) if all(x.shape[a] == 1 for a in node.params["axes"]) else None


def _sum_of_single(node: Node, x: Node) -> Node | None:
    """reshape(x) + 0 if the reduced axes have extent 1; a sum is never -0.0."""
    same = _reshape_if_single(node, x)
    return same + 0.0 if same is not None and x.dtype.is_float else same


def _sum_of_pad(node: Node, x: Node, v: Node) -> Node | None:
    """pad(sum(x)) along the axes that stay, if the fill is zero."""
    if not is_zero(v):
        return None
    kept = _kept_axes(node, x.type.rank)
    low, high, interior = ([node.operands[0].params[key][a] for a in kept] for key in ("low", "high", "interior"))
    return build.pad(build.sum_(x, node.params["axes"]), low, high, interior)


REDUCTION: list[Rule] = [
    rule("reduce-nothing", op("reduction", x, any_of=REDUCTIONS), _x_if_no_axes),
    rule("sum-single", op("sum", x), _sum_of_single),
    rule("reduce-single", op("other reduction", x, any_of=_NOT_SUM), _reshape_if_single),
    *(rule(f"{name}-{name}", op(name, op(name, x)), _reduce_once, reassociates=True, single_use=True) for name in REDUCTIONS),
    rule("sum-broadcast", op("sum", op("broadcast", x)), _sum_of_broadcast, reassociates=True),
    rule("reduce-broadcast", op("max, min, any or all", op("broadcast", x), any_of=_IDEMPOTENT), _reduce_of_broadcast),
    rule("reduce-permute", op("reduction", op("permute", x), any_of=REDUCTIONS), _reduce_of_permute, reassociates=True),
    rule("reduce-flip", op("reduction", op("flip", x), any_of=REDUCTIONS), _reduce_of_flip, reassociates=True),
    rule("reduce-reshape", op("reduction", op("reshape", x), any_of=REDUCTIONS), _reduce_all_of_reshape, reassociates=True),
    rule("sum-pad", op("sum", op("pad", x, Var("v", op="constant"))), _sum_of_pad, reassociates=True),
]
"""All rules about reductions, in order of preference."""
