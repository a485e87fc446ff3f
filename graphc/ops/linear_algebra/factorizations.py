"""Factorizations of matrices, as torch.linalg has them."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, broadcast, cast, elementwise, iota, reshape, swap_last
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32, I64
from graphc.ir.transforms.matrix_rules import block, lower, upper
from graphc.ops.common import check_float, checked
from graphc.ops.failures import computed, raises_at_once
from graphc.ops.linear_algebra.results import CholeskyEx, LuFactor, LuFactorEx, LuParts
from graphc.ops.linear_algebra.systems import check_float_matrices, first_failure, matrix_diagonal, nonzero
from graphc.tensors.tensor import Tensor

__all__ = ["cholesky", "cholesky_ex", "lu", "lu_factor", "lu_factor_ex"]


# -- Cholesky ---------------------------------------------------------------------------------------------------------


def _factor(name: str, a: Node, upper: bool) -> tuple[Node, Node]:
    """Return the factors of matrices, and which pivots are positive."""
    check_float_matrices(name, a)
    factor = apply("cholesky", swap_last(a) if upper else a)
    holds = matrix_diagonal(factor) > 0
    return (swap_last(factor) if upper else factor), holds


def factor_or_fail(name: str, a: Node, upper: bool) -> Node:
    """Return the factors of matrices; computing those of one that is not positive definite raises LinAlgError.  Node level."""
    factor, holds = _factor(name if name.startswith("linalg") else "linalg.cholesky", a, upper)
    rule = "The factorization could not be completed because the input is not positive-definite."
    return checked(factor, holds, f"{name}: {rule}")


@raises_at_once
@op("LinalgCholeskyEx")
def cholesky(A: Node, *, upper: bool = False) -> Node:
    """Factor symmetric positive definite matrices into L L^T, or U^T U.

    Source of the derivative: I. Murray, "Differentiation of the Cholesky decomposition", 2016. It is symmetric, and the
    diagonal of the factor is positive.

    Args:
        A: floating-point tensor of shape (..., n, n), of which one triangle is read.
        upper: whether to read the upper triangle and return U.

    Returns:
        Tensor of the shape and dtype of A: lower, or upper, triangular.

    Raises:
        LinAlgError: if a matrix is not positive definite.
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.cholesky(graphc.tensor([[4.0, 2.0], [2.0, 5.0]]))
        tensor([[2., 0.],
                [1., 2.]])
        >>> graphc.linalg.cholesky(graphc.tensor([[4.0, 2.0], [2.0, 5.0]]), upper=True)
        tensor([[2., 1.],
                [0., 2.]])
    """
    return factor_or_fail("linalg.cholesky", A, upper)


@op("LinalgCholeskyEx")
def _cholesky_ex(A: Node, upper: bool, check_errors: bool) -> tuple[Node, Node]:
    factor, holds = _factor("linalg.cholesky_ex", A, upper)
    if check_errors:
        factor = factor_or_fail("linalg.cholesky_ex", A, upper)
    return factor, first_failure(holds)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """Factor symmetric matrices, and say which of them are not positive definite.

    Args:
        A: floating-point tensor of shape (..., n, n), of which one triangle is read.
        upper: whether to read the upper triangle and return the upper triangular factor.
        check_errors: whether to raise as `graphc.linalg.cholesky` does.

    Returns:
        Named tuple (L, info): the factors, with NaN from the first pivot on that is not positive, and for each matrix, as
        int32, the number of that pivot, counted from 1, or 0.

    Raises:
        LinAlgError: if check_errors, and a matrix is not positive definite.
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.cholesky_ex(graphc.tensor([[4.0, 2.0], [2.0, -5.0]])).info
        tensor(2, dtype=torch.int32)
    """
    result = _cholesky_ex(A, upper, check_errors)
    return CholeskyEx(*(computed(result) if check_errors else result))


# -- LU ---------------------------------------------------------------------------------------------------------------


def _packed(name: str, a: Node, pivot: bool) -> Node:
    """Return the factors of matrices with rows exchanged, and below them the rows that were exchanged."""
    if a.type.rank < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(a.shape)} instead")
    check_float("lu_cpu", a)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return apply("lu", a)


def _pivots(packed: Node, rows: int) -> Node:
    """Return the rows that were exchanged, counted from 0, as int64."""
    k = min(rows, packed.shape[-1])
    return cast(reshape(block(packed, (rows, rows + 1), (0, k)), (*packed.shape[:-2], k)), I64)


@op("LinalgLuFactorEx")
def _lu_factor(A: Node, pivot: bool, check: str) -> tuple[Node, Node, Node]:
    packed = _packed("torch.lu_factor", A, pivot)
    rows, columns = A.shape[-2:]
    factors, holds = block(packed, (0, rows), (0, columns)), nonzero(matrix_diagonal(block(packed, (0, rows), (0, columns))))
    if check:
        factors = checked(factors, holds, f"torch.linalg.{check}: {DIVISION}")
    return factors, cast(_pivots(packed, rows), I32) + 1, first_failure(holds)


DIVISION = (
    "U has a zero on its diagonal and using it on lu_solve would result in a division by zero. If you still want to perform "
    "the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
)


def lu_factor(A: Tensor, *, pivot: bool = True) -> LuFactor:
    """Factor matrices into P L U, with L and U in one matrix, for `graphc.linalg.lu_solve`.

    Args:
        A: floating-point tensor of shape (..., m, n).
        pivot: whether rows are exchanged; it must be true.

    Returns:
        Named tuple (LU, pivots): a tensor of the shape and dtype of A with U in its upper triangle, and below it L, whose
        diagonal is ones; and for each row the row that was exchanged with it, counted from 1, as int32 of shape
        (..., min(m, n)).

    Raises:
        LinAlgError: if a pivot is zero.
        RuntimeError: if A has fewer than two axes, or pivot is false.
        NotImplementedError: if A is not floating-point.

    Example:
        >>> graphc.linalg.lu_factor(graphc.tensor([[1.0, 2.0], [2.0, 6.0]]))
        torch.return_types.linalg_lu_factor(
        LU=tensor([[ 2.0000,  6.0000],
                [ 0.5000, -1.0000]]),
        pivots=tensor([2, 2], dtype=torch.int32))
    """
    return LuFactor(*computed(_lu_factor(A, pivot, "lu_factor"))[:2])


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LuFactorEx:
    """Factor matrices as `graphc.linalg.lu_factor`, and say which of them have a pivot that is zero.

    Args:
        A: floating-point tensor of shape (..., m, n).
        pivot: whether rows are exchanged; it must be true.
        check_errors: whether to raise as `graphc.linalg.lu_factor` does.

    Returns:
        Named tuple (LU, pivots, info): as `graphc.linalg.lu_factor`, and for each matrix, as int32, the number of the first
        pivot that is zero, counted from 1, or 0.

    Raises:
        LinAlgError: if check_errors, and a pivot is zero.
        RuntimeError: if A has fewer than two axes, or pivot is false.
        NotImplementedError: if A is not floating-point.

    Example:
        >>> graphc.linalg.lu_factor_ex(graphc.tensor([[1.0, 2.0], [2.0, 4.0]])).info
        tensor(2, dtype=torch.int32)
    """
    result = _lu_factor(A, pivot, "lu_factor_ex" if check_errors else "")
    return LuFactorEx(*(computed(result) if check_errors else result))


def unpacked(factors: Node, pivots: Node) -> tuple[Node, Node, Node]:
    """Return P, L and U for both factors in one matrix, and the rows that were exchanged, counted from 0; node level."""
    (m, n), batch = factors.shape[-2:], factors.shape[:-2]
    k = min(m, n)
    order = apply("permutation", pivots, rows=m)
    place = iota((*batch, m, m), len(batch))
    here = elementwise("eq", place, broadcast(order, place.shape, (*range(len(batch)), len(batch) + 1)))
    left, right = block(factors, (0, m), (0, k)), block(factors, (0, k), (0, n))
    return cast(here, factors.dtype), lower(left, unit=True), upper(right)


@op("LinalgLu")
def _lu(A: Node, pivot: bool) -> tuple[Node, Node, Node]:
    packed = _packed("torch.lu_factor", A, pivot)
    rows, columns = A.shape[-2:]
    p, *factors = unpacked(block(packed, (0, rows), (0, columns)), _pivots(packed, rows))
    return apply("stop_gradient", p), factors[0], factors[1]


def lu(A: Tensor, *, pivot: bool = True) -> LuParts:
    """Factor matrices into P L U, by Gaussian elimination with exchanges of rows.

    Args:
        A: floating-point tensor of shape (..., m, n).
        pivot: whether rows are exchanged; it must be true.

    Returns:
        Named tuple (P, L, U) of tensors of the dtype of A: permutation matrices of shape (..., m, m), lower triangular
        matrices of shape (..., m, k) with ones on the diagonal, and upper triangular ones of shape (..., k, n), for
        k = min(m, n).

    Raises:
        RuntimeError: if A has fewer than two axes, or pivot is false.
        NotImplementedError: if A is not floating-point.

    Example:
        >>> p, l, u = graphc.linalg.lu(graphc.tensor([[1.0, 2.0], [2.0, 6.0]]))
        >>> l
        tensor([[1.0000, 0.0000],
                [0.5000, 1.0000]])
        >>> p @ l @ u
        tensor([[1., 2.],
                [2., 6.]])
    """
    return LuParts(*_lu(A, pivot))
