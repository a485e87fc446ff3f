"""Slices written or added at the entries of an index vector."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, permute, reshape
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of, number_like, torch_name
from graphc.ops.indexing.nodes import axes_first, from_end, result_order, scatter_add_at, scatter_fill

__all__ = ["index_add", "index_copy", "index_fill"]


def _leading(x: Node, dim: int, index: Node) -> tuple[int, Node, Node]:
    """Move an axis of `x` to the front; return its number, `x` and the indices as a vector; 0-d counts as one element."""
    axis = axis_of(dim, x.type.rank)
    front = axes_first(x, (axis,)) if x.type.rank else reshape(x, (1,))
    return axis, front, reshape(cast(index, I64), (index.type.size,))


def _restored(written: Node, x: Node, axis: int) -> Node:
    """Undo `_leading`: move the first axis back."""
    return permute(written, result_order(x, (axis,), 1)) if x.type.rank else reshape(written, ())


def _updates(source: Node, axis: int) -> Node:
    return axes_first(source, (axis,)) if source.type.rank else reshape(source, (1,))


@op("IndexAdd")
def index_add(input: Node, dim: int, index: Node, source: Node, *, alpha: float = 1) -> Node:
    """Return input with alpha times the slices of source added at the given indices of an axis.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor, of entries in [0, input.shape[dim]); repeated entries add up.
        source: tensor of the shape of input but along dim, where it is as long as index.
        alpha: number, the factor of source.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if the shape or the dtype of source does not fit.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.index_add(graphc.zeros(3), 0, graphc.tensor([0, 2, 2]), graphc.tensor([1.0, 2.0, 3.0]))
        tensor([1., 0., 5.])
    """
    if input.dtype is not source.dtype:
        expected, actual = torch_name(input.dtype), torch_name(source.dtype)
        raise RuntimeError(f"index_add_(): self ({expected}) and source ({actual}) must have the same scalar type")
    axis, front, vector = _leading(input, dim, index)
    if input.type.rank and source.shape[axis] != vector.type.size:
        raise RuntimeError(
            f"index_add_(): Number of indices ({vector.type.size}) should be equal to "
            f"source.size(dim): ({source.shape[axis]}), for dim: {axis}"
        )
    if source.shape[:axis] + source.shape[axis + 1 :] != input.shape[:axis] + input.shape[axis + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )
    updates = _updates(source, axis)
    added = scatter_add_at(front, updates if alpha == 1 else updates * alpha, vector)
    return _restored(added, input, axis)


@op("IndexCopy")
def index_copy(input: Node, dim: int, index: Node, source: Node) -> Node:
    """Return input with the slices of source written at the given indices of an axis; the last of repeated ones stays.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor, of entries in [0, input.shape[dim]).
        source: tensor of the dtype and shape of input but along dim, where it is as long as index.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if source is not as long as index along dim, or the axis, or an entry when values are computed, is out
            of range.
        RuntimeError: if source has another dtype or shape.

    Example:
        >>> graphc.index_copy(graphc.zeros(3), 0, graphc.tensor([2, 0]), graphc.tensor([1.0, 2.0]))
        tensor([2., 0., 1.])
    """
    if input.dtype is not source.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{torch_name(input.dtype)} and (source) {torch_name(source.dtype)}"
        )
    axis, front, vector = _leading(input, dim, index)
    if source.type.rank and source.shape[axis] != vector.type.size:
        raise IndexError(
            f"index_copy_(): Number of indices ({vector.type.size}) should be equal to source.size(dim) ({source.shape[axis]})"
        )
    return _restored(scatter_at(front, _updates(source, axis), vector), input, axis)


@op("IndexFill")
def index_fill(input: Node, dim: int, index: Node, value: Operand) -> Node:
    """Return input with the slices at the given indices of an axis filled with one value.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor; negative entries count from the end.
        value: number or 0-d tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if the axis, or an entry when values are computed, is out of range.
        RuntimeError: if value is not 0-d or does not fit the dtype.

    Example:
        >>> graphc.index_fill(graphc.zeros(2, 2), 1, graphc.tensor([0]), 5)
        tensor([[5., 0.],
                [5., 0.]])
    """
    if isinstance(value, Node) and value.type.rank:
        rank = value.type.rank
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {rank} dimension(s).")
    axis, front, vector = _leading(input, dim, index)
    filled = scatter_fill(front, number_like(value, constant(0, input.dtype)), from_end(vector, front.shape[0]))
    return _restored(filled, input, axis)
