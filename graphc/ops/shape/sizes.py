"""The same elements under another shape; copies."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node
from graphc.ops.common import axes_of, axis_of, flatten_sizes, resolve_sizes, unsqueeze_axis
from graphc.tensors.tensor import Tensor

__all__ = [
    "clone", "contiguous", "flatten", "ravel", "reshape", "reshape_as", "squeeze", "unflatten", "unsqueeze", "view",
    "view_as",
]  # fmt: skip


@op("View", view=True)
def reshape(input: Node, *sizes: int | Sequence[int], shape: Sequence[int] | None = None) -> Node:
    """Return the elements in row-major order under another shape.

    The result shares the storage of input where its strides permit, and is a copy otherwise.

    Args:
        input: tensor.
        *sizes: the new shape, as ints or as one tuple of ints; one of them may be -1 and is inferred.
        shape: the new shape as a keyword.

    Returns:
        Tensor of the given shape and the dtype of input.

    Raises:
        RuntimeError: if the shape has another number of elements, or more than one -1.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.reshape(graphc.arange(6), (2, -1))
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    return reshape_node(input, resolve_sizes(input, flatten_sizes(sizes, shape)))


@op("View", view="strict")
def view(input: Node, *shape: int | Sequence[int]) -> Node:
    """Return the elements under another shape, as `graphc.reshape` does.

    Args:
        input: tensor.
        *shape: the new shape, as ints or as one tuple of ints; one of them may be -1 and is inferred.

    Returns:
        Tensor of the given shape and the dtype of input.

    Raises:
        RuntimeError: if the shape has another number of elements, or more than one -1.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.arange(6).view(3, 2)
        tensor([[0, 1],
                [2, 3],
                [4, 5]])
    """
    return reshape.nodes(input, *shape)


@op("View", view=True)
def reshape_as(input: Node, other: Node) -> Node:
    """Return input in the shape of other.

    Args:
        input: tensor.
        other: tensor with as many elements, whose shape is taken.

    Returns:
        Tensor of the shape of other and the dtype of input.

    Raises:
        RuntimeError: if the numbers of elements differ.

    Example:
        >>> graphc.arange(4).reshape_as(graphc.ones(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return reshape.nodes(input, other.shape)


view_as = reshape_as


@op("View", view=True)
def flatten(input: Node, start_dim: int = 0, end_dim: int = -1) -> Node:
    """Return a tensor in which the axes from start_dim to end_dim are merged into one.

    Args:
        input: tensor.
        start_dim: int, the first of the merged axes.
        end_dim: int, the last of the merged axes, included.

    Returns:
        Tensor with the elements in row-major order.

    Raises:
        RuntimeError: if start_dim comes after end_dim.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.flatten(graphc.ones(2, 3, 4), start_dim=1).shape
        torch.Size([2, 12])
    """
    first, last = axis_of(start_dim, input.type.rank), axis_of(end_dim, input.type.rank)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return reshape_node(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """Return the elements in row-major order as a vector, copied unless they already are contiguous in memory.

    Args:
        input: tensor.

    Returns:
        Tensor of shape (number of elements,).

    Example:
        >>> graphc.ravel(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 2, 3, 4])
    """
    return reshape(contiguous(input), -1)


@op("View", view=True)
def unflatten(input: Node, dim: int, sizes: Sequence[int]) -> Node:
    """Return a tensor in which one axis is split into several.

    Args:
        input: tensor.
        dim: int, the axis.
        sizes: sequence of ints, the extents that replace it; one of them may be -1 and is inferred.

    Returns:
        Tensor of shape `(*input.shape[:dim], *sizes, *input.shape[dim + 1:])`.

    Raises:
        RuntimeError: if the product of sizes is not the extent of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.unflatten(graphc.ones(6, 5), 0, (2, -1)).shape
        torch.Size([2, 3, 5])
    """
    axis, shape = axis_of(dim, input.type.rank), input.shape
    rest = prod(n for n in sizes if n != -1)
    sizes = [shape[axis] // rest if n == -1 and rest else n for n in sizes]
    if prod(sizes) != shape[axis]:
        raise RuntimeError(
            f"unflatten: Provided sizes {sizes} don't multiply up to the size of dim {axis} ({shape[axis]}) in the input tensor"
        )
    return reshape_node(input, (*shape[:axis], *sizes, *shape[axis + 1 :]))


@op("Unsqueeze", view=True)
def unsqueeze(input: Node, dim: int) -> Node:
    """Insert an axis of extent 1.

    Args:
        input: tensor of n axes.
        dim: int in [-(n + 1), n], the index of the new axis.

    Returns:
        Tensor of n + 1 axes.

    Raises:
        IndexError: if dim is out of range.

    Example:
        >>> graphc.unsqueeze(graphc.ones(2, 3), 1).shape
        torch.Size([2, 1, 3])
    """
    return unsqueeze_axis(input, axis_of(dim, input.type.rank + 1))


@op("Squeeze", view=True)
def squeeze(input: Node, dim: int | Sequence[int] | None = None) -> Node:
    """Remove axes of extent 1.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to remove if their extent is 1; None means all axes.

    Returns:
        Tensor with the elements of input.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.squeeze(graphc.ones(1, 3, 1)).shape
        torch.Size([3])
        >>> graphc.squeeze(graphc.ones(1, 3, 1), 0).shape
        torch.Size([3, 1])
    """
    removed: Sequence[int] = range(input.type.rank)
    if dim is not None:
        removed = axes_of(dim, input.type.rank) if dim != () else ()
    return reshape_node(input, [n for a, n in enumerate(input.shape) if n != 1 or a not in removed])


@op("Clone", saves=False)
def clone(input: Node, *, memory_format: Any = None) -> Node:
    """Return a copy with its own storage; gradients flow through it.

    Args:
        input: tensor.
        memory_format: accepted and ignored.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> x = graphc.zeros(2)
        >>> y = graphc.clone(x).add_(1)
        >>> x, y
        (tensor([0., 0.]), tensor([1., 1.]))
    """
    return input


def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return input itself if its elements are contiguous in row-major order, else a contiguous copy.

    Args:
        input: tensor.
        memory_format: accepted and ignored.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.ones(2, 3).t().contiguous().stride()
        (2, 1)
    """
    return input if input.is_contiguous() else clone(input)
