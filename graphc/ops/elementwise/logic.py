"""Logical operations on truth values."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.ir.core.build import cast
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL
from graphc.ops.common import Operand
from graphc.tensors.dispatch import op

__all__ = ["logical_and", "logical_not", "logical_or", "logical_xor"]


def _truth(*operands: Operand) -> list[Node]:
    return [cast(x, BOOL) for x in promote(*operands)]


@op("LogicalAnd")
def logical_and(input: Node, other: Operand) -> Node:
    """Test which elements are true in both operands.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_and(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False, False, False,  True])
    """
    x, y = _truth(input, other)
    return x & y


@op("LogicalOr")
def logical_or(input: Node, other: Operand) -> Node:
    """Test which elements are true in at least one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_or(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True,  True])
    """
    x, y = _truth(input, other)
    return x | y


@op("LogicalXor")
def logical_xor(input: Node, other: Operand) -> Node:
    """Test which elements are true in exactly one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_xor(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True, False])
    """
    x, y = _truth(input, other)
    return x ^ y


@op("LogicalNot")
def logical_not(input: Node) -> Node:
    """Test which elements are 0.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.logical_not(graphc.tensor([0.0, 0.5, 1.0]))
        tensor([ True, False, False])
    """
    return ~cast(input, BOOL)
