"""Loops whose values are small: straight-line code that gives what the evaluator gives, and what does not qualify."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphc.codegen.program.program import compile_graph
from graphc.codegen.program.register_loops.elementwise import early_products
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, parameter, toposort
from graphc.ir.core.types import BOOL, F32, F64, I64, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import cond, scan, while_loop
from graphc.ir.transforms.vjp import adjoint
from tests import graphs


def value(shape: tuple[int, ...] = (), dtype: DType = F64, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


def check(graph: Graph, arrays, *, tolerance: float = 1e-9, kernels: int | None = 0) -> list[np.ndarray]:
    """Compare a program with the evaluator; `kernels` is how many loop kernels it may have (None: any)."""
    program = compile_graph(graph)
    found = program.run(arrays)
    for got, want in zip(found, evaluate(graph, arrays), strict=True):
        assert got.shape == want.shape and got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    if kernels is not None:
        assert len(program.kernels) <= kernels, program.stage("fused")
    return found


class SmallMaker(graphs.Maker):
    """Grows bodies of small values."""

    def __init__(self, seed: int, params: list[Node]) -> None:
        super().__init__(seed)
        self.extents = (1, 2, 2, 3, 4)
        self.pool = list(params)

    def shape(self) -> tuple[int, ...]:
        return self.random.choice(((), (2,), (3,), (2, 2), (3, 3)))

    def fitting(self, like: Node) -> Node:
        """Return a bounded value of a type, made of what has grown."""
        made = next((n for n in reversed(self.pool) if n.dtype is like.dtype and n.type.size), like)
        flat = build.reshape(made, (made.type.size,))
        first = build.reshape(build.slice_(flat, (0,), (1,)), ())
        spread = build.broadcast(first, like.shape, ())
        if not like.dtype.is_float:
            return build.select(build.elementwise("lt", spread, like), spread, like)
        return build.apply("tanh", spread + like * 0.5)


@pytest.mark.parametrize("seed", range(60))
def test_random_bodies_compute_what_the_evaluator_does(seed):
    carried = [value((3,), F64, "a"), value((), F32, "b"), value((2, 2), I64, "n"), value((), F64, "c")]
    item, outside = value((2,), F64, "x"), value((2, 3), F64, "w")
    maker = SmallMaker(seed, [*carried, item, outside])
    for _ in range(12):
        maker.grow()
        maker.pool = [n for n in maker.pool if n.type.size <= 16]
    leaves = [n for n in toposort(maker.pool) if n in maker.params]  # what the maker wants from outside
    results = [maker.fitting(c) for c in carried]
    items = maker.random.choices(maker.pool, k=2)
    body = Region((*carried, item), (*results, *items))
    start = [value(c.shape, c.dtype, f"{c.name}0") for c in carried]
    xs = value((6, 2), F64, "xs")
    graph = Graph((*start, xs, outside, *leaves), tuple(scan(body, start, [xs], 6, reverse=seed % 2 == 1)))
    arrays = graphs.arrays(graph, seed)
    check(graph, arrays, tolerance=1e-4, kernels=None)


def newton(steps: int) -> Graph:
    x, a, y = value((), F64, "x"), value((), F64, "a"), value((), F64, "y")
    body = Region((y,), (y - (y * y - a) / (y * 2),))
    return Graph((x, a), tuple(scan(body, [x], [], steps)))


@pytest.mark.parametrize("steps", [0, 1, 7, 100])
def test_a_scan_in_registers(steps):
    check(newton(steps), [np.array(1.0), np.array(2.0)])


def test_its_gradient_in_registers():
    graph = adjoint(newton(20), [0, 1])
    found = check(graph, [np.array(1.0), np.array(2.0)], kernels=1)
    np.testing.assert_allclose(found[2], 1 / (2 * np.sqrt(2)))


def test_no_kernel_is_called_from_the_loop():
    program = compile_graph(newton(1000))
    (loop,) = re.findall(r"^loop\.scan.*?^done\.scan", program.llvm_ir(optimized=False), re.M | re.S)
    assert "= call" not in loop and "= load" not in loop and "fdiv double" in loop


def test_small_matrices_are_carried():
    a, w, c = value((3, 3), F64, "a"), value((3, 3), F64, "w"), value((3, 3), F64, "c")
    out = scan(Region((c,), (build.matmul(c, w),)), [a], [], 50)[0]
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    check(adjoint(Graph((a, w), (build.sum_(out, (0, 1)),)), [0, 1]), [np.eye(3) + 0.1, rotation], kernels=2)


@pytest.mark.parametrize("start", [0.0, 1.0, 50.0, 1e6])
def test_a_while_loop_in_registers(start):
    x, n, i, y = value((), F64), value((), I64), value((), I64), value((), F64)
    test = Region((i, y), (y < 1000.0,))
    body = Region((i, y), (i + 1, y * 1.5 + 1.0))
    graph = Graph((n, x), tuple(while_loop(test, body, [n, x])))
    check(graph, [np.array(0), np.array(start)])


def test_branches_nest_in_loops():
    x, y, k = value((2,), F64, "x"), value((2,), F64, "y"), value((), I64, "k")
    odd = build.elementwise("eq", build.elementwise("remainder", k, 2), 1)
    p, q = value((2,), F64), value((2,), F64)
    (chosen,) = cond(odd, Region((p,), (build.apply("sin", p) * x,)), Region((q,), (q + x,)), [y])
    out = scan(Region((y, k), (chosen, k + 1, chosen)), [x, build.constant(0, I64)], [], 9)
    check(Graph((x,), tuple(out)), [np.array([0.3, -2.0])], kernels=2)


def test_loops_nest_in_loops_and_stack_between_them():
    x, c, d, e, t = (value((), F64, name) for name in "xcdet")
    first = scan(Region((d,), (d * 0.9 + c, d * d)), [c], [], 20)
    second = scan(Region((e, t), (e + build.apply("cos", t),)), [first[0]], [first[1]], 20, reverse=True)
    (out,) = scan(Region((c,), (build.apply("tanh", second[0]),)), [x], [], 5)
    check(Graph((x,), (out,)), [np.array(0.2)], kernels=1)
    check(adjoint(Graph((x,), (out,)), [0]), [np.array(0.2)], kernels=None)


def test_a_big_array_is_picked_from():
    table, i, s = value((500, 3), F64, "table"), value((), I64, "i"), value((3,), F64, "s")
    body = Region((i, s), (build.elementwise("remainder", i * 7 + 3, 500), s + build.gather(table, i)))
    start = [build.constant(4, I64), build.constant(0, F64, (3,))]
    graph = Graph((table,), tuple(scan(body, start, [], 40)))
    check(graph, [np.random.default_rng(1).standard_normal((500, 3))], kernels=4)


@pytest.mark.parametrize("index", [500, -1, 2**40])
def test_an_index_out_of_bounds_is_an_error(index):
    table, i, first = value((500,), F64), value((), I64), value((), I64)
    (out, _) = scan(Region((s := value((), F64), i), (s + build.gather(table, i), i)), [build.constant(0, F64), first], [], 3)
    program = compile_graph(Graph((table, first), (out,)))
    assert program.run([np.ones(500), np.array(499)])[0] == 3
    with pytest.raises(IndexError, match="out of range"):
        program.run([np.ones(500), np.array(index)])


@pytest.mark.parametrize("shape", [(0, 1), (0, 4), (0,), (3, 0)])
@pytest.mark.parametrize("steps", [0, 2])
def test_picking_from_an_empty_array(shape, steps):
    x, k, c = value(shape), value((), I64), value(shape[1:])
    graph = Graph((x, k), tuple(scan(Region((c,), (c + build.gather(x, k),)), [build.constant(1, F64, shape[1:])], [], steps)))
    arrays = [np.ones(shape), np.array(0)]
    if shape[0] or not steps:
        check(graph, arrays, kernels=None)
    else:
        with pytest.raises(IndexError, match="out of range"):
            compile_graph(graph).run(arrays)


def test_scattered_additions_to_small_values():
    x, u, i = value((4,), F64, "x"), value((2,), F64, "u"), value((2,), I64, "i")
    body = Region((x, i), (build.scatter_add(x, u, i), build.elementwise("remainder", i + 1, 4)))
    start, first = value((4,), F64), value((2,), I64)
    graph = Graph((start, u, first), tuple(scan(body, [start, first], [], 11)))
    check(graph, [np.arange(4.0), np.array([0.5, 0.25]), np.array([0, 0])], kernels=0)


@pytest.mark.parametrize("count", [1, 2, 7, 80])
def test_costly_functions_of_many_scalars_are_vectors(count):
    start = [value((), F64, f"x{i}") for i in range(count)]
    carried = [value((), F64, f"c{i}") for i in range(count)]
    body = [build.apply("sin", c) * 1.5 + carried[(i + 1) % count] * 0.25 for i, c in enumerate(carried)]
    graph = Graph(tuple(start), tuple(scan(Region(tuple(carried), tuple(body)), start, [], 30)))
    check(graph, [np.array(0.1 + i) for i in range(count)], tolerance=1e-7)
    text = compile_graph(graph).llvm_ir(optimized=False)
    lanes = [int(n) for n in re.findall(r"fma\.v(\d+)f64", text)]
    assert (max(lanes, default=1) > 1) == (count > 1) and max(lanes, default=1) <= 8


def test_ten_thousand_operations_compile_in_bounded_blocks():
    x, c = value((), F64, "x"), value((), F64, "c")
    y = c
    for i in range(2500):
        y = y * 0.5 + build.apply("maximum", c, y * (0.25 + i))
    (out,) = scan(Region((c,), (y,)), [x], [], 3)
    check(Graph((x,), (out,)), [np.array(0.7)])


def test_larger_values_are_kernels():
    x, c = value((100,), F32, "x"), value((100,), F32, "c")
    (out,) = scan(Region((c,), (build.apply("tanh", c) * 2.0,)), [x], [], 10)
    program = compile_graph(Graph((x,), (out,)))
    assert len(program.kernels) == 1 and "fusion" in program.stage("fused")
    check(Graph((x,), (out,)), [np.linspace(0, 1, 100, dtype=np.float32)], tolerance=1e-5, kernels=1)


@pytest.mark.parametrize("dtype", [BOOL, I64, F32])
def test_dtypes_are_carried(dtype):
    x, c = value((3,), dtype, "x"), value((3,), dtype, "c")
    after = build.apply("not", c) if dtype is BOOL else c * 3 + c
    (out, stack) = scan(Region((c,), (after, c)), [x], [], 5)
    check(Graph((x,), (out, stack)), [np.array([1, 0, 2]).astype(dtype.numpy)], tolerance=1e-5)


def test_special_numbers_survive():
    x, c = value((5,), F64, "x"), value((5,), F64, "c")
    (out,) = scan(Region((c,), (build.apply("maximum", c, c * -1.0) + build.apply("sin", c) * 0.0,)), [x], [], 2)
    check(Graph((x,), (out,)), [np.array([np.nan, np.inf, -0.0, -np.inf, 5e-324])])


def fibonacci(n: int, *, size: int) -> Graph:
    """Fill an array: each element is made of the two before it."""
    x, k, c = value((size,), F64, "x"), value((), I64, "k"), value((size,), F64, "c")
    total = build.gather(c, k - 1) * 0.5 + build.apply("sin", build.gather(c, k - 2))
    body = Region((c, k), (build.scatter(c, total, k), k + 1))
    return Graph((x,), (scan(body, [x, build.constant(2, I64)], [], n)[0],), "fibonacci")


@pytest.mark.parametrize("size", [8, 300])
def test_elements_are_written_in_place(size):
    x = np.zeros(size)
    x[:2] = 0.7, -0.2
    (found,) = check(fibonacci(6, size=size), [x])
    assert found[7] != 0 and np.array_equal(x[2:], np.zeros(size - 2))


def test_nothing_is_copied_inside_the_loop():
    text = compile_graph(fibonacci(200, size=300)).llvm_ir(optimized=False)
    (loop,) = re.findall(r"^loop\.scan.*?^done\.scan", text, re.M | re.S)
    assert "memmove" not in loop and "call void @k" not in loop and "memmove" in text


def test_what_reads_an_array_runs_before_it_is_overwritten():
    x, c, k = value((40,), F64), value((40,), F64, "c"), value((), I64, "k")
    before = build.gather(c, k)
    written = build.scatter(c, before * 2.0 + 1.0, k)
    after = build.gather(written, k)
    late = build.apply("sin", build.apply("sin", build.gather(c, k + 1)))  # deeper than what overwrites it
    again = build.scatter_add(written, late, k + 1)
    body = Region((c, k), (again, k + 1, before, after, late))
    graph = Graph((x,), tuple(scan(body, [x, build.constant(0, I64)], [], 30)))
    check(graph, [np.linspace(-1, 1, 40)], kernels=0)


def test_an_array_read_after_it_should_be_overwritten_is_copied():
    x, c, k = value((40,), F64), value((40,), F64, "c"), value((), I64, "k")
    written = build.scatter(c, build.gather(c, k) + 1.0, k)
    old = build.gather(c, build.cast(build.gather(written, k), I64) & 31)  # the old array at a place the new one tells
    graph = Graph((x,), tuple(scan(Region((c, k), (written, k + 1, old)), [x, build.constant(0, I64)], [], 30)))
    check(graph, [np.arange(40.0)], kernels=None)


def test_arrays_that_change_places_are_copied():
    x, y, a, b = (value((40,), F64) for _ in range(4))
    body = Region((a, b), (build.scatter(b, build.gather(a, build.constant(3, I64)), build.constant(5, I64)), a))
    check(Graph((x, y), tuple(scan(body, [x, y], [], 7))), [np.arange(40.0), -np.arange(40.0)], kernels=None)


def test_nested_loops_write_in_place():
    x, c, d, i, j = value((30,), F64), value((30,), F64, "c"), value((30,), F64, "d"), value((), I64), value((), I64)
    inner = scan(Region((d, j), (build.scatter_add(d, build.gather(d, j) * 0.5, j + 1), j + 1)), [c, i], [], 4)
    out = scan(Region((c, i), (inner[0], i + 1)), [x, build.constant(0, I64)], [], 20)
    check(Graph((x,), (out[0],)), [np.linspace(1, 2, 30)], kernels=None)


def test_kernels_write_large_values_in_place():
    x, c, k = value((50, 60), F64, "x"), value((50, 60), F64, "c"), value((), I64, "k")
    row = build.apply("tanh", build.gather(c, k) * 2.0 + 1.0)
    body = Region((c, k), (build.scatter(build.scatter_add(c, row, k + 1), row, k), k + 1))
    graph = Graph((x,), (scan(body, [x, build.constant(0, I64)], [], 40)[0],))
    check(graph, [np.random.default_rng(0).standard_normal((50, 60))], kernels=None)
    text = compile_graph(graph).llvm_ir(optimized=False)
    (loop,) = re.findall(r"^loop\.scan.*?^done\.scan", text, re.M | re.S)
    assert "copy" not in loop and loop.count("_scatter(") + loop.count("_scatter_add(") == 2, loop


def test_while_loops_write_in_place_too():
    x, c, k = value((50, 60), F64, "x"), value((50, 60), F64, "c"), value((), I64, "k")
    body = Region((c, k), (build.scatter(c, build.gather(c, k) * 2.0, k + 1), k + 1))
    graph = Graph((x,), (while_loop(Region((c, k), (k < 49,)), body, [x, build.constant(0, I64)])[0],))
    check(graph, [np.random.default_rng(0).standard_normal((50, 60)) / 2**20], kernels=None)
    assert "copy" not in compile_graph(graph).llvm_ir(optimized=False)


def test_the_gradient_of_a_slice_update_touches_the_slice():
    def summed(n: int) -> Graph:
        graph = fibonacci(n, size=1000)
        return Graph(graph.params, (build.sum_(graph.results[0], (0,)),), "summed")

    adjoint_ = adjoint(summed(30), [0])
    x = np.linspace(-1, 1, 1000)
    found = check(adjoint_, [x], kernels=None)
    step = 1e-6 * np.eye(1000)[1]
    slope = (evaluate(summed(30), [x + step])[0] - evaluate(summed(30), [x - step])[0]) / 2e-6
    np.testing.assert_allclose(found[1][1], slope, rtol=1e-6)
    assert compile_graph(adjoint_).arena_bytes < 4 * 8 * 1000  # what was picked in each iteration is kept, never the array
    backward = [n for n in toposort(compile_graph(adjoint_).graph.results) if n.op.name == "scan" and n.params["reverse"]]
    assert len(backward) == 1
    sums = [n for n in backward[0].regions[0].nodes() if not n.regions and n.op.name in ("add", "concatenate")]
    assert all(n.type.size == 1 for n in sums)


@pytest.mark.parametrize("loop", ["scan", "while"])
def test_derivatives_of_what_is_picked_and_put(loop):
    """First and second derivatives of a loop that reads and writes a carried array at places that it computes."""
    x, v, c, k = value((40,), F64, "x"), value((), F64, "v"), value((40,), F64, "c"), value((), I64, "k")
    here = build.elementwise("remainder", k * 7, 40)
    old, other = build.gather(c, here), build.gather(c, build.elementwise("remainder", k * 3 + 1, 40))
    put = build.scatter(c, build.apply("sin", old * other) * v + old, here)
    late = build.gather(put, build.elementwise("remainder", k + 5, 40))
    body = Region((c, k), (build.scatter_add(put, late * late * 0.125, here), k + 1))
    start = [x, build.constant(0, I64)]
    out = scan(body, start, [], 30) if loop == "scan" else while_loop(Region((c, k), (k < 30,)), body, start)
    value_of = Graph((x, v), (build.sum_(out[0] * out[0], (0,)),))
    slope = adjoint(value_of, [0, 1])
    arrays = [np.linspace(-1, 1, 40), np.array(0.6)]
    found = check(slope, arrays, kernels=None)
    rng = np.random.default_rng(0)
    along = [rng.standard_normal(40), np.array(0.3)]

    def moved(by: float) -> list[np.ndarray]:
        return [a + by * d for a, d in zip(arrays, along, strict=True)]

    rate = (evaluate(value_of, moved(1e-6))[0] - evaluate(value_of, moved(-1e-6))[0]) / 2e-6
    np.testing.assert_allclose(sum(np.sum(g * d) for g, d in zip(found[1:], along, strict=True)), rate, rtol=1e-6)
    directed = build.sum_(slope.results[1] * slope.results[1], (0,))
    twice = adjoint(Graph((x, v), (directed,)), [0, 1])
    found = check(twice, arrays, kernels=None)
    rate = (evaluate(twice, moved(1e-6))[0] - evaluate(twice, moved(-1e-6))[0]) / 2e-6
    np.testing.assert_allclose(sum(np.sum(g * d) for g, d in zip(found[1:], along, strict=True)), rate, rtol=1e-5)


@pytest.mark.parametrize("iterations", [0, 1, 40])
def test_what_loops_stack_for_one_another_lies_in_rows(iterations):
    a, b, w, n = value((), F64, "a"), value((3,), F64, "b"), value((2, 2), F32, "w"), value((), I64, "n")
    after = (a * 0.9 + build.sum_(b, (0,)), build.apply("sin", b), build.matmul(w, w), n + 1)
    stacked = (a, b * 2, w, n, build.apply("exp", a * -1.0), w * 3)
    starts = [value(p.shape, p.dtype) for p in (a, b, w, n)]
    first = scan(Region((a, b, w, n), (*after, *stacked)), starts, [], iterations)
    seen = first[4:]
    items, total, whole = [value(s.shape[1:], s.dtype) for s in seen], value((), F64, "t"), value((), F64, "t0")
    ia, ib, iw, _, ie, iw3 = items
    again = total * 0.5 + ia * build.sum_(ib, (0,)) + ie + build.apply("cast", build.sum_(iw * iw3, (0, 1)), dtype=F64)
    back = scan(Region((total, *items), (again, ia + ie)), [whole], list(seen), iterations, reverse=True)
    graph = Graph((*starts, whole), (*back, first[4]))
    arrays = [np.array(0.3), np.array([0.1, 0.2, 0.3]), np.eye(2, dtype=np.float32) * 0.5, np.array(3), np.array(1.5)]
    check(graph, arrays, tolerance=1e-6, kernels=None)


def test_small_values_are_packed_where_they_come_from():
    x = value((9,), F64, "x")
    y = value((2, 3), F64, "y")
    parts = [
        build.slice_(x, (4,), (5,)),
        build.flip(build.slice_(x, (0,), (3,)), (0,)),
        build.slice_(x, (2,), (2,)),
        build.slice_(x, (1,), (8,), (3,)),
        build.reshape(build.permute(y, (1, 0)), (6,)),
        build.slice_(x, (8,), (9,)),
    ]
    rows = [build.reshape(p, (1, p.shape[0])) for p in (parts[0], parts[5])]
    graph = Graph((x, y), (build.concatenate(parts, 0), build.concatenate(rows, 1), build.concatenate(rows, 0)))
    check(graph, [np.arange(9.0), np.arange(6.0).reshape(2, 3) * 10], tolerance=0, kernels=None)


def test_of_two_products_the_later_is_one_operation_with_the_sum():
    x, y = value(()), value(())
    early, late = x * y, (x * x) * y
    assert early_products(Region((x, y), (late - early, early + 1.0)).nodes()) == {early}
    assert early_products(Region((x, y), (x * y + x,)).nodes()) == set()
    check(
        Graph((x, y), tuple(scan(Region((x, y), (late * 0.1 - early, y * 0.5)), [x, y], [], 20))),
        [np.array(0.5), np.array(0.25)],
    )


@pytest.mark.parametrize("shape", [((1, 0), (0, 2)), ((0, 3), (3, 2)), ((2, 2, 0), (2, 0, 3)), ((0, 2, 2), (0, 2, 2))])
def test_products_of_nothing(shape):
    x, y = value(shape[0]), value(shape[1])
    product = build.matmul(x, y)
    state = value(product.shape)
    (out,) = scan(Region((state,), (state * 0.5 + product + 1.0,)), [value(product.shape)], [], 3)
    free = [p for p in toposort([out]) if p.op.name == "parameter"]
    check(Graph(tuple(free), (out,)), [np.ones(p.shape) for p in free])


def long_body(x: Node, count: int, costly: bool) -> Node:
    for i in range(count):
        x = x * (0.5 + i / 8192) + (build.apply("sin", x) * 0.25 if costly else 0.1 + i / 4096)
    return x


@pytest.mark.parametrize(("count", "costly"), [(20, True), (300, True), (40, False), (2000, False)])
def test_long_bodies_call_costly_functions_and_read_numbers_where_they_are_used(count, costly):
    c, start = value(), value()
    (last,) = scan(Region((c,), (long_body(c, count, costly),)), [start], [], 3)
    graph = Graph((start,), (last,))
    check(graph, [np.asarray(0.3)])
    text = compile_graph(graph).stage("llvm")
    assert text.count("call double @sin_f64x1") == (max(0, count - 16) if costly else 0)
    main = text[text.index("define i64 @program") :]
    start_of_main = main[: main.index("\nloop.")]
    assert start_of_main.count("load double") < 40


def test_code_of_long_bodies_grows_with_them():
    sizes = []
    for count in (100, 400):
        c, start = value(), value()
        (last,) = scan(Region((c,), (long_body(c, count, True),)), [start], [], 3)
        sizes.append(len(compile_graph(Graph((start,), (last,))).stage("llvm")))
    assert sizes[1] < 4 * sizes[0]
