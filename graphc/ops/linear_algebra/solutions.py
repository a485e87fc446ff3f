"""Solutions of linear systems, and inverses, as torch.linalg has them."""

from __future__ import annotations

from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, swap_last
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32, I64
from graphc.ir.transforms.matrix_rules import solve_triangular as triangular_nodes
from graphc.ops.common import check_float, checked, expand_to, squeeze_axis, unsqueeze_axis
from graphc.ops.failures import computed, raises_at_once
from graphc.ops.linear_algebra.results import InvEx, SolveEx
from graphc.ops.linear_algebra.systems import (
    check_float_matrices,
    check_rank,
    check_square,
    expand_batch,
    first_failure,
    identity,
    permuted,
    same_dtype,
    solution,
    solved,
)
from graphc.tensors.tensor import Tensor

__all__ = ["inv", "inv_ex", "lu_solve", "solve", "solve_ex", "solve_triangular"]


def _check_fit(name: str, a: Node, b: Node, left: bool) -> None:
    """Raise RuntimeError unless right sides have as many rows, or columns, as their matrices."""
    axis = -2 if left else -1
    if a.shape[axis] != b.shape[axis]:
        equation = "AX = B" if left else "XA = B"
        shapes = " and ".join(f"{x.shape[-2]}x{x.shape[-1]}" for x in (a, b))
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation {equation} ({shapes})")


# -- general systems --------------------------------------------------------------------------------------------------


def _solved(name: str, a: Node, b: Node, left: bool) -> tuple[Node, Node]:
    """Return the solutions, and which pivots are not zero."""
    check_float_matrices(f"linalg.{name}", a)
    same_dtype(f"linalg.{name}", a, b)
    is_vector = b.type.rank == 1 or (a.type.rank - 1 == b.type.rank and b.shape == a.shape[:-1])
    right = unsqueeze_axis(b, b.type.rank) if is_vector else b
    check_rank(f"linalg.{name}", right, "B")
    _check_fit(f"linalg.{name}", a, right, left)
    x, holds = solved(a, right, left=left)
    return squeeze_axis(x, x.type.rank - 1) if is_vector else x, holds


def _singular(name: str) -> str:
    return f"torch.linalg.{name}: The solver failed because the input matrix is singular."


@raises_at_once
@op("LinalgSolveEx")
def solve(A: Node, B: Node, *, left: bool = True) -> Node:
    """Solve square systems of linear equations, A X = B.

    Leading axes broadcast. B is a vector, or a batch of vectors, if it has one axis or the shape of A without its last axis.

    Args:
        A: floating-point tensor of shape (..., n, n).
        B: tensor of shape (..., n, k), (n,) or A.shape[:-1], and the dtype of A.
        left: whether A is on the left; otherwise X A = B, for B of shape (..., k, n).

    Returns:
        Tensor of the broadcast shape of B, and of its dtype.

    Raises:
        LinAlgError: if a matrix is singular.
        RuntimeError: if A is not floating-point or its matrices are not square, or shapes or dtypes do not fit.

    Example:
        >>> graphc.linalg.solve(graphc.tensor([[2.0, 0.0], [1.0, 4.0]]), graphc.tensor([2.0, 9.0]))
        tensor([1., 2.])
    """
    x, holds = _solved("solve", A, B, left)
    return checked(x, holds, _singular("solve"))


@op("LinalgSolveEx")
def _solve_ex(A: Node, B: Node, left: bool, check_errors: bool) -> tuple[Node, Node]:
    x, holds = _solved("solve_ex", A, B, left)
    return checked(x, holds, _singular("solve_ex")) if check_errors else x, first_failure(holds)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """Solve square systems of linear equations, and say which matrices are singular.

    Args:
        A: floating-point tensor of shape (..., n, n).
        B: tensor of right sides, as `graphc.linalg.solve` takes them.
        left: whether A is on the left, A X = B; otherwise X A = B.
        check_errors: whether to raise as `graphc.linalg.solve` does.

    Returns:
        Named tuple (result, info): the solutions, with NaN or infinities for singular matrices, and for each matrix, as
        int32, the number of the first pivot that is zero, counted from 1, or 0.

    Raises:
        LinAlgError: if check_errors, and a matrix is singular.
        RuntimeError: if A is not floating-point or its matrices are not square, or shapes or dtypes do not fit.

    Example:
        >>> graphc.linalg.solve_ex(graphc.ones(2, 2), graphc.ones(2)).info
        tensor(2, dtype=torch.int32)
    """
    result = _solve_ex(A, B, left, check_errors)
    return SolveEx(*(computed(result) if check_errors else result))


# -- inverses ---------------------------------------------------------------------------------------------------------


def inverse_nodes(name: str, a: Node) -> tuple[Node, Node]:
    """Return the inverses of matrices, and which pivots are not zero; node level."""
    check_float_matrices(name, a)
    return solved(a, identity(a.dtype, a.shape))


def checked_inverse(name: str, a: Node) -> Node:
    """Return the inverses of matrices; computing that of a singular one raises LinAlgError.  Node level."""
    x, holds = inverse_nodes(name, a)
    rule = "A diagonal element is zero, the inversion could not be completed because the input matrix is singular."
    return checked(x, holds, f"{name}: {rule}")


@raises_at_once
@op("LinalgInvEx")
def inv(A: Node) -> Node:
    """Invert square matrices.

    To solve systems of equations, `graphc.linalg.solve` is faster and more accurate.

    Args:
        A: floating-point tensor of shape (..., n, n).

    Returns:
        Tensor of the shape and dtype of A.

    Raises:
        LinAlgError: if a matrix is singular.
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.inv(graphc.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    return checked_inverse("linalg.inv", A)


@op("LinalgInvEx")
def _inv_ex(A: Node, check_errors: bool) -> tuple[Node, Node]:
    x, holds = inverse_nodes("linalg.inv_ex", A)
    return checked_inverse("linalg.inv_ex", A) if check_errors else x, first_failure(holds)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> InvEx:
    """Invert square matrices, and say which of them are singular.

    Args:
        A: floating-point tensor of shape (..., n, n).
        check_errors: whether to raise as `graphc.linalg.inv` does.

    Returns:
        Named tuple (inverse, info): the inverses, with NaN or infinities for singular matrices, and for each matrix, as
        int32, the number of the first pivot that is zero, counted from 1, or 0.

    Raises:
        LinAlgError: if check_errors, and a matrix is singular.
        RuntimeError: if A is not floating-point, or its matrices are not square.

    Example:
        >>> graphc.linalg.inv_ex(graphc.ones(2, 2)).info
        tensor(2, dtype=torch.int32)
    """
    result = _inv_ex(A, check_errors)
    return InvEx(*(computed(result) if check_errors else result))


# -- triangular systems -----------------------------------------------------------------------------------------------


@op("LinalgSolveTriangular")
def solve_triangular(A: Node, B: Node, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Node:
    """Solve triangular systems of linear equations, A X = B.

    Leading axes broadcast. Zeros on the diagonal give infinities or NaN.

    Args:
        A: floating-point tensor of shape (..., n, n), of which one triangle is read.
        B: tensor of shape (..., n, k) and the dtype of A.
        upper: whether the upper triangle is read, otherwise the lower one.
        left: whether A is on the left; otherwise X A = B, for B of shape (..., k, n).
        unitriangular: whether the diagonal is ones, and not read.

    Returns:
        Tensor of the broadcast shape of B, and of its dtype.

    Raises:
        RuntimeError: if the matrices are not square, or shapes or dtypes do not fit.
        NotImplementedError: if the operands are not floating-point.

    Example:
        >>> a = graphc.tensor([[2.0, 1.0], [0.0, 4.0]])
        >>> graphc.linalg.solve_triangular(a, graphc.tensor([[4.0], [8.0]]), upper=True)
        tensor([[1.],
                [2.]])
    """
    check_square("linalg.solve_triangular", A)
    check_rank("linalg.solve_triangular", B, "B")
    same_dtype("linalg.solve_triangular", A, B)
    _check_fit("linalg.solve_triangular", A, B, left)
    check_float("triangular_solve_cpu", A)

    def solve(a: Node, b: Node) -> Node:
        return triangular_nodes(a, b, upper=upper == left, unit=unitriangular)

    if left:
        return solution((A,), B, solve)
    return swap_last(solution((swap_last(A),), swap_last(B), solve))


@op("LinalgLuSolve")
def lu_solve(LU: Node, pivots: Node, B: Node, *, left: bool = True, adjoint: bool = False) -> Node:
    """Solve square systems of linear equations by the factors of their matrices.

    Args:
        LU: floating-point tensor of shape (..., n, n), from `graphc.linalg.lu_factor`; leading axes broadcast.
        pivots: int32 tensor of shape (..., n), from the same call.
        B: tensor of shape (..., n, k) and the dtype of LU.
        left: whether A is on the left, A X = B; otherwise X A = B, for B of shape (..., k, n).
        adjoint: whether to solve with the transposed matrices.

    Returns:
        Tensor of the broadcast shape of B, and of its dtype.

    Raises:
        RuntimeError: if the factors are not square, pivots are not int32 or not n of them, or shapes or dtypes do not fit.

    Example:
        >>> factors, pivots = graphc.linalg.lu_factor(graphc.tensor([[1.0, 2.0], [2.0, 6.0]]))
        >>> graphc.linalg.lu_solve(factors, pivots, graphc.tensor([[5.0], [14.0]]))
        tensor([[1.],
                [2.]])
    """
    name = "linalg.lu_solve"
    if not LU.dtype.is_float:
        check_float_matrices(name, LU)
    check_square(name, LU, "LU")
    check_rank(name, B, "B")
    same_dtype(name, LU, B, ("LU", "B"))
    if pivots.dtype is not I32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    if pivots.type.rank < 1 or pivots.shape[-1] != LU.shape[-1]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    if pivots.shape[:-1] != LU.shape[:-2]:
        raise RuntimeError(f"{name}: Batch dimensions of pivots and LU must be equal, got {pivots.shape} and {LU.shape}")
    _check_fit(name, LU, B, left)
    return by_factors(LU, pivots, B, left=left, adjoint=adjoint)


def by_factors(factors: Node, pivots: Node, b: Node, *, left: bool, adjoint: bool) -> Node:
    """Return solutions by LU factors and the int32 rows that were exchanged, counted from 1; node level."""
    batch = broadcast_shapes([factors.shape[:-2], b.shape[:-2]])
    n = factors.shape[-1]
    order = expand_to(apply("permutation", cast(pivots, I64) + -1, rows=n), (*batch, n))
    factors, x = expand_batch(factors, batch), expand_batch(b if left else swap_last(b), batch)
    if adjoint != left:
        x = triangular_nodes(factors, permuted(x, order), unit=True)
        x = triangular_nodes(factors, x, upper=True)
    else:
        flipped = swap_last(factors)
        x = triangular_nodes(flipped, triangular_nodes(flipped, x), upper=True, unit=True)
        x = permuted(x, order, back=True)
    return x if left else swap_last(x)
