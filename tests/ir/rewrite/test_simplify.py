"""The rewrite rules together: each has an example and a line in docs/rules.md, and what would change a bit stays."""

from __future__ import annotations

import doctest
from collections.abc import Callable, Sequence
from math import inf
from random import Random

import numpy as np
import pytest

from graphc.ir.core.build import (
    apply,
    broadcast,
    cast,
    concatenate,
    elementwise,
    flip,
    full_like,
    iota,
    pad,
    permute,
    reduce,
    reshape,
    slice_,
    sum_,
)
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import BOOL, F32, F64, I32, I64, U8, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite import simplify as simplify_module
from graphc.ir.rewrite.engine import Rule
from graphc.ir.rewrite.simplify import RULES, simplify
from tests.ir.rewrite import (
    test_algebra as algebra,
)
from tests.ir.rewrite import (
    test_contraction as contraction,
)
from tests.ir.rewrite import (
    test_folding as folding,
)
from tests.ir.rewrite import (
    test_movement as movement,
)
from tests.ir.rewrite import (
    test_parts as parts,
)
from tests.ir.rewrite import (
    test_reduction as reduction,
)
from tests.ir.rewrite import (
    test_repetition as repetition,
)
from tests.ir.rewrite.rules import Builder, absolute, cost, eq, graph_of, inputs, le, lt, maximum, ne
from tests.paths import ROOT

FILES = (folding, algebra, movement, reduction, repetition, contraction, parts)


def test_every_rule_has_an_example() -> None:
    assert {r.name for r in RULES.rules} == {x[0] for file in FILES for x in file.EXAMPLES}
    assert len({r.name for r in RULES.rules}) == len(RULES.rules)


def table_row(r: Rule) -> str:
    notes = [*(["rounding"] if r.reassociates else []), *(["only reader"] if r.single_use or r.tree else [])]
    text = str(r).replace("|", "\\|")
    return f"| {r.name} | `{text}` | {', '.join(notes)} |"


def test_every_rule_is_documented() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    documented = [line for line in text.partition("## Rules")[2].splitlines() if line.startswith("| ")][1:]
    assert documented == [table_row(r) for r in RULES.rules]


@pytest.mark.parametrize(("types", "builder"), [
    ("f", lambda x: x + 0.0), ("f", lambda x: x - -0.0), ("f", lambda x: x * 0), ("f", lambda x: x - x), ("f", lambda x: 0 - x),
    ("f", lambda x: x / x), ("f", lambda x: x / 3), ("f", lambda x: eq(x, x)), ("f", lambda x: ne(x, x)), ("f",
     lambda x: le(x, x)),
    ("f f", lambda x, y: ~lt(x, y)), ("f", lambda x: maximum(x, inf)), ("f", lambda x: maximum(x, 0)), ("f",
     lambda x: (x + 1) + 2),
    ("f", lambda x: (x * 3) * 5), ("f f", lambda x, y: -(x - y)), ("f", lambda x: elementwise("pow", x, 0.5)),
    ("n", lambda x: absolute(x * x)), ("n", lambda x: elementwise("floordiv", x, -8)), ("n", lambda x: cast(cast(x, F32), I32)),
    ("f", lambda x: cast(cast(x, F32), F64)), ("f", lambda x: cast(cast(x, I32), F64)), ("n", lambda x: cast(cast(x, U8), I32)),
    ("l", lambda x: cast(cast(x, I32), F64)), ("n", lambda x: cast(cast(x, F64), U8)), ("h", lambda x: cast(cast(x, F64), I32)),
    ("f32[2]", lambda x: x / 2.0**127), ("i64[5]", lambda x: eq(x, 5)), ("f64[2,3]",
     lambda x: reshape(permute(x, (1, 0)), (6,))),
    ("f64[6]", lambda x: slice_(pad(x, (2,), (3,)), (1,), (4,))), ("f64[6]",
     lambda x: pad(pad(x, (1,), (1,)), (0,), (0,), (1,))),
    ("f64[9]", lambda x: pad(x, (0,), (8,)) + pad(x, (8,), (0,))), ("f64[9]",
     lambda x: pad(x, (0,), (10,)) + pad(x, (10,), (0,))),
    ("f64[2,8]", lambda x: pad(x, (0, 0), (0, 8)) + pad(x, (0, 8), (0, 0))), ("f64[9]",
     lambda x: pad(x, (0,), (9,), fill=-0.0) + pad(x, (9,), (0,))),
    ("f64[9]", lambda x: pad(x, (0,), (9,), fill=1.0) + pad(x, (9,), (0,))), ("f64[9,9]",
     lambda x: pad(x, (0, 0), (9, 9)) + pad(x, (9, 9), (0, 0))),
    ("f64[9]", lambda x: pad(x, (0,), (9,), (1,)) + pad(x, (17,), (0,))), ("f64[9] f64[18]",
     lambda x, y: pad(x, (0,), (9,)) + pad(x, (9,), (0,)) * y),
    ("f64[6]", lambda x: pad(pad(x, (1,), (1,)), (1,), (1,), fill=2)), ("f64[2,3]",
     lambda x: sum_(pad(x, (0, 1), (0, 0), fill=1), (1,))),
    ("f64[2,3]", lambda x: reshape(broadcast(x, (2, 4, 3), (0, 2)), (8, 3))), ("bool[300]",
     lambda p: p & lt(iota((300,), 0, U8), 255)),
    ("f64[9]", lambda x: concatenate([slice_(x, (0,), (3,)), slice_(x, (4,), (9,))], 0)),
])  # fmt: skip
def test_what_is_not_exact_stays(types: str, builder: Builder) -> None:
    graph = graph_of(types, builder)
    assert simplify(graph) is graph


# -- random graphs ----------------------------------------------------------------------------------------

Maker = Callable[[Random, Node, Sequence[Node]], Node]


def random_unary(random: Random, x: Node, _: Sequence[Node]) -> Node:
    names = {"float": "neg abs sign floor round alias", "int": "neg abs sign not", "bool": "not alias"}
    return apply(random.choice(names[x.dtype.kind].split()), x)


def random_binary(random: Random, x: Node, nodes: Sequence[Node]) -> Node:
    names = ["maximum", "minimum"]
    names += [] if x.dtype.is_float else ["and", "or", "xor"]
    names += [] if x.dtype.is_bool else ["add", "sub", "mul"]
    number = full_like(x, random.choice([-1, 0, 1, 2, -0.0 if x.dtype.is_float else 3]))
    pair = [x, random.choice([number, random.choice([n for n in nodes if n.type == x.type])])]
    random.shuffle(pair)
    return elementwise(random.choice(names), *pair)


def random_cast(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return apply("cast", x, dtype=random.choice([F64, F32] if x.dtype.is_float else [F64, F32, I32, I64, BOOL]))


def random_permute(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return permute(x, random.sample(range(x.type.rank), x.type.rank))


def random_broadcast(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if x.type.rank > 3:
        return reshape(x, (x.type.size,))
    at = random.randint(0, x.type.rank)
    shape = [*x.shape[:at], random.choice([1, 2, 3]), *x.shape[at:]]
    return broadcast(x, shape, [a for a in range(x.type.rank + 1) if a != at])


def random_flip(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return flip(x, sorted(random.sample(range(x.type.rank), min(1, x.type.rank))))


def random_slice(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return slice_(x, [random.randint(0, max(0, n - 1)) for n in x.shape], x.shape, [random.randint(1, 2) for _ in x.shape])


def random_pad(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if x.type.size > 500:
        return reshape(x, (x.type.size,))
    low, high, interior = ([random.randint(0, 1) for _ in x.shape] for _ in range(3))
    return pad(x, low, high, interior)


def random_reduce(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if not x.type.rank or not x.type.size:
        return x
    names = {"float": ["max", "min"], "int": ["sum", "max", "min"], "bool": ["any", "all", "max"]}
    return reduce(random.choice(names[x.dtype.kind]), x, (random.randrange(x.type.rank),))


def random_squeeze(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return reshape(x, [n for n in x.shape if n != 1])


MAKERS: list[Maker] = [
    random_unary, random_binary, random_binary, random_binary, random_cast, random_permute, random_broadcast, random_flip,
    random_slice, random_pad, random_reduce, random_squeeze,
]  # fmt: skip
STARTS = [TensorType(F64, (2, 3)), TensorType(I32, (3, 2)), TensorType(BOOL, (2,)), TensorType(F32, (0, 2))]


def random_graph(seed: int, size: int = 60) -> Graph:
    """Return a graph of exact primitives (no float sums), chains as well as shared nodes."""
    random = Random(seed)
    nodes = [parameter(t, f"x{i}") for i, t in enumerate(STARTS)]
    for _ in range(size):
        near = nodes[-12:] if random.random() < 0.7 else nodes
        nodes.append(random.choice(MAKERS)(random, random.choice(near), near))
    return Graph(tuple(nodes[: len(STARTS)]), tuple(nodes[-5:]))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int) -> None:
    graph = random_graph(seed)
    simple = simplify(graph)
    again: list[Rule] = []
    simplify(simple, lambda r, *_: again.append(r))
    assert not again or again[0].single_use or again[0].tree  # its other readers went away in the first pass
    assert cost(simple) <= cost(graph)
    arrays = inputs(graph)
    for a, b in zip(evaluate(graph, arrays), evaluate(simple, arrays), strict=True):
        np.testing.assert_array_equal(a, b)  # the sign of a zero that max and min choose is free


def test_example_in_the_docstring() -> None:
    assert doctest.testmod(simplify_module) == (0, 4)
