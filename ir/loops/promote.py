"""Decide which loops and branches run in registers, and along which axes their lanes run.

    %c: f64[3] = scan %c0 {carried=1, …} …        →        %c: f64[3] = scan %c0 {carried=1, …, registers=true} …

Which bodies can is said in `ir/analysis/register_promotion.py`, which axes are worth it in `ir/analysis/vectorize.py`.  The
bodies of what is promoted stay as they are from here on; within them, the updates in place are decided too.
"""

from __future__ import annotations

from graphc.ir.analysis.in_place import update_in_place
from graphc.ir.analysis.register_promotion import fits_registers, may_fit_with_lanes
from graphc.ir.analysis.vectorize import choose_lanes
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.ops import is_loop

__all__ = ["promote_loops"]


def promote_loops(graph: Graph) -> Graph:
    """Return the graph with `registers`, and `lanes`, at what runs so; the same object if nothing does."""
    return graph.replace(rebuilt(graph, _promoted).results)


def _promoted(node: Node) -> Node:
    """Return a loop, a branch or something else that has regions with decisions; any other node as it is."""
    if not node.regions:
        return node
    updated = _with_updates(node)
    fits, lanes = fits_registers(updated), None
    if is_loop(node) and (fits or may_fit_with_lanes(updated)):
        lanes = choose_lanes(updated, fits_registers, alone=fits)
    if lanes is None and not fits:
        return with_parts(node, node.params, [rebuilt(region, _promoted) for region in node.regions])
    chosen = {} if lanes is None else {"lanes": lanes.count, "lane_axes": (lanes.axes, lanes.results)}
    return with_parts(node, {**node.params, "registers": True, **chosen}, updated.regions)


def _with_updates(node: Node) -> Node:
    """Return a node in whose loops, itself and those within it, the updates in place are decided."""
    regions = [rebuilt(region, _with_updates) for region in node.regions]
    if is_loop(node):
        regions[-1] = update_in_place(regions[-1], node.params["carried"])
    return with_parts(node, node.params, regions)
