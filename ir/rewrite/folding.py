"""Rules that replace nodes with constant operands, or without elements, by constants.

Elementwise primitives are folded by their own NumPy semantics, on one element.
"""

from __future__ import annotations

from math import prod

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.guards import derived
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["FOLDING"]

c = Var("c", op="constant")


def _no_elements(node: Node, *_: Node) -> Node | None:
    """Zeros if it has no elements."""
    return None if node.type.size else build.zeros_like(node)


def _constant_result(node: Node) -> Node:
    """The constant it computes."""
    assert node.op.reference is not None

    def computed(*values: float) -> float:
        operands = [np.asarray(v, o.dtype.numpy) for v, o in zip(values, node.operands, strict=True)]
        with np.errstate(all="ignore"):
            return np.asarray(node.op.reference(*operands, **node.params)).item()  # type: ignore[misc, no-any-return]

    return build.full_like(node, derived(computed, *(o.params["value"] for o in node.operands)))


def _moved(node: Node, c: Node) -> Node:
    """The constant in the new shape."""
    return build.full_like(node, c.params["value"])


def _all_alike(node: Node, *_: Node) -> Node | None:
    """The constant in the new shape, if all operands have one value."""
    first = build.constant(node.operands[0].params["value"], node.dtype)
    alike = all(build.constant(o.params["value"], o.dtype) is first for o in node.operands)
    return build.full_like(node, first.params["value"]) if alike else None


def _count(node: Node, c: Node) -> int:
    return prod(c.shape[a] for a in node.params["axes"])


def _chosen(node: Node, c: Node) -> Node | None:
    """The constant in the new shape if it reduces any elements; else the reduction of none."""
    if _count(node, c):
        return build.full_like(node, c.params["value"])
    assert node.op.reference is not None
    return build.full_like(node, bool(node.op.reference(np.zeros(0, np.bool_), (0,))))  # max and min always have an element


def _summed(node: Node, c: Node) -> Node:
    """The constant times the number of elements, rounded once."""
    value, count = c.params["value"], _count(node, c)
    if not c.dtype.is_float:
        return build.full_like(node, value * count)
    # the product of an f32 and a count below 2**29 is exact in f64, so it is rounded once; adding 0.0 turns -0.0 positive
    return build.full_like(node, value * count + 0.0 if count else 0.0)


def _multiplied(node: Node, c: Node) -> Node | None:
    """The constant to the power of the number of elements, if it is an integer or 1."""
    value, count = c.params["value"], _count(node, c)
    if c.dtype.is_int:
        return build.full_like(node, pow(value, count, 1 << 64))
    return build.full_like(node, 1.0) if value == 1 or not count else None


_ELEMENTWISE = [p.name for p in PRIMITIVES.values() if p.kind == "elementwise"]
_TOTAL = [p.name for p in PRIMITIVES.values() if p.kind not in ("leaf", "region") and not p.may_fail]

FOLDING: list[Rule] = [
    rule("empty", op("anything", any_of=_TOTAL), _no_elements),
    rule("fold", op("elementwise", any_of=_ELEMENTWISE, every=["constant"]), _constant_result),
    rule("move-constant", op("movement", c, any_of=["reshape", "permute", "broadcast", "slice", "flip"]), _moved),
    rule("join-constants", op("pad or concatenate", any_of=["pad", "concatenate"], every=["constant"]), _all_alike),
    rule("choose-constant", op("max, min, any or all", c, any_of=["max", "min", "any", "all"]), _chosen),
    rule("sum-constant", op("sum", c), _summed, reassociates=True),
    rule("prod-constant", op("prod", c), _multiplied),
]
"""All rules that make constants."""
