"""The exponential of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log2

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, broadcast, cast, constant, elementwise, matmul, reduce, reshape, select, sum_
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.types import I64
from graphc.ir.regions.builders import while_loop
from graphc.ops.linear_algebra.systems import check_float_matrices, identity

__all__ = ["matrix_exp"]

WIDE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800,
    33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
NARROW = (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1)
"""The coefficients of the Padé approximants of degree 13 and 7, for f64 and f32, from the lowest power up."""

WIDE_NORM, NARROW_NORM = 5.371920351148152, 3.925724783138660
"""The norms up to which they are accurate."""

MOST = 2000
"""The most squarings: more than the exponents of floats."""


@op("LinalgMatrixExp")
def matrix_exp(A: Node) -> Node:
    """Return the exponential of square matrices, the sum of A^k / k! over all k.

    By scaling and squaring, with Padé approximants. Source: N. Higham, "The scaling and squaring method for the matrix
    exponential revisited", 2005.

    Args:
        A: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of the shape and dtype of A.

    Raises:
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.matrix_exp(graphc.tensor([[0.0, 1.0], [0.0, 0.0]]))
        tensor([[1., 1.],
                [0., 1.]])
    """
    check_float_matrices("linalg.matrix_exp", A)
    if not A.type.size:
        return A
    flat = reshape(A, (A.type.size // (A.shape[-1] * A.shape[-2]), *A.shape[-2:]))
    wide = A.dtype.bytes == 8
    times = _squarings(apply("stop_gradient", flat), WIDE_NORM if wide else NARROW_NORM)
    scale = elementwise("pow", constant(2.0, A.dtype, times.shape), -times)
    result = _approximant(flat * broadcast(scale, flat.shape, (0,)), WIDE if wide else NARROW)
    return reshape(_squared(result, cast(times, I64)), A.shape)


def _squarings(x: Node, bound: float) -> Node:
    """Return how often each matrix must be halved so that the largest sum of a column is at most `bound`."""
    norm = reduce("max", sum_(elementwise("abs", x), (1,)), (1,))
    finite = elementwise("eq", norm - norm, 0) & (norm > 0)
    times = elementwise("ceil", elementwise("log", select(finite, norm, 1)) * (1 / log(2)) - log2(bound))
    return elementwise("minimum", elementwise("maximum", times, 0), MOST)


def _approximant(x: Node, coefficients: Sequence[int]) -> Node:
    """Return the Padé approximant of the exponential whose numerator has these coefficients."""
    one, square = identity(x.dtype, x.shape), matmul(x, x)
    powers = [one, square]
    while len(powers) < 4:
        powers.append(matmul(powers[-1], square))
    even, odd = (_polynomial(powers, coefficients[start::2]) for start in (0, 1))
    odd = matmul(x, odd)
    below = even - odd
    return apply("lu_solve", below, apply("lu", below), even + odd, transposed=False)


def _polynomial(powers: Sequence[Node], coefficients: Sequence[int]) -> Node:
    """Return the sum of coefficients times powers of a matrix, the last power as often as needed."""
    total = _sum(powers, coefficients[: len(powers)])
    rest = coefficients[len(powers) :]
    return total if not rest else total + matmul(powers[-1], _sum(powers[1:], rest))


def _sum(powers: Sequence[Node], coefficients: Sequence[int]) -> Node:
    total = powers[0] * float(coefficients[0])
    for power, c in zip(powers[1:], coefficients[1:], strict=False):
        total = total + power * float(c)
    return total


def _squared(x: Node, times: Node) -> Node:
    """Square each matrix as often as `times` says, in a loop."""
    count, y = parameter(constant(0, I64).type, "count"), parameter(x.type, "power")
    most = reduce("max", times, (0,))
    goes_on = broadcast(broadcast(count, times.shape, ()) < times, y.shape, (0,))
    test = Region((count, y), (count < most,))
    body = Region((count, y), (count + 1, select(goes_on, matmul(y, y), y)))
    return while_loop(test, body, [constant(0, I64), x])[1]
