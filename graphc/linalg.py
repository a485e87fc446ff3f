"""Linear algebra: norms and products, as torch.linalg has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.core.errors import located as _located
from graphc.ops.common import DTypeLike
from graphc.ops.common import axis_of as _axis_of
from graphc.ops.linear_algebra.matrices import matmul
from graphc.ops.linear_algebra.square_matrices import matrix_power
from graphc.ops.linear_algebra.vectors import cross, outer, vecdot
from graphc.ops.reduce.norms import vector_norm
from graphc.ops.shape.diagonals import diagonal
from graphc.tensors.tensor import Tensor

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "outer", "vecdot", "vector_norm"]


def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """Return norms of matrices.

    Norms that need singular values are not available.

    Args:
        A: floating-point tensor of shape (..., n, m).
        ord: "fro", the root of the sum of squares; 1 or -1, the largest or smallest sum of magnitudes of a column; inf or
            -inf, that of a row.
        dim: the two axes of the matrices, rows first.
        keepdim: whether the two axes stay, with extent 1.
        dtype: dtype to convert to before; None: that of A.

    Returns:
        Tensor of the shape of A without the axes dim, of dtype dtype or that of A.

    Raises:
        ValueError: if ord is another norm.
        RuntimeError: if A is not floating-point or has fewer than two axes, or the axes are the same or not two.
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
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise ValueError(f"linalg.matrix_norm: norms that need singular values are not available, got order {ord}")
    summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    result = vector_norm(sums, float("inf") if ord > 0 else float("-inf"), compared, True)
    return result if keepdim else result.squeeze((rows, columns))


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
        ValueError: if ord is a norm of matrices that needs singular values.
        RuntimeError: if A is not floating-point, or its axes, or those given, are neither one nor two, or one for "fro".
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
