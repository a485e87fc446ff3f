"""Products leave loops: which do, and that the loop computes the same without them."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.loops.hoist_matmuls import hoist_matmuls
from graphc.ir.regions import builders
from graphc.ir.text.verifier import verify
from tests.targets import TARGET

STEPS, ROWS, SIZE = 5, 6, 32


def param(*shape: int, name: str = "x") -> Node:
    return parameter(TensorType(F64, shape), name)


def products(region: Region) -> list[str]:
    """Return the names of products and loops of a region, `in a loop` for those of its loops."""
    found = []
    for node in region.nodes():
        found += [node.op.name] * (node.op.name in ("matmul", "scan"))
        found += [f"{name} in a loop" for r in node.regions for name in products(r)]
    return sorted(found)


def moved(graph: Graph) -> Graph:
    """Move products, check the numbers against those of the graph as it was, and return the new one."""
    after = hoist_matmuls(graph, TARGET)
    verify(after, "move")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape) / SIZE**0.5 for p in graph.params]
    want = evaluate(graph, arrays)
    for got in (evaluate(after, arrays), compile_graph(graph).run(arrays)):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    return after


@pytest.mark.parametrize("reverse", [False, True])
def test_products_of_items_are_computed_before(reverse):
    x, xs, w = param(ROWS, SIZE), param(STEPS, ROWS, SIZE, name="xs"), param(SIZE, SIZE, name="w")
    c, item = param(ROWS, SIZE, name="c"), param(ROWS, SIZE, name="item")
    after = build.apply("tanh", c + build.matmul(item * 2, w))
    graph = Graph((x, xs, w), tuple(builders.scan(Region((c, item), (after, after)), [x], [xs], STEPS, reverse=reverse)))
    assert products(moved(graph)) == ["matmul", "scan"]


@pytest.mark.parametrize("reverse", [False, True])
def test_sums_and_stacks_of_products_are_computed_after(reverse):
    x, xs, w = param(ROWS, SIZE), param(STEPS, ROWS, SIZE, name="xs"), param(SIZE, SIZE, name="w")
    total, bias = param(SIZE, SIZE, name="total"), param(ROWS, SIZE, name="bias")
    c, item, s, b = param(ROWS, SIZE, name="c"), param(ROWS, SIZE, name="item"), param(SIZE, SIZE), param(ROWS, SIZE)
    after = build.apply("tanh", c + item)
    body = Region(
        (c, s, b, item), (after, s + build.matmul(build.permute(item, (1, 0)), after), b + after, build.matmul(after, w))
    )
    graph = Graph((x, xs, w, total, bias), tuple(builders.scan(body, [x, total, bias], [xs], STEPS, reverse=reverse)))
    assert products(moved(graph)) == ["matmul", "matmul", "scan"]


def test_products_of_what_is_carried_stay():
    x, w = param(ROWS, SIZE), param(SIZE, SIZE, name="w")
    c = param(ROWS, SIZE, name="c")
    graph = Graph((x, w), tuple(builders.scan(Region((c,), (build.apply("tanh", build.matmul(c, w)),)), [x], [], STEPS)))
    assert hoist_matmuls(graph, TARGET) is graph


def test_a_sum_that_the_loop_reads_stays():
    x, xs, total = param(ROWS, SIZE), param(STEPS, ROWS, SIZE, name="xs"), param(SIZE, SIZE, name="total")
    c, item, s = param(ROWS, SIZE, name="c"), param(ROWS, SIZE, name="item"), param(SIZE, SIZE)
    after = build.apply("tanh", build.matmul(c, s) + item)
    body = Region((c, s, item), (after, s + build.matmul(build.permute(item, (1, 0)), after)))
    graph = Graph((x, xs, total), tuple(builders.scan(body, [x, total], [xs], STEPS)))
    assert hoist_matmuls(graph, TARGET) is graph


def test_small_products_stay():
    x, xs, w = param(4, 4), param(STEPS, 4, 4, name="xs"), param(4, 4, name="w")
    c, item = param(4, 4, name="c"), param(4, 4, name="item")
    graph = Graph((x, xs, w), tuple(builders.scan(Region((c, item), (c + build.matmul(item, w),)), [x], [xs], STEPS)))
    assert hoist_matmuls(graph, TARGET) is graph


def recurrent(w_in, w_state, b, x, h):
    def body(h, item):
        h = torch.tanh(item @ w_in.T + h @ w_state.T + b)
        return h, h

    _, out = torch.scan(body, h, x)
    return (out * out).sum()


def test_gradients_of_a_recurrent_model_keep_one_product_in_each_loop():
    rng = np.random.default_rng(0)
    shapes = [(40, SIZE), (40, 40), (40,), (STEPS, ROWS, SIZE), (ROWS, 40)]
    args = [rng.standard_normal(s) / 6 for s in shapes]
    compiled = torch.compile(torch.func.grad(recurrent, argnums=(0, 1, 2, 3, 4)))
    got = compiled(*args)
    assert products(compiled.lower(*args)._program.graph).count("matmul in a loop") == 2
    h = 1e-5
    for i, g in enumerate(got):
        direction = rng.standard_normal(shapes[i])
        up, down = ([a + s * h * direction if j == i else a for j, a in enumerate(args)] for s in (1, -1))
        slope = [float(recurrent(*map(torch.from_numpy, a))) for a in (up, down)]
        np.testing.assert_allclose((g * direction).sum(), (slope[0] - slope[1]) / (2 * h), rtol=1e-6)


def test_products_over_an_inner_loop_stay_in_the_outer_one():
    """What the inner loop stacks would be kept for all iterations of the outer one."""
    x, xs, total = param(ROWS, SIZE), param(4, STEPS, ROWS, SIZE, name="xs"), param(SIZE, SIZE, name="total")
    c, item, s = param(ROWS, SIZE, name="c"), param(ROWS, SIZE, name="item"), param(SIZE, SIZE, name="s")
    after = build.apply("tanh", c + item)
    inner = Region((c, s, item), (after, s + build.matmul(build.permute(item, (1, 0)), after)))
    state, items, sums = param(ROWS, SIZE, name="state"), param(STEPS, ROWS, SIZE, name="items"), param(SIZE, SIZE, name="sums")
    last, part = builders.scan(inner, [state, build.constant(0, F64, (SIZE, SIZE))], [items], STEPS)
    outer = Region((state, sums, items), (last, sums + part))
    graph = Graph((x, xs, total), tuple(builders.scan(outer, [x, total], [xs], 4)))
    assert products(moved(graph)) == ["matmul in a loop", "scan", "scan in a loop"]


@pytest.mark.parametrize(("steps", "batch", "size"), [(1, 2, 9), (5, 7, 19), (12, 6, 32), (40, 1, 17)])
def test_gradients_of_an_lstm_are_those_of_a_loop_in_python(steps, batch, size):
    rng = np.random.default_rng(size)
    shapes = ((4 * size, size), (4 * size, size), (4 * size,), (steps, batch, size), (batch, size))
    args = tuple(torch.tensor(rng.standard_normal(shape) / size**0.5) for shape in shapes)

    def step(w, u, b, h, c, item):
        i, f, g, o = (item @ w.T + h @ u.T + b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def looped(w, u, b, xs, h):
        def body(s, item):
            after = step(w, u, b, *s, item)
            return after, after[0]

        (h, c), hs = torch.scan(body, (h, h * 0.5), xs)
        return (hs * hs).sum() + (h * c).sum()

    def plain(w, u, b, xs, h):
        c, total = h * 0.5, 0.0
        for t in range(steps):
            h, c = step(w, u, b, h, c, xs[t])
            total = total + (h * h).sum()
        return total + (h * c).sum()

    everything = (0, 1, 2, 3, 4)
    compiled = torch.compile(torch.func.grad(looped, argnums=everything))
    for _ in range(2):
        for got, want in zip(compiled(*args), torch.func.grad(plain, argnums=everything)(*args), strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-9, atol=1e-11)


def test_what_is_carried_and_never_read_stays():
    x = param(20)
    c, unread, i = param(20, name="c"), param(20, name="unread"), param(name="i")
    body = Region((c, unread, i), (build.apply("tanh", c), c + build.apply("sin", c)))
    xs = param(5, name="xs")
    graph = Graph((x, xs), tuple(builders.scan(body, [x, x], [xs], 5)))
    assert products(moved(graph)) == ["scan"]
