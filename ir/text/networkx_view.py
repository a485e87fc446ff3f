"""Convert a graph to networkx: for drawing, graph algorithms and GraphML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.ir.core.graph import Node, Region, toposort

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_networkx"]


def to_networkx(graph: Region) -> nx.MultiDiGraph[int]:
    """Return a directed graph with an edge from each operand to its user.

    Nodes are numbered from 0, operands first, and have the attributes `op`, `type` (text), `types`, `name`,
    `where`, `params`, `node` (the node itself) and `regions`: a list of such graphs.  An edge has `operand`, its
    position among the user's operands; x*x has two edges, so this is a MultiDiGraph.  The graph itself has
    `name`, `params` and `results`: the numbers of the parameters and results.
    """
    import networkx as nx  # imported here, since it takes longer to import than all of graphc

    order = list(dict.fromkeys([*graph.params, *toposort(graph.results)]))
    number = {node: i for i, node in enumerate(order)}
    view: nx.MultiDiGraph[int] = nx.MultiDiGraph(
        name=getattr(graph, "name", ""), params=[number[p] for p in graph.params], results=[number[r] for r in graph.results]
    )
    for node in order:
        view.add_node(number[node], **_attributes(node))
    for node in order:
        for position, operand in enumerate(node.operands):
            view.add_edge(number[operand], number[node], operand=position)
    return view


def _attributes(node: Node) -> dict[str, object]:
    return {
        "op": node.op.name,
        "type": ", ".join(map(str, node.types)),
        "types": node.types,
        "name": node.name,
        "where": node.where,
        "params": dict(node.params),
        "regions": [to_networkx(region) for region in node.regions],
        "node": node,
    }
