"""What passes measure values by: how heavy an operation is, and whether a value fits into registers."""

from __future__ import annotations

from collections.abc import Iterable

from graphc.ir.core.graph import Node
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import TensorType

__all__ = ["SHARED_SINCOS", "SHORT_LOOP", "is_small", "total_weight", "weight"]

SHARED_SINCOS = 36
"""What the sine and the cosine of one angle have in common, and a kernel computes once."""

SHORT_LOOP = 32
"""A loop of more iterations is not written out."""


def weight(node: Node) -> int:
    """Return roughly how many instructions a vector of the node's elements takes."""
    return node.op.cost


def total_weight(nodes: Iterable[Node]) -> int:
    """Return roughly how many instructions a vector of some nodes takes in one kernel."""
    nodes = list(nodes)
    paired = {(n.op.name, n.operands[0]) for n in nodes if n.op.twin}
    pairs = sum((PRIMITIVES[name].twin, x) in paired for name, x in paired) // 2
    return sum(map(weight, nodes)) - SHARED_SINCOS * pairs


def is_small(type: TensorType, elements: int) -> bool:
    """Tell whether a value of a type has at most so many elements, in every run."""
    return type.size <= elements and min(type.shape, default=0) >= 0
