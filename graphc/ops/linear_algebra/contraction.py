"""Contraction over axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphc.dispatch.operation import op
from graphc.ir.core.build import permute, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of, keep_axes
from graphc.ops.linear_algebra.matrices import matrix_product

__all__ = ["tensordot"]


@op("Tensordot")
def tensordot(a: Node, b: Node, dims: int | Sequence[Sequence[int]] = 2) -> Node:
    """Contract two tensors: sum products over pairs of axes.

    Args:
        a: tensor.
        b: tensor of the dtype of a.
        dims: the number of axes, the last of a and the first of b; or two lists of axes, or two axes, of a and of b, in the
            order of the pairs. An extent of 1 broadcasts along its partner.

    Returns:
        Tensor with the free axes of a followed by those of b, of their dtype.

    Raises:
        RuntimeError: if the extents of paired axes differ and none is 1, an axis is given twice, the numbers of axes do not
            fit, or the dtypes differ.
        IndexError: if an axis is out of range.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.tensordot(graphc.ones(2, 3, 4), graphc.ones(3, 4, 5)).shape
        torch.Size([2, 5])
        >>> graphc.tensordot(graphc.ones(2, 3), graphc.ones(4, 2), dims=([0], [1])).shape
        torch.Size([3, 4])
    """
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.type.rank, b.type.rank):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(a.type.rank - dims, a.type.rank)), list(range(dims))
    else:
        left, right = ([int(d)] if isinstance(d, int) else list(d) for d in dims)
    left, right = [axis_of(d, a.type.rank) for d in left], [axis_of(d, b.type.rank) for d in right]
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    for d in (*(d for d in left if left.count(d) > 1), *(d for d in right if right.count(d) > 1)):
        raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    for i, j in zip(left, right, strict=True):
        n, m = a.shape[i], b.shape[j]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in dim {j}"
            )
        # an extent of 1 broadcasts, as the sum over the other operand's axis
        a = a if m != 1 or n == 1 else keep_axes(sum_(a, (i,)), a.shape, (i,))
        b = b if n != 1 or m == 1 else keep_axes(sum_(b, (j,)), b.shape, (j,))
    return contract(a, b, left, right)


def contract(a: Node, b: Node, left: Sequence[int], right: Sequence[int]) -> Node:
    """Sum products over axes `left` of `a` and `right` of `b`, free axes of `a` first; node level."""
    free_a = [d for d in range(a.type.rank) if d not in left]
    free_b = [d for d in range(b.type.rank) if d not in right]
    inner_size = prod(a.shape[d] for d in left)
    rows = reshape(permute(a, (*free_a, *left)), (prod(a.shape[d] for d in free_a), inner_size))
    columns = reshape(permute(b, (*right, *free_b)), (inner_size, prod(b.shape[d] for d in free_b)))
    return reshape(matrix_product(rows, columns), [*(a.shape[d] for d in free_a), *(b.shape[d] for d in free_b)])
