"""Traces, determinants, inverses and powers of matrices."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, select, sum_
from graphc.ir.core.build import matmul as matmul_nodes
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.failures import raises_at_once
from graphc.ops.linear_algebra.determinants import det as determinant
from graphc.ops.linear_algebra.determinants import determinants
from graphc.ops.linear_algebra.determinants import slogdet as sign_and_logarithm
from graphc.ops.linear_algebra.results import Slogdet
from graphc.ops.linear_algebra.solutions import checked_inverse
from graphc.ops.linear_algebra.systems import check_float_matrices, check_square, identity
from graphc.ops.shape.diagonals import diagonal
from graphc.tensors.tensor import Tensor

__all__ = ["det", "inverse", "logdet", "matrix_power", "slogdet", "trace"]


@op("Trace", saves=False)
def trace(input: Node) -> Node:
    """Return the sum of the diagonal of a matrix.

    Args:
        input: tensor of shape (n, m).

    Returns:
        0-d tensor of the dtype of input; integers and bools give int64.

    Raises:
        RuntimeError: if input is not a matrix.

    Example:
        >>> graphc.trace(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
    """
    if input.type.rank != 2:
        raise RuntimeError("trace: expected a matrix")
    elements = diagonal.nodes(input)
    return sum_(elements if elements.dtype.is_float else cast(elements, I64), (0,))


@op("LinalgMatrixPower")
def matrix_power(input: Node, n: int) -> Node:
    """Raise square matrices to a power, by repeated squaring.

    Args:
        input: tensor of shape (..., n, n).
        n: exponent; 0 gives identity matrices, a negative one powers of the inverses.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        LinAlgError: if n is negative and a matrix is singular.
        RuntimeError: if the matrices are not square, or n is negative and they are not floating-point.
        NotImplementedError: if the matrices are bool and n is above 1.

    Example:
        >>> graphc.linalg.matrix_power(graphc.tensor([[1, 1], [1, 0]]), 5)
        tensor([[8, 5],
                [5, 3]])
    """
    check_square("linalg.matrix_power", input)
    if n < 0:
        input, n = checked_inverse("linalg.inv", input), -n
    if n == 0:
        return identity(input.dtype, input.shape)
    result = input
    for bit in bin(n)[3:]:
        result = matmul_nodes(result, result)
        result = matmul_nodes(result, input) if bit == "1" else result
    return result



def det(input: Tensor) -> Tensor:
    """Return the determinants of square matrices; it is `graphc.linalg.det`.

    Args:
        input: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of shape (...) and the dtype of input.

    Raises:
        RuntimeError: if input is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.det(graphc.tensor([[2.0, 1.0], [3.0, 4.0]]))
        tensor(5.)
    """
    return determinant(input)


def slogdet(input: Tensor) -> Slogdet:
    """Return the signs of determinants, and the logarithms of their magnitudes; it is `graphc.linalg.slogdet`.

    Args:
        input: floating-point tensor of shape (..., n, n).

    Returns:
        Named tuple (sign, logabsdet) of tensors of shape (...) and the dtype of input.

    Raises:
        RuntimeError: if input is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.slogdet(graphc.eye(3)).logabsdet
        tensor(0.)
    """
    return sign_and_logarithm(input)


@op("Logdet")
def logdet(input: Node) -> Node:
    """Return the logarithms of the determinants of square matrices.

    Args:
        input: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of shape (...) and the dtype of input: -inf for singular matrices, NaN for negative determinants.

    Raises:
        RuntimeError: if input is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.logdet(2 * graphc.eye(2))
        tensor(1.3863)
    """
    check_float_matrices("logdet", input)
    sign, logarithm, _ = determinants(input)
    return select(sign < 0, float("nan"), logarithm)


@raises_at_once
@op("LinalgInvEx")
def inverse(input: Node) -> Node:
    """Invert square matrices; it is `graphc.linalg.inv`.

    Args:
        input: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        LinAlgError: if a matrix is singular.
        RuntimeError: if input is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.inverse(graphc.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    return checked_inverse("linalg.inv", input)
