"""Decompositions under torch's own names, which are older than torch.linalg."""

from __future__ import annotations

from graphc.ops.create.fill import zeros
from graphc.ops.decompositions.orthogonal import qr as linalg_qr
from graphc.ops.decompositions.orthogonal import svd as linalg_svd
from graphc.ops.decompositions.orthogonal import svdvals
from graphc.ops.decompositions.pseudoinverses import pinv
from graphc.ops.linear_algebra.results import OldSvd, Qr
from graphc.tensors.tensor import Tensor

__all__ = ["pinverse", "qr", "svd"]


def qr(input: Tensor, some: bool = True) -> Qr:
    """Decompose matrices into Q, with orthonormal columns, and upper triangular R; `graphc.linalg.qr` is its successor.

    Args:
        input: floating-point tensor of shape (..., m, n).
        some: whether Q has min(m, n) columns; otherwise it is square.

    Returns:
        Named tuple (Q, R) of tensors of the dtype of input.

    Raises:
        RuntimeError: if input is not floating-point or has fewer than two axes.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.qr(graphc.tensor([[3.0, 1.0], [4.0, 2.0]])).R.abs()
        tensor([[5.0000, 2.2000],
                [0.0000, 0.4000]])
    """
    return linalg_qr(input, "reduced" if some else "complete")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> OldSvd:
    """Return the singular value decompositions of matrices, U diag(S) V^T; `graphc.linalg.svd` is its successor.

    Args:
        input: floating-point tensor of shape (..., m, n).
        some: whether U and V have min(m, n) columns; otherwise they are square.
        compute_uv: whether U and V are computed; otherwise they are zeros, of square shapes.

    Returns:
        Named tuple (U, S, V) of tensors of the dtype of input; unlike in `graphc.linalg.svd`, V has the right singular
        vectors as columns.

    Raises:
        RuntimeError: if input is not floating-point or has fewer than two axes.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge, when values are computed.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.svd(graphc.tensor([[3.0, 0.0], [0.0, 4.0]])).S
        tensor([4., 3.])
    """
    if not compute_uv:
        values = svdvals(input)
        *batch, m, n = input.shape
        return OldSvd(zeros(*batch, m, m, dtype=input.dtype), values, zeros(*batch, n, n, dtype=input.dtype))
    u, s, vh = linalg_svd(input, not some)
    return OldSvd(u, s, vh.mT)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the Moore-Penrose inverses of matrices; `graphc.linalg.pinv` is its successor.

    Args:
        input: floating-point tensor of shape (..., m, n).
        rcond: number; singular values up to rcond times the largest one count as zero.

    Returns:
        Tensor of shape (..., n, m) and the dtype of input.

    Raises:
        RuntimeError: if input is not floating-point or has fewer than two axes.
        LinAlgError: if elements are not finite, or LAPACK's algorithm does not converge, when values are computed.
        ImportError: if SciPy is missing.

    Example:
        >>> graphc.pinverse(graphc.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    return pinv(input, rtol=rcond)
