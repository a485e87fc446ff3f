"""Rules that concatenate disjoint terms of a sum: terms that are zero outside a block.

    %p = pad %x {low=[0], high=[4], interior=[0]}      →      %c = concatenate %x, %y {axis=0}
    %q = pad %y {low=[6], high=[0], interior=[0]}
    %s = add %p, %q

Such sums are the gradients of values that were read slice by slice.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from math import prod

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_plus_zero
from graphc.ir.core.structural_key import SMALL
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["PARTS"]

_PAD, _CONCATENATE, _ADD = op("pad"), op("concatenate"), op("add")


def _joined_parts(node: Node, terms: list[Node]) -> Node | None:
    """The sum with adjacent zero-padded blocks replaced by one padded concatenation."""
    for axis in range(node.type.rank):
        chains = _chains([t for t in terms if _is_part(t, axis)], axis)
        if chains:
            return _with_joined(terms, chains, axis)
    return None


def _chains(parts: Sequence[Node], axis: int) -> list[list[Node]]:
    """Return the parts that follow one another along an axis, as chains of at least two."""
    begins: dict[object, list[Node]] = {}
    for part in parts:
        begins.setdefault(_extent_of_block(part, axis, part.params["low"][axis]), []).append(part)
    follower: dict[Node, Node] = {}
    for part in parts:
        end = _extent_of_block(part, axis, part.params["low"][axis] + part.operands[0].shape[axis])
        if waiting := begins.get(end):
            follower[part] = waiting.pop(0)
    starts = [p for p in follower if p not in set(follower.values())]
    return [_followed(start, follower) for start in starts]


def _extent_of_block(part: Node, axis: int, at: int) -> object:
    """Return the start and extent of a block along all axes but one, and a position along that one."""
    others = [a for a in range(part.type.rank) if a != axis]
    low, shape = part.params["low"], part.operands[0].shape
    return at, *[low[a] for a in others], *[shape[a] for a in others]


def _followed(part: Node, follower: dict[Node, Node]) -> list[Node]:
    chain = [part]
    while chain[-1] in follower:
        chain.append(follower[chain[-1]])
    return chain


def _with_joined(terms: list[Node], chains: list[list[Node]], axis: int) -> Node:
    """Return the sum of `terms` with each chain replaced by one part, at the position of its last term."""
    position = {t: i for i, t in enumerate(terms)}
    left: dict[int, Node] = dict(enumerate(terms))
    for chain in chains:
        places = [position[part] for part in chain]
        for i in places:
            del left[i]
        left[max(places)] = _join(chain, axis)
    return reduce(operator.add, [left[i] for i in sorted(left)])


def _join(chain: list[Node], axis: int) -> Node:
    blocks = [part.operands[0] for part in chain]
    if blocks[0].dtype.is_float:
        blocks = [_plus_zero(block) for block in blocks]
    return build.pad(build.concatenate(blocks, axis), chain[0].params["low"], chain[-1].params["high"], None, 0)


def _plus_zero(x: Node) -> Node:
    """Add a zero to a part of a sum, so that it is never -0.0, if that is not done yet."""
    if _CONCATENATE.fits(x):
        pieces = [_plus_zero(o) for o in x.operands]
        done = all(new is old for new, old in zip(pieces, x.operands, strict=True))
        return x if done else build.concatenate(pieces, x.params["axis"])
    return x if _ADD.fits(x) and any(map(is_plus_zero, x.operands)) else x + 0.0


def _is_part(x: Node, axis: int) -> bool:
    """Whether a node is zero outside a block whose runs along an axis are long enough to be concatenated."""
    if not _PAD.fits(x) or not is_plus_zero(x.operands[1]) or any(x.params["interior"]) or not x.operands[0].type.size:
        return False
    return prod(x.shape[:axis]) == 1 or prod(x.operands[0].shape[axis:]) > SMALL


PARTS: list[Rule] = [
    rule("add-part", op("add", Var("x"), op("pad", Var("y"), Var("v"))), _joined_parts, reassociates=True, tree=True),
    rule("add-parts", op("add", op("add"), Var("x")), _joined_parts, reassociates=True, tree=True),
]
"""They come before the rules about movement, which would take broadcasts out of the terms one by one."""
