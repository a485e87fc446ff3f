"""Linear algebra: factorizations, systems of equations, norms and products, as torch.linalg has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from graphc.core.dtypes import torch_name as _torch_name
from graphc.core.errors import guard_all as _guard_all
from graphc.core.errors import located as _located
from graphc.ir.core.semantics import LinAlgError
from graphc.ops.common import DTypeLike
from graphc.ops.common import axis_of as _axis_of
from graphc.ops.decompositions.orthogonal import eigh, eigvalsh, householder_product, qr, svd, svdvals
from graphc.ops.decompositions.pseudoinverses import lstsq, matrix_rank, pinv
from graphc.ops.decompositions.pseudoinverses import regular_inverse as _regular_inverse
from graphc.ops.decompositions.pseudoinverses import singular_norm as _singular_norm
from graphc.ops.decompositions.pseudoinverses import singular_ratio as _singular_ratio
from graphc.ops.indexing.masks import where as _where
from graphc.ops.linear_algebra.determinants import det, slogdet
from graphc.ops.linear_algebra.factorizations import cholesky, cholesky_ex, lu, lu_factor, lu_factor_ex
from graphc.ops.linear_algebra.matrices import matmul
from graphc.ops.linear_algebra.matrix_exponential import matrix_exp
from graphc.ops.linear_algebra.solutions import inv, inv_ex, lu_solve, solve, solve_ex, solve_triangular
from graphc.ops.linear_algebra.square_matrices import matrix_power
from graphc.ops.linear_algebra.tensor_equations import tensorinv, tensorsolve, vander
from graphc.ops.linear_algebra.vectors import cross, outer, vecdot
from graphc.ops.reduce.norms import vector_norm
from graphc.ops.shape.diagonals import diagonal
from graphc.tensors.tensor import Tensor

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "solve_ex",
    "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """Return norms of matrices.

    Args:
        A: floating-point tensor of shape (..., n, m).
        ord: "fro", the root of the sum of squares; 1 or -1, the largest or smallest sum of magnitudes of a column; inf or
            -inf, that of a row; 2 or -2, the largest or smallest singular value; "nuc", the sum of singular values.
        dim: the two axes of the matrices, rows first.
        keepdim: whether the two axes stay, with extent 1.
        dtype: dtype to convert to before; None: that of A.

    Returns:
        Tensor of the shape of A without the axes dim, of dtype dtype or that of A.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, the axes are the same or not two, or ord is another
            norm.
        LinAlgError: if ord needs singular values and elements are not finite, when values are computed.
        ImportError: if ord needs singular values and SciPy is missing.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.matrix_norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]))
        tensor(5.)
        >>> graphc.linalg.matrix_norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]), 1)
        tensor(7.)
    """
    if A.dim() < 2:
        raise _located(RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions."))
    if isinstance(dim, int) or len(dim) != 2:
        raise _located(RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}"))
    rows, columns = (_axis_of(d, A.dim()) for d in dim)
    if rows == columns:
        raise _located(RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})"))
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if ord in ("nuc", 2, -2):
        return _by_singular_values(A if dtype is None else A.to(dtype), ord, (rows, columns), keepdim)
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise _located(RuntimeError(f"linalg.matrix_norm: Order {ord} not supported."))
    summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    result = vector_norm(sums, float("inf") if ord > 0 else float("-inf"), compared, True)
    return result if keepdim else result.squeeze((rows, columns))


def _by_singular_values(A: Tensor, ord: float | str, axes: tuple[int, int], keepdim: bool) -> Tensor:
    if not A.is_floating_point():
        got = _torch_name(A.dtype.ir)
        raise _located(RuntimeError(f"linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {got}"))
    result = _singular_norm(A.movedim(axes, (-2, -1)), ord)
    for axis in sorted(axes) if keepdim else ():
        result = result.unsqueeze(axis)
    return result


def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """Return the condition numbers of matrices: the norm of each times that of its inverse.

    Args:
        A: floating-point tensor of shape (..., m, n).
        p: the norm, as `graphc.linalg.matrix_norm` takes it; None: 2. For others than 2 and -2 the matrices must be square,
            and singular ones have an infinite number.

    Returns:
        Tensor of shape (...) and the dtype of A.

    Raises:
        RuntimeError: if A is not floating-point or has fewer than two axes, its matrices are not square though p needs it, or
            p is another norm.
        LinAlgError: if p needs singular values and elements are not finite, when values are computed.
        ImportError: if p needs singular values and SciPy is missing.

    Example:
        >>> graphc.linalg.cond(graphc.tensor([[3.0, 0.0], [0.0, 6.0]]))
        tensor(2.)
    """
    if A.dim() < 2:
        raise _located(RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions."))
    if p in (None, 2, -2):
        return _singular_ratio(A, p == -2)
    m, n = A.shape[-2:]
    if m != n:
        rule = f"A must be batches of square matrices, but they are {m} by {n} matrices"
        raise _located(RuntimeError(f"linalg.cond(ord={p}): {rule}"))
    if p not in ("fro", "nuc", 1, -1, float("inf"), float("-inf")):
        raise _located(RuntimeError(f"linalg.cond got an invalid norm type: {p}"))
    if not m:
        return A.sum((-2, -1))
    inverse, regular = _regular_inverse(A)
    number: Tensor = matrix_norm(A, p) * matrix_norm(inverse, p)
    return _where(regular, number, float("inf"))


def eig(A: Tensor) -> NoReturn:
    """Refuse: eigenvalues of matrices that are not symmetric are complex numbers, which graphc does not have.

    Args:
        A: tensor.

    Raises:
        NotImplementedError: always.

    Example:
        >>> try:
        ...     graphc.linalg.eig(graphc.eye(2))
        ... except NotImplementedError as error:
        ...     print("complex" in str(error))
        True
    """
    raise _located(NotImplementedError(f"linalg.eig: {_COMPLEX}"))


def eigvals(A: Tensor) -> NoReturn:
    """Refuse: eigenvalues of matrices that are not symmetric are complex numbers, which graphc does not have.

    Args:
        A: tensor.

    Raises:
        NotImplementedError: always.

    Example:
        >>> try:
        ...     graphc.linalg.eigvals(graphc.eye(2))
        ... except NotImplementedError as error:
        ...     print("complex" in str(error))
        True
    """
    raise _located(NotImplementedError(f"linalg.eigvals: {_COMPLEX}"))


_COMPLEX = "the result is complex, and graphc has no complex dtypes; linalg.eigh is for symmetric matrices"


def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike = None,
) -> Tensor:
    """Return a norm of vectors or of matrices.

    Without ord it is the root of the sum of squares over the axes dim, of all elements if dim is None. With ord and one
    axis (or a vector and no dim) it is `graphc.linalg.vector_norm`, with ord and two axes `graphc.linalg.matrix_norm`.

    Args:
        A: floating-point tensor.
        ord: the order of the norm, as the two functions take it; None: the Euclidean norm.
        dim: an axis, or a tuple of axes; None: the last two, or the only one, or all if ord is None too.
        keepdim: whether the axes stay, with extent 1.
        dtype: dtype to convert to before; None: that of A.

    Returns:
        Tensor of the shape of A without the axes dim, of dtype dtype or that of A.

    Raises:
        RuntimeError: if A is not floating-point, ord is another norm, or the axes of A, or those given, are neither one nor
            two, or one for a norm of matrices.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.norm(graphc.tensor([3.0, 4.0]))
        tensor(5.)
        >>> graphc.linalg.norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]), float("inf"))
        tensor(4.)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None and not isinstance(ord, str) and A.dim() not in (1, 2):
        raise _located(
            RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.dim()}D.")
        )
    one = A.dim() == 1 if dim is None else isinstance(dim, int) or len(dim) == 1
    if one and not isinstance(ord, str):
        return vector_norm(A, ord, dim, keepdim, dtype=dtype)
    axes: Any = (-2, -1) if dim is None else dim  # one axis is refused there
    return matrix_norm(A, ord, axes, keepdim, dtype=dtype)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Return the product of several matrices, multiplied from left to right.

    Args:
        tensors: list of at least two tensors: matrices of shapes (n, k), (k, l), ...; the first and the last may be vectors.
            They have one dtype.

    Returns:
        Tensor of the shape of the product and the dtype of the operands.

    Raises:
        RuntimeError: if there are fewer than two tensors, the shapes do not fit, or the dtypes differ.
        TypeError: if tensors is not a list or tuple.

    Example:
        >>> a = graphc.tensor([[3.0, 0.0], [4.0, 0.0]])
        >>> graphc.linalg.multi_dot([graphc.tensor([1.0, 1.0]), a, graphc.tensor([1.0, 0.0])])
        tensor(7.)
    """
    if not isinstance(tensors, (list, tuple)):
        got = type(tensors).__name__
        raise _located(TypeError(f"linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of Tensors, not {got}"))
    if len(tensors) < 2:
        raise _located(RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}"))
    _check_ends(tensors)
    result: Tensor = tensors[0]
    for other in tensors[1:]:
        result = matmul(result, other)
    return result


def _check_ends(tensors: Sequence[Tensor]) -> None:
    """Raise RuntimeError unless tensors are matrices, but for vectors as the first and the last."""
    for i, x in enumerate(tensors):
        ends = i in (0, len(tensors) - 1)
        if x.dim() != 2 and not (ends and x.dim() == 1):
            rule = "1D or 2D" if ends else "2D"
            raise _located(RuntimeError(f"multi_dot(): tensor {i} must be {rule} but got {x.dim()}D"))


_guard_all(globals(), __all__)
