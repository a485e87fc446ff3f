"""Triangular systems and LU factors under torch's own names."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, swap_last
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32, I64
from graphc.ir.transforms.matrix_rules import solve_triangular
from graphc.ops.common import check_float, checked
from graphc.ops.create.fill import empty
from graphc.ops.linear_algebra.cholesky import check_factor
from graphc.ops.linear_algebra.factorizations import unpacked
from graphc.ops.linear_algebra.results import TriangularSolve, UnpackedLu
from graphc.ops.linear_algebra.solutions import lu_solve as solve_by_factors
from graphc.ops.linear_algebra.systems import check_rank, expand_batch, solution
from graphc.tensors.tensor import Tensor

__all__ = ["lu_solve", "lu_unpack", "triangular_solve"]


@op("TriangularSolve")
def _triangular_solve(b: Node, A: Node, upper: bool, transpose: bool, unitriangular: bool) -> tuple[Node, Node]:
    for label, x in (("b", b), ("A", A)):
        if x.type.rank < 2:
            rule = f"Expected {label} to have at least 2 dimensions, but it has {x.type.rank} dimensions instead"
            raise RuntimeError(f"torch.triangular_solve: {rule}")
    check_factor("triangular_solve", b, A)
    check_float("triangular_solve_cpu", b)
    a = swap_last(A) if transpose else A
    x = solution((a,), b, lambda a, b: solve_triangular(a, b, upper=upper != transpose, unit=unitriangular))
    return x, expand_batch(A, x.shape[:-2])


def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolve:
    """Solve triangular systems of linear equations, A X = B; `graphc.linalg.solve_triangular` is its successor.

    Args:
        input: floating-point tensor B of shape (..., n, k).
        A: tensor of shape (..., n, n) and the dtype of B; leading axes broadcast.
        upper: whether the upper triangle of A is read, otherwise the lower one.
        transpose: whether to solve A^T X = B.
        unitriangular: whether the diagonal is ones, and not read.

    Returns:
        Named tuple (solution, cloned_coefficient): X, of shape (..., n, k), and A.

    Raises:
        RuntimeError: if an operand is no matrix, those of A are not square, or shapes or dtypes do not fit.
        NotImplementedError: if the operands are not floating-point.

    Example:
        >>> a = graphc.tensor([[2.0, 1.0], [0.0, 4.0]])
        >>> graphc.triangular_solve(graphc.tensor([[4.0], [8.0]]), a).solution
        tensor([[1.],
                [2.]])
    """
    return TriangularSolve(*_triangular_solve(input, A, upper, transpose, unitriangular))


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Solve square systems of linear equations by the factors of their matrices, as `graphc.linalg.lu_solve` does.

    Args:
        input: tensor B of shape (..., n, k).
        LU_data: floating-point tensor of shape (..., n, n), from `graphc.linalg.lu_factor`.
        LU_pivots: int32 tensor of shape (..., n), from the same call.

    Returns:
        Tensor of the broadcast shape of B, and of its dtype.

    Raises:
        RuntimeError: if the factors are not square, the pivots are not int32 or not n of them, or shapes or dtypes do not fit.

    Example:
        >>> factors, pivots = graphc.linalg.lu_factor(graphc.tensor([[1.0, 2.0], [2.0, 6.0]]))
        >>> graphc.lu_solve(graphc.tensor([[5.0], [14.0]]), factors, pivots)
        tensor([[1.],
                [2.]])
    """
    return solve_by_factors(LU_data, LU_pivots, input)


@op("LuUnpack")
def _lu_unpack(factors: Node, pivots: Node) -> tuple[Node, Node, Node]:
    check_rank("torch.lu_unpack", factors, "LU_data")
    if pivots.dtype is not I32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    rows = factors.shape[-2]
    if pivots.shape != (*factors.shape[:-2], min(factors.shape[-2:])):
        got = f"{factors.type} and {pivots.type}"
        raise RuntimeError(f"torch.lu_unpack: LU_pivots needs one pivot for each row of U, got {got}")
    p, *parts = unpacked(factors, cast(pivots, I64) + -1)
    inside = (pivots >= 1) & (pivots <= rows)
    return checked(p, inside, f"{PIVOTS} Did you properly pass the result of lu_factor?"), parts[0], parts[1]


PIVOTS = "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> UnpackedLu:
    """Return the matrices P, L and U for factors from `graphc.linalg.lu_factor`.

    Args:
        LU_data: floating-point tensor of shape (..., m, n).
        LU_pivots: int32 tensor of shape (..., min(m, n)).
        unpack_data: whether L and U are returned; otherwise they are empty.
        unpack_pivots: whether P is returned; otherwise it is empty.

    Returns:
        Named tuple (P, L, U) of tensors of shapes (..., m, m), (..., m, k) and (..., k, n), for k = min(m, n).

    Raises:
        RuntimeError: if the pivots are not int32, not one for each row of U, or out of range.

    Example:
        >>> factors, pivots = graphc.linalg.lu_factor(graphc.tensor([[1.0, 2.0], [2.0, 6.0]]))
        >>> graphc.lu_unpack(factors, pivots).P
        tensor([[0., 1.],
                [1., 0.]])
    """
    p, left, right = _lu_unpack(LU_data, LU_pivots)
    if not unpack_data:
        left, right = (empty(0, dtype=LU_data.dtype) for _ in range(2))
    return UnpackedLu(p if unpack_pivots else empty(0, dtype=LU_data.dtype), left, right)
