"""Axes in another order."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dispatch.operation import op
from graphc.ir.core.build import permute as permute_axes
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of, flatten_sizes

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]


@op("Permute", view=True)
def permute(input: Node, *order: int | Sequence[int], dims: Sequence[int] | None = None) -> Node:
    """Reorder the axes: axis i of the result is axis dims[i] of input.

    Args:
        input: tensor.
        *order: the axes in their new order, as ints or as one tuple of ints; each occurs once.
        dims: the same as a keyword.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if there are not as many entries as axes, or one occurs twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.permute(graphc.ones(2, 3, 5), (2, 0, 1)).shape
        torch.Size([5, 2, 3])
    """
    entries = flatten_sizes(order, dims)
    rank = input.type.rank
    if len(entries) != rank:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does "
            "not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(entries)}"
        )
    axes = [axis_of(d, rank) for d in entries]
    if len(set(axes)) != len(axes):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return permute_axes(input, axes)


@op("Transpose", view=True)
def transpose(input: Node, dim0: int, dim1: int) -> Node:
    """Swap two axes.

    Args:
        input: tensor.
        dim0: int, the first axis.
        dim1: int, the second axis.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.transpose(graphc.tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
        tensor([[1, 4],
                [2, 5],
                [3, 6]])
    """
    axes = list(range(input.type.rank))
    a, b = axis_of(dim0, len(axes)), axis_of(dim1, len(axes))
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return permute_axes(input, axes)


swapaxes = swapdims = transpose


@op("T", view=True)
def t(input: Node) -> Node:
    """Transpose a matrix; a vector and a 0-d tensor are returned as they are.

    Args:
        input: tensor of at most two axes.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if input has more than two axes.

    Example:
        >>> graphc.t(graphc.tensor([[1, 2], [3, 4]]))
        tensor([[1, 3],
                [2, 4]])
    """
    if input.type.rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.type.rank}D")
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Permute", view=True)
def matrix_transpose(input: Node) -> Node:
    """Transpose matrices: swap the last two axes.

    Args:
        input: tensor of shape `(*, m, n)`.

    Returns:
        Tensor of shape `(*, n, m)` that shares the storage of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.ones(5, 2, 3).mT.shape
        torch.Size([5, 3, 2])
    """
    rank = input.type.rank
    if rank < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {rank}-D tensor.")
    return permute_axes(input, (*range(rank - 2), rank - 1, rank - 2))


@op("Transpose", view=True)
def adjoint(input: Node) -> Node:
    """Transpose matrices: swap the last two axes; there are no complex numbers to conjugate.

    Args:
        input: tensor of shape `(*, m, n)`.

    Returns:
        Tensor of shape `(*, n, m)` that shares the storage of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.adjoint(graphc.ones(5, 2, 3)).shape
        torch.Size([5, 3, 2])
    """
    if input.type.rank < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.type.rank}-D tensor."
        )
    return matrix_transpose.nodes(input)


@op("Permute", view=True)
def conjugate_matrix(input: Node) -> Node:
    """Transpose a matrix, as its conjugate would be.

    Args:
        input: matrix, or 0-d tensor.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if input has another number of axes.

    Example:
        >>> graphc.ones(2, 3).H.shape
        torch.Size([3, 2])
    """
    if input.type.rank not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {input.type.rank}-D tensor.")
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Permute", view=True)
def reverse_axes(input: Node) -> Node:
    """Return the axes in reverse order.

    Args:
        input: tensor.

    Returns:
        Tensor that shares the storage of input.

    Example:
        >>> graphc.ones(5, 2, 3).T.shape
        torch.Size([3, 2, 5])
    """
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Movedim", view=True)
def movedim(input: Node, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Move axes to new positions; the other axes keep their order.

    Args:
        input: tensor.
        source: int or sequence of ints, the axes to move.
        destination: int or sequence of as many ints, their positions in the result.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if source and destination differ in length, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.movedim(graphc.ones(2, 3, 5), 0, -1).shape
        torch.Size([3, 5, 2])
    """
    rank = input.type.rank
    sources = [axis_of(d, rank) for d in ([source] if isinstance(source, int) else source)]
    targets = [axis_of(d, rank) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain the same number of dims as "
            f"destination ({targets} dims)"
        )
    for what, dims, argument in (("source", sources, source), ("destination", targets, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(
                f"movedim: repeated dim in `{what}` ({list(argument) if not isinstance(argument, int) else argument})"
            )
    order = [a for a in range(rank) if a not in sources]
    for target, a in sorted(zip(targets, sources, strict=True)):
        order.insert(target, a)
    return permute_axes(input, order)


moveaxis = movedim
