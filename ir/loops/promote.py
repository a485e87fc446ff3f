"""Decide which loops and branches run in registers, and along which axes they are vectorized.

    %c: f64[3] = scan %c0 {carries=1, …} …        →        %c: f64[3] = scan %c0 {carries=1, …, registers=16} …

`ir/analysis/register_promotion.py` finds the bodies that fit, `ir/analysis/vectorize.py` the axes that pay.  Later passes leave
promoted bodies alone; their in-place updates are decided here too.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from graphc.ir.analysis.in_place import update_in_place
from graphc.ir.analysis.register_promotion import fits_registers, has_flow, may_fit_with_lanes
from graphc.ir.analysis.vectorize import choose_lanes
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.predicates import is_loop
from graphc.ir.core.signatures import Layout

__all__ = ["promote_loops", "runs_in_registers"]


def promote_loops(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with `registers` and `lanes` on the nodes that run in registers; the same object if there are none."""
    return graph.replace(rebuilt(graph, _promotion(target).promoted).results)


def runs_in_registers(node: Node, target: TargetInfo) -> bool:
    """Return whether a loop or branch would be promoted as it is: earlier passes keep such a body small."""
    promotion = _promotion(target)
    return promotion.fits_alone(node) or promotion.parts(node) is not None


Parts = tuple[dict[str, Any], tuple[Region, ...]]
"""The parameters and the regions of a node."""


class _Promotion:
    """Decides for one target, once per node."""

    def __init__(self, target: TargetInfo) -> None:
        self.target = target
        self._parts: WeakKeyDictionary[Node, Parts | None] = WeakKeyDictionary()
        self._updated: WeakKeyDictionary[Node, tuple[Region, ...]] = WeakKeyDictionary()

    def promoted(self, node: Node) -> Node:
        """Return a node with the decisions on it and in its regions."""
        if not node.regions:
            return node
        parts = self.parts(node)
        if parts is not None:
            return with_parts(node, *parts)
        return with_parts(node, node.params, [rebuilt(region, self.promoted) for region in node.regions])

    def parts(self, node: Node) -> Parts | None:
        """Return the parameters and regions of a loop or branch in registers; None if it does not run there."""
        if node not in self._parts:
            self._parts[node] = self._decided(node)
        return self._parts[node]

    def fits_alone(self, node: Node) -> bool:
        """Return whether a loop or branch fits in registers without lanes."""
        return has_flow(node) and fits_registers(self._with_updates(node), self.target.register_elements)

    def _decided(self, node: Node) -> Parts | None:
        if not has_flow(node):
            return None
        target, regions = self.target, self._with_updates(node).regions
        marked = with_parts(node, {**node.params, "registers": target.register_elements}, regions)
        fits, lanes = self.fits_alone(node), None
        if is_loop(node) and (fits or may_fit_with_lanes(marked, target.register_elements * target.lanes)):
            lanes = choose_lanes(marked, target, alone=fits)
        if lanes is not None:
            return {**marked.params, "lanes": lanes.count, "lane_axes": (lanes.axes, lanes.results)}, regions
        return (marked.params, regions) if fits else None

    def _with_updates(self, node: Node) -> Node:
        """Return a node with the in-place updates of its loops, nested ones included, decided."""
        if not node.regions:
            return node
        if node not in self._updated:
            regions = [rebuilt(region, self._with_updates) for region in node.regions]
            if is_loop(node):
                regions[-1] = update_in_place(regions[-1], Layout.of(node.params), self.target.register_elements)
            self._updated[node] = tuple(regions)
        return with_parts(node, node.params, self._updated[node])


_promotion = cache(_Promotion)
