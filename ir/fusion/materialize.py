"""Decide which values are stored in memory between kernels.

These are the results, the operands of matmuls, loops and other unfused nodes, and the values that a kernel reads from another
group, unless recomputing them there costs less.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.analysis.storage import has_buffer, in_registers, is_inlined, read_from_memory
from graphc.ir.analysis.views import Strides, as_view, dense_strides, whole_buffer
from graphc.ir.core.cost import is_small, weight
from graphc.ir.core.graph import PARAMETER, Graph, Node
from graphc.ir.core.predicates import is_literal, is_result
from graphc.ir.fusion.iteration_domain import Group, is_cheap
from graphc.ir.fusion.recompute import NEAR, recomputed

__all__ = ["Materialization"]


class Materialization:
    """The stored values of a graph; `run` decides them, and `kernel` decides for values that it meets later."""

    def __init__(self, graph: Graph, group_of: dict[Node, Group], layouts: dict[Node, Strides]) -> None:
        self.graph = graph
        self.group_of = group_of
        self.layouts = layouts
        self.stored: dict[Node, None] = {}
        self.recomputed: set[Node] = set()
        """Values that other groups recompute, so that fewer are stored."""
        self._kernels: dict[Node, tuple[int, tuple[list[Node], list[Node]]]] = {}
        """Kernels, each with the number of values that were decided when it was found: decisions are only added."""

    def run(self) -> None:
        """Decide what is stored."""
        nodes = self.graph.nodes()
        for result in self.graph.results:
            if not has_buffer(result) and self._whole_buffer(result) is None:
                self.stored[result] = None
        for node in nodes:
            if is_result(node):
                continue
            if has_buffer(node):
                for operand in read_from_memory(node):
                    # a loop in registers loads small values before it begins, from any layout
                    loaded = in_registers(node) and is_small(operand.type, node.params["registers"])
                    self._store_operand(operand, dense=bool(node.regions) and not loaded)
            elif node.op.jumps:
                self._store_operand(node.operands[0])
        for node in reversed(nodes):
            if node in self.stored:
                self._recompute(node)
                self.kernel(node)

    def _layout(self, node: Node) -> Strides:
        return self.layouts.get(node) or dense_strides(node.shape)

    def _store_operand(self, operand: Node, *, dense: bool = False) -> None:
        """Store the operand of an unfused operation: the buffer that it is a view of, or a copy.

        Loops and branches need `dense` operands: a whole buffer under another shape, or a contiguous part of one.
        """
        view = as_view(operand, self._layout)
        if dense and view is not None and view.strides != dense_strides(operand.shape):
            view = None
        base = operand if view is None else view.base
        if view is not None and is_literal(base):
            base = operand
        if not has_buffer(base):
            self.stored[base] = None

    def _whole_buffer(self, result: Node) -> Node | None:
        """Return the buffer that a result is under another shape; None if it is not the whole of a buffer allocated here."""
        base = whole_buffer(result) if result.op.kind == "movement" else None
        return base if base is not None and base.op is not PARAMETER and has_buffer(base) else None

    def members(self, root: Node) -> list[Node]:
        """Return the stored nodes that one kernel computes together with a stored node."""
        group = self.group_of.get(root)
        if group is None:
            return [root]
        return [n for n in group.nodes if n in self.stored]

    def kernel(self, root: Node) -> tuple[list[Node], list[Node]]:
        """Return the nodes that the kernel of a stored node computes, operands first, and the values it loads."""
        known = self._kernels.get(root)
        if known is None or known[0] != len(self.stored) + len(self.recomputed):
            kernel = self._kernel(root)
            known = self._kernels[root] = len(self.stored) + len(self.recomputed), kernel
        return known[1]

    def _kernel(self, root: Node) -> tuple[list[Node], list[Node]]:
        group = self.group_of.get(root)
        body: list[Node] = []
        loads: dict[Node, None] = {}
        seen: set[Node] = set()
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                body.append(node)
                continue
            if node in seen:
                continue
            seen.add(node)
            if node is not root and self._is_leaf(node, group):
                loads[node] = None
                continue
            stack.append((node, True))
            stack.extend((o, False) for o in reversed(node.operands))
        return body, list(loads)

    def _is_leaf(self, node: Node, group: Group | None) -> bool:
        if has_buffer(node):
            return True
        if is_inlined(node):
            return node in self.stored and node.op.kind == "movement" and self._moves_only(node, group)
        if group is not None and self.group_of[node] is group:
            return False
        if node not in self.stored and node not in self.recomputed and not is_cheap(node):
            self.stored[node] = None
        return node in self.stored

    def _recompute(self, root: Node) -> None:
        """Decide which values of other groups the kernel of a stored node recomputes."""
        reads: dict[Group, list[Node]] = {}
        for node in self._reads(root):
            reads.setdefault(self.group_of[node], []).append(node)
        for wanted in reads.values():
            self.recomputed |= recomputed(wanted, self._is_in_memory, weight)

    def _is_in_memory(self, node: Node) -> bool:
        return has_buffer(node) or node in self.stored

    def _reads(self, root: Node) -> Iterator[Node]:
        """Yield the values of other groups, not stored yet, that the kernel of a stored node reads near its own points."""
        group = self.group_of.get(root)
        stack: list[tuple[Node, bool]] = [(root, True)]
        seen: set[tuple[Node, bool]] = set()
        reads: dict[Node, bool] = {}
        while stack:
            node, near = stack.pop()
            if (node, near) in seen or (node is not root and self._is_in_memory(node)):
                continue
            seen.add((node, near))
            if is_inlined(node):
                stack.extend((o, near and node.op.name in NEAR) for o in node.operands)
            elif node is root or self.group_of[node] is group:
                stack.extend((o, True) for o in node.operands)
            elif not is_cheap(node):
                reads[node] = near and reads.get(node, True)
        return (node for node, near in reads.items() if near)

    def _moves_only(self, node: Node, group: Group | None) -> bool:
        """Whether a moved value can be loaded in `group`: its kernel must not need anything that `group` computes."""
        moved = self.group_of.get(node)
        if moved is not None and (moved is group or any(member.op.kind != "movement" for member in moved.nodes)):
            return False
        while node.op.kind == "movement":
            node = node.operands[0]
        return group is None or self.group_of.get(node) is not group
