"""Batches through loops and branches: what each element gives by itself, derivatives included, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F64, I64, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import cond, scan, while_loop
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.vjp import adjoint
from graphc.ir.transforms.vjp_control import LOOP_VJP
from graphc.ir.transforms.vmap import batch
from graphc.ir.transforms.vmap_control import LOOP_BATCH

Function = Callable[..., list[Node]]


def value(shape: tuple[int, ...] = (), dtype: DType = F64, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


def less(x: Node, y: float | Node) -> Node:
    return build.elementwise("lt", x, y)


def recurrence(x: Node, xs: Node, w: Node) -> list[Node]:
    """A scan with a counter, a carry, items in and out, and a value of outside."""
    i, c, a = value((), I64), value((2,)), value((2,))
    after = build.apply("tanh", c * w + a * build.broadcast(build.cast(i, F64), (2,), ()))
    body = Region((i, c, a), (i + 1, after, build.sum_(after * a, (0,)), i))
    return scan(body, [build.constant(1, I64), x], [xs], xs.shape[0])


def backwards(x: Node, xs: Node, w: Node) -> list[Node]:
    c, a = value((2,)), value((2,))
    return scan(Region((c, a), (c * a + w, c)), [x], [xs], xs.shape[0], reverse=True)


def doubled(x: Node, limit: Node) -> list[Node]:
    """A loop whose iterations depend on values; an element that is done must not be looked up any more."""
    i, c = value((), I64), value()
    table = build.iota((6,), 0, F64)
    test = Region((i, c), (less(c, limit),))
    body = Region((i, c), (i + 1, c * 1.75 + build.gather(table, i)))
    return while_loop(test, body, [build.constant(0, I64), x])


def counted(x: Node, n: Node) -> list[Node]:
    i, c = value((), I64), value((3,))
    body = Region((i, c), (i + 1, build.apply("sin", c) * 1.25))
    return while_loop(Region((i, c), (less(i, n),)), body, [build.constant(0, I64), x])


def branched(x: Node, k: Node) -> list[Node]:
    """Arms of which each fails, or is NaN, for what takes the other one."""
    a, b = value(), value()
    table = build.iota((4,), 0, F64)
    positive = less(build.constant(0.0, F64), x)
    yes = Region((a,), (build.apply("log", a) * build.gather(table, build.cast(a, I64)), a * 2.0))
    no = Region((b,), (build.apply("sqrt", -b), build.cast(k, F64)))
    return cond(positive, yes, no, [x])


def nested(x: Node, n: Node) -> list[Node]:
    c, i = value((3,)), value((), I64)
    (turned,) = counted(c, i)[1:]
    (out, _) = scan(Region((c, i), (turned + c, i + 1)), [x, n], [], 3)
    return [out]


CASES: dict[str, tuple[Function, tuple[np.ndarray, ...]]] = {
    "recurrence": (recurrence, (np.array([0.3, -0.2]), np.linspace(-1, 1, 8).reshape(4, 2), np.array([0.7, 1.1]))),
    "backwards": (backwards, (np.array([0.3, -0.2]), np.linspace(-1, 1, 8).reshape(4, 2), np.array([0.7, 1.1]))),
    "doubled": (doubled, (np.array(1.0), np.array(20.0))),
    "counted": (counted, (np.array([0.5, 1.0, -1.0]), np.array(3))),
    "branched": (branched, (np.array(2.5), np.array(7))),
    "nested": (nested, (np.array([0.5, 1.0, -1.0]), np.array(2))),
}
SPREAD = {"doubled": (np.array([0.0, 19.0, -0.5]), np.array([0, 5, 2.0])), "branched": (np.array([0, -4.0, -2.0]), None)}
SIZE = 3


def variants(name: str, i: int, x: np.ndarray) -> np.ndarray:
    """Return three of an array; in some the ways of the elements part."""
    if x.dtype.kind == "i":
        return np.stack([x, x + 2, np.maximum(x - 2, 0)])
    by = SPREAD.get(name, (None, None))[i] if i < 2 else None
    return np.stack([x + (0.1 * k if by is None else by[k]) for k in range(SIZE)])


def compared(graph: Graph, many: Graph, arrays, rows) -> None:
    verify(many)
    want = [np.stack(column) for column in zip(*(evaluate(graph, row) for row in rows), strict=True)]
    for found in (evaluate(many, arrays), compile_graph(many).run(arrays)):
        for got, expected in zip(found, want, strict=True):
            assert got.shape == expected.shape and got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def batched(graph: Graph, which) -> Graph:
    types = (TensorType(p.dtype, (SIZE, *p.shape)) for p in graph.params)
    params = [parameter(t) if w else p for p, t, w in zip(graph.params, types, which, strict=True)]
    found = batch(graph.results, {p: m for p, m, w in zip(graph.params, params, which, strict=True) if w}, SIZE)
    wide = [x if b else build.broadcast(x, (SIZE, *x.shape), range(1, x.type.rank + 1)) for x, b in found]
    return Graph(tuple(params), tuple(wide))


def check(name: str, graph: Graph, arrays) -> None:
    for which in product((False, True), repeat=len(arrays)):
        if any(which):
            given = [variants(name, i, a) if w else a for i, (a, w) in enumerate(zip(arrays, which, strict=True))]
            rows = [[g[k] if w else g for g, w in zip(given, which, strict=True)] for k in range(SIZE)]
            compared(graph, batched(graph, which), given, rows)


def traced(name: str) -> tuple[Graph, tuple[np.ndarray, ...]]:
    function, arrays = CASES[name]
    params = [value(a.shape, I64 if a.dtype.kind == "i" else F64) for a in arrays]
    return Graph(tuple(params), tuple(function(*params))), arrays


@pytest.mark.parametrize("name", CASES)
def test_each_element_gives_what_it_gives_alone(name):
    graph, arrays = traced(name)
    check(name, graph, arrays)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_each_element(name):
    """The batch of a gradient: a backward loop over the iterations that each element has taken."""
    graph, arrays = traced(name)
    floats = [r for r in graph.results if r.dtype.is_float]
    total = floats[0]
    for r in floats[1:]:
        total = build.sum_(total, range(total.type.rank)) + build.sum_(r * r, range(r.type.rank))
    total = build.sum_(total, range(total.type.rank))
    wrt = [i for i, p in enumerate(graph.params) if p.dtype.is_float]
    check(name, adjoint(Graph(graph.params, (total,)), wrt), arrays)


@pytest.mark.parametrize("name", CASES)
def test_gradients_through_the_batch(name):
    """The gradient of a batch is what the elements' gradients are; nothing of an arm not taken gets into it."""
    graph, arrays = traced(name)
    result = next(r for r in graph.results if r.dtype.is_float)
    one = Graph(graph.params, (build.sum_(result, range(result.type.rank)),))
    many = batched(one, [True] * len(arrays))
    given = [variants(name, i, a) for i, a in enumerate(arrays)]
    found = adjoint(Graph(many.params, (build.sum_(many.results[0], (0,)),)), [0])
    verify(found)
    rows = [[g[k] for g in given] for k in range(SIZE)]
    want = np.stack([evaluate(adjoint(one, [0]), row)[1] for row in rows])
    assert np.isfinite(want).all()
    for got in (evaluate(found, given)[1], compile_graph(found).run(given)[1]):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_batches_of_batches():
    graph, arrays = traced("doubled")
    once = batched(graph, [True, False])
    x, limit = variants("doubled", 0, arrays[0]), np.array([15.0, 30.0, 1.0])
    twice = batched(Graph(once.params, once.results), [False, True])
    found = evaluate(twice, [x, limit])
    for a, b in product(range(3), repeat=2):
        one = evaluate(graph, [x[b], limit[a]])
        assert found[0][a, b] == one[0] and found[1][a, b] == one[1]


def test_empty_batches_end():
    graph, _ = traced("doubled")
    many = parameter(TensorType(F64, (0,)))
    found = batch(graph.results, {graph.params[0]: many}, 0)
    arrays = evaluate(Graph((many, graph.params[1]), tuple(x for x, _ in found)), [np.zeros(0), np.array(3.0)])
    assert [a.shape for a in arrays] == [(0,), (0,)]


def test_a_counter_stays_one():
    graph, _ = traced("recurrence")
    many = batched(graph, [True, False, False])
    (loop,) = [n for n in many.nodes() if n.op.name == "scan" and any(t.shape == (SIZE, 2) for t in n.types)]
    assert loop.types[0] == TensorType(I64)


def test_every_rule_has_its_twin():
    assert LOOP_BATCH.keys() == LOOP_VJP.keys()
