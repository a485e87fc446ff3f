"""The Hurwitz zeta function, derivatives of the digamma function, and the multivariate gamma function."""

from __future__ import annotations

from math import factorial, log, pi

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, full_like, reduce, select
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.regions.builders import while_loop
from graphc.ops.common import Operand, all_axes
from graphc.ops.special.gamma import digamma_nodes, lgamma_nodes
from graphc.ops.special.series import with_slope, without_slope, worked

__all__ = ["multigammaln", "mvlgamma", "polygamma", "zeta"]

START, STRETCH, MOST = 10, 0.7, 2000
"""Terms are added one by one up to the argument START + STRETCH * exponent; the Euler-Maclaurin formula gives the rest.

The exponent counts up to MOST, beyond which the first term alone matters, or the argument is large enough.
"""

MOST_DIMENSIONS = 1000
"""The largest dimension of the multivariate gamma function."""

LOWEST = -32768.0
"""The argument below which poles are not passed one by one."""

BERNOULLI = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600, -3617 / 10670622842880000,
    43867 / 5109094217170944000, -174611 / 802857662698291200000, 77683 / 14101100039391805440000,
    -236364091 / 1693824136731743669452800000,
)  # fmt: skip
"""Bernoulli number 2k divided by the factorial of 2k.  Source: Abramowitz and Stegun, 23.1 and 23.2.23."""


def _first_terms(x: Node, q: Node) -> tuple[Node, Node]:
    """Return the sum of (q + k) ** -x for small q + k, and the first q + k that is not added."""
    total, at, power = (parameter(n.type) for n in (x, q, x))
    below = at < elementwise("minimum", power, MOST) * STRETCH + START
    test = Region((total, at, power), (reduce("any", below, all_axes(at)),))
    term = elementwise("pow", select(below, at, 1), -power)
    body = Region((total, at, power), (total + select(below, term, 0), select(below, at + 1, at), power))
    added, ends, _ = while_loop(test, body, [full_like(x, 0), q, x])[:3]
    return added, ends


def _zeta(x: Node, q: Node) -> Node:
    """Return the sum over k of (q + k) ** -x; inf and NaN are those of SciPy."""
    whole = elementwise("eq", q, elementwise("floor", q))
    pole = (q <= 0) & whole
    undefined = (x < 1) | ((q < 0) & elementwise("ne", x, elementwise("floor", x))) | (q < LOWEST)
    plain = pole | undefined | elementwise("eq", x, 1) | elementwise("ne", x, x) | elementwise("ne", q, q)
    s, start = select(plain, 2.0, x), select(plain, 1.0, q)
    added, a = _first_terms(s, start)
    scale = elementwise("pow", a, -s)
    rest = scale * (a / (s - 1) + 0.5)
    factor, inverse = s / a, 1 / a
    for k, coefficient in enumerate(BERNOULLI):
        rest = rest + scale * factor * coefficient
        factor = factor * ((s + (2 * k + 1)) * inverse) * ((s + (2 * k + 2)) * inverse)
    infinite = elementwise("eq", x, 1) | (pole & (x > 1))
    value = select(infinite, float("inf"), select(undefined, float("nan"), added + rest))
    return select(elementwise("eq", x + q, x + q), value, float("nan"))


def _known(x: Node, q: Node, depth: int = 2) -> Node:
    """Return the zeta function with its derivatives with respect to q; those with respect to x are NaN."""
    value = _zeta(x, q)
    if not depth:
        return value
    value = with_slope(value, q, -x * _known(x + 1, q, depth - 1))
    return without_slope(value, x)


@op("SpecialZeta")
def zeta(input: Operand, other: Operand) -> Node:
    """Return the Hurwitz zeta function, the sum of (k + other) ** -input over k = 0, 1, ….

    The derivative with respect to input is not known: it is NaN.

    Args:
        input: tensor or number, the exponents; the result is inf at 1 and NaN below.
        other: tensor or number; its shape broadcasts with that of input. inf at 0, -1, …; NaN below -32768, and below 0 where
            input is not an integer.

    Returns:
        Tensor of the broadcast shape and the promoted float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.special.zeta(graphc.tensor([2.0, 4.0]), 1)
        tensor([1.6449, 1.0823])
    """
    return worked(lambda x, q: _known(x, q), input, other)


def _polygamma(n: int, x: Node, depth: int = 2) -> Node:
    scale = float(factorial(n)) if n < 171 else float("inf")
    value = _zeta(full_like(x, n + 1), x) * (scale if n % 2 else -scale)
    return with_slope(value, x, _polygamma(n + 1, x, depth - 1)) if depth else value


@op("Polygamma")
def polygamma(n: int, input: Node) -> Node:
    """Return the n-th derivative of the digamma function.

    Args:
        n: int, the order, not negative.
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one; infinite at 0, -1, …, and
        NaN below -32768 unless n is 0.

    Raises:
        RuntimeError: if n is negative.

    Example:
        >>> graphc.polygamma(1, graphc.tensor([1.0, 0.5]))
        tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {n}")
    if n == 0:
        return digamma_nodes(promote(input, float=True)[0])
    return worked(lambda x: _polygamma(n, x), input)


@op("Mvlgamma")
def mvlgamma(input: Node, p: int) -> Node:
    """Return the logarithm of the multivariate gamma function of dimension p.

    It is log(pi) p (p - 1) / 4 plus the sum of log(gamma(input - j / 2)) over j = 0, …, p - 1.

    Args:
        input: tensor of numbers larger than (p - 1) / 2; integers are converted to the default float dtype.
        p: int, the dimension, positive.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Raises:
        RuntimeError: if p is not positive, or larger than 1,000.

    Example:
        >>> graphc.mvlgamma(graphc.tensor([2.0, 3.0]), p=2)
        tensor([0.4516, 1.5502])
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    if p > MOST_DIMENSIONS:
        raise RuntimeError(f"p has to be at most {MOST_DIMENSIONS}, got {p}")
    (x,) = promote(input, float=True)
    total = full_like(x, p * (p - 1) / 4 * log(pi))
    for j in range(p):
        total = total + lgamma_nodes(x - j / 2)
    return total


multigammaln = mvlgamma
