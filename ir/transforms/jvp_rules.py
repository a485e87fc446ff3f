"""Forward-mode rules: one flat table of Jacobian-vector products, the transpose of the table of reverse mode.

A rule gets the node and the tangent of each operand, None for an operand without one (at least one has a tangent), and returns
the tangent of the result.  The partial derivatives of elementwise primitives, the conventions at singular points, and the list
of primitives without a rule are those of graphc.ir.transforms.vjp_rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

from graphc.ir.core import build
from graphc.ir.core.build import select, zeros_like
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.transforms.decomposition_rules import DECOMPOSITION_JVP
from graphc.ir.transforms.derived_rules import DERIVED
from graphc.ir.transforms.matrix_rules import MATRIX_JVP
from graphc.ir.transforms.vjp_rules import DIAGONAL, Contribution, extremal, halves, rows

__all__ = ["JVP", "JVPRule"]

JVPRule = Callable[[Node, Sequence["Node | None"]], Node]


def _total(*contributions: Contribution) -> JVPRule:
    """Make a rule from one function per operand, called as `f(t, y, *operands)` with the tangent of that operand."""

    def rule(node: Node, tangents: Sequence[Node | None]) -> Node:
        pairs = zip(contributions, tangents, strict=True)
        return reduce(add, [c(t, node, *node.operands) for c, t in pairs if t is not None])

    return rule


def _derived(node: Node, tangents: Sequence[Node | None]) -> Node:
    """Add the partial derivatives of the rule times the operands' tangents; the tangent of the value itself is not used."""
    _, x, y = node.operands
    pairs = zip(DERIVED[node.params["rule"]], tangents[1:], strict=True)
    parts = [p(t, node, x, y) for p, t in pairs if p is not None and t is not None]
    return reduce(add, parts) if parts else zeros_like(node)


def _linear(node: Node, tangents: Sequence[Node | None]) -> Node:
    """Apply the primitive to the tangents of its float operands; conditions and indices stay."""
    pairs = zip(node.operands, tangents, strict=True)
    return make(node.op, [_tangent_or_zeros(x, t) if x.dtype.is_float else x for x, t in pairs], node.params)


def _tangent_or_zeros(x: Node, tangent: Node | None) -> Node:
    return zeros_like(x) if tangent is None else tangent


def _scatter(node: Node, tangents: Sequence[Node | None]) -> Node:
    """Replace tangents by those of the updates, or by zeros."""
    x, updates, *indices = node.operands
    base, new, *_ = tangents
    return build.scatter(_tangent_or_zeros(x, base), _tangent_or_zeros(updates, new), *indices)


def _scatter_add(node: Node, tangents: Sequence[Node | None]) -> Node:
    base, updates, *_ = tangents
    return _linear(node, tangents) if base is None or updates is not None else base


def _extremum(node: Node, tangents: Sequence[Node | None]) -> Node:
    """Average the tangents of the elements that are the extremum."""
    (x,), (t,) = node.operands, tangents
    assert t is not None
    chosen, count = extremal(node, x)
    return build.sum_(select(chosen, t, 0), node.params["axes"]) / count


def _prod(node: Node, tangents: Sequence[Node | None]) -> Node:
    """Multiply (value, tangent) pairs in a binary tree: no division, so it is exact around any number of zeros."""
    (x,), (t,) = node.operands, tangents
    assert t is not None
    level, rate = rows(x, node.params["axes"]), rows(t, node.params["axes"])
    while level.shape[-1] > 1:
        (a, b), (da, db) = halves(level, 1), halves(rate, 0)
        level, rate = a * b, da * b + a * db
    return build.reshape(rate, node.shape) if rate.shape[-1] else zeros_like(node)


JVP: dict[str, JVPRule] = {
    **{name: _linear for name, op in PRIMITIVES.items() if op.linear},
    **{name: _total(*contributions) for name, contributions in DIAGONAL.items()},
    "derived": _derived,
    "scatter": _scatter,
    "scatter_add": _scatter_add,
    "matmul": _total(lambda t, y, a, b: build.matmul(t, b), lambda t, y, a, b: build.matmul(a, t)),
    "max": _extremum,
    "min": _extremum,
    "prod": _prod,
    **MATRIX_JVP,
    **DECOMPOSITION_JVP,
}
"""For each differentiable primitive, the tangent of its result from those of its operands."""
