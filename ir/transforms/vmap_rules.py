"""Batching rules: one flat table.

A primitive whose attributes say how each of them is batched (graphc.ir.core.signatures) needs no rule.  A rule gets the node,
its operands as they are now, for each whether it has a leading batch axis (at least one has), and the extent of that axis; it
returns the node for the batched result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir.core import build
from graphc.ir.core.build import cast, constant, elementwise, select
from graphc.ir.core.graph import Node, Primitive, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.philox import WORD, philox
from graphc.ir.core.predicates import is_literal
from graphc.ir.core.types import BOOL, I32

__all__ = ["BATCH", "BatchRule", "lead"]

BatchRule = Callable[[Node, Sequence[Node], Sequence[bool], int], Node]


def lead(x: Node, size: int) -> Node:
    """Repeat a node along a new leading axis; constants and iotas stay such, so that rewrite rules match them."""
    if is_literal(x):
        return make(x.op, (), batched_params(x, size))
    shape = (size, *x.shape)
    return build.broadcast(x, shape, range(1, len(shape)))


def batched_params(node: Node, size: int) -> dict[str, Any]:
    """Return the parameters of a node with a new leading axis."""
    kinds = node.op.attributes
    return {key: change(value, size) for key, value in node.params.items() if (change := kinds[key].batched) is not None}


def _lead_all(operands: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    return [x if has else lead(x, size) for x, has in zip(operands, batched, strict=True)]


# -- primitives without a rule of their own --------------------------------------------------------------


def _by_attributes(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Apply the primitive to batches of all operands, with its attributes shifted behind the new axis."""
    return make(node.op, _lead_all(operands, batched, size), batched_params(node, size), like=node)


def _needs_no_rule(op: Primitive) -> bool:
    return op.kind not in ("leaf", "region") and all(a.batched is not None or a.decision for a in op.attributes.values())


def _alias(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return make(node.op, operands, like=node, unique=True)


# -- rules ----------------------------------------------------------------------------------------------


def _pad(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, fill = operands
    widths = {key: (0, *node.params[key]) for key in ("low", "high", "interior")}
    x = x if batched[0] else lead(x, size)
    if not batched[1]:
        return build.apply("pad", x, fill, **widths)
    padded = build.apply("pad", x, constant(0, x.dtype), **widths)
    outside = build.apply("pad", constant(False, BOOL, x.shape), constant(True, BOOL), **widths)
    return select(outside, build.broadcast(fill, padded.shape, (0,)), padded)


def _with_place(indices: Sequence[Node]) -> list[Node]:
    """Prepend the index along the batch axis to the indices of the other axes."""
    return [build.iota(indices[0].shape, 0), *indices]


def _gather(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, *indices = operands
    indices = _lead_all(indices, batched[1:], size)
    return build.apply("gather", x, *(_with_place(indices) if batched[0] else indices), **node.params)


def _scatter(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, updates, *indices = _lead_all(operands, batched, size)
    return make(node.op, (x, updates, *_with_place(indices)))


def _matmul(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Multiply pairwise; where all share one matrix and rows can be stacked, multiply once."""
    a, b = operands
    m, n, k = *node.shape[-2:], node.operands[1].shape[-2]
    if node.type.rank == 2 and not batched[1]:
        return build.reshape(build.matmul(build.reshape(a, (size * m, k)), b), (size, m, n))
    if node.type.rank == 2 and not batched[0] and n == 1:
        rows = build.reshape(b, (size, k))
        return build.reshape(build.matmul(rows, build.swap_last(a)), (size, m, 1))
    return build.matmul(*_lead_all(operands, batched, size))


def _solve(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Solve pairwise; if all share one matrix, solve once, with the right sides beside one another."""
    *matrices, b = operands
    if node.type.rank > 2 or any(batched[:-1]):
        return _by_attributes(node, operands, batched, size)
    n, m = node.shape
    columns = build.reshape(build.permute(b, (1, 0, 2)), (n, size * m))
    together = make(node.op, (*matrices, columns), node.params, like=node)
    return build.permute(build.reshape(together, (n, size, m)), (1, 0, 2))


def _random_bits(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Draw for each key the words that `random_bits` draws for it (ir/core/philox.py)."""
    (keys,) = operands
    flat = (size, node.type.size)
    counter = _column(keys, 1, flat) + build.iota(flat, 1)
    word = philox(_NodeWords(), _column(keys, 0, flat), counter)
    return build.reshape(cast(word, I32), (size, *node.shape))


class _NodeWords:
    """Words as nodes of type i64, whose shift to the right repeats the sign."""

    def low(self, x: Node) -> Node:
        return x & WORD

    def high(self, x: Node) -> Node:
        return elementwise("shift_right", x, 32) & WORD

    def xor(self, x: Node, y: Node) -> Node:
        return x ^ y

    def add(self, x: Node, y: int) -> Node:
        return x + y

    def mul(self, x: Node, y: int) -> Node:
        return x * y


def _column(keys: Node, column: int, shape: tuple[int, int]) -> Node:
    one = build.slice_(keys, (0, column), (shape[0], column + 1))
    return build.broadcast(build.reshape(one, shape[:1]), shape, (0,))


# -- the table ------------------------------------------------------------------------------------------

BATCH: dict[str, BatchRule] = {
    **{name: _by_attributes for name, op in PRIMITIVES.items() if _needs_no_rule(op)},
    "alias": _alias,
    "pad": _pad,
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter,
    "matmul": _matmul,
    "triangular_solve": _solve,
    "lu_solve": _solve,
    "random_bits": _random_bits,
}
"""The rule of each primitive that can depend on a batched value; those with regions are in vmap_control."""
