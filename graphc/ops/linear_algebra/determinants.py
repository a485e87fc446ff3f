"""Determinants, and logarithms of their magnitude, as torch.linalg has them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    apply,
    concatenate,
    derived,
    elementwise,
    full_like,
    iota,
    reduce,
    reshape,
    select,
    sum_,
)
from graphc.ir.core.build import broadcast as broadcast_to
from graphc.ir.core.graph import Node
from graphc.ir.transforms.matrix_rules import block
from graphc.ops.linear_algebra.results import Slogdet
from graphc.ops.linear_algebra.systems import check_float_matrices, identity, matrix_diagonal
from graphc.tensors.tensor import Tensor

__all__ = ["det", "slogdet"]


class Determinants(NamedTuple):
    """The signs of determinants, the logarithms of their magnitudes, and the determinants."""

    sign: Node
    logarithm: Node
    value: Node


def determinants(a: Node) -> Determinants:
    """Return the determinants of square matrices by their LU factors; node level.

    The values have no history: their derivatives are those of |A|, which are |A| A^-T, and of log|A|.
    """
    batch, n = a.shape[:-2], a.shape[-1]
    if not n:
        nothing = sum_(a, (len(batch), len(batch) + 1))
        return Determinants(full_like(nothing, 1), nothing, nothing + 1)
    packed = apply("stop_gradient", apply("lu", a))
    pivots = matrix_diagonal(packed)
    row = reshape(block(packed, (n, n + 1), (0, n)), (*batch, n))
    axis = (len(batch),)
    exchanged = elementwise("eq", row, iota(row.shape, len(batch), a.dtype))
    parity = reduce("prod", select(exchanged, full_like(row, 1), -1), axis)
    sign = parity * reduce("prod", elementwise("sign", pivots), axis)
    logarithm = sum_(elementwise("log", elementwise("abs", pivots)), axis)
    value = parity * reduce("prod", pivots, axis)
    safe = _without_zeros(packed, pivots)
    inverse = apply("lu_solve", a, safe, identity(a.dtype, a.shape), transposed=True)
    logarithm = logarithm + _slope(a, inverse)
    value = _with_slope(a, value, logarithm, parity * reduce("prod", matrix_diagonal(safe), axis), inverse)
    return Determinants(sign, logarithm, value)


def _without_zeros(packed: Node, pivots: Node) -> Node:
    """Return the factors with a small number in place of each pivot that is zero."""
    batch, n = packed.shape[:-2], packed.shape[-1]
    largest = reduce("max", elementwise("abs", pivots), (len(batch),))
    largest = select(elementwise("eq", largest, 0), 1, largest) * float(np.finfo(packed.dtype.numpy).eps)
    square = block(packed, (0, n), (0, n))
    rank = len(square.shape)
    place = elementwise("eq", iota(square.shape, rank - 2), iota(square.shape, rank - 1)) & elementwise("eq", square, 0)
    filled = select(place, broadcast_to(largest, square.shape, range(rank - 2)), square)
    return concatenate([filled, block(packed, (n, n + 1), (0, n))], rank - 2)


def _slope(a: Node, weights: Node) -> Node:
    """Return zeros whose derivative with respect to matrices is `weights`."""
    rank = a.type.rank
    return sum_(derived("checked", full_like(a, 0), a, weights), (rank - 2, rank - 1))


def _with_slope(a: Node, value: Node, logarithm: Node, nearby: Node, inverse: Node) -> Node:
    """Return determinants with their derivatives.

    Those of a singular matrix are those of a regular one nearby, with the determinant `nearby`; second ones are NaN there.
    """
    zero = elementwise("eq", value, 0)
    again = derived("exponential", value, logarithm)  # differentiable again
    edge = derived("checked", select(zero, nearby, 0), logarithm, select(zero, full_like(value, float("nan")), 0))
    factor = broadcast_to(again + edge, a.shape, range(a.type.rank - 2))
    return value + _slope(a, factor * inverse)


@op("LinalgDet")
def det(A: Node) -> Node:
    """Return the determinants of square matrices.

    The gradient is |A| A^-T. That of a singular matrix is computed for a matrix nearby; its second derivatives are NaN.

    Args:
        A: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of shape (...) and the dtype of A.

    Raises:
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.det(graphc.tensor([[2.0, 1.0], [3.0, 4.0]]))
        tensor(5.)
    """
    check_float_matrices("linalg.det", A)
    return determinants(A).value


@op("LinalgSlogdet")
def _slogdet(A: Node) -> tuple[Node, Node]:
    check_float_matrices("linalg.slogdet", A)
    sign, logarithm, _ = determinants(A)
    return apply("stop_gradient", sign), logarithm


def slogdet(A: Tensor) -> Slogdet:
    """Return the signs of the determinants of square matrices, and the logarithms of their magnitudes.

    Unlike the determinant, these neither overflow nor vanish for large matrices.

    Args:
        A: floating-point tensor of shape (..., n, n).

    Returns:
        Named tuple (sign, logabsdet) of tensors of shape (...) and the dtype of A: 1, -1, or 0 for a singular matrix, and
        the logarithm, -inf for a singular matrix. Gradients flow through the logarithm.

    Raises:
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> sign, logarithm = graphc.linalg.slogdet(graphc.tensor([[0.0, 1.0], [1.0, 0.0]]))
        >>> sign, logarithm
        (tensor(-1.), tensor(0.))
    """
    return Slogdet(*_slogdet(A))
