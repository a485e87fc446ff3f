"""What batching does at each primitive: one flat table.

A rule gets the node, its operands as they are now, for each whether it has the batch axis (in front; one has
it at least), and the extent of that axis; it returns the node for the result, the batch axis in front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.ir.core import build
from graphc.ir.core.build import cast, constant, elementwise, select
from graphc.ir.core.graph import Node, make
from graphc.ir.core.types import BOOL, I32

__all__ = ["BATCH", "UNBATCHED", "BatchRule", "lead"]

BatchRule = Callable[[Node, Sequence[Node], Sequence[bool], int], Node]


def lead(x: Node, size: int) -> Node:
    """Repeat a node along a new leading axis; constants and indices stay such, so that rules still see them."""
    shape = (size, *x.shape)
    if x.op.name == "constant":
        return build.apply("constant", **{**x.params, "shape": shape})
    if x.op.name == "iota":
        return build.iota(shape, x.params["axis"] + 1, x.dtype)
    return build.broadcast(x, shape, range(1, len(shape)))


def _lead_all(operands: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    return [x if has else lead(x, size) for x, has in zip(operands, batched, strict=True)]


def _behind(axes: Sequence[int]) -> tuple[int, ...]:
    """Return axes counted with the batch axis in front of them."""
    return tuple(a + 1 for a in axes)


# -- elementwise ----------------------------------------------------------------------------------------


def _elementwise(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return make(node.op, _lead_all(operands, batched, size), node.params, like=node)


def _alias(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return make(node.op, operands, like=node, unique=True)


# -- of one operand -------------------------------------------------------------------------------------


def _with(change: Callable[[Node, int], dict[str, object]]) -> BatchRule:
    """Make the rule of a primitive of one operand from `change(node, size)`: the parameters with a batch axis in front."""

    def rule(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
        return make(node.op, operands, change(node, size), like=node)

    return rule


_axes = _with(lambda node, size: {"axes": _behind(node.params["axes"])})
_axis = _with(lambda node, size: {"axis": node.params["axis"] + 1})
_reshape = _with(lambda node, size: {"shape": (size, *node.shape)})
_permute = _with(lambda node, size: {"axes": (0, *_behind(node.params["axes"]))})
_broadcast = _with(lambda node, size: {"shape": (size, *node.shape), "axes": (0, *_behind(node.params["axes"]))})
_slice = _with(
    lambda node, size: {
        "start": (0, *node.params["start"]),
        "stop": (size, *node.params["stop"]),
        "step": (1, *node.params["step"]),
    }
)


# -- of several -----------------------------------------------------------------------------------------


def _pad(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, fill = operands
    widths = {key: (0, *node.params[key]) for key in ("low", "high", "interior")}
    x = x if batched[0] else lead(x, size)
    if not batched[1]:
        return build.apply("pad", x, fill, **widths)
    padded = build.apply("pad", x, constant(0, x.dtype), **widths)
    outside = build.apply("pad", constant(False, BOOL, x.shape), constant(True, BOOL), **widths)
    return select(outside, build.broadcast(fill, padded.shape, (0,)), padded)


def _concatenate(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return build.concatenate(_lead_all(operands, batched, size), node.params["axis"] + 1)


def _with_place(indices: Sequence[Node]) -> list[Node]:
    """Put the index along the batch axis before the indices of the other axes."""
    return [build.iota(indices[0].shape, 0), *indices]


def _gather(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, *indices = operands
    indices = _lead_all(indices, batched[1:], size)
    return build.apply("gather", x, *(_with_place(indices) if batched[0] else indices), **node.params)


def _scatter(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, updates, *indices = _lead_all(operands, batched, size)
    return make(node.op, (x, updates, *_with_place(indices)))


def _matmul(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Multiply pair by pair; but where all share one matrix and rows can be stacked, in one product."""
    a, b = operands
    m, n, k = *node.shape[-2:], node.operands[1].shape[-2]
    if node.type.rank == 2 and not batched[1]:
        return build.reshape(build.matmul(build.reshape(a, (size * m, k)), b), (size, m, n))
    if node.type.rank == 2 and not batched[0] and n == 1:
        rows = build.reshape(b, (size, k))
        return build.reshape(build.matmul(rows, build.swap_last(a)), (size, m, 1))
    return build.matmul(*_lead_all(operands, batched, size))


def _random_bits(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Draw for each key what `random_bits` draws for it.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): Philox-2x32-10.
    """
    (keys,) = operands
    flat = (size, node.type.size)
    counter = _column(keys, 1, flat) + build.iota(flat, 1)
    low, high = counter & _WORD, _high(counter)
    seed = _column(keys, 0, flat)
    k = (seed & _WORD) ^ _high(seed)
    for _ in range(10):
        product = low * 0xD256D193
        low, high = _high(product) ^ k ^ high, product & _WORD
        k = (k + 0x9E3779B9) & _WORD
    return build.reshape(cast(low, I32), (size, *node.shape))


_WORD = 0xFFFFFFFF


def _high(x: Node) -> Node:
    """Return the upper 32 bits of an i64, as a number that is not negative."""
    return elementwise("shift_right", x, 32) & _WORD


def _column(keys: Node, column: int, shape: tuple[int, int]) -> Node:
    one = build.slice_(keys, (0, column), (shape[0], column + 1))
    return build.broadcast(build.reshape(one, shape[:1]), shape, (0,))


# -- the table ------------------------------------------------------------------------------------------

BATCH: dict[str, BatchRule] = {
    **dict.fromkeys(
        ("neg", "abs", "sign", "floor", "ceil", "trunc", "round", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin"),
        _elementwise,
    ),
    **dict.fromkeys(("cos", "atan", "tanh", "sigmoid", "erf", "not", "stop_gradient", "cast", "select"), _elementwise),
    **dict.fromkeys(("add", "sub", "mul", "div", "floordiv", "remainder", "pow", "maximum", "minimum"), _elementwise),
    "derived": _elementwise,
    **dict.fromkeys(("and", "or", "xor", "shift_left", "shift_right", "eq", "ne", "lt", "le"), _elementwise),
    "alias": _alias,
    "reshape": _reshape,
    "permute": _permute,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "flip": _axes,
    "concatenate": _concatenate,
    **dict.fromkeys(("sum", "prod", "max", "min", "any", "all"), _axes),
    "argmax": _axis,
    "argmin": _axis,
    "cumsum": _axis,
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter,
    "matmul": _matmul,
    "random_bits": _random_bits,
}
"""The rule of every primitive that can depend on something batched."""

_LEAF = "has no operands"
_FUSED = "batching runs before fusion"
_CONTROL = "its rule is in graphc.ir.transforms.vmap_control"

UNBATCHED: dict[str, str] = {
    "parameter": _LEAF,
    "constant": _LEAF,
    "iota": _LEAF,
    "fusion": _FUSED,
    **dict.fromkeys(("checkpoint", "cond", "custom", "while", "scan", "result"), _CONTROL),
}
"""Primitives that have no rule, each with the reason."""
