"""Short loops over large arrays are written out: what is unrolled, what is not, and that it computes the same."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.loops.unrolling import unroll_loops
from graphc.ir.regions import builders
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import verify
from tests.targets import TARGET


def param(*shape: int, name: str = "x") -> Node:
    return parameter(TensorType(F64, shape), name)


def scan_graph(length: int, *, reverse: bool = False, size: int = 50) -> Graph:
    """Return a scan with a carry, a sequence, two stacks and a value from outside."""
    x, xs, w = param(size), param(length, size, name="xs"), param(size, name="w")
    c, item = param(size, name="c"), param(size, name="item")
    after = c * 0.5 + build.apply("sin", item) * w
    body = Region((c, item), (after, after * item, c))
    return Graph((x, xs, w), tuple(builders.scan(body, [x], [xs], length, reverse=reverse)))


def arrays(graph: Graph) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(p.shape) for p in graph.params]


def check(graph: Graph, after: Graph) -> None:
    verify(after, "unroll")
    given = arrays(graph)
    want = evaluate(graph, given)
    for got in (evaluate(after, given), compile_graph(graph).run(given)):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 5, 8, 11])
def test_short_scans_are_written_out(length, reverse):
    graph = scan_graph(length, reverse=reverse)
    after = unroll_loops(graph, TARGET)
    assert "scan" not in to_text(after)
    check(graph, after)


@pytest.mark.parametrize(("length", "size"), [(0, 50), (100, 50), (5, 3)])
def test_long_small_and_empty_loops_stay(length, size):
    graph = scan_graph(length, size=size)
    assert unroll_loops(graph, TARGET) is graph
    check(graph, graph)


def test_loops_with_products_stay():
    x, w, c = param(20, 20), param(20, 20, name="w"), param(20, 20, name="c")
    graph = Graph((x, w), tuple(builders.scan(Region((c,), (build.matmul(c, w) * 0.1,)), [x], [], 3)))
    assert unroll_loops(graph, TARGET) is graph


def test_a_short_loop_in_a_long_one_is_written_out():
    x, c, inner = param(40), param(40, name="c"), param(40, name="inner")
    (last,) = builders.scan(Region((inner,), (build.apply("sin", inner) + c,)), [c], [], 3)
    graph = Graph((x,), tuple(builders.scan(Region((c,), (last * 0.5,)), [x], [], 100)))
    after = unroll_loops(graph, TARGET)
    assert to_text(graph).count("scan") == 2 and to_text(after).count("scan") == 1
    check(graph, after)


def test_loops_that_read_one_another_are_all_written_out():
    x, c = param(40), param(40, name="c")
    body = Region((c,), (build.apply("sin", c), c * c))
    last, stack = builders.scan(body, [x], [], 4)
    second, item = param(40, name="d"), param(40, name="item")
    results = builders.scan(Region((second, item), (second + item,)), [last], [stack], 4, reverse=True)
    graph = Graph((x,), tuple(results))
    after = unroll_loops(graph, TARGET)
    assert "scan" not in to_text(after)
    check(graph, after)


def newton(e, m, iterations):
    return torch.fori_loop(0, iterations, lambda i, x: x - (x - e * torch.sin(x) - m) / (1 - e * torch.cos(x)), m)


def test_value_and_gradient_of_newton_steps_are_one_kernel():
    rng = np.random.default_rng(0)
    e, m = rng.uniform(0, 0.6, 3000), rng.uniform(-3, 3, 3000)
    compiled = torch.compile(torch.func.grad_and_value(lambda e, m: torch.sin(newton(e, m, 8)).mean(), argnums=(0, 1)))
    (by_e, by_m), value = compiled(e, m)
    assert compiled.lower(e, m).cost().kernels == 1
    root = m
    for _ in range(50):
        root = root - (root - e * np.sin(root) - m) / (1 - e * np.cos(root))
    np.testing.assert_allclose(value, np.sin(root).mean(), rtol=1e-12)
    slope = 1 / (1 - e * np.cos(root))
    np.testing.assert_allclose(by_m, np.cos(root) * slope / 3000, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(by_e, np.cos(root) * np.sin(root) * slope / 3000, rtol=1e-9, atol=1e-15)


def test_gradients_of_gradients_pass_through():
    x = np.linspace(0.1, 1, 300)
    f = lambda x: torch.fori_loop(0, 3, lambda i, y: torch.sin(y) * x, x).sum()  # noqa: E731
    second = torch.func.grad(lambda x: torch.func.grad(f)(x).sum())
    g = lambda x: np.sin(np.sin(np.sin(x) * x) * x) * x  # noqa: E731
    h = 1e-4
    np.testing.assert_allclose(torch.compile(second)(x), (g(x + h) - 2 * g(x) + g(x - h)) / h**2, rtol=1e-4, atol=1e-5)
