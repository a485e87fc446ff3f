"""Pseudoinverses, ranks, least squares, and norms by singular values, as torch.linalg has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    apply,
    broadcast,
    cast,
    constant,
    elementwise,
    expand_axes,
    full_like,
    matmul,
    reduce,
    select,
    sum_,
    swap_last,
    zeros_like,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64
from graphc.ops.common import Operand, expand_to, number_like, squeeze_axis, torch_name, unsqueeze_axis
from graphc.ops.create.fill import empty
from graphc.ops.decompositions.orthogonal import eigh_nodes, of_nothing, svd_nodes
from graphc.ops.linear_algebra.results import Lstsq
from graphc.ops.linear_algebra.systems import check_square, expand_batch, identity, solved
from graphc.tensors.tensor import Tensor

__all__ = ["lstsq", "matrix_rank", "pinv", "regular_inverse", "singular_norm", "singular_ratio"]

Tolerance = Any
"""A number, a tensor with one for each matrix, or None."""


def _spectrum(a: Node, hermitian: bool) -> tuple[Node, Node, Node]:
    """Return factors of columns and rows, and the magnitudes between them: singular values, or eigenvalues."""
    if hermitian:
        values, vectors = eigh_nodes(a)
        return vectors, values, swap_last(vectors)
    return svd_nodes(a, False)


def _cutoff(a: Node, sizes: Node, atol: Operand | None, rtol: Operand | None) -> Node:
    """Return the size below which singular values count as zero, for each of them."""
    if rtol is None:
        default = max(a.shape[-2:]) * float(np.finfo(a.dtype.numpy).eps)
        rtol = default if atol is None else _where_positive(atol, default)
    axis = sizes.type.rank - 1
    largest = reduce("max", sizes, (axis,)) if sizes.shape[axis] else constant(0, a.dtype, sizes.shape[:-1])
    bound = largest * _tolerance(rtol, largest)
    bound = elementwise("maximum", bound, _tolerance(0.0 if atol is None else atol, largest))
    return expand_axes(bound, sizes.shape, (axis,))


def _where_positive(atol: Operand, default: float) -> Operand:
    """Return the relative tolerance that belongs to an absolute one: none where that is positive."""
    if isinstance(atol, Node):
        return select(atol > 0, zeros_like(atol), full_like(atol, default)) if atol.dtype.is_float else 0.0
    return 0.0 if atol > 0 else default


def _tolerance(x: Operand, model: Node) -> Node:
    """Return a tolerance for each matrix."""
    if isinstance(x, Node):
        return expand_to(cast(x, model.dtype), model.shape)
    return number_like(float(x), model)


def _inverse(a: Node, atol: Operand | None, rtol: Operand | None, hermitian: bool) -> tuple[Node, Node]:
    """Return the pseudoinverses, and which singular values are not zero."""
    m, n = a.shape[-2:]
    if not m or not n:
        return of_nothing(a, constant(0, a.dtype, (*a.shape[:-2], n, m))), constant(True, BOOL, (*a.shape[:-2], 0))
    u, s, v = _spectrum(apply("stop_gradient", a), hermitian)
    sizes = elementwise("abs", s) if hermitian else s
    counts = _cutoff(a, sizes, atol, rtol) < sizes
    factors = select(counts, 1 / select(counts, s, 1), 0)
    columns = broadcast(factors, (*s.shape[:-1], n, s.shape[-1]), (*range(s.type.rank - 1), s.type.rank))
    value = matmul(swap_last(v) * columns, swap_last(u))
    return apply("pinv", a, apply("stop_gradient", value)), counts


@op("LinalgPinv")
def _pinv(A: Node, atol: Operand | None, rtol: Operand | None, hermitian: bool) -> Node:
    if A.type.rank < 2 or not A.dtype.is_float:
        got = f"{torch_name(A.dtype)}{{{list(A.shape)}}}"
        raise RuntimeError(f"linalg.pinv({got}): expected a tensor with 2 or more dimensions of float or double types")
    if hermitian:
        check_square("linalg.eigh", A)
    return _inverse(A, atol, rtol, hermitian)[0]


def pinv(A: Tensor, *, atol: Tolerance = None, rtol: Tolerance = None, hermitian: bool = False) -> Tensor:
    """Return the Moore-Penrose inverses of matrices.

    Singular values up to max(atol, rtol * the largest one) count as zero. The derivative is that of matrices of constant rank.
    Source: G. Golub and V. Pereyra, 1973.

    Args:
        A: floating-point tensor of shape (..., m, n).
        atol: number or tensor of shape (...), the absolute tolerance; None: 0.
        rtol: number or tensor of shape (...), the relative one; None: max(m, n) times the rounding unit of the dtype, or 0 if
            atol is positive.
        hermitian: whether A is symmetric; then only its lower triangle is read, and eigenvalues take the place of singular
            values.

    Returns:
        Tensor of shape (..., n, m) and the dtype of A.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, or hermitian matrices are not square.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge, when values are computed.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.linalg.pinv(graphc.tensor([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]]))
        tensor([[0.5000, 0.0000, 0.0000],
                [0.0000, 0.2500, 0.0000]])
    """
    result: Tensor = _pinv(A, atol, rtol, hermitian)
    return result


@op("LinalgMatrixRank", differentiable=False)
def _rank(A: Node, atol: Operand | None, rtol: Operand | None, hermitian: bool) -> Node:
    if A.type.rank < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    if not A.dtype.is_float:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if hermitian:
        check_square("linalg.eigh", A)
    _, s, _ = _spectrum(A, hermitian)
    sizes = elementwise("abs", s) if hermitian else s
    return sum_(cast(_cutoff(A, sizes, atol, rtol) < sizes, I64), (s.type.rank - 1,))


def matrix_rank(
    A: Tensor, tol: Tolerance = None, *, atol: Tolerance = None, rtol: Tolerance = None, hermitian: bool = False
) -> Tensor:
    """Return the numbers of singular values of matrices that do not count as zero.

    Args:
        A: floating-point tensor of shape (..., m, n).
        tol: number or tensor, an absolute tolerance, without a relative one.
        atol: number or tensor of shape (...), the absolute tolerance; None: 0.
        rtol: number or tensor of shape (...), that relative to the largest singular value; None: max(m, n) times the rounding
            unit of the dtype, or 0 if atol is positive.
        hermitian: whether A is symmetric; then eigenvalues take the place of singular values.

    Returns:
        Tensor of shape (...) and dtype int64.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, or hermitian matrices are not square.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge, when values are computed.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.linalg.matrix_rank(graphc.tensor([[1.0, 2.0], [2.0, 4.0]]))
        tensor(1)
    """
    if tol is not None:
        atol, rtol = tol, 0.0
    result: Tensor = _rank(A, atol, rtol, hermitian)
    return result


# -- norms by singular values -----------------------------------------------------------------------------------------


@op("LinalgMatrixNorm")
def singular_norm(A: Node, ord: float | str) -> Node:
    """Return the norm of matrices by their singular values: "nuc", their sum, 2, the largest, or -2, the smallest one.

    Args:
        A: floating-point tensor of shape (..., m, n).
        ord: "nuc", 2 or -2.

    Returns:
        Tensor of shape (...) and the dtype of A.

    Raises:
        RuntimeError: if A is not floating-point.

    Example:
        >>> graphc.linalg.matrix_norm(graphc.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc")
        tensor(7.)
    """
    _, s, _ = svd_nodes(A, False)
    axis = s.type.rank - 1
    if ord == "nuc":
        return sum_(s, (axis,))
    if not s.shape[axis]:
        return sum_(s, (axis,))
    return reduce("max" if ord == 2 else "min", s, (axis,))


@op("LinalgCond")
def singular_ratio(A: Node, inverted: bool) -> Node:
    """Return the largest singular value of matrices over the smallest one, or the smallest over the largest if `inverted`.

    Args:
        A: floating-point tensor of shape (..., m, n).
        inverted: which ratio.

    Returns:
        Tensor of shape (...) and the dtype of A, zeros for matrices without elements.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes.

    Example:
        >>> graphc.linalg.cond(graphc.tensor([[3.0, 0.0], [0.0, 6.0]]), -2)
        tensor(0.5000)
    """
    _, s, _ = svd_nodes(A, False)
    axis = s.type.rank - 1
    if not s.shape[axis]:
        return sum_(s, (axis,))
    largest, smallest = reduce("max", s, (axis,)), reduce("min", s, (axis,))
    return smallest / largest if inverted else largest / smallest


@op("LinalgInvEx")
def regular_inverse(A: Node) -> tuple[Node, Node]:
    """Return the inverses of square matrices, the identity for singular ones, and which matrices are regular."""
    one = identity(A.dtype, A.shape)
    x, holds = solved(A, one)
    rank = A.type.rank
    good = reduce("all", holds, (rank - 2,))
    return select(expand_axes(good, x.shape, (rank - 2, rank - 1)), x, one), good


# -- least squares ----------------------------------------------------------------------------------------------------


DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _rule(holds: bool, text: str) -> None:
    if not holds:
        raise RuntimeError(f"torch.linalg.lstsq: {text}")


@op("LinalgLstsq")
def _lstsq(A: Node, B: Node, rcond: float | None, vectors: bool) -> tuple[Node, Node, Node, Node]:
    b = unsqueeze_axis(B, B.type.rank) if vectors else B
    inverse, counts = _inverse(A, None, rcond, False)
    _, s, _ = svd_nodes(apply("stop_gradient", A), False)
    batch = broadcast_shapes([A.shape[:-2], b.shape[:-2]])
    a, b = expand_batch(A, batch), expand_batch(b, batch)
    x = matmul(expand_batch(inverse, batch), b)
    rest = matmul(a, x) - b
    residuals = sum_(rest * rest, (rest.type.rank - 2,))
    rank = sum_(cast(counts, I64), (counts.type.rank - 1,))
    if vectors:
        x, residuals = squeeze_axis(x, x.type.rank - 1), squeeze_axis(residuals, residuals.type.rank - 1)
    return x, residuals, rank, s


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """Solve least squares problems: minimize the norm of A X - B, and of X among the solutions.

    All drivers compute by singular values; they decide which further results are returned.

    Args:
        A: floating-point tensor of shape (..., m, n).
        B: tensor of shape (..., m, k), (m,) or A.shape[:-1], and the dtype of A; leading axes broadcast.
        rcond: number; singular values up to rcond times the largest one count as zero; None: max(m, n) times the rounding
            unit of the dtype.
        driver: "gelsy", the default, "gelsd", "gelss" or "gels".

    Returns:
        Named tuple (solution, residuals, rank, singular_values): X, of shape (..., n, k); the sums of squares of the columns
        of A X - B, for m > n and a driver other than "gelsy"; the ranks of the matrices as int64, unless driver is "gels";
        their singular values, if it is "gelsd" or "gelss". What is not computed is empty. Gradients flow through the
        solution and the residuals.

    Raises:
        RuntimeError: if A is not floating-point, shapes or dtypes do not fit, or the driver is another one.
        LinAlgError: if elements of A are not finite, when values are computed.
        ImportError: if SciPy is missing.

    Example:
        >>> a = graphc.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> graphc.linalg.lstsq(a, graphc.tensor([[1.0], [3.0], [5.0]])).solution
        tensor([[1.0000],
                [2.0000]])
    """
    _rule(A.dim() >= 2, "input must have at least 2 dimensions.")
    _rule(B.dim() >= 1, "other must have at least 1 dimension.")
    if not A.dtype.is_floating_point:
        raise RuntimeError("This function doesn't handle types other than float and double")
    _rule(driver is None or driver in DRIVERS, f"parameter `driver` should be one of ({', '.join(DRIVERS)})")
    one, other = torch_name(A.dtype.ir), torch_name(B.dtype.ir)
    got = f"but got input's dtype {one} and other's dtype {other}"
    _rule(A.dtype is B.dtype, f"Expected input and other to have the same dtype, {got}")
    vectors = B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])
    _rule(A.shape[-2] == B.shape[-1 if vectors else -2], "input.size(-2) should match other.size(-2)")
    x, residuals, rank, values = _lstsq(A, B, rcond, vectors)
    none = empty(0, dtype=A.dtype)
    return Lstsq(
        x,
        residuals if A.shape[-2] > A.shape[-1] and driver not in (None, "gelsy") else none,
        empty(0, dtype=rank.dtype) if driver == "gels" else rank,
        values if driver in ("gelsd", "gelss") else none,
    )
