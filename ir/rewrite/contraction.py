"""Rules about sums of products: matrix products in disguise, and sums with one nonzero term.

    %p = mul (broadcast %a), (broadcast %b)     →   matmul, where each operand has an axis that the other has not
    %s = sum %p {axes=[1]}

Such sums arise from derivatives in many directions at once, and from code like `(a[:, None] * b[None]).sum(-1)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_iota, is_zero
from graphc.ir.core.structural_key import SMALL
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["CONTRACTIONS"]

x, y = Var("x"), Var("y")
_BROADCAST, _EQ = op("broadcast"), op("eq")


def _axes_of(node: Node) -> Sequence[int]:
    """Return the axes along which a node is not merely repeated."""
    return node.params["axes"] if _BROADCAST.fits(node) else range(node.type.rank)


def _below(node: Node) -> Node:
    return node.operands[0] if _BROADCAST.fits(node) else node


def _as_matmul(node: Node, x: Node, y: Node) -> Node | None:
    """matmul of x and y, if each has an axis that the other has not."""
    if not node.dtype.is_float:
        return None
    shape, summed = node.operands[0].shape, set(node.params["axes"])
    left, right = set(_axes_of(x)), set(_axes_of(y))
    if not summed <= left & right or left | right != set(range(len(shape))):
        return None
    batch, rows, columns = sorted(left & right - summed), sorted(left - right), sorted(right - left)
    terms = sorted(summed)
    m, n, k = (prod(shape[a] for a in axes) for axes in (rows, columns, terms))
    if not all(extent > SMALL for extent in (m, n, k)):
        return None  # a loop is as fast
    outside = [shape[a] for a in batch]
    a = build.reshape(_in_order(x, [*batch, *rows, *terms]), (*outside, m, k))
    b = build.reshape(_in_order(y, [*batch, *terms, *columns]), (*outside, k, n))
    kept = [*batch, *rows, *columns]
    product = build.reshape(build.matmul(a, b), [shape[a] for a in kept])
    return build.permute(product, sorted(range(len(kept)), key=kept.__getitem__))


def _in_order(node: Node, axes: Sequence[int]) -> Node:
    """Return the operand of a broadcast, with the given axes in the given order."""
    own = list(_axes_of(node))
    return build.permute(_below(node), [own.index(a) for a in axes])


def _only_term(node: Node, mask: Node, x: Node, zero: Node) -> Node | None:
    """x at the one chosen index, if the condition is that a kept index equals the index of the summed axis."""
    equal = _below(mask)
    if not _EQ.fits(equal) or not all(map(is_iota, equal.operands)) or not is_zero(zero):
        return None
    first, second = (list(_axes_of(mask))[o.params["axis"]] for o in equal.operands)
    shape, summed = node.operands[0].shape, node.params["axes"]
    if (first in summed) == (second in summed) or shape[first] != shape[second]:
        return None
    away, stays = (first, second) if first in summed else (second, first)
    if stays in _axes_of(x):
        return None
    axes = [stays if a == away else a for a in _axes_of(x)]
    order = sorted(range(len(axes)), key=axes.__getitem__)
    broadcasted = build.broadcast(build.permute(_below(x), order), shape, sorted(axes))
    start, stop = [0] * len(shape), list(shape)
    stop[away] = 1
    one = build.reshape(build.slice_(broadcasted, start, stop), [n for a, n in enumerate(shape) if a != away])
    rest = [a - (a > away) for a in summed if a != away]
    return build.sum_(one, rest) if rest else one + 0.0 if node.dtype.is_float else one


CONTRACTIONS: list[Rule] = [
    rule("sum-one-term", op("sum", op("select", Var("p", ("bool",)), x, Var("c", op="constant"))), _only_term),
    rule("sum-product", op("sum", op("mul", x, y)), _as_matmul, reassociates=True, single_use=True),
]
"""They come before the rules about sums of moved values, which take broadcasts apart."""
