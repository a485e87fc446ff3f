"""Diagonals and triangles of matrices."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast, elementwise, iota, pad, reshape, zeros_like
from graphc.ir.core.build import select as choose
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, axis_of
from graphc.ops.shape.axes import movedim
from graphc.storage.steps import Diagonal
from graphc.storage.views import ViewSteps, read

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "tril", "triu"]


def diagonal_steps(input: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> ViewSteps:
    """Return the view of a diagonal.  Raises RuntimeError, IndexError."""
    a, b = axis_of(dim1, input.type.rank), axis_of(dim2, input.type.rank)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return (Diagonal(offset, a, b),)


@op("Diagonal", view=diagonal_steps)
def diagonal(input: Node, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """Return the diagonal of the plane of two axes as the last axis.

    Args:
        input: tensor of at least two axes.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.
        dim1: int, the axis of the rows.
        dim2: int, the axis of the columns.

    Returns:
        Tensor of one axis less that shares the storage of input.

    Raises:
        RuntimeError: if the two axes are the same.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.diagonal(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    return read(input, diagonal_steps(input, offset, dim1, dim2))


def diag_matrix(x: Node, offset: int) -> Node:
    """Return matrices with the last axis on their diagonal; node level."""
    n = x.shape[-1] + abs(offset)
    low, high = max(-offset, 0), max(offset, 0)
    rows = pad(x, (0,) * (x.type.rank - 1) + (low,), (0,) * (x.type.rank - 1) + (high,))
    shape = (*x.shape[:-1], n, n)
    square = broadcast(rows, shape, [*range(x.type.rank - 1), x.type.rank - 1])
    row, column = iota(shape, len(shape) - 2), iota(shape, len(shape) - 1)
    return choose(elementwise("eq", column, row + offset), square, zeros_like(square))


@op("DiagEmbed", saves=False)
def diag_embed(input: Node, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Node:
    """Return matrices with the last axis of input on a diagonal, and zeros elsewhere.

    Args:
        input: tensor of shape `(*, n)`.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.
        dim1: int, the axis of the rows in the result.
        dim2: int, the axis of the columns in the result.

    Returns:
        Tensor of shape `(*, m, m)` with m = n + |offset|, the last two axes moved to dim1 and dim2.

    Raises:
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.diag_embed(graphc.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """
    axis_of(-2, input.type.rank + 1)
    x = diag_matrix(input, offset)
    rank = x.type.rank
    return movedim.nodes(x, (rank - 2, rank - 1), (axis_of(dim1, rank), axis_of(dim2, rank)))


_diagonal_of = diagonal.nodes


@op("Diag", saves=False)
def diag(input: Node, diagonal: int = 0) -> Node:
    """Return the square matrix with a vector on its diagonal, or the diagonal of a matrix.

    Args:
        input: vector or matrix.
        diagonal: int, which diagonal: 0 the main one, positive above it, negative below.

    Returns:
        Tensor: a matrix for a vector, a vector for a matrix.

    Raises:
        RuntimeError: if input is neither a vector nor a matrix.

    Example:
        >>> graphc.diag(graphc.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
        >>> graphc.diag(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    if input.type.rank == 1:
        return diag_matrix(input, diagonal)
    if input.type.rank == 2:
        return _diagonal_of(input, diagonal)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.type.rank}D")


@op("DiagEmbed", saves=False)
def diagflat(input: Node, offset: int = 0) -> Node:
    """Return the square matrix with the elements of input, in row-major order, on its diagonal.

    Args:
        input: tensor.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.

    Returns:
        Matrix of the dtype of input, with as many rows as input has elements, and |offset| more.

    Example:
        >>> graphc.diagflat(graphc.tensor([[1, 2]]))
        tensor([[1, 0],
                [0, 2]])
    """
    return diag_matrix(reshape(input, (input.type.size,)), offset)


def _triangle(x: Node, name: str) -> tuple[Node, Node]:
    if x.type.rank < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return iota(x.shape, x.type.rank - 2), iota(x.shape, x.type.rank - 1)


@op("Tril", saves=False)
def tril(input: Node, diagonal: int = 0) -> Node:
    """Return the lower triangle of matrices; the elements above the diagonal are set to 0.

    Args:
        input: tensor of shape `(*, m, n)`.
        diagonal: int, the last diagonal that is kept: 0 the main one, positive above it, negative below.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.tril(graphc.ones(2, 2))
        tensor([[1., 0.],
                [1., 1.]])
    """
    row, column = _triangle(input, "tril")
    return choose(column <= row + diagonal, input, zeros_like(input))


@op("Triu", saves=False)
def triu(input: Node, diagonal: int = 0) -> Node:
    """Return the upper triangle of matrices; the elements below the diagonal are set to 0.

    Args:
        input: tensor of shape `(*, m, n)`.
        diagonal: int, the first diagonal that is kept: 0 the main one, positive above it, negative below.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.triu(graphc.ones(2, 2))
        tensor([[1., 1.],
                [0., 1.]])
    """
    row, column = _triangle(input, "triu")
    return choose(column >= row + diagonal, input, zeros_like(input))
