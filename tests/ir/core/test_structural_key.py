"""A graph's structure and its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.analysis.views import dense_strides
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.guards import Guards
from graphc.ir.core.structural_key import exact_body_key, exact_key, structure, with_numbers
from graphc.ir.core.types import F32, TensorType
from graphc.ir.interpret.evaluate import evaluate


def test_a_graph_is_its_structure_and_its_numbers() -> None:
    x = parameter(TensorType(F32, (40, 3)), "x")
    graph = Graph((x,), (build.sum_(x * 0.3, (0,)), x * 2.0))
    layouts = {x: dense_strides(x.shape)}
    key, numbers = structure(graph, layouts)
    assert numbers == [40, float(np.float32(0.3)), 40, 40]
    other, other_layouts = with_numbers(graph, layouts, [50, 0.75, 50, 50])
    assert structure(other, other_layouts) == (key, [50, 0.75, 50, 50])
    data = np.ones((50, 3), np.float32)
    assert evaluate(other, [data])[0].tolist() == [37.5] * 3


def test_an_exact_key_has_all_numbers_and_compares_no_symbols() -> None:
    def sliced(start: Any, x: Node | None = None) -> Node:
        return build.slice_(x or parameter(TensorType(F32, (40,))), (start,), (30,))

    keys = [exact_key(sliced(start), (1, 0.0)) for start in (3, 3, 4)]
    assert keys[0] == keys[1] != keys[2]
    assert exact_key(sliced(3), (1, -0.0)) != keys[0]
    guards = Guards([20, 20])
    first, second = guards.symbols
    assert exact_key(sliced(3), (first,)) == exact_key(sliced(3), (first,)) != exact_key(sliced(3), (second,))
    assert not guards.decisions


def test_bodies_are_equal_up_to_what_they_load() -> None:
    def body(factor: float, extent: int, swap: bool = False) -> Any:
        a, b = (parameter(TensorType(F32, (extent,))) for _ in range(2))
        product = (b if swap else a) * factor
        total = product + b
        return exact_body_key([a, b], [product.operands[1], product, total], [total])

    assert body(3.5, 40) == body(3.5, 40)
    assert len({body(3.5, 40), body(2.5, 40), body(3.5, 41), body(3.5, 40, swap=True)}) == 4
