"""The error function's relatives and the normal distribution: complements, scaled forms, inverses, logarithms."""

from __future__ import annotations

from math import pi, sqrt

from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.graph import Node
from graphc.ops.special.series import chebyshev, exp_minus_square, scaled, with_slope, worked
from graphc.ops.special.tables import ERFCX, QUANTILE_CENTRE, QUANTILE_FAR, QUANTILE_NEAR

__all__ = ["erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

INFINITY, NAN = float("inf"), float("nan")
CENTRE = 0.425
"""The distance from 1/2 up to which quantiles are a series in its square."""


def _scaled_tail(x: Node) -> Node:
    """Return exp(x²) erfc(x) for x >= 0.  Source: Shepherd and Laframboise, Mathematics of Computation 36, 1981."""
    t = 1 - 7.5 / (x + 3.75)
    return chebyshev(t, ERFCX) / (x * 2 + 1)


def tail(x: Node) -> Node:
    """Return erfc(x); node level."""
    size = elementwise("abs", x)
    near = size < 0.5
    far = select(near, 1.0, size)
    beyond = exp_minus_square(far, 1.0) * _scaled_tail(select(far > 1e300, 1e300, far))
    beyond = select(far > 30, 0, beyond)
    value = select(near, 1 - elementwise("erf", select(near, x, 0)), select(x < 0, 2 - beyond, beyond))
    return select(elementwise("eq", x, x), value, x)


@op("Erfc")
def erfc(input: Node) -> Node:
    """Return the complementary error function, 1 - erf(input), accurate where it is small.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.erfc(graphc.tensor([0.0, 0.5]))
        tensor([1.0000, 0.4795])
    """

    def work(x: Node) -> Node:
        return with_slope(tail(x), x, elementwise("exp", -(x * x)) * (-2 / sqrt(pi)))

    return worked(work, input)


def _scaled(x: Node) -> Node:
    """Return exp(x²) erfc(x)."""
    size = elementwise("abs", x)
    right = _scaled_tail(select(size > 1e300, 1e300, size))
    right = select(elementwise("eq", x, INFINITY), 0, right)
    low = x < -26.7  # where exp(x²) overflows
    left = 2 / exp_minus_square(select(low, 0, x), 1.0) - right
    return select(elementwise("eq", x, x), select(x < 0, select(low, INFINITY, left), right), x)


@op("SpecialErfcx")
def erfcx(input: Node) -> Node:
    """Return the scaled complementary error function, exp(input²) erfc(input).

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.special.erfcx(graphc.tensor([0.0, 10.0]))
        tensor([1.0000, 0.0561])
    """

    def work(x: Node) -> Node:
        value = _scaled(x)
        inner = with_slope(value, x, x * value * 2 - 2 / sqrt(pi))
        return with_slope(value, x, x * inner * 2 - 2 / sqrt(pi))

    return worked(work, input)


def _quantile(p: Node, q: Node) -> Node:
    """Return the quantile of the standard normal distribution at p = 1/2 + q, for q of sign -1, in [-1/2, 0]."""
    centre = q > -CENTRE
    inner = select(centre, q, 0)
    middle = inner * chebyshev(scaled(inner * inner, 0.0, CENTRE * CENTRE), QUANTILE_CENTRE)
    inner_or_zero = centre | ~(p > 0)
    s = elementwise("sqrt", elementwise("log", select(inner_or_zero, 0.05, p)) * -2)
    near = s < 6
    z_near, z_far = 1 / select(near, s, 5.0), 1 / select(near, 7.0, s)
    lost = select(
        near,
        chebyshev(scaled(z_near, 0.16666666666666666, 0.4397919074810772), QUANTILE_NEAR),
        chebyshev(scaled(z_far, 0.025839793281653745, 0.16666666666666666), QUANTILE_FAR),
    )
    return select(centre, middle, select(elementwise("eq", p, 0), -INFINITY, -(s + lost)))


def _density(x: Node, factor: float) -> Node:
    """Return the slope of a quantile x: factor * exp(x²)."""
    return elementwise("exp", x * x) * factor


@op("Erfinv")
def erfinv(input: Node) -> Node:
    """Return the inverse error function: infinite at -1 and 1, NaN outside.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.erfinv(graphc.tensor([0.0, 0.5, 1.0]))
        tensor([0.0000, 0.4769,    inf])
    """

    def raw(y: Node) -> Node:
        size = elementwise("abs", y)
        value = _quantile((1 - size) * 0.5, size * -0.5) * -sqrt(0.5)
        value = select(y < 0, -value, value)
        return select(size <= 1, value, NAN)

    def work(y: Node) -> Node:
        x = raw(y)
        inner = with_slope(x, y, _density(x, sqrt(pi) / 2))
        return with_slope(x, y, _density(inner, sqrt(pi) / 2))

    return worked(work, input)


@op("SpecialNdtri")
def ndtri(input: Node) -> Node:
    """Return the quantiles of the standard normal distribution, the inverse of `graphc.special.ndtr`.

    Args:
        input: tensor of probabilities; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one; infinite at 0 and 1,
        NaN outside.

    Example:
        >>> graphc.special.ndtri(graphc.tensor([0.0, 0.5, 0.975]))
        tensor([  -inf, 0.0000, 1.9600])
    """

    def raw(p: Node) -> Node:
        low = p <= 0.5
        value = _quantile(select(low, p, 1 - p), -elementwise("abs", p - 0.5))
        return select((p >= 0) & (p <= 1), select(low, value, -value) + 0, NAN)

    def work(p: Node) -> Node:
        x = raw(p)
        inner = with_slope(x, p, elementwise("exp", x * x * 0.5) * sqrt(2 * pi))
        return with_slope(x, p, elementwise("exp", inner * inner * 0.5) * sqrt(2 * pi))

    return worked(work, input)


def _normal_tail(size: Node) -> Node:
    """Return exp(x²/2) times the probability of the standard normal distribution beyond x, for x >= 0."""
    return _scaled_tail(select(size > 1e300, 1e300, size) * sqrt(0.5)) * 0.5


def _probability(x: Node) -> Node:
    size = elementwise("abs", x)
    near = size < 0.7
    outside = exp_minus_square(select(near, 1.0, size), 0.5) * _normal_tail(size)
    outside = select(size > 40, 0, outside)
    centre = elementwise("erf", select(near, x, 0) * sqrt(0.5)) * 0.5 + 0.5
    return select(near, centre, select(x < 0, outside, 1 - outside))


@op("SpecialNdtr")
def ndtr(input: Node) -> Node:
    """Return the distribution function of the standard normal distribution: the probability of numbers up to input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.special.ndtr(graphc.tensor([0.0, 1.0]))
        tensor([0.5000, 0.8413])
    """

    def work(x: Node) -> Node:
        value = select(elementwise("eq", x, x), _probability(x), x)
        return with_slope(value, x, elementwise("exp", x * x * -0.5) / sqrt(2 * pi))

    return worked(work, input)


@op("SpecialLogNdtr")
def log_ndtr(input: Node) -> Node:
    """Return the logarithm of `graphc.special.ndtr`, accurate where that is small.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.special.log_ndtr(graphc.tensor([0.0, -4.0]))
        tensor([ -0.6931, -10.3601])
    """

    def raw(x: Node) -> Node:
        low = x < -1
        size = select(low, -x, 1)
        left = elementwise("log", _normal_tail(size)) - size * size * 0.5
        upper = select(low, 0, x)
        beyond = select(upper > 40, 0, exp_minus_square(upper, 0.5) * _normal_tail(elementwise("abs", upper)))
        beyond = select(upper < 0, 1 - beyond, beyond)  # the probability above
        value = select(low, left, elementwise("log1p", -beyond))
        return select(elementwise("eq", x, x), select(elementwise("eq", x, -INFINITY), -INFINITY, value), x)

    def mills(x: Node) -> Node:
        """Return the slope: the density divided by the probability."""
        ratio = _normal_tail(elementwise("abs", x))
        left = 1 / (ratio * sqrt(2 * pi))
        right = elementwise("exp", x * x * -0.5) / sqrt(2 * pi) / (1 - select(x > 40, 0, exp_minus_square(x, 0.5) * ratio))
        return select(x < 0, left, select(x > 40, 0, right))

    def work(x: Node) -> Node:
        slope = mills(x)
        return with_slope(raw(x), x, with_slope(slope, x, -slope * (x + slope)))

    return worked(work, input)
