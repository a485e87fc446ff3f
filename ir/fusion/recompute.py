"""Choose what a kernel stores for another one that reads it elsewhere, such as at the neighbours of each point.

    %w = div 1.0, %root                                         store %w only, and in the kernel that reads:
    %p = mul %w, %a        read shifted along one axis    →     %p at its neighbour = mul (%w there), (%a there)
    %q = mul %w, %b        read shifted along another           %q at its neighbour = mul (%w there), (%b there)

What costs one instruction is computed again where it is read, if that leaves fewer values to be stored: an array that is
written by one kernel and read by the next costs more than the arithmetic of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphc.ir.core.cost import ARRAY
from graphc.ir.core.graph import Node

__all__ = ["recomputed"]

NEAR = ("slice", "pad")
"""Movement through which lanes stay side by side, and nothing is read twice as often."""

WITHIN = (*NEAR, "reshape", "broadcast")
"""Movement that costs nothing below what is computed again."""


@dataclass
class _Recomputation:
    """What is computed again, what has to be stored for that, and the instructions it takes."""

    nodes: set[Node] = field(default_factory=set)
    stored: set[Node] = field(default_factory=set)
    cost: int = 0

    def walk(self, root: Node, in_memory: Callable[[Node], bool], weight: Callable[[Node], int]) -> bool:
        """Go from a node down to what is stored, or is to be; tell whether only movement without a price was met."""
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
    """Return what to compute again in a kernel that reads the `wanted` nodes of another; nothing if storing them costs less.

    `in_memory` tells which nodes have memory anyway.
    """
    plan = _Recomputation()
    if len(wanted) < 2 or not all(plan.walk(node, in_memory, weight) for node in wanted):
        return set()
    spared = len(wanted) - len(plan.stored)
    return plan.nodes if spared > 0 and plan.cost <= ARRAY * spared else set()
