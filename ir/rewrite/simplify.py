"""Make a graph smaller without changing what it computes.

Constants are folded and the rules of the other files applied, inside regions too; aliases and
`stop_gradient` go, so this comes after autodiff.  Two things need no pass: nodes that no result needs are not
in a graph, and equal nodes are one object since they were built.
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

__all__ = ["RULES", "simplify"]

RULES = RuleSet((*FOLDING, *ALGEBRA, *CONTRACTIONS, *PARTS, *MOVEMENT, *REPETITION, *REDUCTION))


def simplify(graph: Graph, trace: Trace | None = None) -> Graph:
    '''Return the graph with no rule left to apply; the same object if there was none.

    `trace(rule, before, after)` is told of each application.

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
    results = tuple(rewrite(graph.results, RULES, trace))
    return graph if results == graph.results else graph.replace(results)
