"""Minimal ranks."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d"]


def at_least_rank(x: Node, rank: int) -> Node:
    """Add axes of extent 1 up to a rank, at the positions of NumPy's `atleast_1d`, `_2d` and `_3d`; node level."""
    shape = x.shape
    if len(shape) >= rank:
        return x
    if rank == 3 and len(shape) == 2:
        return reshape_node(x, (*shape, 1))
    if rank == 3 and len(shape) == 1:
        return reshape_node(x, (1, *shape, 1))
    return reshape_node(x, (1,) * (rank - len(shape)) + shape)


@op("AtLeast1D", view=True)
def atleast_1d(input: Node) -> Node:
    """Return input with at least one axis: shape () becomes (1,).

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_1d(graphc.tensor(2))
        tensor([2])
    """
    return at_least_rank(input, 1)


@op("AtLeast2D", view=True)
def atleast_2d(input: Node) -> Node:
    """Return input with at least two axes: axes of extent 1 are added in front.

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_2d(graphc.ones(3)).shape
        torch.Size([1, 3])
    """
    return at_least_rank(input, 2)


@op("AtLeast3D", view=True)
def atleast_3d(input: Node) -> Node:
    """Return input with at least three axes: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1).

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_3d(graphc.ones(3)).shape
        torch.Size([1, 3, 1])
    """
    return at_least_rank(input, 3)
