"""Logical operations on truth values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL
from graphc.ops.common import Operand
from graphc.ops.templates import template

__all__ = ["logical_and", "logical_not", "logical_or", "logical_xor"]


def _logical(name: str, where: str, relation: Callable[[Node, Node], Node], example: str) -> Any:
    @op(f"Logical{name.capitalize()}")
    @template(f"logical_{name}", example, where=where)
    def logical(input: Node, other: Operand) -> Node:
        """Test which elements are true in {where}.

        Args:
            input: tensor of any dtype; elements that are not 0 are true, NaN included.
            other: tensor or number; its shape broadcasts with that of input.

        Returns:
            Bool tensor of the broadcast shape.

        Raises:
            RuntimeError: if the shapes do not broadcast.
        """
        return relation(*(cast(x, BOOL) for x in promote(input, other)))

    return logical


logical_and = _logical(
    "and",
    "both operands",
    operator.and_,
    """
    >>> graphc.logical_and(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
    tensor([False, False, False,  True])
    """,
)
logical_or = _logical(
    "or",
    "at least one operand",
    operator.or_,
    """
    >>> graphc.logical_or(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
    tensor([False,  True,  True,  True])
    """,
)
logical_xor = _logical(
    "xor",
    "exactly one operand",
    operator.xor,
    """
    >>> graphc.logical_xor(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
    tensor([False,  True,  True, False])
    """,
)


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
