"""Decide which carried arrays are updated in place by loops that run as kernels.

    %y: f64[1000] = scatter %x, %v, %i        →        %y: f64[1000] = scatter %x, %v, %i {in_place=0}

This comes after fusion: a kernel that reads an array before and after an update forbids it (`ir/analysis/in_place.py`).  For
loops in registers it is decided when they are promoted (`ir/loops/promote.py`).
"""

from __future__ import annotations

from graphc.ir.analysis.in_place import update_in_place
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.predicates import is_fusion, is_loop
from graphc.ir.core.target_info import TargetInfo

__all__ = ["bufferize"]


def bufferize(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with `in_place` at the updates that are; the same object if there are none."""

    def bufferized(node: Node) -> Node:
        if not node.regions or "registers" in node.params or is_fusion(node):
            return node
        regions = [rebuilt(region, bufferized) for region in node.regions]
        if is_loop(node):
            regions[-1] = update_in_place(regions[-1], node.params["carried"], target.register_elements)
        return with_parts(node, node.params, regions)

    return graph.replace(rebuilt(graph, bufferized).results)
