"""Decisions: attributes by which a pass tells code generation how a node runs.  They change nothing of what it computes.

    %c: f64[8,3] = scan %c0 {carried=1, …, registers=16, lanes=8, lane_axes=[[0],[0]]} …
    %y: f64[1000] = scatter %x, %v, %i {in_place=0}

- `registers`: the bodies of a loop or branch are straight-line code, and values of at most so many elements are in registers,
  element by element;
- `lanes`, `lane_axes`: the loop is written for one element of an axis, the lanes of vectors are all; the axis is given for
  each operand and each result of the loop, `none` where all lanes share the value;
- `in_place`: of an update, the number of the operand whose buffer the result takes over; of a concatenation, those of the
  operands that their kernels write where they are joined;
- `packed`: the right factor of a product is packed before the loop that captures it.

An attribute is a decision if the row of its primitive says so (ir/core/ops.py).  Passes that take a graph with decisions
begin without them: a body that is rewritten is decided anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir.core.graph import Graph, Node, Region, make

__all__ = ["essential", "rebuilt", "undecided", "with_parts"]


def essential(node: Node) -> dict[str, Any]:
    """Return a node's parameters without decisions: what its value depends on."""
    decided = [key for key, attribute in node.op.attributes.items() if attribute.decision and key in node.params]
    return {key: value for key, value in node.params.items() if key not in decided} if decided else node.params


def undecided(graph: Graph) -> Graph:
    """Return the graph without decisions; the same object if it has none."""
    return graph.replace(rebuilt(graph, _without).results)


def _without(node: Node) -> Node:
    return with_parts(node, essential(node), [rebuilt(region, _without) for region in node.regions])


def with_parts(node: Node, params: dict[str, Any], regions: Sequence[Region]) -> Node:
    """Return a node with other parameters or regions; the same object if they are its own."""
    same = params is node.params and all(map(operator.is_, regions, node.regions))
    return node if same else make(node.op, node.operands, params, tuple(regions), like=node)


def rebuilt(region: Region, change: Callable[[Node], Node]) -> Region:
    """Return a region whose nodes are what `change`, which keeps operands, makes of them; the same object if nothing does."""
    new: dict[Node, Node] = {}
    for node in region.nodes():
        after = change(node)
        operands = [new.get(o, o) for o in node.operands]
        if not all(map(operator.is_, operands, node.operands)):
            new[node] = make(after.op, operands, after.params, after.regions, like=node)
        elif after is not node:
            new[node] = after
    return Region(region.params, tuple([new.get(r, r) for r in region.results])) if new else region
