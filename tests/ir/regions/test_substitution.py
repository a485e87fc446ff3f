"""What is asked of nodes with regions."""

from __future__ import annotations

import numpy as np

from graphc.ir.core.graph import Graph, Node, Region, parameter, toposort
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions import builders, substitution
from graphc.ir.regions.call import Call


def test_a_region_is_applied_to_values() -> None:
    x, y, p, q, w = (parameter(TensorType(F64), name) for name in "xypqw")
    difference, product = substitution.applied(Region((p, q), (p - q, p * w)), [y, x])
    got = evaluate(Graph((x, y, w), (difference, product)), [np.float64(2), np.float64(5), np.float64(7)])
    assert got == [3, 35]


def test_bodies_are_rewritten_before_the_nodes_that_hold_them() -> None:
    x, p, q = (parameter(TensorType(F64), name) for name in "xpq")
    (inner,) = builders.checkpoint(Region((q,), (q * q,)), [p], outer=[p])
    (outer,) = builders.checkpoint(Region((p,), (inner,)), [x])
    seen = []

    def inlined(node: Node) -> list[Node]:
        seen.append(sum(bool(n.regions) for n in node.regions[0].nodes()))
        return Call.of(node).inlined()

    (after,) = substitution.rewrite_regions([outer + x], inlined)
    assert seen == [0, 0] and not any(n.regions for n in toposort([after]))
    assert evaluate(Graph((x,), (after,)), [np.float64(3)]) == [12]
    kept = substitution.rewrite_regions([outer + x], substitution.results_of)
    assert kept == [outer + x]
