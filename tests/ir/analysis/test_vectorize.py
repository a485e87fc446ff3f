"""Loops in registers whose values are vectors along an axis: which axis it is, and that they compute what they should."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from graphc.codegen.program.program import compile_graph
from graphc.ir.analysis import vectorize
from graphc.ir.analysis.lane_layout import decided_lanes
from graphc.ir.analysis.vectorize import Lanes
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, F32, F64, I64, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.pipeline import optimize
from graphc.ir.regions.builders import cond, scan, while_loop
from graphc.ir.regions.substitution import results_of
from graphc.ir.transforms.vjp import adjoint
from tests.targets import TARGET


@pytest.fixture(autouse=True)
def always(request, monkeypatch):
    """Take lanes wherever there are some, but in tests of whether they pay."""
    if "pays" not in request.node.name:
        monkeypatch.setattr(vectorize, "WORTH", float("inf"))


def value(shape: tuple[int, ...] = (), dtype: DType = F64, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


def loops(graph: Graph) -> list[Lanes | None]:
    """Return the lanes of each loop of a graph as it is compiled."""
    nodes = optimize(graph, TARGET)["fused"].nodes()
    return [decided_lanes(n) for n in nodes if n.op.name in ("scan", "while")]


def check(graph: Graph, arrays, *, tolerance: float = 1e-9, count: int | None = None) -> list[np.ndarray]:
    """Compare a program with the evaluator, and the lanes of all its loops with `count`."""
    found = compile_graph(graph, dynamic=False).run(arrays)  # not a frame that was made without lanes
    for got, want in zip(found, evaluate(graph, arrays), strict=True):
        assert got.shape == want.shape and got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    if count is not None:
        assert [None if x is None else x.count for x in loops(graph)] == [count] * len(loops(graph))
    return found


def check_gradient(graph: Graph, arrays, *, step: float = 1e-6, near: float = 1e-6, count: int | None = None) -> None:
    """Compare the gradient of the sum of the first result's squares by all floats with the evaluator and with differences."""
    out = graph.results[0]
    total = Graph(graph.params, (build.sum_(out * out, tuple(range(out.type.rank))),))
    which = [i for i, p in enumerate(graph.params) if p.dtype.is_float]
    found = check(adjoint(total, which), arrays, count=count)
    rng = np.random.default_rng(0)
    along = {i: rng.standard_normal(arrays[i].shape) for i in which}

    def at(t: float) -> float:
        return float(evaluate(total, [a + t * along[i] if i in along else a for i, a in enumerate(arrays)])[0])

    rate = (at(step) - at(-step)) / (2 * step)
    np.testing.assert_allclose(sum(np.sum(g * along[i]) for g, i in zip(found[1:], which, strict=True)), rate, rtol=near)


def products(rows: int, size: int, iterations: int, dtype: DType = F64) -> Graph:
    c, w, start = value((rows, size), dtype, "c"), value((size, size), dtype, "w"), value((rows, size), dtype, "start")
    return Graph((start, w), (scan(Region((c,), (build.matmul(c, w),)), [start], [], iterations)[0],))


def matrices(rows: int, size: int, dtype: DType = F64) -> list[np.ndarray]:
    rng = np.random.default_rng(rows)
    iteration = np.linalg.qr(rng.standard_normal((size, size)))[0]
    return [rng.standard_normal((rows, size)).astype(dtype.numpy), iteration.astype(dtype.numpy)]


# -- which axis ---------------------------------------------------------------------------------------------


def test_the_rows_of_a_product_are_lanes():
    (found,) = loops(products(3, 4, 50))
    assert found is not None and (found.count, found.width) == (3, 4)
    assert found.axes == (0, None) and found.results == (0,)
    assert found.loop.regions[0].results[0].shape == (1, 4)


def test_the_gradient_by_a_weight_is_summed_lane_by_lane():
    graph = products(3, 3, 50)
    total = Graph(graph.params, (build.sum_(graph.results[0], (0, 1)),))
    forward, backward = loops(adjoint(total, [0, 1]))
    assert forward is not None and backward is not None
    assert forward.axes[0] == backward.axes[0] == 0
    assert len(backward.partial) > 0 and not backward.folded and len(backward.split) == 1


def test_a_state_that_is_multiplied_by_itself_has_no_lanes():
    c, start = value((3, 3)), value((3, 3))
    (out,) = scan(Region((c,), (build.matmul(c, c) * 0.5,)), [start], [], 40)
    assert loops(Graph((start,), (out,))) == [None]
    check(Graph((start,), (out,)), [np.eye(3)])


def test_a_batch_of_products_runs_along_the_batch():
    c, w, start = value((4, 2, 2)), value((4, 2, 2)), value((4, 2, 2))
    (out,) = scan(Region((c,), (build.apply("tanh", build.matmul(c, build.matmul(w, c))),)), [start], [], 40)
    rng = np.random.default_rng(0)
    check(Graph((start, w), (out,)), [rng.standard_normal((4, 2, 2)), rng.standard_normal((4, 2, 2))], count=4)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: build.slice_(c, (0, 0), (2, 2)),
        lambda c: build.flip(c, (0, 1)),
        lambda c: build.reshape(build.permute(c, (1, 0)), (3, 3)) + build.cumsum(build.cumsum(c, 0), 1),
        lambda c: build.concatenate([build.slice_(c, (1, 1), (3, 3)), build.slice_(c, (0, 0), (1, 2))], 0),
    ],
)
def test_what_mixes_all_axes_has_no_lanes(change):
    c, start = value((3, 3)), value((3, 3))
    changed = change(c)
    size = build.broadcast(build.sum_(changed * changed, (0, 1)), (3, 3), ())
    (out,) = scan(Region((c,), (c * build.apply("tanh", size * 0.1),)), [start], [], 40)
    assert loops(Graph((start,), (out,))) == [None]
    check(Graph((start,), (out,)), [np.random.default_rng(0).standard_normal((3, 3))])


@pytest.mark.parametrize("shape, pays", [((3, 3), True), ((2,), True), ((16,), True), ((), False), ((1,), False)], ids=str)
def test_whether_it_pays_elementwise(shape, pays):
    c, d, start = value(shape), value(shape), value(shape)
    body = Region((c, d), (c + d * 0.125, d - c * 0.125 / (1.0 + c * c)))
    out = scan(body, [start, start], [], 100)
    graph = Graph((start,), tuple(out))
    assert (loops(graph)[0] is not None) == pays
    check(graph, [np.random.default_rng(0).standard_normal(shape)])


def test_folding_all_the_time_pays_not():
    c, start = value((3,)), value((3,))
    (out,) = scan(Region((c,), (c - build.broadcast(build.sum_(c, (0,)), (3,), ()),)), [start], [], 100)
    graph = Graph((start,), (out,))
    assert loops(graph) == [None]
    check(graph, [np.array([0.5, 1.0, -1.4])])


def test_no_shuffle_is_in_the_loop():
    text = compile_graph(products(3, 3, 1000), dynamic=False).llvm_ir(optimized=False)
    (loop,) = re.findall(r"^loop\.scan.*?^done\.scan", text, re.M | re.S)
    assert "shufflevector" not in loop and "extractelement" not in loop and loop.count("fmul contract <4 x double>") == 9


# -- what they compute --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("rows", range(2, 9))
def test_rows_of_any_number(rows, dtype):
    size = max(1, 16 // rows if rows > 4 else 3)
    arrays = matrices(rows, size, dtype)
    check(products(rows, size, 60, dtype), arrays, tolerance=1e-4 if dtype is F32 else 1e-9, count=rows)
    if dtype is F64:
        check_gradient(products(rows, size, 60), arrays)


@pytest.mark.parametrize("iterations", [0, 33])
def test_loops_that_may_not_turn(iterations):
    check_gradient(products(3, 3, iterations), matrices(3, 3))


class RowMaker:
    """Grows bodies that do the same to each row of `rows`."""

    def __init__(self, seed: int, rows: int, params: list[Node]) -> None:
        self.random = random.Random(seed)
        self.rows = rows
        self.pool = list(params)

    def pick(self, holds=lambda n: True) -> Node:
        return self.random.choice([n for n in self.pool if holds(n)])

    def rowwise(self, n: Node, dtype: DType = F64) -> bool:
        return n.dtype is dtype and n.type.rank == 2 and n.shape[0] == self.rows and n in self.rowed

    def grow(self) -> None:
        rows, r = self.rows, self.random
        self.rowed = self.reached()
        x = self.pick(self.rowwise)
        k = x.shape[1]
        same = [n for n in self.pool if self.rowwise(n) and n.shape == x.shape]
        y = r.choice(same)
        makers = [
            lambda: x * y * 0.5,
            lambda: x - y,
            lambda: build.apply("sin", x),
            lambda: build.apply("tanh", x) / (1.5 + build.apply("tanh", y)),
            lambda: build.apply("maximum", x, y),
            lambda: build.select(build.elementwise("lt", x, y), x, y * 0.25),
            lambda: build.broadcast(build.reduce("max", x, (1,)), (rows, 2), (0,)),
            lambda: build.broadcast(build.sum_(x, (1,)), (rows, 3), (0,)) * 0.5,
            lambda: build.matmul(x, self.weight(k)),
            lambda: build.permute(build.matmul(build.permute(self.weight(k), (1, 0)), build.permute(x, (1, 0))), (1, 0)),
            lambda: build.slice_(x, (0, 0), (rows, max(1, k - 1))),
            lambda: build.concatenate([build.slice_(x, (0, 0), (rows, 1)), y], 1) if k < 3 else x - 0.5,
            lambda: build.flip(build.cumsum(x, 1), (1,)) * 0.5,
            lambda: build.reshape(build.broadcast(x, (rows, k, 1), (0, 1)), (rows, k)),
            lambda: build.cast(build.iota((rows, 2), 0), F64) * 0.125,
            lambda: build.cast(build.apply("argmax", x, axis=1), F64) * 1.0 + build.reduce("min", x, (1,)),
            lambda: build.pad(x, (0, 0), (0, 1), fill=build.constant(0.5, F64)) if k < 3 else x * 0.9,
            lambda: build.cast(build.cast(x, F32) * 1.5, F64),
            lambda: build.broadcast(build.sum_(x * y, (0,)), (rows, k), (1,)) * 0.125,  # folded over the rows
            lambda: build.broadcast(build.reduce("max", y, (0, 1)), (rows, 2), ()) * 0.25,
        ]
        made = r.choice(makers)()
        if made.type.rank == 1:
            made = build.broadcast(made, (rows, 2), (0,))
        self.pool.append(made)

    def reached(self) -> set[Node]:
        return set(self.pool)

    def weight(self, k: int) -> Node:
        return build.slice_(self.w, (0, 0), (k, self.random.choice((1, 2, 3))))

    def fit(self, like: Node) -> Node:
        """Return a bounded value of a type, made of what has grown last."""
        self.rowed = self.reached()
        x = next(n for n in reversed(self.pool) if self.rowwise(n))
        wide = build.broadcast(build.sum_(x, (1,)), like.shape, (0,))
        return build.apply("tanh", wide * 0.5 + like * 0.75)


@pytest.mark.parametrize("seed", range(60))
def test_random_rows_compute_what_the_evaluator_does(seed):
    rows = 2 + seed % 4
    a, b, total, flags = (
        value((rows, 2), name="a"),
        value((rows, 3), name="b"),
        value((2, 3), name="total"),
        value((rows,), BOOL),
    )
    item, w = value((rows, 2), name="item"), value((3, 3), name="w")
    maker = RowMaker(seed, rows, [a, b, item])
    maker.w = w
    for _ in range(10):
        maker.grow()
    after = [maker.fit(a), maker.fit(b)]
    added = total + build.matmul(build.permute(after[0], (1, 0)), after[1])
    turned = build.apply("xor", flags, build.elementwise("lt", build.sum_(after[0], (1,)), 0.0))
    stacked = maker.pick(lambda n: maker.rowwise(n))
    body = Region((a, b, total, flags, item, w), (*after, added, turned, stacked, turned))
    start = [value(p.shape, p.dtype, p.name) for p in (a, b, total, flags)]
    xs, weight = value((7, rows, 2), name="xs"), value((3, 3), name="w")
    params = {"carries": 4, "xs": 1, "length": 7, "reverse": seed % 2 == 1}
    out = results_of(make(PRIMITIVES["scan"], (*start, xs, weight), params, (body,)))
    graph = Graph((*start, xs, weight), tuple(out))
    rng = np.random.default_rng(seed)
    arrays = [(rng.standard_normal(p.shape) > 0) if p.dtype is BOOL else rng.standard_normal(p.shape) for p in graph.params]
    check(graph, arrays, tolerance=1e-5)
    assert loops(graph)[0] is not None


def nested(rows: int, iterations: int) -> Graph:
    """A loop in a loop, which stacks states that a third one runs over from the end; a branch; two sums."""
    c, d, e, g = (value((rows, 2), name=name) for name in "cdeg")
    acc, inner_acc, start, w = value((2, 2)), value((2, 2)), value((rows, 2), name="start"), value((2, 2), name="w")
    own, own2 = value((2, 2)), value((2, 2))
    step = build.apply("tanh", build.matmul(d, own))
    first = loop(
        (d, inner_acc), (own,), (step, inner_acc + build.matmul(build.permute(d, (1, 0)), step), d * 2.0), [c, acc], [w], 5
    )
    back = results_of(
        make(
            PRIMITIVES["scan"],
            (first[0], first[2], w),
            {"carries": 1, "xs": 1, "length": 5, "reverse": True},
            (Region((e, g, own2), (e * 0.5 + build.apply("sin", build.matmul(g, own2)),)),),
        )
    )
    low = build.elementwise("lt", build.sum_(back[0], (0, 1)), 0.5)
    p, q = value((rows, 2)), value((rows, 2))
    (chosen,) = cond(low, Region((p,), (p + 0.25,)), Region((q,), (q * q,)), [back[0]])
    begin, outside = [start, build.constant(0.5, F64, (2, 2))], [value((2, 2), name="w")]
    out = loop((c, acc), (w,), (chosen, first[1], chosen), begin, outside, iterations)
    return Graph((start, out[0].operands[0].operands[2]), tuple(out), "nested")


def loop(params, outside, results, start, given, iterations: int) -> list[Node]:
    """Return the results of a scan without sequences whose body is closed already."""
    kind = {"carries": len(start), "xs": 0, "length": iterations, "reverse": False}
    return results_of(make(PRIMITIVES["scan"], (*start, *given), kind, (Region((*params, *outside), tuple(results)),)))


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_loops_in_loops(rows):
    rng = np.random.default_rng(rows)
    check(nested(rows, 3), [rng.standard_normal((rows, 2)), rng.standard_normal((2, 2))], count=rows)
    check_gradient(nested(rows, 3), [rng.standard_normal((rows, 2)), 0.5 * rng.standard_normal((2, 2))])


@pytest.mark.parametrize("rows", [2, 3, 6])
def test_while_loops_and_their_tapes(rows):
    c, n, w, start = value((rows, 2)), value((), I64), value((2, 2)), value((rows, 2))
    test = Region((c, n), (build.elementwise("lt", build.reduce("max", c, (0, 1)) + build.cast(n, F64), 30.0),))
    body = Region((c, n), (build.apply("tanh", build.matmul(c, w)) * 0.75, n + 1))
    out = while_loop(test, body, [start, build.constant(0, I64)])
    graph = Graph((start, w), tuple(out))
    rng = np.random.default_rng(rows)
    arrays = [rng.standard_normal((rows, 2)), rng.standard_normal((2, 2))]
    check(graph, arrays, count=rows)
    check_gradient(graph, arrays, near=1e-4)
    check(graph, [np.full((rows, 2), 100.0), arrays[1]])  # no iteration


def test_second_derivatives():
    graph = products(3, 2, 34)
    out = graph.results[0]
    slope = adjoint(Graph(graph.params, (build.sum_(out * out * out, (0, 1)),)), [0, 1])
    twice = Graph(graph.params, (slope.results[2],))
    check_gradient(twice, matrices(3, 2), step=1e-5, near=1e-5)


@pytest.mark.parametrize("rows", [2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [F32, I64, BOOL])
def test_dtypes_are_lanes(rows, dtype):
    c, start = value((rows, 2), dtype), value((rows, 2), dtype)
    counted = build.cast(build.iota((rows, 2), 0), dtype)
    after = build.apply("not", build.flip(c, (1,))) if dtype is BOOL else c * (0.5 if dtype is F32 else 3) + counted
    out = scan(Region((c,), (after, c)), [start], [], 35)
    rng = np.random.default_rng(0)
    check(Graph((start,), tuple(out)), [rng.integers(0, 2, (rows, 2)).astype(dtype.numpy)], count=rows)


def test_mixed_dtypes_share_lanes():
    c, k, t, start, first = value((3, 2), F32), value((3,), I64), value((), F64), value((3, 2), F32), value((3,), I64)
    odd = build.elementwise("eq", build.elementwise("remainder", k, 3), 1)
    turned = build.select(build.broadcast(odd, (3, 2), (0,)), build.apply("cos", c), c * 0.5)
    total = t + build.cast(build.sum_(turned, (0, 1)), F64)
    out = scan(Region((c, k, t), (turned, k * 5 + 2, total)), [start, first, build.constant(0.25, F64)], [], 40)
    arrays = [np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32), np.arange(3)]
    check(Graph((start, first), tuple(out)), arrays, tolerance=1e-4, count=3)


@pytest.mark.parametrize("op", ["sum", "prod", "max", "min"])
def test_folds_take_no_lane_twice(op):
    c, start = value((3, 2)), value((3, 2))
    fold = build.reduce(op, c, (0,))
    (out, seen) = scan(
        Region((c,), (build.apply("cos", c) + build.broadcast(fold, (3, 2), (1,)) * 0.25, fold)), [start], [], 40
    )
    check(Graph((start,), (out, seen)), [np.random.default_rng(1).standard_normal((3, 2))], count=3)


def test_a_sum_of_what_is_the_same_in_all_lanes():
    c, t, start = value((4, 2)), value((2,)), value((4, 2))
    ones = build.sum_(build.constant(0.5, F64, (4, 2)), (0,))
    (out, total) = scan(
        Region((c, t), (c * 0.5, t + ones + build.sum_(c, (0,)))), [start, build.constant(1.0, F64, (2,))], [], 40
    )
    (_, found) = check(Graph((start,), (out, total)), [np.ones((4, 2))], count=4)
    np.testing.assert_allclose(found, 1.0 + 40 * 2.0 + 8.0)


def test_a_sum_that_is_looked_at_is_folded_in_the_loop():
    c, t, start = value((3, 2)), value((2,)), value((3, 2))
    total = t + build.sum_(c, (0,))
    out = scan(Region((c, t), (build.apply("sin", c), total, total * total)), [start, build.constant(0.0, F64, (2,))], [], 40)
    (found,) = loops(Graph((start,), tuple(out)))
    assert found is not None and not found.partial and len(found.folded) == 1
    check(Graph((start,), tuple(out)), [np.random.default_rng(1).standard_normal((3, 2))])


def test_special_numbers_survive_in_lanes():
    c, t, start = value((5,)), value(()), value((5,))
    after = build.apply("maximum", c, c * -1.0) + build.apply("sin", c) * 0.0
    graph = Graph(
        (start,), tuple(scan(Region((c, t), (after, t + build.sum_(c, (0,)))), [start, build.constant(-0.0, F64)], [], 40))
    )
    check(graph, [np.array([np.nan, np.inf, -0.0, -np.inf, 5e-324])], count=5)
    (_, total) = check(graph, [np.array([-0.0] * 5)], count=5)
    assert not np.signbit(total)


def test_stacks_that_others_read_lie_as_always():
    c, start = value((3, 2)), value((3, 2))
    out, seen = scan(Region((c,), (build.apply("sin", c) * 1.25, c)), [start], [], 40)
    check(Graph((start,), (out, build.cumsum(seen, 0), seen)), [np.random.default_rng(1).standard_normal((3, 2))], count=3)


def test_lanes_are_read_with_any_strides():
    c, x, start, b = value((3, 2)), value((3, 2)), value((2, 3)), value((2,))
    turned, spread = build.permute(start, (1, 0)), build.broadcast(b, (40, 3, 2), (2,))
    out = scan(Region((c, x), (c * 0.5 + x, c)), [turned], [spread], 40)
    graph = Graph((start, b), tuple(out))
    rng = np.random.default_rng(1)
    check(graph, [rng.standard_normal((2, 3)), rng.standard_normal(2)])


@pytest.mark.parametrize("rows", range(2, 9))
def test_one_text_for_many_lengths(rows):
    """The table, with what is padded, is made again for other numbers of iterations."""
    rng = np.random.default_rng(0)
    for iterations in (40, 55, 70, 90):
        start, w = value((rows, 2), name="start"), value((2, 2), name="w")
        c = value((rows, 2))
        (out,) = scan(Region((c,), (build.apply("tanh", build.matmul(c, w)),)), [start], [], iterations)
        graph = adjoint(Graph((start, w), (build.sum_(out * out, (0, 1)),)), [0, 1])
        arrays = [rng.standard_normal((rows, 2)), rng.standard_normal((2, 2))]
        for got, want in zip(compile_graph(graph).run(arrays), evaluate(graph, arrays), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


# -- states that fit into registers as vectors only ---------------------------------------------------------


def markov(rows: int, size: int, iterations: int = 40) -> Graph:
    """A batch of states, each times its own matrix, normalized; items stacked."""
    c, w, start = value((rows, size), name="c"), value((rows, size, size), name="w"), value((rows, size), name="start")
    item, xs = value((rows, size)), value((iterations, rows, size), name="xs")
    moved = build.reshape(build.matmul(build.reshape(c + item, (rows, 1, size)), w), (rows, size))
    total = build.broadcast(build.sum_(moved * moved, (1,)), (rows, size), (0,))
    after = moved / build.apply("sqrt", total + 0.5)
    return Graph((start, w, xs), tuple(scan(Region((c, item), (after, after)), [start], [xs], iterations)))


@pytest.mark.parametrize("rows, size", [(8, 3), (8, 4), (5, 4), (16, 2), (12, 4), (7, 3)])
def test_batches_of_small_states_pays(rows, size):
    graph = markov(rows, size)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape) for p in graph.params]
    check(graph, arrays, count=rows)
    assert not compile_graph(graph, dynamic=False).kernels
    check_gradient(graph, arrays, near=1e-5)


@pytest.mark.parametrize("rows, size", [(17, 3), (8, 5), (20, 20)])
def test_what_is_too_large_is_kernels_pays(rows, size):
    graph = markov(rows, size)
    rng = np.random.default_rng(0)
    check(graph, [rng.standard_normal(p.shape) for p in graph.params])
    assert loops(graph) == [None] and compile_graph(graph, dynamic=False).kernels


def test_wide_states_in_a_while_pays():
    c, n, start = value((8, 4)), value((), I64), value((8, 4))
    after = build.apply("cos", c) * 0.125 + c * 0.875 + build.broadcast(build.sum_(c, (1,)), (8, 4), (0,)) * 0.0625
    out = while_loop(Region((c, n), (n < 50,)), Region((c, n), (after, n + 1)), [start, build.constant(0, I64)])
    graph = Graph((start,), tuple(out))
    arrays = [np.random.default_rng(0).standard_normal((8, 4))]
    check(graph, arrays, count=8)
    check_gradient(graph, arrays, near=1e-5)
    constant = while_loop(
        Region((c, n), (n < 5,)), Region((c, n), (after, n + 1)), [build.constant(0.5, F64, (8, 4)), build.constant(0, I64)]
    )
    check(Graph((start,), (constant[0] + start,)), arrays)


@pytest.mark.parametrize("rows", [6, 8, 12])
def test_wide_states_find_code_for_other_lengths_pays(rows):
    rng = np.random.default_rng(0)
    for iterations in (40, 55, 70, 90):
        graph = markov(rows, 3, iterations)
        arrays = [rng.standard_normal(p.shape) for p in graph.params]
        for got, want in zip(compile_graph(graph).run(arrays), evaluate(graph, arrays), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


def test_a_large_array_beside_wide_states_pays():
    """An array is written in place, one row an iteration, beside what is in vectors."""
    c, table, k, start, big = value((8, 4)), value((60, 3)), value((), I64), value((8, 4)), value((60, 3))
    row = build.gather(table, k)
    put = build.scatter(table, row * 2.0 + build.broadcast(build.sum_(c, (0, 1)), (3,), ()), k)
    out = scan(Region((c, table, k), (build.apply("sin", c), put, k + 1)), [start, big, build.constant(0, I64)], [], 50)
    rng = np.random.default_rng(0)
    check(Graph((start, big), tuple(out)), [rng.standard_normal((8, 4)), rng.standard_normal((60, 3))])
