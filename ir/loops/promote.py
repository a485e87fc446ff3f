"""Decide which loops and branches run in registers, and along which axes their lanes run.

    %c: f64[3] = scan %c0 {carried=1, …} …        →        %c: f64[3] = scan %c0 {carried=1, …, registers=true} …

Which bodies can is said in `ir/analysis/register_promotion.py`, which axes are worth it in `ir/analysis/vectorize.py`.  The
bodies of what is promoted stay as they are from here on; within them, the updates in place are decided too.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from graphc.ir.analysis.in_place import update_in_place
from graphc.ir.analysis.register_promotion import fits_registers, may_fit_with_lanes
from graphc.ir.analysis.vectorize import choose_lanes
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.predicates import is_loop

__all__ = ["promote_loops", "runs_in_registers"]


def promote_loops(graph: Graph) -> Graph:
    """Return the graph with `registers`, and `lanes`, at what runs so; the same object if nothing does."""
    return graph.replace(rebuilt(graph, _promoted).results)


def runs_in_registers(node: Node) -> bool:
    """Tell whether a loop or branch would be promoted as it is: passes before this one leave such a body small."""
    return "registers" in _decided(node).params


def _promoted(node: Node) -> Node:
    """Return a loop, a branch or something else that has regions with decisions; any other node as it is."""
    if not node.regions:
        return node
    decided = _decided(node)
    if decided is not node:
        return decided
    return with_parts(node, node.params, [rebuilt(region, _promoted) for region in node.regions])


def _decided(node: Node) -> Node:
    """Return a loop or branch with its decisions; the same object if it does not run in registers."""
    if node not in _known:
        found = _decide(node)
        _known[node] = None if found is None else (found.params, found.regions)
    known = _known[node]
    return node if known is None else with_parts(node, *known)


_known: WeakKeyDictionary[Node, tuple[dict[str, Any], tuple[Region, ...]] | None] = WeakKeyDictionary()
"""The parameters and the regions of a node that runs in registers."""


def _decide(node: Node) -> Node | None:
    updated = _with_updates(node)
    fits, lanes = fits_registers(updated), None
    if is_loop(node) and (fits or may_fit_with_lanes(updated)):
        lanes = choose_lanes(updated, fits_registers, alone=fits)
    if lanes is None and not fits:
        return None
    chosen = {} if lanes is None else {"lanes": lanes.count, "lane_axes": (lanes.axes, lanes.results)}
    return with_parts(node, {**node.params, "registers": True, **chosen}, updated.regions)


def _with_updates(node: Node) -> Node:
    """Return a node in whose loops, itself and those within it, the updates in place are decided."""
    if not node.regions:
        return node
    if node not in _updated:
        regions = [rebuilt(region, _with_updates) for region in node.regions]
        if is_loop(node):
            regions[-1] = update_in_place(regions[-1], node.params["carried"])
        _updated[node] = tuple(regions)
    return with_parts(node, node.params, _updated[node])


_updated: WeakKeyDictionary[Node, tuple[Region, ...]] = WeakKeyDictionary()
"""The regions of a node after the updates in place in it are decided."""
