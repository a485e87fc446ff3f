"""What passes measure values by: how heavy an operation is, and whether a value fits into registers."""

from __future__ import annotations

from graphc.ir.core.graph import Node
from graphc.ir.core.types import TensorType

__all__ = ["SHORT_LOOP", "SMALL_ELEMENTS", "WEIGHT", "is_small", "weight"]

WEIGHT = {
    "exp": 16, "expm1": 20, "log": 20, "log1p": 22, "sin": 40, "cos": 40, "atan": 24, "tanh": 24, "sigmoid": 20, "erf":
    30, "pow": 60, "div": 4, "sqrt": 4, "rsqrt": 6, "floordiv": 8, "remainder": 10, "random_bits": 60, "gather": 8,
}  # fmt: skip
"""Instructions per vector, roughly, of what takes more than one."""

SMALL_ELEMENTS = 16
"""A value of more elements is in memory."""

SHORT_LOOP = 32
"""A loop of more turns is not written out."""


def weight(node: Node) -> int:
    """Return roughly how many instructions a vector of the node's elements takes."""
    if node.op.kind in ("movement", "leaf") and node.op.name != "random_bits":
        return 0
    return WEIGHT.get(node.op.name, 1)


def is_small(type: TensorType) -> bool:
    """Tell whether a value of a type is held element by element."""
    return type.size <= SMALL_ELEMENTS and min(type.shape, default=0) >= 0
