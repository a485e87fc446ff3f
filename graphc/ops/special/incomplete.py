"""The regularized incomplete gamma functions.

Three formulas: a series for arguments below the parameter, a continued fraction above it, and for large parameters Temme's
uniform expansion.  Sources: Abramowitz and Stegun, 6.5.29 and 6.5.31; Temme, SIAM Journal on Mathematical Analysis 10, 1979.
"""

from __future__ import annotations

from math import pi

from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, full_like, reduce, select
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.regions.builders import while_loop
from graphc.ops.common import Operand, all_axes
from graphc.ops.special.errors import tail
from graphc.ops.special.gamma import lgamma_nodes, stirling_correction
from graphc.ops.special.series import with_slope, without_slope, worked

__all__ = ["igamma", "igammac"]

INFINITY, NAN = float("inf"), float("nan")
LARGE = 1e5
"""The parameter from which Temme's expansion is exact in double precision."""

FIRST = (
    -1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600, 1 / 25515, -571 / 261273600, -281 / 151559100,
)  # fmt: skip
SECOND = (-1 / 540, -1 / 288, 1 / 378, -77 / 77760, 1 / 4860, -5.0e-7)
"""Coefficients of the terms of order 1 and 1 / a in powers of eta."""
THIRD = (25 / 6048, -139 / 51840)


def _deviation(u: Node) -> Node:
    """Return u - log1p(u), without cancellation near 0."""
    near = elementwise("abs", u) < 0.1
    small = select(near, u, 0)
    r = small / (small + 2)
    square, series = r * r, full_like(u, 0)
    for k in range(9, 0, -1):
        series = series * square + 2 / (2 * k + 1)
    inner = r * (small - series * square)
    safe = select(near, 1.0, u)
    return select(near, inner, safe - elementwise("log1p", safe))


def _density(a: Node, x: Node) -> Node:
    """Return x ** a exp(-x) / gamma(a + 1)."""
    large = a > 10
    b, y = select(large, a, 20.0), select(large, x, 20.0)
    stirling = elementwise("exp", -(b * _deviation((y - b) / b)) - stirling_correction(b)) / elementwise("sqrt", b * (2 * pi))
    c, z = select(large, 1.0, a), select(large, 1.0, x)
    plain = elementwise("exp", c * elementwise("log", z) - z - lgamma_nodes(c + 1))
    return select(large, stirling, plain)


def _series(a: Node, x: Node) -> Node:
    """Return the sum of x ** k / ((a + 1) … (a + k)) over k."""
    total, term, at, point = (parameter(a.type) for _ in range(4))
    goes_on = term > total * 1e-17
    test = Region((total, term, at, point), (reduce("any", goes_on, all_axes(a)),))
    further = select(goes_on, term * (point / (at + 1)), 0)
    body = Region((total, term, at, point), (total + further, further, at + 1, point))
    return while_loop(test, body, [full_like(a, 1), full_like(a, 1), a, x])[0]


def _fraction(a: Node, x: Node) -> Node:
    """Return the continued fraction of Q(a, x) exp(x) gamma(a) / x ** a, by Lentz's algorithm."""
    value, c, d, k, b, change = (parameter(a.type) for _ in range(6))
    first = parameter(a.type)
    params = (value, c, d, k, b, change, first)
    goes_on = elementwise("abs", change - 1) > 1e-16
    test = Region(params, (reduce("any", goes_on & (k < 1e6), all_axes(a)),))
    numerator = -(k * (k - first))
    d_next = 1 / (numerator * d + b)
    c_next = b + numerator / c
    factor = select(goes_on, c_next * d_next, full_like(a, 1))
    body = Region(params, (value * factor, c_next, d_next, k + 1, b + 2, factor, first))
    start = x - a + 1
    starts = [1 / start, full_like(a, 1e300), 1 / start, full_like(a, 1), start + 2, full_like(a, 2), a]
    return while_loop(test, body, starts)[0]


def _temme(a: Node, x: Node) -> tuple[Node, Node]:
    """Return z and the rest of Q(a, x) = erfc(z) / 2 + rest, for large a."""
    u = (x - a) / a
    half = _deviation(u)
    eta = elementwise("sqrt", half * 2)
    eta = select(u < 0, -eta, eta)
    small = select(elementwise("abs", eta) < 0.2, eta, 0)
    total = full_like(a, 0)
    for order, coefficients in ((2, THIRD), (1, SECOND), (0, FIRST)):
        part = full_like(a, 0)
        for c in reversed(coefficients):
            part = part * small + c
        total = total / a + part if order < 2 else part
    rest = elementwise("exp", -(a * half)) / elementwise("sqrt", a * (2 * pi)) * total
    return eta * elementwise("sqrt", a * 0.5), rest


def _both(a: Node, x: Node) -> tuple[Node, Node]:
    """Return P(a, x) and Q(a, x)."""
    regular = (a > 0) & (x > 0) & (a < INFINITY) & (x < INFINITY)
    large = regular & (a > LARGE)
    b, y = select(large, a, 2 * LARGE), select(large, x, 2 * LARGE)
    z, rest = _temme(b, y)
    above, below = tail(z) * 0.5 + rest, tail(-z) * 0.5 - rest
    plain = regular & ~large
    c, w = select(plain, a, 1.0), select(plain, x, 1.0)
    low = w < c + 1
    density = _density(c, w)
    lower = _series(select(low, c, 1.0), select(low, w, 0.5)) * density
    upper = _fraction(select(low, 1.0, c), select(low, 3.0, w)) * density * c
    p = select(large, below, select(low, lower, 1 - upper))
    q = select(large, above, select(low, 1 - lower, upper))
    bad = (a < 0) | (x < 0) | elementwise("ne", a, a) | elementwise("ne", x, x)
    bad = bad | (elementwise("eq", a, 0) & elementwise("eq", x, 0))
    bad = bad | (elementwise("eq", a, INFINITY) & elementwise("eq", x, INFINITY))
    one = elementwise("eq", a, 0) | elementwise("eq", x, INFINITY)  # P
    edge = select(bad, full_like(a, NAN), select(one, full_like(a, 1), 0))
    return select(regular, p, edge), select(regular, q, 1 - edge)


def _known(a: Node, x: Node, upper: bool) -> Node:
    value = _both(a, x)[upper]
    inside = (a > 0) & (x > 0)
    y = select(inside, x, 1.0)
    density = _density(select(inside, a, 1.0), y) * select(inside, a, 1.0) / y
    density = with_slope(density, x, density * ((a - 1) / y - 1))
    value = with_slope(value, x, select(inside, -density if upper else density, NAN))
    return without_slope(value, a)


@op("Igamma")
def igamma(input: Operand, other: Operand) -> Node:
    """Return the regularized lower incomplete gamma function P(input, other).

    It is the integral of exp(-t) t ** (input - 1) from 0 to other, divided by gamma(input). The derivative with respect to
    input is not known: it is NaN.

    Args:
        input: tensor or number, not negative.
        other: tensor or number, not negative; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted float dtype; NaN where an argument is negative.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.igamma(graphc.tensor([1.0, 2.0]), 1.0)
        tensor([0.6321, 0.2642])
    """
    return worked(lambda a, x: _known(a, x, False), input, other)


@op("Igammac")
def igammac(input: Operand, other: Operand) -> Node:
    """Return the regularized upper incomplete gamma function Q(input, other), 1 - P(input, other).

    The derivative with respect to input is not known: it is NaN.

    Args:
        input: tensor or number, not negative.
        other: tensor or number, not negative; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted float dtype; NaN where an argument is negative.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.igammac(graphc.tensor([1.0, 2.0]), 1.0)
        tensor([0.3679, 0.7358])
    """
    return worked(lambda a, x: _known(a, x, True), input, other)
