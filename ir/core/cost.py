"""What passes measure values by: how heavy an operation is, and whether a value fits into registers."""

from __future__ import annotations

from collections.abc import Iterable

from graphc.ir.core.graph import Node
from graphc.ir.core.types import TensorType

__all__ = ["HEAVIEST", "SHARED_SINCOS", "SHORT_LOOP", "SMALL_ELEMENTS", "WEIGHT", "is_small", "total_weight", "weight"]

WEIGHT = {
    "exp": 16, "expm1": 20, "log": 20, "log1p": 22, "sin": 40, "cos": 40, "atan": 24, "tanh": 24, "sigmoid": 20, "erf":
    30, "pow": 60, "div": 4, "sqrt": 4, "rsqrt": 6, "floordiv": 8, "remainder": 10, "random_bits": 60, "gather": 8,
}  # fmt: skip
"""Instructions per vector, roughly, of what takes more than one."""

HEAVIEST = 900
"""The greatest weight of one kernel: beyond it registers spill and LLVM's scheduler, quadratic in a block, is slow."""

SHARED_SINCOS = 36
"""What the sine and the cosine of one angle have in common, and a kernel computes once."""

SMALL_ELEMENTS = 16
"""A value of more elements is in memory."""

SHORT_LOOP = 32
"""A loop of more iterations is not written out."""


def weight(node: Node) -> int:
    """Return roughly how many instructions a vector of the node's elements takes."""
    if node.op.kind in ("movement", "leaf") and node.op.name != "random_bits":
        return 0
    return WEIGHT.get(node.op.name, 1)


def total_weight(nodes: Iterable[Node]) -> int:
    """Return roughly how many instructions a vector of some nodes takes in one kernel."""
    nodes = list(nodes)
    angles = [{n.operands[0] for n in nodes if n.op.name == wave} for wave in ("sin", "cos")]
    return sum(map(weight, nodes)) - SHARED_SINCOS * len(angles[0] & angles[1])


def is_small(type: TensorType) -> bool:
    """Tell whether a value of a type is held element by element."""
    return type.size <= SMALL_ELEMENTS and min(type.shape, default=0) >= 0
