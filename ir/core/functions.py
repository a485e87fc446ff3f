"""Functions composed of primitives that operations and derivative rules both need, with derivatives of their own.

`derived` gives a value the derivative that a rule of graphc.ir.transforms.derived_rules writes down, where that of the
formula which computes it best would lose digits, overflow or be NaN.
"""

from __future__ import annotations

from graphc.ir.core.build import apply, elementwise, select, zeros_like
from graphc.ir.core.graph import Node

__all__ = ["cosh", "derived", "magnitude", "sinh"]


def derived(rule: str, value: Node, x: Node, y: Node | None = None) -> Node:
    """Return `value`, whose derivatives by `x` and `y` are those of a rule."""
    return apply("derived", value, x, x if y is None else y, rule=rule)


def magnitude(x: Node) -> Node:
    """Return |x| with derivative 1 at 0, where `abs` has 0: for formulas that put the sign back."""
    return select(x < 0, -x, x)


def sinh(x: Node) -> Node:
    """Return the hyperbolic sine: by expm1 below 1, and as (e^(x/2))²/2 - e^-x/2 above, without early overflow."""
    a = magnitude(x)
    small = a < 1
    e = elementwise("expm1", select(small, a, zeros_like(a)))
    half = elementwise("exp", a * 0.5)
    result = select(small, (e + e / (e + 1)) * 0.5, half * 0.5 * half - elementwise("exp", -a) * 0.5)
    return derived("sinh", select(x < 0, -result, result), x)


def cosh(x: Node) -> Node:
    """Return the hyperbolic cosine, without early overflow."""
    a = magnitude(x)
    half = elementwise("exp", a * 0.5)
    return derived("cosh", half * 0.5 * half + elementwise("exp", -a) * 0.5, x)
