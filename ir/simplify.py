"""Make a graph smaller without changing what it computes.

Constants are folded, the rules of `rules` and `movement_rules` applied, inside regions too; aliases and
`stop_gradient` go, so this comes after autodiff.  Two things need no pass: nodes that no result needs are not
in a graph, and equal nodes are one object since they were built.
"""

from __future__ import annotations

from graphc.ir.folding import FOLDING
from graphc.ir.graph import Graph
from graphc.ir.movement_rules import MOVEMENT
from graphc.ir.rewrite import RuleSet, Trace, rewrite
from graphc.ir.rules import ALGEBRA

__all__ = ["RULES", "simplify"]

RULES = RuleSet((*FOLDING, *ALGEBRA, *MOVEMENT))


def simplify(graph: Graph, trace: Trace | None = None) -> Graph:
    """Return the graph with no rule left to apply; the same object if there was none.

    `trace(rule, before, after)` is told of each application.
    """
    results = tuple(rewrite(graph.results, RULES, trace))
    return graph if results == graph.results else graph.replace(results)
