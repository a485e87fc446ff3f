"""Elements written or added at the entries of an index tensor."""

from __future__ import annotations

from graphc.core.dtypes import exact_number
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, reshape, slice_
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of, number_like, positions
from graphc.ops.indexing.gather import check_index
from graphc.ops.indexing.nodes import scatter_add_at, scatter_fill

__all__ = ["scatter", "scatter_add"]


def check_source(x: Node, index: Node, src: Node) -> Node:
    """Return the part of a source that an index along an axis of `x` reads.  Raises RuntimeError."""
    if index.type.rank != src.type.rank:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if src.dtype is not x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than src {list(src.shape)}")
    return slice_(src, [0] * src.type.rank, index.shape)


@op("ScatterAdd")
def scatter_add(input: Node, dim: int, index: Node, src: Node) -> Node:
    """Return input with the elements of src added at an index along an axis: out[index[i][j]][j] += src[i][j] for dim 0.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        src: tensor of the dtype of input, at least as long as index along each axis.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if ranks, lengths or dtypes do not fit.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.scatter_add(graphc.zeros(3), 0, graphc.tensor([0, 2, 2]), graphc.tensor([1.0, 2.0, 3.0]))
        tensor([1., 0., 5.])
    """
    return scatter.nodes(input, dim, index, src, reduce="add")


@op("Scatter")
def scatter(
    input: Node, dim: int, index: Node, src: Operand | None = None, *, value: Operand | None = None, reduce: str | None = None
) -> Node:
    """Return input with elements written at an index along an axis: out[index[i][j]][j] = src[i][j] for dim 0.

    Where a place occurs more than once, the last element stays.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        src: number, or tensor of the dtype of input, at least as long as index along each axis.
        value: number or 0-d tensor, used instead of src.
        reduce: None, or "add", which adds to the elements rather than replace them.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if ranks, lengths or dtypes do not fit, or reduce is neither None nor "add".
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.scatter(graphc.zeros(2, 3), 1, graphc.tensor([[2], [0]]), value=1.0)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
    """
    update = src if value is None else value
    if input.type.rank == 0:
        source = reshape(update, (1,)) if isinstance(update, Node) else update
        return reshape(scatter.nodes(reshape(input, (1,)), dim, reshape(index, (1,)), source, reduce=reduce), ())
    axis = axis_of(dim, input.type.rank)
    check_index("scatter", input, index, axis)
    indices = positions(input, axis, cast(index, I64))
    if reduce == "add":
        updates = (
            check_source(input, index, update)
            if isinstance(update, Node)
            else constant(exact_number(update, input.dtype), input.dtype, index.shape)
        )
        return scatter_add_at(input, updates, *indices)
    if reduce is not None:
        raise RuntimeError(f"reduce argument must be add, got {reduce}")
    if not isinstance(update, Node) or update.type.rank == 0:
        return scatter_fill(input, number_like(update, constant(0, input.dtype)), *indices)
    return scatter_at(input, check_source(input, index, update), *indices)
