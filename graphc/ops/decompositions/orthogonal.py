"""QR decompositions, eigenvalues of symmetric matrices, and singular values, as torch.linalg has them."""

from __future__ import annotations

import functools
from importlib.util import find_spec

from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    apply,
    broadcast,
    concatenate,
    constant,
    elementwise,
    expand_axes,
    matmul,
    reduce,
    sum_,
    swap_last,
    zeros_like,
)
from graphc.ir.core.graph import Node
from graphc.ir.transforms.decomposition_rules import parts_of_eigh, parts_of_qr, parts_of_svd
from graphc.ir.transforms.matrix_rules import block, lower, solve_triangular
from graphc.ops.common import check_float, checked
from graphc.ops.create.fill import empty
from graphc.ops.failures import computed
from graphc.ops.linear_algebra.results import Eigh, Qr, Svd
from graphc.ops.linear_algebra.systems import check_float_matrices, check_square, identity, same_dtype
from graphc.tensors.tensor import Tensor

__all__ = ["eigh", "eigvalsh", "householder_product", "qr", "svd", "svdvals"]


@functools.cache
def check_lapack() -> None:
    """Raise ImportError if SciPy is missing, whose LAPACK compiled code calls."""
    if find_spec("scipy") is None:
        raise ImportError("qr, eigh, svd and what follows from them call LAPACK through SciPy: pip install 'graphc[linalg]'")


def of_nothing(a: Node, x: Node) -> Node:
    """Return a result for matrices without elements as one that depends on them; node level."""
    rank = a.type.rank
    return x + broadcast(sum_(a, (rank - 2, rank - 1)), x.shape, range(rank - 2))


# -- QR ---------------------------------------------------------------------------------------------------------------


def _shaped(rows: int, columns: int, a: Node) -> tuple[int, ...]:
    return (*a.shape[:-2], rows, columns)


def qr_nodes(name: str, a: Node, complete: bool) -> tuple[Node, Node]:
    """Return Q and R; node level."""
    check_lapack()
    check_float_matrices(name, a, square=False)
    m, n = a.shape[-2:]
    k = m if complete else min(m, n)
    if not m or not n:
        return of_nothing(a, identity(a.dtype, _shaped(m, k, a))), of_nothing(a, constant(0, a.dtype, _shaped(k, n, a)))
    if m < n:  # the derivative is that of the first columns, on which Q depends
        node = apply("qr", block(a, (0, m), (0, m)), complete=False)
        q, r = parts_of_qr(node, node)
        return q, concatenate([r, matmul(swap_last(q), block(a, (0, m), (m, n)))], a.type.rank - 1)
    node = apply("qr", a, complete=complete and m > n)
    q, r = parts_of_qr(node, node)
    return q, r


@op("LinalgQr")
def _qr(A: Node, complete: bool) -> tuple[Node, Node]:
    return qr_nodes("linalg.qr", A, complete)


def qr(A: Tensor, mode: str = "reduced") -> Qr:
    """Decompose matrices into Q, with orthonormal columns, and upper triangular R.

    The signs of the diagonal of R are LAPACK's. Gradients need as many independent first columns as R has rows.

    Args:
        A: floating-point tensor of shape (..., m, n).
        mode: "reduced", Q of shape (..., m, k) and R of (..., k, n), for k = min(m, n); "complete", Q of shape (..., m, m)
            and R of (..., m, n); or "r", R of mode "reduced" and an empty Q.

    Returns:
        Named tuple (Q, R) of tensors of the dtype of A.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, or the mode is another one; for the gradient
            of mode "complete" if m > n, since the further columns of Q are not determined.
        ImportError: if SciPy is missing.

    Example:
        >>> q, r = graphc.linalg.qr(graphc.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> r.abs()
        tensor([[5.0000, 2.2000],
                [0.0000, 0.4000]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    q, r = _qr(A, mode == "complete")
    return Qr(empty(0, dtype=A.dtype) if mode == "r" else q, r)


# -- eigenvalues ------------------------------------------------------------------------------------------------------


def _finite(x: Node) -> Node:
    return elementwise("eq", x - x, 0)


def eigh_nodes(a: Node, uplo: str = "L") -> tuple[Node, Node]:
    """Return the eigenvalues and eigenvectors of symmetric matrices; node level."""
    check_lapack()
    check_square("linalg.eigh", a)
    if uplo not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    check_float("linalg_eigh_cpu", a)
    if not a.shape[-1]:
        return of_nothing(a, constant(0, a.dtype, a.shape[:-1])), of_nothing(a, zeros_like(a))
    vectors, values = parts_of_eigh(apply("eigh", a if uplo in "Ll" else swap_last(a)))
    rank = a.type.rank
    good = reduce("all", _finite(a), (rank - 2, rank - 1))
    holds = elementwise("eq", values, values) | ~expand_axes(good, values.shape, (rank - 2,))
    rule = "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned."
    return checked(values, holds, rule), vectors


@op("LinalgEigh")
def _eigh(A: Node, uplo: str) -> tuple[Node, Node]:
    return eigh_nodes(A, uplo)


def eigh(A: Tensor, UPLO: str = "L") -> Eigh:
    """Return the eigenvalues and eigenvectors of symmetric matrices.

    Gradients with respect to eigenvectors are not finite where eigenvalues are equal.

    Args:
        A: floating-point tensor of shape (..., n, n), of which one triangle is read.
        UPLO: the triangle, "L" for the lower or "U" for the upper one.

    Returns:
        Named tuple (eigenvalues, eigenvectors) of tensors of the dtype of A: of shape (..., n), in ascending order, and of
        shape (..., n, n), eigenvectors as columns, whose signs are LAPACK's.

    Raises:
        RuntimeError: if the matrices are not square, or UPLO is another letter.
        NotImplementedError: if A is not floating-point.
        LinAlgError: if LAPACK's algorithm does not converge.
        ImportError: if SciPy is missing.

    Example:
        >>> values, vectors = graphc.linalg.eigh(graphc.tensor([[2.0, 1.0], [1.0, 2.0]]))
        >>> values
        tensor([1., 3.])
        >>> vectors.abs()
        tensor([[0.7071, 0.7071],
                [0.7071, 0.7071]])
    """
    return Eigh(*_eigh(A, UPLO))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric matrices.

    Args:
        A: floating-point tensor of shape (..., n, n), of which one triangle is read.
        UPLO: the triangle, "L" for the lower or "U" for the upper one.

    Returns:
        Tensor of shape (..., n) and the dtype of A, in ascending order.

    Raises:
        RuntimeError: if the matrices are not square, or UPLO is another letter.
        NotImplementedError: if A is not floating-point.
        LinAlgError: if LAPACK's algorithm does not converge.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.linalg.eigvalsh(graphc.tensor([[2.0, 1.0], [1.0, 2.0]]))
        tensor([1., 3.])
    """
    values: Tensor = _eigh(A, UPLO)[0]
    return values


# -- singular values --------------------------------------------------------------------------------------------------


def svd_nodes(a: Node, full: bool) -> tuple[Node, Node, Node]:
    """Return U, the singular values and V^T; node level."""
    check_lapack()
    check_float_matrices("linalg.svd", a, square=False)
    m, n = a.shape[-2:]
    k = min(m, n)
    if not k:
        u, v = (identity(a.dtype, _shaped(*((x, x) if full else shape), a)) for x, shape in ((m, (m, 0)), (n, (0, n))))
        return of_nothing(a, u), of_nothing(a, constant(0, a.dtype, (*a.shape[:-2], 0))), of_nothing(a, v)
    node = apply("svd", a, full=full)
    u, s, v = parts_of_svd(node, node)
    rule = "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
    return u, checked(s, elementwise("eq", s, s), rule), v


@op("LinalgSvd")
def _svd(A: Node, full: bool) -> tuple[Node, Node, Node]:
    return svd_nodes(A, full)


def _check_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Svd:
    """Return the singular value decompositions of matrices, U diag(S) Vh.

    Gradients with respect to U and Vh are not finite where singular values are equal, or zero in a matrix that is not square;
    those with respect to columns of U and rows of Vh beyond S do not count, since they are not determined.

    Args:
        A: floating-point tensor of shape (..., m, n).
        full_matrices: whether U and Vh are square, of shapes (..., m, m) and (..., n, n); otherwise they are of shapes
            (..., m, k) and (..., k, n), for k = min(m, n).
        driver: None; other drivers are for CUDA.

    Returns:
        Named tuple (U, S, Vh) of tensors of the dtype of A; S has shape (..., k), in descending order.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, or a driver is given.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge.
        ImportError: if SciPy is missing.

    Example:
        >>> u, s, vh = graphc.linalg.svd(graphc.tensor([[3.0, 0.0], [0.0, 4.0]]))
        >>> s
        tensor([4., 3.])
    """
    _check_driver(driver)
    u, s, vh = _svd(A, full_matrices)
    return Svd(u, computed(s), vh)


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Return the singular values of matrices.

    Args:
        A: floating-point tensor of shape (..., m, n).
        driver: None; other drivers are for CUDA.

    Returns:
        Tensor of shape (..., min(m, n)) and the dtype of A, in descending order.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, or a driver is given.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.linalg.svdvals(graphc.tensor([[3.0, 0.0], [0.0, 4.0]]))
        tensor([4., 3.])
    """
    _check_driver(driver)
    values: Tensor = computed(_svd(A, False)[1])
    return values


# -- reflections ------------------------------------------------------------------------------------------------------


@op("LinalgHouseholderProduct")
def householder_product(input: Node, tau: Node) -> Node:
    """Return the first columns of products of Householder reflections, 1 - tau[i] v[i] v[i]^T.

    Source of the formula: R. Schreiber and C. Van Loan, "A storage-efficient WY representation for products of Householder
    transformations", 1989.

    Args:
        input: floating-point tensor of shape (..., m, n), m >= n, whose column i has v[i] below the diagonal; v[i] is 1 on the
            diagonal and 0 above it.
        tau: tensor of shape (..., k), k <= n, and the dtype of input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if shapes or dtypes do not fit.

    Example:
        >>> graphc.linalg.householder_product(graphc.tensor([[0.0], [1.0]]), graphc.tensor([1.0]))
        tensor([[ 0.],
                [-1.]])
    """
    name = "torch.linalg.householder_product"
    if input.type.rank < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    check_float_matrices("linalg.householder_product", input, square=False)
    (m, n), k = input.shape[-2:], tau.shape[-1] if tau.type.rank else -1
    if m < n:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if tau.type.rank != input.type.rank - 1 or tau.shape[:-1] != input.shape[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], got {tau.type}")
    if k > n:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    same_dtype("linalg.householder_product", input, tau, ("input", "tau"))
    v = lower(block(input, (0, m), (0, k)), unit=True)
    rows = broadcast(tau, _shaped(k, k, input), (*range(tau.type.rank - 1), tau.type.rank - 1))
    factors = broadcast(tau, _shaped(k, n, input), (*range(tau.type.rank - 1), tau.type.rank - 1))
    right = factors * block(swap_last(v), (0, k), (0, n))
    inner = solve_triangular(rows * matmul(swap_last(v), v), right, upper=True, unit=True)
    return identity(input.dtype, input.shape) - matmul(v, inner)
