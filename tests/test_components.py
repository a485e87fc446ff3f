"""Short axes taken apart: one kernel where there were several, the same numbers, and nothing where it does not pay."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.program import compile_graph
from graphc.ir import build
from graphc.ir.autodiff import adjoint
from graphc.ir.components import take_apart
from graphc.ir.control import scan
from graphc.ir.evaluate import evaluate
from graphc.ir.graph import Graph, Node, Region, parameter
from graphc.ir.parser import parse
from graphc.ir.printer import to_text
from graphc.ir.types import BOOL, F32, F64, DType, TensorType
from graphc.ir.verifier import verify


def value(*shape: int, dtype: DType = F64) -> Node:
    return parameter(TensorType(dtype, shape))


def pulls(x: Node, mass: Node) -> Node:
    """Return what each of n points in d dimensions is pulled by all others."""
    n, d = x.shape
    apart = build.broadcast(x, (n, n, d), (1, 2)) - build.broadcast(x, (n, n, d), (0, 2))
    square = build.sum_(apart * apart, (2,)) + 0.01
    weight = build.broadcast(mass, (n, n), (1,)) / (square * build.apply("sqrt", square))
    return build.sum_(build.broadcast(weight, (n, n, d), (0, 1)) * apart, (1,))


def same(graph: Graph, arrays, tolerance: float = 1e-12) -> Graph:
    after = take_apart(graph)
    verify(after)
    want = evaluate(graph, arrays)
    for found in (evaluate(after, arrays), compile_graph(graph).run(arrays)):
        for got, expected in zip(found, want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(expected), initial=1))
    return after


@pytest.mark.parametrize(("n", "d"), [(16, 2), (16, 3), (33, 4), (20, 5)])
def test_pairs_of_points(n, d):
    x, mass = value(n, d), value(n)
    rng = np.random.default_rng(n)
    arrays = [rng.standard_normal((n, d)), rng.uniform(0.5, 1, n)]
    graph = Graph((x, mass), (pulls(x, mass),))
    after = same(graph, arrays)
    assert any(node.shape == (n, n, d) for node in after.nodes()) is (d > 4)
    assert len(compile_graph(graph).kernels) == 1
    total = Graph((x, mass), (build.sum_(pulls(x, mass) * x, (0, 1)),))
    same(adjoint(total, [0, 1]), arrays, 1e-10)


def test_before_and_after():
    graph = parse("""graph f(%x: f32[100,2]) -> (f32[100]) {
      %y: f32[100,2] = mul %x, %x
      %r: f32[100] = max %y {axes=[1]}
      return %r
    }""")
    assert (
        to_text(take_apart(graph))
        == """graph f(%x: f32[100,2]) -> (f32[100]) {
  %0: f32[100,1] = slice %x {start=[0,0], stop=[100,1], step=[1,1]}
  %1: f32[100] = reshape %0 {shape=[100]}
  %y: f32[100] = mul %1, %1
  %2: f32[100,1] = slice %x {start=[0,1], stop=[100,2], step=[1,1]}
  %3: f32[100] = reshape %2 {shape=[100]}
  %y_1: f32[100] = mul %3, %3
  %4: f32[100] = maximum %y, %y_1
  return %4
}
"""
    )


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all"])
def test_every_reduction(name):
    dtype = BOOL if name in ("any", "all") else F32
    x, y = value(70, 3, dtype=dtype), value(70, dtype=dtype)
    z = build.apply("or" if dtype is BOOL else "mul", x, build.broadcast(y, x.shape, (0,)))
    graph = Graph((x, y), (build.reduce(name, z, (1,)),))
    numbers = np.random.default_rng(0).standard_normal((70, 3))
    numbers[::7, 1], numbers[::5, 0], numbers[::9] = np.nan, -0.0, -0.0
    arrays = [numbers > 0, numbers[:, 0] > 1] if dtype is BOOL else [numbers.astype(np.float32), np.ones(70, np.float32)]
    assert same(graph, arrays, 1e-6) is not graph
    for found in (evaluate(take_apart(graph), arrays), compile_graph(graph).run(arrays)):
        want = evaluate(graph, arrays)[0]
        assert np.array_equal(np.signbit(found[0][want == 0]), np.signbit(want[want == 0])) or name in ("max", "min", "prod")


def test_movement_on_the_way():
    x, y = value(3, 80), value(80)
    moved = build.permute(build.apply("exp", x) * build.broadcast(build.iota((3,), 0, F64), (3, 80), (0,)), (1, 0))
    spread = moved + build.broadcast(build.apply("tanh", y), (80, 3), (0,))
    results = (build.sum_(spread, (1,)), build.sum_(spread, (0,)))
    arrays = [np.random.default_rng(0).standard_normal((3, 80)), np.linspace(0, 1, 80)]
    same(Graph((x, y), results), arrays)


def test_loops_are_taken_apart_inside():
    x, mass, c, m = value(24, 3), value(24), value(24, 3), value(24)
    (out,) = scan(Region((c,), (c + pulls(c, mass) * 0.01,)), [x], [], 5)
    graph = Graph((x, mass), (out,))
    rng = np.random.default_rng(0)
    after = same(graph, [rng.standard_normal((24, 3)), rng.uniform(0.5, 1, 24)], 1e-11)
    (loop,) = [n for n in after.nodes() if n.regions]
    assert all(n.shape != (24, 24, 3) for n in loop.regions[0].nodes()) and m.shape == (24,)


@pytest.mark.parametrize(
    ("shape", "axes"), [((10, 3), (1,)), ((100, 5), (1,)), ((100, 3), (0,)), ((100, 3), (0, 1)), ((100, 1), (1,))]
)
def test_what_does_not_pay_stays(shape, axes):
    x = value(*shape)
    graph = Graph((x,), (build.sum_(build.apply("exp", x), axes),))
    assert take_apart(graph) is graph


def test_what_is_only_read_stays():
    x = value(100, 3)
    graph = Graph((x,), (build.sum_(x, (1,)),))
    assert take_apart(graph) is graph
