"""A derivative along all unit vectors at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from graphc.ir.core import build
from graphc.ir.core.graph import Node, make, toposort
from graphc.ir.rewrite.pattern import op
from graphc.ir.transforms.vmap import batch
from graphc.recording.structures import substitute

__all__ = ["for_each_unit", "with_choices"]

_MUL = op("mul")


def for_each_unit(linear: Node | None, seeds: Sequence[Node], like: Node, chunk: int | None) -> Node:
    """Return a node that is linear in `seeds`, for each unit vector of the seeds.

    The values are stacked along a new first axis; None stands for zeros of the type of `like`.
    """
    total = sum(s.type.size for s in seeds)
    if linear is None or not total:
        return build.constant(0, like.dtype, (total, *like.shape))
    if total == 1:
        (one,) = substitute([linear], {s: build.full_like(s, 1) for s in seeds})
        return build.reshape(one, (1, *like.shape))
    size = chunk or total
    return build.concatenate([_units(linear, seeds, i, min(size, total - i)) for i in range(0, total, size)], 0)


def _units(linear: Node, seeds: Sequence[Node], start: int, count: int) -> Node:
    """Return `count` of the values from number `start` on."""
    offsets = accumulate((s.type.size for s in seeds), initial=0)
    basis = {s: _unit_vectors(s, start - offset, count) for s, offset in zip(seeds, offsets, strict=False)}
    ((stacked, batched),) = batch([linear], basis, count)
    if batched:
        return with_choices(stacked, basis.values())
    return build.broadcast(stacked, (count, *stacked.shape), range(1, stacked.type.rank + 1))


def with_choices(root: Node, directions: Iterable[Node]) -> Node:
    """Return a node in which products with unit vectors are replaced by selects.

    So a derivative has no 0 * inf along other directions.  Directions are bools, cast and moved.
    """
    units = {_below_movement(d) for d in directions}
    new: dict[Node, Node] = {}
    for node in toposort([root]):
        if not _MUL.fits(node):
            continue
        for unit, other in (node.operands, node.operands[::-1]):
            if _below_movement(unit) in units:
                new[node] = build.select(_moved_like(unit, _below_movement(unit).operands[0]), other, 0)
                break
    return substitute([root], new)[0] if new else root


def _below_movement(node: Node) -> Node:
    while node.op.view:
        node = node.operands[0]
    return node


def _moved_like(model: Node, base: Node) -> Node:
    """Apply the movement of `model` to `base`."""
    movement = []
    while model is not _below_movement(model):
        movement.append(model)
        model = model.operands[0]
    for node in reversed(movement):
        base = make(node.op, (base,), node.params)
    return base


def _unit_vectors(seed: Node, first: int, count: int) -> Node:
    """Return `count` arrays like `seed`: the unit vectors of flat indices `first`, `first` + 1, …, and zeros past the last."""
    shape = (count, seed.type.size)
    row, column = build.iota(shape, 0), build.iota(shape, 1)
    ones = build.cast(build.elementwise("eq", row + first if first else row, column), seed.dtype)
    return build.reshape(ones, (count, *seed.shape))
