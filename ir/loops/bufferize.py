"""Decide which updates are in place, which kernels write into a concatenation's buffer, and what is packed before a loop.

    %y: f64[1000] = scatter %x, %v, %i        →        %y: f64[1000] = scatter %x, %v, %i {in_place=0}

This runs after fusion: a kernel that reads an array both before and after an update forbids it (`ir/analysis/in_place.py`).
Loops in registers have their updates decided when they are promoted (`ir/loops/promote.py`).  The other two decisions are in
`ir/analysis/buffers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.analysis.buffers import captured, joined_in_place, packed_products
from graphc.ir.analysis.in_place import update_in_place
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.predicates import is_fusion, is_loop
from graphc.ir.core.signatures import Layout

__all__ = ["bufferize"]


def bufferize(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with decisions about buffers; the same object if there are none."""
    return graph.replace(_Bufferization(target).region(graph, ()).results)


class _Bufferization:
    """Adds the decisions for one target."""

    def __init__(self, target: TargetInfo) -> None:
        self.target = target

    def region(self, region: Region, captures: Sequence[Node]) -> Region:
        """Return a region with its decisions, nested regions included; `captures` are the parameters for a loop's captures."""
        region = rebuilt(region, self._node)
        joined, packed = joined_in_place(region), packed_products(region, captures, self.target) if captures else ()

        def marked(node: Node) -> Node:
            if node in joined:
                return with_parts(node, {**node.params, "in_place": joined[node]}, ())
            return with_parts(node, {**node.params, "packed": True}, ()) if node in packed else node

        return rebuilt(region, marked) if joined or packed else region

    def _node(self, node: Node) -> Node:
        if not node.regions or "registers" in node.params or is_fusion(node):
            return node
        regions = [self.region(region, captured(node, region)) for region in node.regions]
        if is_loop(node):
            regions[-1] = update_in_place(regions[-1], Layout.of(node.params), self.target.register_elements)
        return with_parts(node, node.params, regions)
