"""What becomes one kernel, and that fused graphs compute what they did before."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import F32, DType, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.text.verifier import verify
from tests.targets import TARGET


def param(*shape: int, name: str = "x", dtype: DType = F32) -> Node:
    return parameter(TensorType(dtype, shape), name)


def over_rows(name: str, x: Node) -> Node:
    """Reduce each row and give the result to every element of it."""
    return build.expand_axes(build.reduce(name, x, (1,)), x.shape, (1,))


def softmax(x: Node) -> Node:
    e = build.apply("exp", x - over_rows("max", x))
    return e / over_rows("sum", e)


def layer_norm(x: Node) -> Node:
    n = float(x.shape[1])
    centred = x - over_rows("sum", x) / n
    return centred * build.apply("rsqrt", over_rows("sum", centred * centred) / n + 1e-5)


def variance(x: Node) -> Node:
    centred = x - over_rows("sum", x) / float(x.shape[1])
    return build.sum_(centred * centred, (1,)) / float(x.shape[1])


def kernels(graph: Graph) -> list[str]:
    """Return the names of what runs: fusions and whatever has a step of its own."""
    return [n.op.name for n in graph.nodes() if n.op.kind not in ("movement", "leaf")]


def fused(*results: Node, params: tuple[Node, ...]) -> Graph:
    """Fuse a graph, check it against the graph it came from, and return it."""
    graph = Graph(params, results)
    after = fuse(graph, TARGET)
    verify(after, "fuse")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape).astype(p.dtype.numpy) for p in params]
    for a, b in zip(evaluate(graph, arrays), evaluate(after, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    return after


@pytest.mark.parametrize("rows", [softmax, layer_norm, variance])
def test_row_programs_are_one_kernel(rows):
    x = param(6, 5)
    assert kernels(fused(rows(x), params=(x,))) == ["fusion"]


def test_elementwise_chain_is_one_kernel():
    x, y = param(4, 3), param(4, 3, name="y")
    after = fused(build.apply("tanh", x * 2 + y) * build.apply("sigmoid", x), params=(x, y))
    assert kernels(after) == ["fusion"]
    (fusion,) = (n for n in after.nodes() if n.op.name == "fusion")
    assert fusion.params["dims"] == (4, 3) and fusion.params["outer"] == 2


def test_value_and_gradient_share_a_kernel():
    x = param(6, 5)
    e = build.apply("exp", x)
    assert kernels(fused(build.sum_(e, (0, 1)), e * 2, params=(x,))) == ["fusion"]


def test_siblings_that_read_the_same_value_share_a_kernel():
    x = param(6, 5)
    assert kernels(fused(build.sum_(x * x, (0, 1)), x * 2, params=(x,))) == ["fusion"]


def test_elementwise_work_on_a_product_follows_it():
    x, w = param(6, 5), param(5, 7, name="w")
    assert kernels(fused(build.apply("tanh", build.matmul(x, w)) + 1, params=(x, w))) == ["matmul", "fusion"]


def test_groups_stay_convex_around_a_product():
    x, w = param(5, 5), param(5, 5, name="w")
    before = build.apply("exp", x)
    after = before + build.apply("tanh", build.matmul(before, w))
    assert kernels(fused(after, params=(x, w))) == ["fusion", "matmul", "fusion"]


def test_costly_values_are_folded_along_rows_and_down_columns_in_one_kernel():
    x = param(6, 5)
    e = build.apply("exp", x)
    assert kernels(fused(build.sum_(e, (0,)), build.sum_(e, (1,)), params=(x,))) == ["fusion"]
    cheap = x * x
    assert kernels(fused(build.sum_(cheap, (0,)), build.sum_(cheap, (1,)), params=(x,))) == ["fusion", "fusion"]


def test_columns_are_read_by_other_kernels():
    x = param(6, 5)
    e = build.apply("exp", x)
    columns, rows = build.sum_(e, (0,)), build.sum_(e, (1,))
    spread = build.broadcast(columns, x.shape, (1,)) * build.broadcast(rows, x.shape, (0,))
    assert kernels(fused(spread, build.sum_(spread, (0,)), params=(x,))) == ["fusion", "fusion"]


def test_reshapes_that_merge_and_split_axes_stay_inside():
    x = param(6, 10)
    y = build.apply("exp", build.reshape(build.apply("sin", x), (60,)))
    assert kernels(fused(build.reshape(y, (3, 2, 10)), params=(x,))) == ["fusion"]


def test_cheap_values_are_computed_where_they_are_read():
    x = param(8, 5)
    square = x * x
    step = build.slice_(square, (1, 0), (8, 5)) - build.slice_(square, (0, 0), (7, 5))
    assert kernels(fused(build.sum_(step * step, (0, 1)), params=(x,))) == ["fusion"]


def test_costly_values_read_elsewhere_are_stored():
    x = param(8, 5)
    wave = build.apply("sin", x)
    step = build.slice_(wave, (1, 0), (8, 5)) - build.slice_(wave, (0, 0), (7, 5))
    assert kernels(fused(step, params=(x,))) == ["fusion", "fusion"]


def test_parameters_and_repeated_results_are_copied():
    x = param(3, 4)
    y = x * 2
    after = fused(x, y, y, build.permute(x, (1, 0)), params=(x,))
    assert len(set(after.results)) == 4
    assert all(r.op.name in ("fusion", "result") for r in after.results)


def test_a_group_has_a_greatest_weight():
    x = param(100)
    y = x
    for _ in range(200):
        y = build.apply("tanh", y)
    assert len(kernels(fused(y, params=(x,)))) > 3


def test_a_moved_result_that_is_read_again_belongs_to_no_circle():
    x = param(1)
    y = build.apply("exp", x)
    moved = build.reshape(y, ())
    assert kernels(fused(y, moved + 1.0, moved, params=(x,))).count("fusion") <= 2


def differences(x: Node) -> Node:
    """Return the gradient of half the sum of squared forward differences along all axes."""
    total = build.zeros_like(x)
    for axis in range(x.type.rank):
        one = [int(a == axis) for a in range(x.type.rank)]
        none = [0] * x.type.rank
        less = [n - o for n, o in zip(x.shape, one, strict=True)]
        d = build.slice_(x, one, x.shape) - build.slice_(x, none, less)
        total = total + build.pad(d, one, none) - build.pad(d, none, one)
    return total


def test_shifted_windows_of_one_array_are_one_kernel():
    x = param(12, 40)
    assert kernels(fused(differences(x), params=(x,))) == ["fusion"]


def test_sums_along_rows_and_down_columns_are_kernels_apart():
    x, y = param(64, 64), param(64, 64)
    z = build.apply("exp", x) * y
    graph = Graph((x, y), (build.sum_(z, (1,)), build.sum_(y, (0,)) + build.sum_(build.apply("tanh", y), (0,))))
    kernels = compile_graph(graph).kernels
    assert sorted(k.vector is not None for k in kernels) == [False, True]


def test_a_buffer_is_one_result_only_under_whatever_shape():
    a, b = param(5, 3), param(3, 4)
    y = build.matmul(a, b)
    flat = build.reshape(y, (20,))
    arrays = [np.arange(15, dtype=np.float32).reshape(5, 3), np.arange(12, dtype=np.float32).reshape(3, 4)]
    want = arrays[0] @ arrays[1]
    for results in ((y, flat), (flat, y), (y, flat, y), (flat, build.reshape(y, (2, 10)), flat)):
        for got in compile_graph(Graph((a, b), results)).run(arrays):
            np.testing.assert_array_equal(got.reshape(5, 4), want)


def steps(graph: Graph) -> list[str]:
    return [name for name in kernels(graph) if name != "result"]


def test_single_numbers_share_a_kernel():
    numbers = tuple(param(name=f"n{i}") for i in range(5))
    results = [build.apply("exp", n) * (i + 1) for i, n in enumerate(numbers)]
    assert steps(fused(*results, params=numbers)) == ["fusion"]


def test_single_numbers_before_and_after_a_product_do_not():
    a, b, x, w = param(name="a"), param(name="b"), param(4, 5), param(5, 3, name="w")
    before = build.apply("exp", a) * 2
    product = build.matmul(x * build.broadcast(before, (4, 5), ()), w)
    after = build.apply("exp", build.sum_(product, (0, 1))) * build.apply("exp", b)
    names = steps(fused(before, after, params=(a, b, x, w)))
    assert names.count("matmul") == 1 and names.count("fusion") >= 2


@pytest.mark.parametrize("shape", [(5,), (3, 1), (1,), (1, 1), (4, 2, 3)])
@pytest.mark.parametrize("views", [
    lambda a: (a[-1], a[-1:]), lambda a: (a[:1], a[0]), lambda a: ((a * 2)[-1], (a * 2)[-1:], a),
    lambda a: (a.flip(0)[0], a.flip(0)[:1]), lambda a: (a.flip(0), a.flip(0).reshape(-1), a.flip(0).reshape(-1)[:1]),
])  # fmt: skip
def test_results_that_are_views_of_one_another(views, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    for got, want in zip(torch.compile(views)(torch.tensor(x)), views(torch.tensor(x)), strict=True):
        np.testing.assert_array_equal(np.asarray(got), want.numpy())


def test_equal_kernels_have_one_body() -> None:
    x, w = param(20, 20), param(20, 20, name="w")
    y = softmax(build.matmul(softmax(build.matmul(x, w)), w))
    graph = fused(y, build.apply("exp", build.matmul(w, w)) * 2.0, build.apply("exp", build.matmul(w, x)) * 3.0, params=(x, w))
    bodies = [n.regions[0] for n in graph.nodes() if n.op.name == "fusion"]
    assert len(bodies) == 4 and len(set(bodies)) == 3  # the factors differ
