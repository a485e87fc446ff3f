"""Splitting along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of
from graphc.ops.shape.slices import narrow_axis, select_axis
from graphc.tensors.tensor import Tensor

__all__ = ["chunk", "dsplit", "hsplit", "split", "split_with_sizes", "tensor_split", "unbind", "vsplit"]


MOST_PARTS = 1_000_000
"""The largest number of parts."""


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


@op("Slice", view=True)
def _between(input: Node, axis: int, ends: Sequence[int]) -> tuple[Node, ...]:
    """Return the slices between consecutive ends, which count from the back if they are negative."""
    n = input.shape[axis]
    bounds = [slice(start, stop).indices(n) for start, stop in zip((0, *ends), (*ends, n), strict=True)]
    return tuple(narrow_axis(input, axis, start, max(start, stop)) for start, stop, _ in bounds)


def _split_points(sections: int, n: int) -> list[int]:
    """Return the ends, but the last, of parts of nearly equal extent; the first ones are larger by one."""
    size, larger = divmod(n, sections)
    return [i * size + min(i, larger) for i in range(1, sections)]


def tensor_split(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | Tensor | None = None,
    dim: int = 0,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Split a tensor along an axis into a number of nearly equal parts, or at the given indices.

    Args:
        input: tensor of at least one axis.
        indices_or_sections: int, the number of parts, of which the first ones are larger by one; or sequence of ints, or
            int64 tensor on the CPU, the indices where parts after the first begin, as in slices.
        dim: int, the axis.
        indices: the sequence as a keyword.
        sections: the number as a keyword.

    Returns:
        Tuple of tensors that share the storage of input.

    Raises:
        RuntimeError: if input is 0-d, the number of parts is not positive or larger than 1,000,000, or the tensor is not int64
            of at most one axis.
        TypeError: if indices_or_sections is none of these.
        IndexError: if the axis is out of range.
        TracingError: if a tensor's values are not known because a function is being traced.

    Example:
        >>> graphc.tensor_split(graphc.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
        >>> graphc.tensor_split(graphc.arange(5), (1, 3))
        (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    where = next((x for x in (indices_or_sections, indices, sections) if x is not None), None)
    if input.dim() == 0:
        message = "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        raise located(RuntimeError(message))
    if isinstance(where, Tensor):
        if where.dtype.name != "int64" or where.dim() > 1:
            got = f"{where.dtype} with {where.dim()} dims"
            raise located(RuntimeError(f"tensor_split expected tensor_indices_or_sections to be int64, 0-d or 1-d, got {got}"))
        where = where.tolist()
    axis = axis_of(dim, input.dim())
    if isinstance(where, int):
        if where <= 0:
            raise located(RuntimeError(f"number of sections must be larger than 0, got {where}"))
        if where > MOST_PARTS:
            raise located(RuntimeError(f"number of sections must be at most {MOST_PARTS}, got {where}"))
        return _between(input, axis, tuple(_split_points(where, input.shape[axis])))
    if not isinstance(where, (tuple, list)) or not all(hasattr(i, "__index__") for i in where):
        raise located(TypeError(f"tensor_split() expected an int or a sequence of ints, got {where!r:.40}"))
    return _between(input, axis, tuple(int(i) for i in where))


def _split_along(name: str, input: Tensor, where: int | Sequence[int], axis: int, rank: int) -> tuple[Tensor, ...]:
    """Split into equal parts or at indices.  Raises RuntimeError."""
    if input.dim() < rank:
        needs = f"torch.{name} requires a tensor with at least {rank} dimension"
        raise located(RuntimeError(f"{needs}, but got a tensor with {input.dim()} dimensions!"))
    if isinstance(where, int) and (where <= 0 or input.shape[axis] % where):
        raise located(
            RuntimeError(
                f"torch.{name} attempted to split along dimension {axis}, but the size of the dimension "
                f"{input.shape[axis]} is not divisible by the split_size {where}!"
            )
        )
    return tensor_split(input, where, axis)


def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Split a tensor horizontally: along the second axis, or the first of a vector.

    Args:
        input: tensor of at least one axis.
        indices_or_sections: int, the number of equal parts; or sequence of ints, the indices where parts after the first begin.

    Returns:
        Tuple of tensors that share the storage of input.

    Raises:
        RuntimeError: if input is 0-d, or the number of parts does not divide the extent of the axis.
        TypeError: if indices_or_sections is neither an int nor a sequence of ints.

    Example:
        >>> graphc.hsplit(graphc.tensor([[1, 2], [3, 4]]), 2)[0]
        tensor([[1],
                [3]])
    """
    return _split_along("hsplit", input, indices_or_sections, min(input.dim(), 2) - 1, 1)


def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Split a tensor vertically: along the first axis.

    Args:
        input: tensor of at least two axes.
        indices_or_sections: int, the number of equal parts; or sequence of ints, the indices where parts after the first begin.

    Returns:
        Tuple of tensors that share the storage of input.

    Raises:
        RuntimeError: if input has fewer than two axes, or the number of parts does not divide the extent of the axis.
        TypeError: if indices_or_sections is neither an int nor a sequence of ints.

    Example:
        >>> graphc.vsplit(graphc.tensor([[1, 2], [3, 4]]), 2)
        (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Split a tensor in depth: along the third axis.

    Args:
        input: tensor of at least three axes.
        indices_or_sections: int, the number of equal parts; or sequence of ints, the indices where parts after the first begin.

    Returns:
        Tuple of tensors that share the storage of input.

    Raises:
        RuntimeError: if input has fewer than three axes, or the number of parts does not divide the extent of the axis.
        TypeError: if indices_or_sections is neither an int nor a sequence of ints.

    Example:
        >>> graphc.dsplit(graphc.ones(2, 1, 4), [1])[1].shape
        torch.Size([2, 1, 3])
    """
    return _split_along("dsplit", input, indices_or_sections, 2, 3)
