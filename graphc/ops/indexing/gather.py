"""Elements and slices at the entries of an index tensor."""

from __future__ import annotations

from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, permute, reshape
from graphc.ir.core.build import gather as gather_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import axis_of, expand_to, positions, torch_name
from graphc.ops.indexing.nodes import axes_first, from_end, result_order

__all__ = ["gather", "index_select", "take", "take_along_dim"]


@op("Gather")
def gather(input: Node, dim: int, index: Node, *, sparse_grad: bool = False) -> Node:
    """Return the elements of input at an index along an axis: out[i][j] = input[index[i][j]][j] for dim 0.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        sparse_grad: accepted and ignored.

    Returns:
        Tensor of the shape of index and the dtype of input.

    Raises:
        RuntimeError: if index has another dtype or rank, or is too long.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.gather(graphc.tensor([[1, 2], [3, 4]]), 1, graphc.tensor([[0, 0], [1, 0]]))
        tensor([[1, 1],
                [4, 3]])
    """
    if input.type.rank == 0:
        return expand_to(input, index.shape)
    axis = axis_of(dim, input.type.rank)
    check_index("gather", input, index, axis)
    return gather_at(input, *positions(input, axis, cast(index, I64)))


def check_index(name: str, x: Node, index: Node, axis: int) -> None:
    """Raise unless an index tensor of a gather or scatter along an axis fits `x`."""
    if index.dtype.name not in ("i32", "i64"):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.type.rank != x.type.rank:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if any(n > m for a, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)) if a != axis):
        raise RuntimeError(
            "Size does not match at dimension "
            f"{next(a for a in range(x.type.rank) if a != axis and index.shape[a] > x.shape[a])} expected index "
            f"{list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension {axis}"
        )


@op("TakeAlongDim")
def take_along_dim(input: Node, indices: Node, dim: int | None = None) -> Node:
    """Return the elements of input at indices along an axis; the other axes broadcast.

    Args:
        input: tensor.
        indices: integer tensor; negative entries count from the end.
        dim: int, the axis; None takes from the flattened tensor.

    Returns:
        Tensor of the dtype of input and of the broadcast shape, its extent at dim being that of indices.

    Raises:
        RuntimeError: if the shapes do not broadcast or differ in rank, or indices are not int32 or int64.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> x = graphc.tensor([[10, 30, 20], [60, 40, 50]])
        >>> graphc.take_along_dim(x, graphc.argmax(x, dim=1, keepdim=True), dim=1)
        tensor([[30],
                [60]])
    """
    if indices.dtype.name not in ("i32", "i64"):
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    if dim is None:
        return take.nodes(input, cast(reshape(indices, (indices.type.size,)), I64))
    if input.type.rank != indices.type.rank:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.type.rank} dimensions for input, and {indices.type.rank} dimensions for indices"
        )
    axis = axis_of(dim, input.type.rank)
    shape = list(broadcast_shapes([tuple(1 if a == axis else n for a, n in enumerate(x.shape)) for x in (input, indices)]))
    wide = [n if a != axis else input.shape[axis] for a, n in enumerate(shape)]
    shape[axis] = indices.shape[axis]
    x = expand_to(input, tuple(wide))
    return gather_at(x, *positions(x, axis, from_end(expand_to(indices, tuple(shape)), wide[axis])))


def take_axis(x: Node, axis: int, index: Node) -> Node:
    """Return the slices of `x` at a vector of indices along an axis; node level."""
    gathered = gather_at(axes_first(x, (axis,)), index)
    return permute(gathered, result_order(x, (axis,), 1))


@op("IndexSelect")
def index_select(input: Node, dim: int, index: Node) -> Node:
    """Return the slices of input at the given indices of an axis.

    Args:
        input: tensor.
        dim: int, the axis.
        index: int32 or int64 vector or 0-d tensor, of entries in [0, input.shape[dim]).

    Returns:
        Tensor of the dtype of input whose extent at dim is the length of index.

    Raises:
        IndexError: if index has more than one axis, or the axis, or an entry when values are computed, is out of range.
        RuntimeError: if index has another dtype.

    Example:
        >>> graphc.index_select(graphc.tensor([[1, 2], [3, 4]]), 0, graphc.tensor([1, 1]))
        tensor([[3, 4],
                [3, 4]])
    """
    if index.type.rank > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype.name not in ("i32", "i64"):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    vector = reshape(cast(index, I64), (index.type.size,))
    if input.type.rank == 0:
        return reshape(gather_at(reshape(input, (1,)), vector), ())
    return take_axis(input, axis_of(dim, input.type.rank), vector)


@op("Take")
def take(input: Node, index: Node) -> Node:
    """Return the elements of the flattened input at the given indices.

    Args:
        input: tensor.
        index: integer tensor; negative entries count from the end.

    Returns:
        Tensor of the shape of index and the dtype of input.

    Raises:
        RuntimeError: if index is not int64.
        IndexError: if an entry is out of range, when values are computed.

    Example:
        >>> graphc.take(graphc.tensor([[4, 3], [2, 1]]), graphc.tensor([0, 3]))
        tensor([4, 1])
    """
    if index.dtype.name != "i64":
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {torch_name(index.dtype)}")
    flat = reshape(input, (input.type.size,))
    return gather_at(flat, from_end(cast(index, I64), input.type.size))
