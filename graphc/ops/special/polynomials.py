"""Orthogonal polynomials by their three-term recurrences.  Source: Abramowitz and Stegun, chapter 22."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast, cast, constant, full_like, reduce, select, zeros_like
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.types import F64, I64
from graphc.ir.regions.builders import while_loop
from graphc.ops.common import Operand, all_axes
from graphc.ops.templates import template

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]  # fmt: skip

WRITTEN_OUT = 24
"""The largest degree given as a number for which the recurrence is written out."""

Step = Callable[[Node, Node, Node, "Node | float"], Node]
"""The next polynomial of x, the last two, and the degree of the last one."""


def _recurrence(x: Node, n: Node, first: Node, step: Step) -> Node:
    """Return polynomials of degrees that are tensors: a loop up to the largest degree."""
    a, b, k, last = parameter(x.type), parameter(x.type), parameter(constant(0, I64).type), parameter(n.type)
    point = parameter(x.type)
    degree = broadcast(k, n.shape, ())
    test = Region((a, b, k, point, last), (reduce("any", degree < last, all_axes(last)),))
    following = step(point, a, b, broadcast(cast(k, x.dtype), x.shape, ()))
    moves = degree < last
    body = Region((a, b, k, point, last), (select(moves, b, a), select(moves, following, b), k + 1, point, last))
    value = while_loop(test, body, [full_like(x, 1), first, constant(1, I64), x, n])[1]
    return select(n < 1, select(n < 0, zeros_like(x), full_like(x, 1)), value)


def _written_out(x: Node, n: int, first: Node, step: Step) -> Node:
    if n <= 0:
        return full_like(x, 1 if n == 0 else 0)
    a, b = full_like(x, 1), first
    for k in range(1, n):
        a, b = b, step(x, a, b, float(k))
    return b


def _polynomial(name: str, graph: str, what: str, first: Callable[[Any], Any], step: Step, result: str) -> Any:
    shifted = name.startswith("shifted")
    example = f"""
    >>> graphc.special.{name}(graphc.tensor([0.5, 2.0]), 2)
    tensor([{result}])
    """

    @op(graph)
    @template(name, example, what=what)
    def polynomial(input: Operand, n: Operand) -> Node:
        """Return {what} of degree n at input.

        Args:
            input: tensor or number.
            n: integer tensor or number, the degrees; its shape broadcasts with that of input. Fractions are cut off, and the
                polynomial of a negative degree is 0.

        Returns:
            Tensor of the broadcast shape and the promoted float dtype.

        Raises:
            RuntimeError: if the shapes do not broadcast.
        """
        if not isinstance(n, Node) and isinstance(input, Node) and n < WRITTEN_OUT:
            dtype = promote(input, float=True)[0].dtype
            x = cast(input, F64)
            x = x * 2 - 1 if shifted else x
            return cast(_written_out(x, int(n), first(x), step), dtype)
        wide, degree = promote(input, n, float=True)
        if isinstance(input, Node):
            x = cast(wide, F64)
            x = x * 2 - 1 if shifted else x
            start = first(x)
        else:  # constants that are known when the graph is built
            point = float(input) * 2 - 1 if shifted else float(input)
            x, start = (constant(number, F64, wide.shape) for number in (point, first(point)))
        return cast(_recurrence(x, cast(degree, I64), start, step), wide.dtype)

    return polynomial


def _chebyshev(x: Node, a: Node, b: Node, k: Node | float) -> Node:
    return x * b * 2 - a


def _hermite(x: Node, a: Node, b: Node, k: Node | float) -> Node:
    return (x * b - a * k) * 2


def _probabilists(x: Node, a: Node, b: Node, k: Node | float) -> Node:
    return x * b - a * k


def _laguerre(x: Node, a: Node, b: Node, k: Node | float) -> Node:
    return b + (b * (k - x) - a * k) / (full_like(x, 1) + k)


def _legendre(x: Node, a: Node, b: Node, k: Node | float) -> Node:
    step = x * b - a
    return x * b + step * k / (full_like(x, 1) + k)


KINDS = "the Chebyshev polynomial of the {} kind"
SHIFTED = "the shifted Chebyshev polynomial of the {} kind, that at 2 input - 1,"

chebyshev_polynomial_t = _polynomial(
    "chebyshev_polynomial_t", "SpecialChebyshevPolynomialT", KINDS.format("first"), lambda x: x, _chebyshev, "-0.5000,  7.0000"
)
chebyshev_polynomial_u = _polynomial(
    "chebyshev_polynomial_u", "SpecialChebyshevPolynomialU", KINDS.format("second"), lambda x: x * 2, _chebyshev, " 0., 15."
)
chebyshev_polynomial_v = _polynomial(
    "chebyshev_polynomial_v", "SpecialChebyshevPolynomialV", KINDS.format("third"), lambda x: x * 2 - 1, _chebyshev, "-1., 11."
)
chebyshev_polynomial_w = _polynomial(
    "chebyshev_polynomial_w", "SpecialChebyshevPolynomialW", KINDS.format("fourth"), lambda x: x * 2 + 1, _chebyshev, " 1., 19."
)
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", "SpecialShiftedChebyshevPolynomialT", SHIFTED.format("first"), lambda x: x, _chebyshev,
    "-1., 17.",
)  # fmt: skip
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", "SpecialShiftedChebyshevPolynomialU", SHIFTED.format("second"), lambda x: x * 2,
    _chebyshev, "-1., 35.",
)  # fmt: skip
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", "SpecialShiftedChebyshevPolynomialV", SHIFTED.format("third"), lambda x: x * 2 - 1,
    _chebyshev, "-1., 29.",
)  # fmt: skip
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", "SpecialShiftedChebyshevPolynomialW", SHIFTED.format("fourth"), lambda x: x * 2 + 1,
    _chebyshev, "-1., 41.",
)  # fmt: skip
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", "SpecialHermitePolynomialH", "the physicist's Hermite polynomial", lambda x: x * 2, _hermite,
    "-1., 14.",
)  # fmt: skip
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", "SpecialHermitePolynomialHe", "the probabilist's Hermite polynomial", lambda x: x, _probabilists,
    "-0.7500,  3.0000",
)  # fmt: skip
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l", "SpecialLaguerrePolynomialL", "the Laguerre polynomial", lambda x: 1 - x, _laguerre,
    " 0.1250, -1.0000",
)  # fmt: skip
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p", "SpecialLegendrePolynomialP", "the Legendre polynomial", lambda x: x, _legendre,
    "-0.1250,  5.5000",
)  # fmt: skip
