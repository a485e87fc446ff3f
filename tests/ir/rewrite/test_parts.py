"""Rules that concatenate disjoint terms of a sum."""

from __future__ import annotations

import functools
import operator

import pytest

from graphc.ir.core.build import concatenate, pad, slice_
from graphc.ir.core.graph import Node
from graphc.ir.rewrite.simplify import simplify
from tests.ir.rewrite.rules import Example, assert_means_the_same, check, graph_of

EXAMPLES: list[Example] = [
    ("add-part", "f64[2,20] f64[2,30]", lambda x, y: pad(y, (0, 20), (0, 0)) + pad(x, (0, 0), (0, 30)),
     lambda x, y: concatenate([x + 0.0, y + 0.0], 1)),
    ("add-part", "i32[3,9] i32[1,9] i32[2,9]",
     lambda x, y, z: pad(x, (3, 1), (3, 0)) + pad(y, (6, 1), (2, 0)) + pad(z, (1, 1), (6, 0)),
     lambda x, y, z: pad(concatenate([z, x, y], 0), (1, 1), (2, 0))),
    ("add-parts", "f32[9] f32[10] f32[11] f32[12]",
     lambda x, y, z, w: (pad(z, (19,), (12,)) + pad(x, (0,), (33,))) + (pad(w, (30,), (0,)) + pad(y, (9,), (23,))),
     lambda x, y, z, w: concatenate([x + 0.0, y + 0.0, z + 0.0, w + 0.0], 0)),
    ("add-part", "f32[9] f32[10] f32[11]", lambda x, y, z: pad(x, (0,), (21,)) + pad(y, (9,), (11,)) + pad(z, (19,), (0,)),
     lambda x, y, z: concatenate([x + 0.0, y + 0.0, z + 0.0], 0)),
    ("add-part", "f64[9] f64[9]", lambda x, y: pad(x, (0,), (9,)) + pad(y, (9,), (0,)) + pad(x * y, (6,), (3,)),
     lambda x, y: concatenate([x + 0.0, y + 0.0], 0) + pad(x * y, (6,), (3,))),
    ("add-part", "i64[4] i64[2] i64[1]", lambda x, y, z: x + pad(z, (3,), (0,)) + x * x + pad(y, (1,), (1,)),
     lambda x, y, z: x + x * x + pad(concatenate([y, z], 0), (1,), (0,))),
    ("add-parts", "i64[4] i64[2]", lambda x, y: (x + pad(y, (2,), (0,))) + (x * x + pad(y * y, (0,), (2,))),
     lambda x, y: x + x * x + concatenate([y * y, y], 0)),
    ("add-part", "f64[9] f64[9] f64[18]", lambda x, y, z: (pad(x, (0,), (9,)) + pad(y, (9,), (0,))) + -z,
     lambda x, y, z: concatenate([x + 0.0, y + 0.0], 0) - z),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)


def test_all_blocks_of_a_sum_are_joined_at_once() -> None:
    def blocks(x: Node) -> Node:
        pieces = [pad(slice_(x * x, (i,), (i + 1,)), (i,), (39 - i,)) for i in range(40)]
        return functools.reduce(operator.add, pieces)

    fired: list[str] = []
    graph = graph_of("f64[40]", blocks)
    simple = simplify(graph, lambda r, *_: fired.append(r.name))
    assert [name for name in fired if name.startswith("add-part")] == ["add-part"]
    assert_means_the_same(graph, simple, False)
