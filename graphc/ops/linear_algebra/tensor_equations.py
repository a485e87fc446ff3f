"""Tensors as matrices: equations and inverses; Vandermonde matrices."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, permute, reshape
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import axis_of, torch_name
from graphc.ops.failures import raises_at_once
from graphc.ops.linear_algebra.solutions import checked_inverse
from graphc.ops.linear_algebra.solutions import solve as solve_matrices
from graphc.ops.linear_algebra.systems import powers

__all__ = ["tensorinv", "tensorsolve", "vander"]


@raises_at_once
@op("LinalgTensorinv")
def tensorinv(A: Node, ind: int = 2) -> Node:
    """Invert a tensor as the matrix whose rows are its first axes, and whose columns are the others.

    Args:
        A: floating-point tensor; the products of the extents before and after `ind` are equal.
        ind: int, the number of axes that are rows, at least 1.

    Returns:
        Tensor of shape A.shape[ind:] + A.shape[:ind]; `graphc.tensordot(result, A, ind)` is the identity.

    Raises:
        LinAlgError: if the matrix is singular.
        RuntimeError: if ind is not positive, the products differ, or A is not floating-point.

    Example:
        >>> graphc.linalg.tensorinv(graphc.eye(4).reshape(4, 2, 2), ind=1).shape
        torch.Size([2, 2, 4])
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    if prod(rows) != prod(columns):
        rule = "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind])"
        raise RuntimeError(f"{rule}, but got {prod(columns)} != {prod(rows)}")
    inverse = checked_inverse("linalg.inv", reshape(A, (prod(rows), prod(columns))))
    return reshape(inverse, columns + rows)


@raises_at_once
@op("LinalgTensorsolve")
def tensorsolve(A: Node, B: Node, dims: Sequence[int] | None = None) -> Node:
    """Solve tensordot(A, X, X.ndim) = B for X.

    Args:
        A: floating-point tensor whose first axes, after those in `dims` were moved to the end, are the shape of B.
        B: tensor of the dtype of A.
        dims: axes of A to move to the end; None moves none.

    Returns:
        Tensor of the shape of the other axes of A, and of its dtype.

    Raises:
        LinAlgError: if A, as a matrix, is singular.
        RuntimeError: if A is not floating-point, or shapes or dtypes do not fit.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.tensorsolve(graphc.eye(4).reshape(2, 2, 4), graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([1., 2., 3., 4.])
    """
    rank = A.type.rank
    if dims is not None:
        moved = [axis_of(d, rank) for d in dims]
        if len(set(moved)) != len(moved):
            raise RuntimeError(f"linalg.tensorsolve: dims must be different, got {list(dims)}")
        A = permute(A, [*(a for a in range(rank) if a not in moved), *moved])
    shape = A.shape[B.type.rank :]
    count = B.type.size
    if prod(shape) != count or A.type.size != count * count:
        raise RuntimeError(f"shape '{[count, count]}' is invalid for input of size {A.type.size}")
    return reshape(solve_matrices.nodes(reshape(A, (count, count)), reshape(B, (count,))), shape)


@op("LinalgVander")
def vander(x: Node, N: int | None = None) -> Node:
    """Return Vandermonde matrices: the powers 0 to N - 1 of each element, in rows.

    Args:
        x: tensor of shape (..., n), not bool.
        N: int, the number of columns, above 1; None: n.

    Returns:
        Tensor of shape (..., n, N) and the dtype of x; integers give int64.

    Raises:
        RuntimeError: if N is not above 1, or x is bool.

    Example:
        >>> graphc.linalg.vander(graphc.tensor([1, 2, 5]), N=4)
        tensor([[  1,   1,   1,   1],
                [  1,   2,   4,   8],
                [  1,   5,  25, 125]])
    """
    if x.dtype.is_bool:
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {torch_name(x.dtype)}"
        )
    count = (x.shape[-1] if x.type.rank else 1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x if x.type.rank else reshape(x, (1,))
    return powers(x if x.dtype.is_float else cast(x, I64), count)
