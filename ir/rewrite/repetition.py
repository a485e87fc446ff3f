"""Rules about broadcasts: movement goes below them, arithmetic is done before them.

    %b = broadcast %x {shape=[4,6], axes=[1]}      →      %e = exp %x
    %e = exp %b                                           %b = broadcast %e {shape=[4,6], axes=[1]}

A result that depends on axes is a function; the first line of its docstring is the result.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.core import build
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["REPETITION"]

x = Var("x")
_BROADCAST, _PERMUTE = op("broadcast"), op("permute")
_ELEMENTWISE = [p.name for p in PRIMITIVES.values() if p.kind == "elementwise"]


def _permute_of_broadcast(node: Node, x: Node) -> Node:
    """broadcast(permute(x)) to the permuted axes."""
    places = [node.params["axes"].index(a) for a in node.operands[0].params["axes"]]
    order = sorted(range(len(places)), key=places.__getitem__)
    return build.broadcast(build.permute(x, order), node.shape, sorted(places))


def _reshape_of_broadcast(node: Node, x: Node) -> Node | None:
    """broadcast(reshape(x)) if axes of extent 1 are added or removed, or x has one element."""
    broadcast = node.operands[0]
    if x.type.size == 1:
        return build.broadcast(build.reshape(x, ()), node.shape, ())
    before, after = _long_axes(broadcast.shape), _long_axes(node.shape)
    if [broadcast.shape[a] for a in before] != [node.shape[a] for a in after]:
        return None
    kept = [after[before.index(a)] for a in broadcast.params["axes"] if broadcast.shape[a] != 1]
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
    """broadcast(reshape(x)) without the axes of extent 1."""
    inner, axes = node.operands[0], node.params["axes"]
    kept = _long_axes(inner.shape)
    if len(kept) == inner.type.rank:
        return None
    return build.broadcast(build.reshape(x, [inner.shape[a] for a in kept]), node.shape, [axes[a] for a in kept])


def _reshape_if_nothing_repeats(node: Node, x: Node) -> Node | None:
    """reshape(x) if all new axes have extent 1."""
    return build.reshape(x, node.shape) if x.type.size == node.type.size else None


def _iota_of_broadcast(node: Node, i: Node) -> Node:
    """The iota along the axis it is moved to."""
    return build.iota(node.shape, node.params["axes"][i.params["axis"]], node.dtype)


def _iota_of_permute(node: Node, i: Node) -> Node:
    """The iota along the axis it is moved to."""
    return build.iota(node.shape, node.params["axes"].index(i.params["axis"]), node.dtype)


def _arithmetic_first(node: Node) -> Node | None:
    """broadcast of the same operation on the axes that an operand has."""
    repeated = [o for o in node.operands if _BROADCAST.fits(o)]
    axes = sorted({a for o in repeated for a in o.params["axes"]})
    if not repeated or len(axes) == node.type.rank:
        return None
    small = tuple(node.shape[a] for a in axes)
    operands = [_on_axes(o, small, axes) for o in node.operands]
    return build.broadcast(make(node.op, operands, node.params, like=node), node.shape, axes)


def _permuted_last(node: Node) -> Node | None:
    """permute of the same operation on unpermuted operands, if all moved operands have the same permutation."""
    moved = [o for o in node.operands if _PERMUTE.fits(o)]
    if not moved or any(o.params != moved[0].params for o in moved):
        return None
    order = moved[0].params["axes"]
    back = sorted(range(len(order)), key=order.__getitem__)
    operands = [o.operands[0] if o in moved else _repeated_along(o, back) for o in node.operands]
    return build.permute(make(node.op, operands, node.params, like=node), order)


def _repeated_along(operand: Node, order: Sequence[int]) -> Node:
    """Return the permuted broadcast or constant as one node."""
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


# -- the rules ------------------------------------------------------------------------------------------

_MOVED_ALIKE = ["permute", "broadcast", "constant"]

REPETITION: list[Rule] = [
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
"""All rules about broadcasts, in order of preference."""
