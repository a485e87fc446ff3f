"""Views as movement: how a tensor reads from the node of another, and how what is written to it gets back.

A view is a chain of reshape, permute, slice, broadcast nodes on top of its base.  Reading makes the chain
again on whatever the base is now; writing runs it backwards.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.analysis.views import as_view, dense_strides
from graphc.ir.core.build import constant, pad, permute, reshape, select
from graphc.ir.core.graph import Node, Primitive, make, parameter
from graphc.ir.core.types import BOOL, TensorType

__all__ = ["Moves", "chain", "read", "strides", "write"]

Moves = tuple[tuple[Primitive, dict[str, Any]], ...]

VIEWABLE = frozenset({"reshape", "permute", "slice", "broadcast"})


def chain(result: Node, base: Node) -> Moves | None:
    """Return the moves that make `result` of `base`; None if it is made in another way."""
    moves = []
    while result is not base:
        if result.op.name not in VIEWABLE:
            return None
        moves.append((result.op, result.params))
        result = result.operands[0]
    return tuple(reversed(moves))


def read(base: Node, moves: Moves) -> Node:
    """Apply the moves."""
    for op, params in moves:
        base = make(op, (base,), params)
    return base


def strides(type: TensorType, moves: Moves) -> tuple[int, ...] | None:
    """Return the strides, in elements, of a view of a dense array; None if no strides can show it."""
    found = as_view(read(parameter(type), moves), lambda n: dense_strides(n.shape))
    return None if found is None else found.strides


def write(base: Node, moves: Moves, new: Node) -> Node:
    """Return the base with `new` where the view is.  Raises RuntimeError if elements of the view share a place."""
    steps = [base]
    for op, params in moves:
        steps.append(make(op, (steps[-1],), params))
    for (op, params), whole in zip(reversed(moves), reversed(steps[:-1]), strict=True):
        new = _write_step(op.name, params, whole, new)
    return new


def _write_step(name: str, params: dict[str, Any], whole: Node, new: Node) -> Node:
    if name == "reshape":
        return reshape(new, whole.shape)
    if name == "permute":
        axes = params["axes"]
        return permute(new, [axes.index(a) for a in range(len(axes))])
    if name == "slice":
        return _write_box(params, whole, new)
    raise RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
        "Please clone() the tensor before performing the operation."
    )


def _write_box(params: dict[str, Any], whole: Node, new: Node) -> Node:
    low, step = params["start"], params["step"]
    interior = [p - 1 if n else 0 for n, p in zip(new.shape, step, strict=True)]
    ends = [s + max(0, (n - 1) * p + 1) for s, n, p in zip(low, new.shape, step, strict=True)]
    high = [m - e for m, e in zip(whole.shape, ends, strict=True)]
    if 0 in new.shape:
        return whole
    inside = pad(constant(True, BOOL, new.shape), low, high, interior, fill=False)
    return select(inside, pad(new, low, high, interior, fill=whole.dtype.scalar(0)), whole)
