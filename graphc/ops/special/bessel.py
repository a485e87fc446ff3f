"""Bessel functions of the orders 0 and 1, and the Airy function.

Chebyshev series near the origin; beyond it, series in the inverse argument for the amplitudes.
Source of the asymptotic forms: Abramowitz and Stegun, chapters 9 and 10.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

from graphc.dispatch.operation import Operation, op
from graphc.ir.core.build import elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ops.special import tables
from graphc.ops.special.series import chebyshev, ratio, scaled, with_slope, worked
from graphc.ops.templates import template
from graphc.tensors.tensor import Tensor

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "i0", "i0e", "i1", "i1e", "modified_bessel_k0",
    "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
]  # fmt: skip

INFINITY, NAN = float("inf"), float("nan")


def _same(x: Node, value: Node) -> Node:
    """Return the value, NaN where x is."""
    return select(elementwise("eq", x, x), value, x)


def _one_at_zero(x: Node, series: Node) -> Node:
    return select(elementwise("eq", x, 0), full_like(x, 1), series)


# -- modified functions -------------------------------------------------------------------------------------------------


def _i_scaled(x: Node, order: int) -> Node:
    """Return exp(-|x|) I(x)."""
    size = elementwise("abs", x)
    near = size <= 8
    inner, outer = select(near, size, 8.0), select(near, 8.0, size)
    low, high = (tables.I0_NEAR, tables.I0_FAR) if order == 0 else (tables.I1_NEAR, tables.I1_FAR)
    series = chebyshev(scaled(inner, 0.0, 8.0), low)
    tail = chebyshev(scaled(1 / outer, 0.0, 0.125), high) / elementwise("sqrt", outer)
    value = select(near, series * inner if order else _one_at_zero(x, series), tail)
    return _same(x, select(x < 0, -value, value) if order else value)


def _i(x: Node, order: int) -> Node:
    half = elementwise("exp", elementwise("abs", x) * 0.5)
    finite = elementwise("abs", x) < 1e4
    return select(finite, _i_scaled(x, order) * half * half, half if order == 0 else select(x < 0, -half, half))


def _i_known(x: Node, order: int, depth: int = 2) -> Node:
    """Return I with its derivatives by recurrence to the given depth."""
    value = _i(x, order)
    if not depth:
        return value
    if order == 0:
        return with_slope(value, x, _i_known(x, 1, depth - 1))
    first = _i_known(x, 1, depth - 1)
    quotient = select(elementwise("eq", x, 0), 0.5, ratio(first, x))
    return with_slope(value, x, _i_known(x, 0, depth - 1) - quotient)


def _i_scaled_known(x: Node, order: int, depth: int = 2) -> Node:
    value = _i_scaled(x, order)
    if not depth:
        return value
    first, sign = _i_scaled_known(x, 1, depth - 1), select(x < 0, full_like(x, -1), elementwise("sign", x))
    if order == 0:
        return with_slope(value, x, first - sign * _i_scaled_known(x, 0, depth - 1))
    quotient = select(elementwise("eq", x, 0), 0.5, ratio(first, x))
    return with_slope(value, x, _i_scaled_known(x, 0, depth - 1) - first * sign - quotient)


def _k_scaled(x: Node, order: int) -> Node:
    """Return exp(x) K(x) for x > 0."""
    near = x <= 2
    inner, outer = select(near & (x > 0), x, 1.0), select(near, 2.0, x)
    low, high = (tables.K0_NEAR, tables.K0_FAR) if order == 0 else (tables.K1_NEAR, tables.K1_FAR)
    series = chebyshev(scaled(inner * inner, 0.0, 4.0), low)
    regular = elementwise("log", inner * 0.5) * _i(inner, order)
    near_value = (series / inner + regular if order else series - regular) * elementwise("exp", inner)
    far_value = chebyshev(scaled(1 / outer, 0.0, 0.5), high) / elementwise("sqrt", outer)
    value = select(near, near_value, far_value)
    return _same(x, select(x > 0, value, select(elementwise("eq", x, 0), full_like(x, INFINITY), NAN)))


def _k(x: Node, order: int) -> Node:
    far = x > 1e4
    return select(far, 0, _k_scaled(x, order) * elementwise("exp", -select(far, 1.0, x)))


def _k_known(x: Node, order: int, depth: int = 2) -> Node:
    value = _k(x, order)
    if not depth:
        return value
    first = _k_known(x, 1, depth - 1)
    return with_slope(value, x, -first if order == 0 else -_k_known(x, 0, depth - 1) - first / x)


def _k_scaled_known(x: Node, order: int, depth: int = 2) -> Node:
    value = _k_scaled(x, order)
    if not depth:
        return value
    first, zeroth = _k_scaled_known(x, 1, depth - 1), _k_scaled_known(x, 0, depth - 1)
    return with_slope(value, x, zeroth - first if order == 0 else first - zeroth - first / x)


# -- functions that oscillate -------------------------------------------------------------------------------------------


def _wave(x: Node, order: int, second: bool) -> Node:
    """Return J, or Y with `second`, for x >= 8: the amplitudes times cosine and sine of the phase x - (2 order + 1) pi / 4."""
    z = 1 / x
    t = scaled(z * z, 0.0, 1 / 64)
    p = chebyshev(t, tables.P1_FAR if order else tables.P0_FAR)
    q = chebyshev(t, tables.Q1_FAR if order else tables.Q0_FAR) * z
    s, c = elementwise("sin", x), elementwise("cos", x)
    cosine, sine = (s - c, -(s + c)) if order else (c + s, s - c)  # times the square root of 2
    wave = sine * p + cosine * q if second else cosine * p - sine * q
    return wave / elementwise("sqrt", x * pi)


def _j(x: Node, order: int) -> Node:
    size = elementwise("abs", x)
    near, infinite = size <= 8, elementwise("eq", size, INFINITY)
    inner = select(near, size, 8.0)
    outer = select(near | infinite, 8.0, size)
    series = chebyshev(scaled(inner * inner, 0.0, 64.0), tables.J1_NEAR if order else tables.J0_NEAR)
    inside = series * inner if order else _one_at_zero(x, series)
    value = select(near, inside, select(infinite, 0, _wave(outer, order, False)))
    return _same(x, select(x < 0, -value, value) if order else value)


def _j_known(x: Node, order: int, depth: int = 2) -> Node:
    value = _j(x, order)
    if not depth:
        return value
    first = _j_known(x, 1, depth - 1)
    if order == 0:
        return with_slope(value, x, -first)
    quotient = select(elementwise("eq", x, 0), 0.5, ratio(first, x))
    return with_slope(value, x, _j_known(x, 0, depth - 1) - quotient)


def _y(x: Node, order: int) -> Node:
    near, infinite = x <= 8, elementwise("eq", x, INFINITY)
    inner = select(near & (x > 0), x, 1.0)
    outer = select(near | infinite, 8.0, x)
    series = chebyshev(scaled(inner * inner, 0.0, 64.0), tables.Y1_NEAR if order else tables.Y0_NEAR)
    singular = elementwise("log", inner) * _j(inner, order)
    singular = singular - 1 / inner if order else singular
    near_value = (series * inner if order else series) + singular * (2 / pi)
    value = select(near, near_value, select(infinite, 0, _wave(outer, order, True)))
    return _same(x, select(x > 0, value, select(elementwise("eq", x, 0), full_like(x, -INFINITY), NAN)))


def _y_known(x: Node, order: int, depth: int = 2) -> Node:
    value = _y(x, order)
    if not depth:
        return value
    first = _y_known(x, 1, depth - 1)
    return with_slope(value, x, -first if order == 0 else _y_known(x, 0, depth - 1) - first / x)


def _airy(x: Node) -> Node:
    """Return Ai(x): a series in [-6, 2], beyond it an exponential or an oscillation of z = 2/3 |x|^(3/2)."""
    low, high, infinite = x < -6, x > 2, elementwise("eq", elementwise("abs", x), INFINITY)
    inner = select(low | high, 2.0, x)
    size = select((low | high) & ~infinite, elementwise("abs", x), 9.0)
    root = elementwise("sqrt", size)
    z, quarter = size * root * (2 / 3), elementwise("sqrt", root)
    w = 1 / z
    decay = chebyshev(scaled(w, 0.0, 1 / (2 / 3 * 2**1.5)), tables.AIRY_FAR) * elementwise("exp", -z) / (quarter * 2 * sqrt(pi))
    t = scaled(w * w, 0.0, 1 / (2 / 3 * 6**1.5) ** 2)
    p, q = chebyshev(t, tables.AIRY_P), chebyshev(t, tables.AIRY_Q) * w
    s, c = elementwise("sin", z), elementwise("cos", z)
    wave = ((c + s) * p + (s - c) * q) * sqrt(0.5) / (quarter * sqrt(pi))
    value = select(low, wave, select(high, decay, chebyshev(scaled(inner, -6.0, 2.0), tables.AIRY_NEAR)))
    return _same(x, select(infinite, 0, value))


# -- public names -------------------------------------------------------------------------------------------------------


def _function(name: str, graph: str, work: Callable[[Node], Node], what: str, example: str) -> Operation[..., Node, Tensor]:
    @op(graph)
    @template(name, example, what=what)
    def function(input: Node) -> Node:
        """Return {what}.

        Args:
            input: tensor; integers and bools are converted to the default float dtype.

        Returns:
            Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.
        """
        return worked(work, input)

    return function


def _example(name: str, values: str, result: str) -> str:
    return f">>> graphc.special.{name}(graphc.tensor([{values}]))\ntensor([{result}])"


FIRST, MODIFIED = "the Bessel function of the first kind of order", "the modified Bessel function of the first kind of order"
SECOND = "the Bessel function of the second kind of order"
THIRD = "the modified Bessel function of the second kind of order"
BELOW = "NaN below 0"

bessel_j0 = _function(
    "bessel_j0", "SpecialBesselJ0", lambda x: _j_known(x, 0), f"{FIRST} 0", _example("bessel_j0", "0.0, 1.0", "1.0000, 0.7652")
)
bessel_j1 = _function(
    "bessel_j1", "SpecialBesselJ1", lambda x: _j_known(x, 1), f"{FIRST} 1", _example("bessel_j1", "0.0, 1.0", "0.0000, 0.4401")
)
bessel_y0 = _function(
    "bessel_y0", "SpecialBesselY0", lambda x: _y_known(x, 0), f"{SECOND} 0, -inf at 0, {BELOW}",
    _example("bessel_y0", "0.5, 1.0", "-0.4445,  0.0883"),
)  # fmt: skip
bessel_y1 = _function(
    "bessel_y1", "SpecialBesselY1", lambda x: _y_known(x, 1), f"{SECOND} 1, -inf at 0, {BELOW}",
    _example("bessel_y1", "0.5, 1.0", "-1.4715, -0.7812"),
)  # fmt: skip
i0 = _function("i0", "I0", lambda x: _i_known(x, 0), f"{MODIFIED} 0", _example("i0", "0.0, 1.0", "1.0000, 1.2661"))
i1 = _function("i1", "SpecialI1", lambda x: _i_known(x, 1), f"{MODIFIED} 1", _example("i1", "0.0, 1.0", "0.0000, 0.5652"))
i0e = _function(
    "i0e", "SpecialI0E", lambda x: _i_scaled_known(x, 0), f"exp(-|input|) times {MODIFIED} 0",
    _example("i0e", "0.0, 1.0", "1.0000, 0.4658"),
)  # fmt: skip
i1e = _function(
    "i1e", "SpecialI1E", lambda x: _i_scaled_known(x, 1), f"exp(-|input|) times {MODIFIED} 1",
    _example("i1e", "0.0, 1.0", "0.0000, 0.2079"),
)  # fmt: skip
modified_bessel_k0 = _function(
    "modified_bessel_k0", "SpecialModifiedBesselK0", lambda x: _k_known(x, 0), f"{THIRD} 0, inf at 0, {BELOW}",
    _example("modified_bessel_k0", "0.5, 1.0", "0.9244, 0.4210"),
)  # fmt: skip
modified_bessel_k1 = _function(
    "modified_bessel_k1", "SpecialModifiedBesselK1", lambda x: _k_known(x, 1), f"{THIRD} 1, inf at 0, {BELOW}",
    _example("modified_bessel_k1", "0.5, 1.0", "1.6564, 0.6019"),
)  # fmt: skip
scaled_modified_bessel_k0 = _function(
    "scaled_modified_bessel_k0", "SpecialScaledModifiedBesselK0", lambda x: _k_scaled_known(x, 0),
    f"exp(input) times {THIRD} 0, inf at 0, {BELOW}", _example("scaled_modified_bessel_k0", "0.5, 1.0", "1.5241, 1.1445"),
)  # fmt: skip
scaled_modified_bessel_k1 = _function(
    "scaled_modified_bessel_k1", "SpecialScaledModifiedBesselK1", lambda x: _k_scaled_known(x, 1),
    f"exp(input) times {THIRD} 1, inf at 0, {BELOW}", _example("scaled_modified_bessel_k1", "0.5, 1.0", "2.7310, 1.6362"),
)  # fmt: skip
airy_ai = _function(
    "airy_ai", "SpecialAiryAi", _airy, "the Airy function Ai", _example("airy_ai", "0.0, 1.0", "0.3550, 0.1353")
)


def _spherical(x: Node) -> Node:
    small = elementwise("abs", x) < 0.5
    square = select(small, x * x, 0)
    series = full_like(x, 0)
    for n in range(9, -1, -1):
        series = series * square * (-1 / ((2 * n + 2) * (2 * n + 3))) + 1
    infinite = elementwise("eq", elementwise("abs", x), INFINITY)
    safe = select(small | infinite, 1.0, x)
    return select(small, series, select(infinite, 0, elementwise("sin", safe) / safe))


spherical_bessel_j0 = _function(
    "spherical_bessel_j0", "SpecialSphericalBesselJ0", _spherical,
    "the spherical Bessel function of the first kind of order 0, sin(input) / input",
    _example("spherical_bessel_j0", "0.0, 1.0", "1.0000, 0.8415"),
)  # fmt: skip
