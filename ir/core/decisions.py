"""Decisions: attributes by which passes tell code generation how a node runs; they never change its value.

    %c: f64[8,3] = scan %c0 {carries=1, …, registers=16, lanes=8, lane_axes=[[0],[0]]} …
    %y: f64[1000] = scatter %x, %v, %i {in_place=0}

- `registers`: the bodies of a loop or branch are straight-line code; values of at most this many elements are in registers,
  one scalar per element;
- `lanes`, `lane_axes`: the loop is vectorized along an axis of extent `lanes`, given for each operand and each result of the
  loop, `none` where all lanes share the value;
- `in_place`: for an update, the number of the operand whose buffer the result takes over; for a concatenation, the operands
  whose kernels write directly into its buffer;
- `packed`: the right factor of a matmul is packed before the loop that captures it.

The row of a primitive says which attributes are decisions (ir/core/ops.py).  A pass that takes a graph with decisions removes
them first: a rewritten body is decided anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir.core.graph import Graph, Node, Region, make

__all__ = ["essential", "rebuilt", "undecided", "with_parts"]


def essential(node: Node) -> dict[str, Any]:
    """Return a node's parameters without decisions: the ones its value depends on."""
    if not is_decided(node):
        return node.params
    return {key: value for key, value in node.params.items() if not node.op.attributes[key].decision}


def is_decided(node: Node) -> bool:
    """Return whether a node has decisions among its parameters."""
    attributes = node.op.attributes
    return any(attributes[key].decision for key in node.params)


def undecided(graph: Graph) -> Graph:
    """Return the graph without decisions; the same object if it has none."""
    if not any(map(_has_decisions, graph.nodes())):
        return graph
    return graph.replace(rebuilt(graph, _without).results)


def _has_decisions(node: Node) -> bool:
    return is_decided(node) or any(any(map(_has_decisions, region.nodes())) for region in node.regions)


def _without(node: Node) -> Node:
    return with_parts(node, essential(node), [rebuilt(region, _without) for region in node.regions])


def with_parts(node: Node, params: dict[str, Any], regions: Sequence[Region]) -> Node:
    """Return a node with other parameters or regions; the same object if they are its own."""
    same = params is node.params and all(map(operator.is_, regions, node.regions))
    return node if same else make(node.op, node.operands, params, tuple(regions), like=node)


def rebuilt(region: Region, change: Callable[[Node], Node]) -> Region:
    """Return a region with `change`, which keeps operands, applied to each node; the same object if no node changes."""
    new: dict[Node, Node] = {}
    for node in region.nodes():
        after = change(node)
        operands = [new.get(o, o) for o in node.operands]
        if not all(map(operator.is_, operands, node.operands)):
            new[node] = make(after.op, operands, after.params, after.regions, like=node)
        elif after is not node:
            new[node] = after
    return Region(region.params, tuple([new.get(r, r) for r in region.results])) if new else region
