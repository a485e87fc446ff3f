"""Short axes taken apart: one kernel where there were several, the same numbers, and nothing where it does not pay."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import BOOL, F32, F64, DType, TensorType
from graphc.ir.fusion.scalarize import scalarize
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import cond, scan
from graphc.ir.rewrite.simplify import simplify
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.vjp import adjoint
from tests.targets import TARGET


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
    after = scalarize(graph, TARGET)
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
        to_text(scalarize(graph, TARGET))
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
    for found in (evaluate(scalarize(graph, TARGET), arrays), compile_graph(graph).run(arrays)):
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


def shapes(region: Region) -> set[tuple[int, ...]]:
    """Return the shapes of all that is computed in a region, in loops too."""
    nodes = region.nodes()
    own = {n.shape for n in nodes if n.op.kind in ("elementwise", "reduce")}
    return own.union(*(shapes(r) for n in nodes for r in n.regions))


def loops(region: Region) -> list[Node]:
    return [n for n in region.nodes() if n.op.name in ("scan", "while")]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("d", [2, 3])
def test_loops_carry_components(d, reverse):
    x, xs, mass = value(70, d), value(6, 70, d), value(70)
    c, item = value(70, d), value(70, d)
    force = pulls(c, mass) * 0.01
    body = Region((c, item), (c + force + item, force, c))
    last, forces, states = scan(body, [x], [xs], 6, reverse=reverse)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((70, d)), rng.standard_normal((6, 70, d)), rng.uniform(0.5, 1, 70)]
    after = same(Graph((x, xs, mass), (last, forces, states)), arrays, 1e-10)
    (loop,) = loops(after)
    # who stacks for others than loops, or reads what no loop has stacked, does so whole
    assert loop.params["carries"] == d and loop.params["xs"] == 1 and len(loop.types) == d + 2


def test_the_adjoint_of_a_loop_reads_components():
    x, mass, c = value(70, 3), value(70), value(70, 3)
    (last,) = scan(Region((c,), (c + pulls(c, mass) * 0.01,)), [x], [], 4)
    graph = adjoint(Graph((x, mass), (build.sum_(last * last, (0, 1)),)), [0, 1])
    rng = np.random.default_rng(0)
    after = simplify(same(graph, [rng.standard_normal((70, 3)), rng.uniform(0.5, 1, 70)], 1e-9))
    forward, backward = loops(after)[-2:]
    assert backward.params["carries"] == 4 and backward.params["xs"] == 3
    assert {t.shape for n in (forward, backward) for t in n.types} == {(70,), (4, 70)}
    assert {len(s) for s in shapes(backward.regions[0])} == {1, 2} and (70, 3) not in shapes(backward.regions[0])


def test_a_while_carries_and_tapes_components():
    def program(x, mass):
        def body(x):
            d = x[None] - x[:, None]
            square = (d * d).sum(-1) + 0.1
            return x + 0.05 * (d * (mass / square)[:, :, None]).sum(1)

        x = torch.while_loop(lambda x: (x * x).sum() > 150.0, lambda x: (body(x),), (x,))[0]
        return (x * x * x).sum()

    rng = np.random.default_rng(0)
    x, mass = rng.standard_normal((80, 3)), rng.uniform(0.5, 1, 80)
    compiled = torch.compile(torch.func.grad_and_value(program, argnums=(0, 1)))
    gradients, found = compiled(x, mass)
    text = compiled.lower(x, mass).ir("scalarized")
    assert "{carries=3}" in text and "xs=3" in text and "f64[?,80]" in text and "f64[?,80,3]" not in text
    check(program, (x, mass), gradients, found)


def check(program, args, gradients, found):
    """Check a value and its gradients against what is computed eagerly and finite differences."""
    tensors = [torch.from_numpy(a) for a in args]
    np.testing.assert_allclose(found, program(*tensors).item(), rtol=1e-10)
    rng, h = np.random.default_rng(1), 1e-6
    for i, gradient in enumerate(gradients):
        direction = rng.standard_normal(args[i].shape)
        ends = []
        for step in (h, -h):
            moved = [*tensors]
            moved[i] = torch.from_numpy(args[i] + step * direction)
            ends.append(program(*moved).item())
        np.testing.assert_allclose((np.asarray(gradient) * direction).sum(), (ends[0] - ends[1]) / (2 * h), rtol=1e-5)


def test_the_gradient_of_a_simulation_of_points():
    def program(x, v, mass):
        def force(x):
            d = x[None] - x[:, None]
            square = (d * d).sum(-1) + 0.1
            return ((mass / (square * torch.sqrt(square)))[:, :, None] * d).sum(1)

        def step(s, i):
            x, v = s
            for _ in range(2):
                v = v + 0.01 * force(x)
                x = x + 0.01 * v
            return (x, v), (x.sum(), v)

        def steps(s, k):
            s, (sums, _) = torch.scan(step, s, torch.arange(3))
            return s, sums.sum() * k

        (x, v), sums = torch.scan(steps, (x, v), torch.arange(1.0, 3.0, dtype=torch.float64))
        return (x * x).sum() + (v * v).sum() + sums.sum()

    rng = np.random.default_rng(0)
    args = rng.standard_normal((65, 3)), rng.standard_normal((65, 3)), rng.uniform(0.5, 1, 65)
    gradients, found = torch.compile(torch.func.grad_and_value(program, argnums=(0, 1, 2)))(*args)
    check(program, args, gradients, found)
    again = torch.compile(torch.func.grad(lambda *a: torch.func.grad(program)(*a).sum()))(*args)
    slope = torch.compile(torch.func.grad(program))
    h, direction = 1e-5, rng.standard_normal((65, 3))
    ends = [np.asarray(slope(args[0] + s * direction, *args[1:])).sum() for s in (h, -h)]
    np.testing.assert_allclose((np.asarray(again) * direction).sum(), (ends[0] - ends[1]) / (2 * h), rtol=1e-5)


def test_a_loop_that_needs_points_whole_gets_them():
    x, w, mass, c, at = value(70, 3), value(3, 3), value(70), value(70, 3), value(70, 3)
    moved = c + build.matmul(pulls(c, mass), w) * 0.01
    (one,) = scan(Region((c,), (moved,)), [x], [], 3)
    (two,) = scan(Region((at,), (build.matmul(at + pulls(at, mass) * 0.01, w),)), [x], [], 3)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((70, 3)), rng.standard_normal((3, 3)), rng.uniform(0.5, 1, 70)]
    after = same(Graph((x, w, mass), (one, two)), arrays, 1e-10)
    assert [loop.params["carries"] for loop in loops(after)] == [3, 1]


def test_a_branch_in_a_loop():
    x, mass, c, n = value(70, 3), value(70), value(70, 3), value()
    a, b = value(70, 3), value(70, 3)
    (moved,) = cond(n > 2.0, Region((a,), (a + pulls(a, mass) * 0.01,)), Region((b,), (b * 0.5,)), [c])
    last, _ = scan(Region((c, n), (moved, n + 1.0)), [x, build.constant(0.0, F64, ())], [], 5)
    same(Graph((x, mass), (last,)), [np.random.default_rng(0).standard_normal((70, 3)), np.linspace(0.5, 1, 70)], 1e-10)


@pytest.mark.parametrize("length", [0, 1])
def test_few_turns(length):
    x, mass, c = value(70, 3), value(70), value(70, 3)
    results = scan(Region((c,), (c + pulls(c, mass) * 0.01, c * c)), [x], [], length)
    graph = Graph((x, mass), tuple(results))
    same(graph, [np.random.default_rng(0).standard_normal((70, 3)), np.linspace(0.5, 1, 70)], 1e-10)


@pytest.mark.parametrize(
    ("shape", "axes"), [((10, 3), (1,)), ((100, 5), (1,)), ((100, 3), (0,)), ((100, 3), (0, 1)), ((100, 1), (1,))]
)
def test_what_does_not_pay_stays(shape, axes):
    x = value(*shape)
    graph = Graph((x,), (build.sum_(build.apply("exp", x), axes),))
    assert scalarize(graph, TARGET) is graph


def test_what_is_only_read_stays():
    x = value(100, 3)
    graph = Graph((x,), (build.sum_(x, (1,)),))
    assert scalarize(graph, TARGET) is graph
