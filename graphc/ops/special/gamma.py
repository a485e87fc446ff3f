"""The gamma function's logarithm and its derivatives."""

from __future__ import annotations

from math import log, pi

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.graph import Node

__all__ = ["digamma", "lgamma"]

SHIFT = 8
"""Arguments are moved beyond this number by the recurrence, where the asymptotic series is exact in double precision."""

STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
"""Coefficients B(2k) / (2k (2k - 1)) of the series of log(gamma(x)) in 1 / x, ….  Source: Abramowitz, Stegun, 6.1.41."""


def _series(inverse: Node, coefficients: tuple[float, ...]) -> Node:
    """Return the polynomial c0 + c1 t + … at t = inverse^2."""
    t = inverse * inverse
    total = t * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        total = total * t + c
    return total


def _shifted(x: Node) -> tuple[Node, Node, Node]:
    """Return where x is below the shift, x there (1 elsewhere), and the argument of the series."""
    below = x < SHIFT
    return below, select(below, x, 1), select(below, x + SHIFT, x)


def stirling_correction(x: Node) -> Node:
    """Return log(gamma(x)) minus (x - 1/2) log(x) - x + log(2 pi) / 2, for x >= SHIFT; node level."""
    inverse = 1 / x
    return _series(inverse, STIRLING) * inverse


def lgamma_nodes(x: Node) -> Node:
    """Return log |gamma(x)|; node level."""
    low = x < 0.5
    y = select(low, 1 - x, x)
    below, p, z = _shifted(y)
    product = p
    for k in range(1, SHIFT):
        product = product * (p + k)
    inverse = 1 / z
    series = (z - 0.5) * (elementwise("log", z) - 1) - 0.5 + 0.5 * log(2 * pi) + _series(inverse, STIRLING) * inverse
    value = series - select(below, elementwise("log", product), 0)
    phase = select(low, x - elementwise("floor", x), 0.5)  # |sin(pi x)| has period 1
    reflected = log(pi) - elementwise("log", elementwise("sin", phase * pi)) - value
    infinite = elementwise("eq", elementwise("abs", x), float("inf"))  # where series and reflection are NaN
    return select(infinite, float("inf"), select(low, reflected, value))


def digamma_nodes(x: Node) -> Node:
    """Return the derivative of log(gamma(x)); node level."""
    low = x < 0.5
    y = select(low, 1 - x, x)
    below, p, z = _shifted(y)
    steps = 1 / p
    for k in range(1, SHIFT):
        steps = steps + 1 / (p + k)
    inverse = 1 / z
    slopes = tuple(-c * (2 * k + 1) for k, c in enumerate(STIRLING))
    value = elementwise("log", z) - 0.5 * inverse + _series(inverse, slopes) * inverse * inverse
    value = value - select(below, steps, 0)
    phase = select(low, x - elementwise("floor", x), 0.25)  # tan(pi x) has period 1
    angle = select(elementwise("eq", phase, 0), 0.25, phase) * pi
    pole = select(elementwise("eq", x, 0), -1 / x, float("nan"))
    reflected = value - pi * elementwise("cos", angle) / elementwise("sin", angle)
    return select(low, select(elementwise("eq", phase, 0), pole, reflected), value)


@op("Lgamma")
def lgamma(input: Node) -> Node:
    """Return the natural logarithm of the absolute value of the gamma function.

    Args:
        input: tensor; integers are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.lgamma(graphc.tensor([0.5, 1.0, 5.0]))
        tensor([0.5724, 0.0000, 3.1781])
    """
    (x,) = promote(input, float=True)
    return lgamma_nodes(x)


@op("Digamma")
def digamma(input: Node) -> Node:
    """Return the digamma function, the derivative of `graphc.lgamma`.

    Args:
        input: tensor; integers are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one; NaN at negative integers.

    Example:
        >>> graphc.digamma(graphc.tensor([1.0, 0.5]))
        tensor([-0.5772, -1.9635])
    """
    (x,) = promote(input, float=True)
    return digamma_nodes(x)
