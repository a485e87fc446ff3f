"""Cholesky factorizations under torch's own names, and solutions and inverses by them."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import swap_last
from graphc.ir.core.graph import Node
from graphc.ir.transforms.matrix_rules import solve_triangular
from graphc.ops.common import check_float, torch_name
from graphc.ops.failures import raises_at_once
from graphc.ops.linear_algebra.factorizations import factor_or_fail
from graphc.ops.linear_algebra.systems import check_square, identity, solution

__all__ = ["cholesky", "cholesky_inverse", "cholesky_solve"]


@raises_at_once
@op("Cholesky")
def cholesky(input: Node, upper: bool = False) -> Node:
    """Factor symmetric positive definite matrices into L L^T, or U^T U.

    It is `graphc.linalg.cholesky`, with `upper` by position.

    Args:
        input: floating-point tensor of shape (..., n, n), of which one triangle is read.
        upper: whether to read the upper triangle and return U.

    Returns:
        Tensor of the shape and dtype of input: lower, or upper, triangular.

    Raises:
        LinAlgError: if a matrix is not positive definite.
        RuntimeError: if input is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.cholesky(graphc.tensor([[4.0, 2.0], [2.0, 5.0]]))
        tensor([[2., 0.],
                [1., 2.]])
    """
    return factor_or_fail("cholesky", input, upper)


def _solve(b: Node, factor: Node, upper: bool) -> Node:
    lower = swap_last(factor) if upper else factor
    return solve_triangular(swap_last(lower), solve_triangular(lower, b), upper=True)


@op("CholeskySolve")
def cholesky_solve(B: Node, L: Node, upper: bool = False) -> Node:
    """Solve A X = B by the Cholesky factors of A.

    Args:
        B: floating-point tensor of shape (..., n, k).
        L: tensor of shape (..., n, n) and the dtype of B, a triangular factor; leading axes broadcast.
        upper: whether the factor is upper triangular, U with A = U^T U; otherwise it is L with A = L L^T.

    Returns:
        Tensor of shape (..., n, k) and the dtype of B.

    Raises:
        RuntimeError: if an operand is no matrix, the factors are not square, or shapes or dtypes do not fit.
        NotImplementedError: if the operands are not floating-point.

    Example:
        >>> factor = graphc.tensor([[2.0, 0.0], [1.0, 2.0]])
        >>> graphc.cholesky_solve(graphc.tensor([[8.0], [14.0]]), factor)
        tensor([[0.7500],
                [2.5000]])
    """
    for label, x in (("b", B), ("u", L)):
        if x.type.rank < 2:
            raise RuntimeError(f"{label} should have at least 2 dimensions, but has {x.type.rank} dimensions instead")
    check_factor("cholesky_solve", B, L)
    check_float("cholesky_solve_cpu", B)
    return solution((L,), B, lambda factor, b: _solve(b, factor, upper))


def check_factor(name: str, b: Node, a: Node) -> None:
    """Raise RuntimeError unless right sides and matrices have one dtype, and the matrices are square and of as many rows."""
    if a.dtype is not b.dtype:
        of_b, of_a = torch_name(b.dtype), torch_name(a.dtype)
        raise RuntimeError(f"Expected b and A to have the same dtype, but found b of type {of_b} and A of type {of_a} instead.")
    rows, columns = a.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"A must be batches of square matrices, but they are {rows} by {columns} matrices")
    if rows != b.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {rows} by {columns}"
            f" but each b matrix is {b.shape[-2]} by {b.shape[-1]}"
        )


@op("CholeskyInverse")
def cholesky_inverse(input: Node, upper: bool = False) -> Node:
    """Invert symmetric positive definite matrices, given their Cholesky factors.

    Args:
        input: floating-point tensor of shape (..., n, n), triangular factors.
        upper: whether they are upper triangular, U with A = U^T U; otherwise they are L with A = L L^T.

    Returns:
        Tensor of the shape and dtype of input, the inverses of the matrices A.

    Raises:
        RuntimeError: if the factors are not square.
        NotImplementedError: if they are not floating-point.

    Example:
        >>> graphc.cholesky_inverse(graphc.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.2500, 0.0000],
                [0.0000, 0.0625]])
    """
    check_square("cholesky_inverse", input)
    check_float("cholesky_inverse_out_cpu", input)
    return _solve(identity(input.dtype, input.shape), input, upper)
