"""Copies of tensors with some elements written: at a mask, at flat indices, in a slice or on a diagonal."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, concatenate, constant, cumsum, reshape, select
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64
from graphc.ops.common import axis_of, expand_to, torch_name
from graphc.ops.indexing.nodes import from_end, scatter_add_at
from graphc.ops.shape.diagonals import diagonal_steps
from graphc.ops.shape.slices import narrow_axis, select_axis
from graphc.storage.steps import chain
from graphc.storage.views import ViewSteps, shape_of, write

__all__ = ["diagonal_scatter", "masked_scatter", "put", "select_scatter", "slice_scatter"]


@op("MaskedScatter")
def masked_scatter(input: Node, mask: Node, source: Node) -> Node:
    """Return input with the elements where the mask holds replaced by those of source, in row-major order.

    Args:
        input: tensor.
        mask: bool tensor whose shape broadcasts with that of input.
        source: tensor of the dtype of input, with at least as many elements as the mask holds for.

    Returns:
        Tensor of the broadcast shape and the dtype of input.

    Raises:
        RuntimeError: if mask is not bool, dtypes differ, or the shapes do not broadcast.
        CheckError: if source has too few elements, when values are computed.

    Example:
        >>> graphc.masked_scatter(graphc.zeros(3), graphc.tensor([True, False, True]), graphc.tensor([1.0, 2.0]))
        tensor([1., 0., 2.])
    """
    if mask.dtype.name not in ("bool", "u8"):
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {torch_name(mask.dtype)}")
    if input.dtype is not source.dtype:
        names = f"{torch_name(input.dtype)} and {torch_name(source.dtype)}"
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got {names}")
    where, _ = promote(cast(mask, BOOL), cast(input, BOOL))
    size = where.type.size
    flat = reshape(where, (size,))
    values = concatenate([constant(0, source.dtype, (1,)), reshape(source, (source.type.size,))], 0)
    place = select(flat, cumsum(cast(flat, I64), 0), 0)  # 0 where the mask does not hold
    chosen = apply("gather", values, place, check="Number of elements of source < number of ones in mask")
    return select(where, reshape(chosen, where.shape), expand_to(input, where.shape))


@op("Put")
def put(input: Node, index: Node, source: Node, accumulate: bool = False) -> Node:
    """Return input with elements written at indices of the flattened tensor.

    Where a place occurs more than once, the last element stays, or all are added with accumulate.

    Args:
        input: tensor.
        index: int64 tensor; negative entries count from the end.
        source: tensor of the dtype of input, with as many elements as index.
        accumulate: whether to add to the elements rather than replace them.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if index is not int64, or source has another dtype.
        IndexError: if source has another number of elements, or an entry is out of range, when values are computed.

    Example:
        >>> graphc.put(graphc.zeros(2, 2), graphc.tensor([0, -1]), graphc.tensor([1.0, 2.0]))
        tensor([[1., 0.],
                [0., 2.]])
    """
    if index.dtype is not I64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {torch_name(index.dtype)}")
    if input.dtype is not source.dtype:
        names = f"self.dtype = {torch_name(input.dtype)} and source.dtype = {torch_name(source.dtype)}"
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got {names}")
    n, size = index.type.size, input.type.size
    if source.type.size != n:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.type.size}, index.numel() = {n}"
        )
    place, flat, updates = from_end(reshape(index, (n,)), size), reshape(input, (size,)), reshape(source, (n,))
    return reshape((scatter_add_at if accumulate else scatter_at)(flat, updates, place), input.shape)


def written(x: Node, src: Node, steps: ViewSteps) -> Node:
    """Return `x` with `src` in place of a view; node level.  Raises RuntimeError."""
    shape = shape_of(x.shape, steps)
    if src.shape != shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(shape)}"
        )
    return write(x, steps, cast(src, x.dtype)) if steps else cast(src, x.dtype)


@op("SliceScatter", saves=False)
def slice_scatter(
    input: Node, src: Node, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Node:
    """Return input with the elements start:end:step along an axis replaced by src.

    Args:
        input: tensor of at least one axis.
        src: tensor of the shape of the slice; it is converted to the dtype of input.
        dim: int, the axis.
        start: int, the first index, or None for the begin; negative counts from the end.
        end: int, the index behind the last, or None for the end.
        step: int, the distance of the elements, positive.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if src has another shape, or step is not positive.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.slice_scatter(graphc.zeros(4), graphc.ones(2), 0, 1, 3)
        tensor([0., 1., 1., 0.])
    """
    if step <= 0:
        raise RuntimeError(f"slice step must be positive, got {step}")
    axis = axis_of(dim, input.type.rank)
    if not input.type.rank:
        raise IndexError("slice_scatter() cannot be applied to a 0-dim tensor.")
    first, last, _ = slice(start, end, step).indices(input.shape[axis])
    steps = chain(narrow_axis(input, axis, first, max(first, last), step), input)
    return written(input, src, steps or ())


@op("SelectScatter", saves=False)
def select_scatter(input: Node, src: Node, dim: int, index: int) -> Node:
    """Return input with the slice at one index of an axis replaced by src.

    Args:
        input: tensor of at least one axis.
        src: tensor of the shape of the slice; it is converted to the dtype of input.
        dim: int, the axis.
        index: int; negative counts from the end.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if src has another shape.
        IndexError: if the index or the axis is out of range, or input is 0-d.

    Example:
        >>> graphc.select_scatter(graphc.zeros(2, 2), graphc.ones(2), 0, 1)
        tensor([[0., 0.],
                [1., 1.]])
    """
    axis = axis_of(dim, input.type.rank)
    return written(input, src, chain(select_axis(input, axis, index), input) or ())


@op("DiagonalScatter", saves=False)
def diagonal_scatter(input: Node, src: Node, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """Return input with the diagonal of the plane of two axes replaced by src.

    Args:
        input: tensor of at least two axes.
        src: tensor of the shape of `graphc.diagonal`; it is converted to the dtype of input.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.
        dim1: int, the axis of the rows.
        dim2: int, the axis of the columns.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if src has another shape, or the two axes are the same.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.diagonal_scatter(graphc.zeros(2, 2), graphc.ones(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    return written(input, src, diagonal_steps(input, offset, dim1, dim2))
