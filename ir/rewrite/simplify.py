"""Simplify a graph without changing its values.

Partial writes are joined, constants folded and the rewrite rules applied, inside regions too.  Aliases and `stop_gradient` are
removed, so this runs after autodiff.  Dead code and common subexpressions need no pass: a graph contains only the nodes that
its results depend on, and equal nodes are one object.
"""

from __future__ import annotations

from graphc.ir.core.graph import Graph
from graphc.ir.rewrite.algebra import ALGEBRA
from graphc.ir.rewrite.contraction import CONTRACTIONS
from graphc.ir.rewrite.engine import RuleSet, Trace, rewrite
from graphc.ir.rewrite.folding import FOLDING
from graphc.ir.rewrite.movement import MOVEMENT
from graphc.ir.rewrite.parts import PARTS
from graphc.ir.rewrite.reduction import REDUCTION
from graphc.ir.rewrite.repetition import REPETITION
from graphc.ir.rewrite.stores import coalesce_stores

__all__ = ["RULES", "simplify"]

RULES = RuleSet((*FOLDING, *ALGEBRA, *CONTRACTIONS, *PARTS, *MOVEMENT, *REPETITION, *REDUCTION))


def simplify(graph: Graph, trace: Trace | None = None) -> Graph:
    '''Return the graph with no applicable rule left; the same object if there was none.

    `trace(rule, before, after)` is called for each application.

    >>> from graphc.ir.text.parser import parse
    >>> from graphc.ir.text.printer import to_text
    >>> graph = parse("""graph f(%x: f32[3]) -> (f32[3,2]) {
    ...   %0: f32[3,2] = broadcast %x {shape=[3,2], axes=[0]}
    ...   %1: f32[3,2] = constant 1.0
    ...   %2: f32[3,2] = mul %0, %1
    ...   %3: f32[3,2] = neg %2
    ...   return %3
    ... }""")
    >>> print(to_text(simplify(graph)), end="")
    graph f(%x: f32[3]) -> (f32[3,2]) {
      %0: f32[3] = neg %x
      %1: f32[3,2] = broadcast %0 {shape=[3,2], axes=[0]}
      return %1
    }
    '''
    results = tuple(rewrite(coalesce_stores(graph.results, trace), RULES, trace))
    return graph if results == graph.results else graph.replace(results)
