"""Rules about sums of products."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core.build import broadcast, iota, matmul, permute, select, sum_
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite.simplify import simplify
from tests.ir.rewrite.rules import Example, check, eq, graph_of

EXAMPLES: list[Example] = [
    ("sum-product", "f64[9,10] f64[10,11]",
     lambda x, y: sum_(broadcast(x, (9, 10, 11), (0, 1)) * broadcast(y, (9, 10, 11), (1, 2)), (1,)), matmul),
    ("sum-one-term", "f64[5,4]",
     lambda x: sum_(select(eq(iota((3, 4, 5, 4), 1), iota((3, 4, 5, 4), 3)), broadcast(x, (3, 4, 5, 4), (2, 3)), 0), (3,)),
     lambda x: broadcast(permute(x + 0.0, (1, 0)), (3, 4, 5), (1, 2))),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)


@pytest.mark.parametrize(("shape", "left", "right", "summed"), [
    ((2, 11, 9, 10), (0, 2, 3), (0, 1, 3), (3,)),
    ((9, 10, 11, 3), (0, 1, 3), (1, 2, 3), (1, 3)),
    ((9, 2, 12, 5, 9), (0, 1, 4), (2, 3, 4), (4,)),
])  # fmt: skip
def test_sums_of_products_are_matrix_products(shape, left, right, summed) -> None:
    types = [f"f64[{','.join(str(shape[a]) for a in axes)}]" for axes in (left, right)]
    graph = graph_of(" ".join(types), lambda x, y: sum_(broadcast(x, shape, left) * broadcast(y, shape, right), summed))
    simple = simplify(graph)
    assert [n.op.name for n in simple.nodes() if n.op.kind != "movement"] == ["matmul"]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape) for p in graph.params]
    np.testing.assert_allclose(*(evaluate(g, arrays)[0] for g in (graph, simple)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("shape", "left", "right"), [
    ((9, 10, 11), (0, 1, 2), (1, 2)), ((9, 10, 2), (0, 1), (1, 2)), ((9, 8, 11), (0, 1), (1, 2)),
])  # fmt: skip
def test_other_sums_of_products_stay(shape, left, right) -> None:
    types = [f"f64[{','.join(str(shape[a]) for a in axes)}]" for axes in (left, right)]
    graph = graph_of(" ".join(types), lambda x, y: sum_(broadcast(x, shape, left) * broadcast(y, shape, right), (1,)))
    assert "matmul" not in [n.op.name for n in simplify(graph).nodes()]
