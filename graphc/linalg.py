"""Linear algebra: norms and products, as torch.linalg has them."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.ops.products import cross, matmul, matrix_power, outer, vecdot
from graphc.ops.reductions import vector_norm
from graphc.ops.shape import diagonal

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "outer", "vecdot", "vector_norm"]


def matrix_norm(A: Any, ord: Any = "fro", dim: tuple[int, int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
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
        RuntimeError: if A is not floating-point, or the axes are the same.
        IndexError: if A has too few axes.

    Example:
        >>> graphc.linalg.matrix_norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]))
        tensor(5.)
        >>> graphc.linalg.matrix_norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]), 1)
        tensor(7.)
    """
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise ValueError(f"linalg.matrix_norm: norms that need singular values are not available, got order {ord}")
    rows, columns = (d % A.dim() for d in dim)
    summed, folded = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    result = vector_norm(sums, float("inf") if ord > 0 else float("-inf"), folded, True)
    return result if keepdim else result.squeeze((rows, columns))


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
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
        ValueError: if ord is a norm of matrices that needs singular values, or there are more than two axes for ord.
        RuntimeError: if A is not floating-point.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.norm(graphc.tensor([3.0, 4.0]))
        tensor(5.)
        >>> graphc.linalg.norm(graphc.tensor([[3.0, 0.0], [4.0, 0.0]]), float("inf"))
        tensor(4.)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if (
        isinstance(dim, int)
        or (dim is not None and len(dim) == 1)
        or (dim is None and A.dim() == 1 and not isinstance(ord, str))
    ):
        return vector_norm(A, ord, dim, keepdim, dtype=dtype)
    return matrix_norm(A, ord, (-2, -1) if dim is None else tuple(dim), keepdim, dtype=dtype)


def multi_dot(tensors: Any) -> Any:
    """Return the product of several matrices, multiplied from left to right.

    Args:
        tensors: list of at least one tensor: matrices of shapes (n, k), (k, l), ...; the first and the last may be vectors.
            They have one dtype.

    Returns:
        Tensor of the shape of the product and the dtype of the operands.

    Raises:
        RuntimeError: if the shapes do not fit, or the dtypes differ.
        IndexError: if the list is empty.

    Example:
        >>> a = graphc.tensor([[3.0, 0.0], [4.0, 0.0]])
        >>> graphc.linalg.multi_dot([graphc.tensor([1.0, 1.0]), a, graphc.tensor([1.0, 0.0])])
        tensor(7.)
    """
    result = tensors[0]
    for other in tensors[1:]:
        result = matmul(result, other)
    return result

_guard_all(globals(), __all__)
