"""Derivative rules of `derived` nodes, whose values are computed by another formula than their derivatives.

As in DIAGONAL (graphc.ir.transforms.vjp_rules), a rule has for each of the two operands a function of the cotangent or tangent
`g`, the value `v`, and the operands.  At singular points the derivatives are torch's.
Source: PyTorch, tools/autograd/derivatives.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, pi

from graphc.ir.core.build import cosh, derived, elementwise, full_like, magnitude, select, sinh, zeros_like
from graphc.ir.core.graph import Node

__all__ = ["DERIVED", "Partial"]

Partial = Callable[[Node, Node, Node, Node], Node]

SINC_TERMS = [2 * k * (-1) ** k / factorial(2 * k + 1) for k in range(1, 9)]
"""Terms of (t cos t - sin t) / t² as a series in odd powers of t: exact in f64 below 1/2."""


def _inverse_root(g: Node, v: Node, x: Node, y: Node) -> Node:
    return g * elementwise("rsqrt", _below_one(x))


def _below_one(x: Node) -> Node:
    """Return 1 - x², without cancellation; its derivative is one product, so that infinities behind it stay infinite."""
    return derived("below-one", (1 - x) * (1 + x), x)


def _hyperbolic(g: Node, x: Node, below: Node) -> Node:
    """Return g / sqrt(below), and g / |x| where x² may overflow."""
    size = elementwise("abs", x)
    large = size > 1e9
    return g * select(large, 1 / select(large, size, 1), elementwise("rsqrt", below))


def _sinc(g: Node, v: Node, x: Node, y: Node) -> Node:
    t = x * pi
    near = elementwise("abs", t) < 0.5
    small, large = select(near, t, 0), select(near, full_like(t, 1), t)
    square, series = small * small, full_like(t, 0)
    for term in reversed(SINC_TERMS):
        series = series * square + term
    far = (elementwise("cos", large) - elementwise("sin", large) / large) / large
    return g * (select(near, series * small, far) * pi)


def _logit(g: Node, v: Node, x: Node, y: Node) -> Node:
    outside = (x < 0) | (x > 1)
    return g * select(outside, float("nan"), 1 / (x * (1 - x)))


def _xlogy(g: Node, v: Node, x: Node, y: Node) -> Node:
    nothing = elementwise("eq", x, 0) & (y <= 0)
    return g * select(nothing, 0, elementwise("log", select(nothing, 1, y)))


def _turned(g: Node, y: Node, x: Node, leg: Node) -> Node:
    """Return g * leg / (x² + y²), scaled by the longer leg so that squares neither overflow nor vanish."""
    top = elementwise("maximum", elementwise("abs", x), elementwise("abs", y))
    plain = elementwise("eq", top, 0) | elementwise("eq", top, float("inf"))
    scale = select(plain, full_like(top, 1), top)
    a, b, c = x / scale, y / scale, leg / scale
    return g * select(elementwise("eq", top, 0), 0, c / (a * a + b * b) / scale)  # 0 at the origin; its derivatives are NaN


def _logits(g: Node, v: Node, x: Node, t: Node) -> Node:
    e = elementwise("exp", -magnitude(x))  # as in the value
    return g * (select(x < 0, e, 1) / (e + 1) - t)


def _cross_entropy(g: Node, v: Node, x: Node, t: Node) -> Node:
    return g * ((x - t) / elementwise("maximum", (1 - x) * x, 1e-12))


def _cross_entropy_by_target(g: Node, v: Node, x: Node, t: Node) -> Node:
    near, far = (select(v < -100, -100, v) for v in (elementwise("log", x), elementwise("log1p", -x)))  # as in the value
    return g * (far - near)


def _hardswish(g: Node, v: Node, x: Node, y: Node) -> Node:
    return select(x <= -3, 0, select(x < 3, g * (x * (1 / 3) + 0.5), g))


def _copysign(g: Node, v: Node, x: Node, y: Node) -> Node:
    zero = elementwise("eq", x, 0)
    return g * select(zero, 0, v / select(zero, 1, x))


def _zero(g: Node, v: Node, x: Node, y: Node) -> Node:
    return zeros_like(g)


DERIVED: dict[str, tuple[Partial, Partial | None]] = {
    "asin": (_inverse_root, None),
    "acos": (lambda g, v, x, y: -_inverse_root(g, v, x, y), None),
    "asinh": (lambda g, v, x, y: _hyperbolic(g, x, x * x + 1), None),
    "acosh": (lambda g, v, x, y: _hyperbolic(g, x, -_below_one(x) + 0), None),
    "atanh": (lambda g, v, x, y: g / _below_one(x), None),
    "below-one": (lambda g, v, x, y: g * (x * -2), None),
    "sinh": (lambda g, v, x, y: g * cosh(x), None),
    "cosh": (lambda g, v, x, y: g * sinh(x), None),
    "sinc": (_sinc, None),
    "logit": (_logit, None),
    "logits": (_logits, lambda g, v, x, t: -(g * x)),
    "xlogy": (_xlogy, lambda g, v, x, y: g * (x / y)),
    "atan2": (lambda g, v, y, x: _turned(g, y, x, x), lambda g, v, y, x: -_turned(g, y, x, y)),
    "hypot": (lambda g, v, x, y: g * (x / v), lambda g, v, x, y: g * (y / v)),
    "checked": (lambda g, v, x, y: g * y, None),
    "copysign": (_copysign, _zero),
    "difference": (lambda g, v, x, y: g, lambda g, v, x, y: -g),
    "exponential": (lambda g, v, x, y: g * v, None),
    "fmod": (lambda g, v, x, y: g, lambda g, v, x, y: -(g * derived("quotient", elementwise("trunc", x / y), x, y))),
    "quotient": (_zero, _zero),
    "hardsigmoid": (lambda g, v, x, y: select((x > -3) & (x < 3), g * (1 / 6), 0), None),
    "hardswish": (_hardswish, None),
    "inverse-square": (lambda g, v, x, y: g * (v / x * -2), None),
    "inverse-root": (lambda g, v, x, y: g * (elementwise("abs", v) * v * v * -0.5), None),
    "at-least": (lambda g, v, x, bound: select(x >= bound, g, 0), lambda g, v, x, bound: select(x < bound, g, 0)),
    "at-most": (lambda g, v, x, bound: select(x <= bound, g, 0), lambda g, v, x, bound: select(x > bound, g, 0)),
    "cross-entropy": (_cross_entropy, _cross_entropy_by_target),
}
"""For each rule, the partial derivatives with respect to the two operands, times `g`."""
