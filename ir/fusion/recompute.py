"""Choose the values that a kernel stores for another one that reads it at other points, such as the neighbours of each point.

    %w = div 1.0, %root                                         store %w only, and in the kernel that reads:
    %p = mul %w, %a        read shifted along one axis    →     %p at its neighbour = mul (%w there), (%a there)
    %q = mul %w, %b        read shifted along another           %q at its neighbour = mul (%w there), (%b there)

Operations of one instruction are recomputed where they are read, if that leaves fewer values to store: an array that one kernel
writes and the next one reads costs more than the arithmetic of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphc.ir.core.cost import ARRAY
from graphc.ir.core.graph import Node

__all__ = ["recomputed"]

NEAR = ("slice", "pad")
"""Movement that keeps lanes side by side and repeats no reads."""

WITHIN = (*NEAR, "reshape", "broadcast")
"""Movement that is free below a recomputed value."""


@dataclass
class _Recomputation:
    """The recomputed values, the values stored for them, and the instructions of the recomputation."""

    nodes: set[Node] = field(default_factory=set)
    stored: set[Node] = field(default_factory=set)
    cost: int = 0

    def walk(self, root: Node, in_memory: Callable[[Node], bool], weight: Callable[[Node], int]) -> bool:
        """Walk from a node down to stored values; return whether only free movement was met on the way."""
        stack, seen = [root], set[Node]()
        while stack:
            node = stack.pop()
            if node in seen or node.op.kind == "leaf":
                continue
            seen.add(node)
            if node.op.kind == "movement" and not in_memory(node):
                if node.op.name not in WITHIN:
                    return False
                stack.extend(node.operands)
            elif node.op.kind == "elementwise" and weight(node) <= 1 and not in_memory(node):
                self.nodes.add(node)
                self.cost += 1
                stack.extend(node.operands)
            else:
                self.cost += 1
                if not in_memory(node):
                    self.stored.add(node)
        return True


def recomputed(wanted: Sequence[Node], in_memory: Callable[[Node], bool], weight: Callable[[Node], int]) -> set[Node]:
    """Return the nodes to recompute in a kernel that reads the `wanted` nodes of another; none if storing them costs less.

    `in_memory` returns whether a node has memory anyway.
    """
    plan = _Recomputation()
    if len(wanted) < 2 or not all(plan.walk(node, in_memory, weight) for node in wanted):
        return set()
    spared = len(wanted) - len(plan.stored)
    return plan.nodes if spared > 0 and plan.cost <= ARRAY * spared else set()
