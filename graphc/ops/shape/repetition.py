"""Broadcasting, grids and repetition."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast
from graphc.ir.core.build import permute as permute_axes
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, axis_of, check_counts, expand_to, flatten_sizes
from graphc.ops.shape.ranks import at_least_rank
from graphc.tensors.tensor import Tensor

__all__ = ["broadcast_tensors", "broadcast_to", "expand", "expand_as", "meshgrid", "repeat", "repeat_interleave", "tile"]


@op("Expand", view=True)
def expand(input: Node, *sizes: int | Sequence[int], size: Sequence[int] | None = None, implicit: bool = False) -> Node:
    """Broadcast axes of extent 1 to larger extents without copying; new axes are added in front.

    Args:
        input: tensor.
        *sizes: the new shape, as ints or as one tuple of ints; -1 keeps the extent of an axis.
        size: the new shape as a keyword.
        implicit: accepted and ignored.

    Returns:
        Tensor of the given shape.

    Raises:
        RuntimeError: if an axis whose extent is not 1 would change, or sizes has fewer entries than input has axes.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.tensor([[1], [2]]).expand(-1, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """
    target = flatten_sizes(sizes, size)
    return expand_to(input, expanded_shape(input, target))


def expanded_shape(x: Node, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return `wanted` with every -1 replaced by the axis of `x`.  Raises RuntimeError if `x` does not fit."""
    shape, lead = x.shape, len(sizes) - x.type.rank
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{list(shape)}}}, size={list(sizes)}): the number of sizes provided ({len(sizes)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    for a, n in enumerate(sizes):
        if a < lead and n < 0:
            raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {a}")
        if a >= lead and n != -1 and shape[a - lead] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({shape[a - lead]}) at non-singleton dimension {a}.  "
                f"Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
    return tuple(shape[a - lead] if n == -1 else n for a, n in enumerate(sizes))


@op("Expand", view=True)
def broadcast_to(input: Node, size: Sequence[int]) -> Node:
    """Broadcast input to a shape: axes of extent 1 are repeated, and new axes are added in front.

    Args:
        input: tensor.
        size: sequence of ints, the new shape; -1 keeps the extent of an axis.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if input does not broadcast to the shape.

    Example:
        >>> graphc.broadcast_to(graphc.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand.nodes(input, size)


@op("Expand", view=True)
def expand_as(input: Node, other: Node) -> Node:
    """Broadcast input to the shape of other.

    Args:
        input: tensor.
        other: tensor whose shape is taken.

    Returns:
        Tensor of the shape of other and the dtype of input.

    Raises:
        RuntimeError: if input does not broadcast to the shape of other.

    Example:
        >>> graphc.tensor([1, 2]).expand_as(graphc.ones(2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand.nodes(input, other.shape)


@op("BroadcastTensors", view=True)
def broadcast_tensors(*tensors: Node) -> tuple[Node, ...]:
    """Broadcast tensors to their common shape.

    Args:
        *tensors: tensors.

    Returns:
        Tuple of tensors of the common shape, each of its own dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> a, b = graphc.broadcast_tensors(graphc.ones(3, 1), graphc.ones(2))
        >>> a.shape, b.shape
        (torch.Size([3, 2]), torch.Size([3, 2]))
    """
    shape = broadcast_shapes([x.shape for x in tensors])
    return tuple(expand_to(x, shape) for x in tensors)


@op("Repeat", saves=False)
def repeat(input: Node, *sizes: int | Sequence[int], repeats: Sequence[int] | None = None) -> Node:
    """Repeat the whole tensor along each axis; new axes are added in front.

    Args:
        input: tensor.
        *sizes: the number of copies along each axis, as ints or as one tuple of ints.
        repeats: the same as a keyword.

    Returns:
        Tensor whose extents are those of input times the numbers of copies.

    Raises:
        RuntimeError: if there are fewer numbers than axes.
        TypeError: if a number is not an integer.
        RuntimeError: if a number is negative.

    Example:
        >>> graphc.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    times = flatten_sizes(sizes, repeats)
    if len(times) < input.type.rank:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return _repeated(input, times)


def _repeated(x: Node, times: Sequence[int]) -> Node:
    check_counts(times)
    shape = (1,) * (len(times) - x.type.rank) + x.shape
    inner = [m for pair in zip(times, shape, strict=True) for m in pair]
    lead = len(times) - x.type.rank
    repeated = broadcast(x, inner, [2 * (lead + a) + 1 for a in range(x.type.rank)])
    return reshape_node(repeated, [k * n for k, n in zip(times, shape, strict=True)])


@op("Repeat", saves=False)
def tile(input: Node, *sizes: int | Sequence[int], dims: Sequence[int] | None = None) -> Node:
    """Repeat the whole tensor along its last axes; missing axes are added in front.

    Args:
        input: tensor.
        *sizes: the number of copies along each of the last axes, as ints or as one tuple of ints.
        dims: the same as a keyword.

    Returns:
        Tensor whose extents are those of input times the numbers of copies.

    Raises:
        TypeError: if a number is not an integer.
        RuntimeError: if a number is negative.

    Example:
        >>> graphc.tile(graphc.tensor([1, 2]), (2,))
        tensor([1, 2, 1, 2])
    """
    times = flatten_sizes(sizes, dims)
    return _repeated(input, (1,) * (input.type.rank - len(times)) + times)


@op("RepeatInterleave")
def repeat_interleave(input: Node, repeats: int, dim: int | None = None) -> Node:
    """Repeat each element, or each slice along an axis, `repeats` times in a row.

    Args:
        input: tensor.
        repeats: int, the number of copies of each.
        dim: int, the axis; None repeats the elements of the flattened tensor.

    Returns:
        Tensor in which the extent of the axis is multiplied by repeats.

    Raises:
        TypeError: if repeats is not an int: with a tensor of counts the shape would depend on values.
        RuntimeError: if repeats is negative.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.repeat_interleave(graphc.tensor([1, 2]), 2)
        tensor([1, 1, 2, 2])
    """
    if not isinstance(repeats, int):
        raise TypeError("repeat_interleave(): repeats must be an int; a tensor of counts would make the shape depend on values")
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    x = reshape_node(input, (input.type.size,)) if dim is None else input
    axis = 0 if dim is None else axis_of(dim, x.type.rank)
    shape = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    repeated = broadcast(x, shape, [a for a in range(len(shape)) if a != axis + 1])
    return reshape_node(repeated, (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :]))


@op("Meshgrid", view=True)
def _meshgrid(tensors: Sequence[Operand], swap: bool) -> tuple[Node, ...]:
    xs = [at_least_rank(x, 1) for x in tensors]
    shape = [x.shape[0] for x in xs]
    grids = [broadcast(x, shape, (a,)) for a, x in enumerate(xs)]
    return tuple(permute_axes(g, (1, 0, *range(2, len(xs)))) if swap else g for g in grids)


def meshgrid(*tensors: Tensor | Sequence[Tensor], indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of the grid that vectors span: result k holds the values of vector k along axis k.

    Args:
        *tensors: vectors or 0-d tensors, or one sequence of them.
        indexing: "ij" (matrix order) or "xy" (Cartesian order), which swaps the first two axes.

    Returns:
        Tuple of as many tensors of the shape (n_0, n_1, …), the first two extents swapped for "xy".

    Raises:
        RuntimeError: if indexing is neither "ij" nor "xy".

    Example:
        >>> graphc.meshgrid(graphc.tensor([1, 2]), graphc.tensor([3, 4, 5]))
        (tensor([[1, 1, 1],
                [2, 2, 2]]), tensor([[3, 4, 5],
                [3, 4, 5]]))
    """
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return _meshgrid(list(vectors), indexing == "xy" and len(vectors) > 1)
