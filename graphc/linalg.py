"""Linear algebra: norms and products, as torch.linalg has them."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.ops.products import cross, matmul, matrix_power, outer, vecdot
from graphc.ops.reductions import vector_norm
from graphc.ops.shape import diagonal

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "outer", "vecdot", "vector_norm"]


def matrix_norm(A: Any, ord: Any = "fro", dim: tuple[int, int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Return a norm of matrices: "fro", or 1, -1, inf, -inf of column and row sums.  Raises ValueError for others."""
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
    """Return the norm of a vector, or of matrices if `ord` is given for two axes.  Raises ValueError."""
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
    """Return the product of matrices, multiplied from the left."""
    result = tensors[0]
    for other in tensors[1:]:
        result = matmul(result, other)
    return result

_guard_all(globals(), __all__)
