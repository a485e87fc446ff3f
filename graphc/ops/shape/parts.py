"""Splitting along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of
from graphc.ops.shape.slices import narrow_axis, select_axis

__all__ = ["chunk", "split", "split_with_sizes", "unbind"]


def parts(x: Node, axis: int, sizes: Sequence[int]) -> tuple[Node, ...]:
    """Return consecutive parts of the given sizes along an axis; node level."""
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return tuple(narrow_axis(x, axis, end - n, end) for n, end in zip(sizes, ends, strict=True))


@op("SplitWithSizes", view=True)
def split_with_sizes(input: Node, split_sizes: Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """Split a tensor along an axis into parts of the given extents.

    Args:
        input: tensor.
        split_sizes: sequence of ints, the extents of the parts.
        dim: int, the axis.

    Returns:
        Tuple of tensors.

    Raises:
        RuntimeError: if the extents do not sum to that of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.split_with_sizes(graphc.arange(5), [2, 3])
        (tensor([0, 1]), tensor([2, 3, 4]))
    """
    axis, sizes = axis_of(dim, input.type.rank), [int(n) for n in split_sizes]
    n = input.shape[axis]
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's "
            f"size at dimension {axis}), but got split_sizes={sizes}"
        )
    return parts(input, axis, sizes)


@op("Split", view=True)
def split(tensor: Node, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """Split a tensor along an axis into parts of one extent, or of the given extents.

    Args:
        tensor: tensor.
        split_size_or_sections: int, the extent of each part but the last, which may be smaller; or sequence of ints, the
            extent of each part.
        dim: int, the axis.

    Returns:
        Tuple of tensors.

    Raises:
        RuntimeError: if the extent is 0 for an axis that is not empty, or the extents do not sum to that of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.split(graphc.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes.nodes(tensor, split_size_or_sections, dim)
    axis, size = axis_of(dim, tensor.type.rank), split_size_or_sections
    n = tensor.shape[axis]
    if size == 0 and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    if n == 0:
        return (tensor,)
    return parts(tensor, axis, [min(size, n - start) for start in range(0, n, size)])


@op("Split", view=True)
def chunk(input: Node, chunks: int, dim: int = 0) -> tuple[Node, ...]:
    """Split a tensor along an axis into at most `chunks` parts of equal extent; the last one may be smaller.

    Args:
        input: tensor.
        chunks: int, the largest number of parts.
        dim: int, the axis.

    Returns:
        Tuple of tensors, of extent ceil(n / chunks) each but the last.

    Raises:
        RuntimeError: if chunks is less than 1.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.chunk(graphc.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[axis_of(dim, input.type.rank)]
    if n == 0:
        return (input,) * chunks
    return split.nodes(input, -(-n // chunks), dim)


@op("Unbind", view=True)
def unbind(input: Node, dim: int = 0) -> tuple[Node, ...]:
    """Return the slices at all indices of an axis, without that axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.

    Returns:
        Tuple of as many tensors as the extent of the axis.

    Raises:
        IndexError: if input is 0-d or the axis is out of range.

    Example:
        >>> graphc.unbind(graphc.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """
    if input.type.rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    axis = axis_of(dim, input.type.rank)
    return tuple(select_axis(input, axis, i) for i in range(input.shape[axis]))
