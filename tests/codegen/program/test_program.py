"""Compiled programs: the same numbers as the evaluator, the same code for other sizes, vectors in the loops."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphc.codegen.llvm.scalar_ops import OPS
from graphc.codegen.llvm.target import host
from graphc.codegen.program.memory.arena import LiveRange, plan
from graphc.codegen.program.program import code_cache_size, compile_graph
from graphc.codegen.runtime.engine import cross_assembly
from graphc.ir.core import build, control_flow
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, F32, F64, I64
from graphc.ir.interpret.evaluate import evaluate
from tests import graphs
from tests.ir.fusion.test_fusion import differences, layer_norm, param, softmax


def check(graph: Graph, arrays, rtol=1e-5) -> None:
    program = compile_graph(graph, [a.strides for a in arrays])
    for got, want in zip(program.run(arrays), evaluate(graph, arrays), strict=True):
        assert got.shape == want.shape and got.dtype == want.dtype
        scale = np.abs(want[np.isfinite(want)]).max(initial=1) if want.dtype.kind == "f" else 0
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=rtol * scale)


@pytest.mark.parametrize("seed", range(90))
def test_random_graphs_compute_what_the_evaluator_does(seed):
    graph = graphs.Maker(seed, empty=seed % 5 == 0).graph()
    check(graph, graphs.arrays(graph, seed, strided=seed % 3 == 0))


def test_the_checker_notices_a_wrong_number():
    x = param(9)
    with pytest.raises(AssertionError):
        wrong = compile_graph(Graph((x,), (x * 2,)))
        (got,) = wrong.run([np.ones(9, np.float32)])
        np.testing.assert_allclose(got, evaluate(Graph((x,), (x * 2.1,)), [np.ones(9, np.float32)])[0], rtol=1e-3)


def test_every_elementwise_primitive_has_a_spelling():
    elementwise = {p.name for p in PRIMITIVES.values() if p.kind == "elementwise"}
    assert elementwise - OPS.keys() == {"cast"}  # it needs two dtypes, and has a function of its own


@pytest.mark.parametrize("rows", [softmax, layer_norm])
def test_other_sizes_find_their_machine_code(rows):
    def compiled(n: int, m: int) -> int:
        x = param(n, m)
        check(Graph((x,), (rows(x),)), [np.random.default_rng(n).standard_normal((n, m)).astype(np.float32)])
        return code_cache_size()

    before = compiled(40, 50)
    assert {compiled(n, m) for n, m in ((41, 50), (100, 33), (64, 64), (1000, 17))} == {before}


def hot_loops(assembly: str) -> list[str]:
    """Return the instructions of each innermost loop: a block that jumps back to its own label."""
    blocks = re.split(r"^(\.LBB\w+):", assembly, flags=re.M)
    return [
        body
        for label, body in zip(blocks[1::2], blocks[2::2], strict=True)
        if re.search(rf"\tj\w+\t{re.escape(label)}\b", body)
    ]


def vectors(*results: Node, params: tuple[Node, ...]) -> list[str]:
    loops = hot_loops(compile_graph(Graph(params, results)).asm())
    assert loops, "the kernel has no loop"
    return loops


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="reads x86 assembly")
def test_fused_elementwise_loops_are_vector_code():
    x = param(100_000)
    loops = vectors(build.apply("tanh", x * 2 + 1) * build.apply("exp", x), params=(x,))
    register = {64: "zmm", 32: "ymm", 16: "xmm"}[host().vector_bytes]
    main = max(loops, key=len)
    assert main.count(register) > 40
    assert not re.findall(r"\tcallq?\s+(?!bounds\.)", main)
    assert not re.findall(r"\tv?(?:add|mul|div|sub)s[sd]\b|\tvfmadd\d+s[sd]\b", main)


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="reads x86 assembly")
def test_sums_run_on_several_vector_accumulators():
    x = param(100_000)
    main = max(vectors(build.sum_(x, (0,)), params=(x,)), key=lambda loop: loop.count("vaddps"))
    targets = set(re.findall(r"vaddps\t.*?(%[xyz]mm\d+)$", main, flags=re.M))
    assert len(targets) >= 4


def test_code_for_aarch64_assembles():
    x = param(64, 64)
    graph = Graph((x,), (softmax(x), build.matmul(x, x), build.apply("sin", x)))
    assembly = cross_assembly(compile_graph(graph).llvm_ir(optimized=False), "aarch64-unknown-linux-gnu", features="+neon")
    assert re.search(r"fmla\tv\d+\.4s", assembly)


def test_sums_are_as_accurate_as_pairwise():
    rng = np.random.default_rng(0)
    for dtype, places in ((np.float32, 2), (np.float64, 2)):
        x = param(3, 200_001, dtype=F64 if dtype is np.float64 else param(1).dtype)
        data = (rng.random((3, 200_001)) + 1).astype(dtype)
        program = compile_graph(Graph((x,), (build.sum_(x, (1,)), build.sum_(build.permute(x, (1, 0)), (0,)))))
        exact = data.astype(np.longdouble).sum(1)
        for got in program.run([data]):
            assert np.all(np.abs(got - exact) <= places * np.spacing(exact.astype(dtype)))


def test_infinities_and_nans_pass_through_sums():
    x = param(2, 10_000, dtype=F64)
    data = np.ones((2, 10_000))
    data[0, 77], data[1, 5] = np.inf, np.nan
    check(Graph((x,), (build.sum_(x, (1,)), build.reduce("max", x, (1,)), build.reduce("min", x, (0,)))), [data])


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", [(2, 2), (3, 9), (5, 16), (1, 17), (4, 18), (2, 3, 41), (6, 100), (1000,), (4, 3, 2)])
def test_shifted_windows_have_no_bounds_checks_in_the_middle_and_right_ends(shape, dtype):
    x = param(*shape, dtype=dtype)
    y = differences(x)
    graph = Graph((x,), (y, build.apply("exp", build.pad(x, [0] * len(shape), [3] * len(shape), fill=-1.0))))
    check(graph, [np.random.default_rng(2).standard_normal(shape).astype(dtype.numpy)])
    summed = Graph((x,), (build.sum_(y * y, range(len(shape))), build.reduce("max", y, (len(shape) - 1,))))
    check(summed, [np.random.default_rng(3).standard_normal(shape).astype(dtype.numpy)])


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="reads x86 assembly")
def test_the_middle_of_a_stencil_loads_without_masks():
    x = param(40, 50, 60)
    loops = [loop for loop in vectors(differences(x), params=(x,)) if "vsubps" in loop]
    assert loops and not any("vgather" in loop for loop in loops)
    assert sum("vmaskmov" not in loop and "cmov" not in loop for loop in loops) == 1


def newton(x: Node, steps: int) -> Node:
    """Return a long chain of sines, cosines and quotients."""
    y = x
    for _ in range(steps):
        y = y - (y - 0.3 * build.apply("sin", y) - x) / (1 - 0.3 * build.apply("cos", y))
    return y


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", [(1,), (7,), (16,), (33,), (3, 50), (5000,)])
def test_long_bodies_are_written_once_under_a_mask(shape, dtype):
    x = param(*shape, dtype=dtype)
    y = newton(x, 5)
    graph = Graph((x,), (y, build.sum_(y, range(len(shape))), build.reduce("max", y, (0,))))
    check(graph, [np.random.default_rng(1).uniform(-3, 3, shape).astype(dtype.numpy)])
    assert len(shape) > 1 or shape[0] <= 8 or "tail" not in compile_graph(graph).stage("llvm")


def test_sine_and_cosine_of_an_angle_share_its_reduction_and_change_no_bit():
    x = param(1000, dtype=F64)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e22, 3e9, 1e-310, 2.0**28]
    data = np.concatenate([np.linspace(-1e3, 1e3, 990), special])
    apart = [compile_graph(Graph((x,), (build.apply(name, x),))).run([data])[0] for name in ("sin", "cos")]
    graph = Graph((x,), (build.apply("sin", x), build.apply("cos", x)))
    together = compile_graph(graph)
    for got, want in zip(together.run([data]), apart, strict=True):
        np.testing.assert_array_equal(got.view(np.int64)[~np.isnan(want)], want.view(np.int64)[~np.isnan(want)])
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    alone = compile_graph(Graph((x,), (build.apply("sin", x),))).stage("llvm")
    assert together.stage("llvm").count("llvm.fma") < 1.2 * alone.count("llvm.fma")


def test_index_out_of_bounds_is_an_error_and_touches_nothing():
    x, i = param(5, 3), param(4, name="i", dtype=I64)
    program = compile_graph(Graph((x, i), (build.gather(x, i),)))
    data = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.testing.assert_array_equal(program.run([data, np.array([4, 0, 1, 4])])[0], data[[4, 0, 1, 4]])
    for bad in (5, -1, 2**62):
        with pytest.raises(IndexError, match="out of range"):
            program.run([data, np.array([0, bad, 1, 2])])


def test_scatter_out_of_bounds_is_an_error():
    x, u, i = param(5), param(2, name="u"), param(2, name="i", dtype=I64)
    program = compile_graph(Graph((x, u, i), (build.scatter_add(x, u, i),)))
    with pytest.raises(IndexError):
        program.run([np.zeros(5, np.float32), np.ones(2, np.float32), np.array([0, 5])])


def test_arrays_that_do_not_fit_are_refused():
    program = compile_graph(Graph((x := param(5),), (x + 1,)))
    with pytest.raises(ValueError, match="program takes"):
        program.run([np.zeros(6, np.float32)])


def test_values_that_do_not_live_together_share_memory():
    first, second, third = LiveRange(1000, 0, 1), LiveRange(1000, 1, 2), LiveRange(1000, 2, 3)
    assert plan([first, second, third]) == 2048
    assert first.offset != second.offset != third.offset


def test_stages_can_be_read():
    x = param(64, 32)
    program = compile_graph(Graph((x,), (softmax(x),)))
    passes = ["merged", "unrolled", "rematerialized", "hoisted", "optimized", "scalarized", "promoted", "fused", "bufferized"]
    assert program.stages == ["captured", *passes, "kernels", "mlir", "llvm", "asm"]
    assert "sum_1 = sum over i1 of exp" in program.stage("kernels")
    assert "define i64 @program" in program.stage("llvm")
    assert program.cost().kernels == 1
    with pytest.raises(ValueError, match="stage is one of"):
        program.stage("nonsense")


def test_cost_counts_what_goes_through_memory_once():
    x = param(64, 32)
    total = build.sum_(x * x, (0, 1))
    cost = compile_graph(Graph((x,), (x + x, total))).cost()
    assert (cost.kernels, cost.bytes) == (1, 2 * 64 * 32 * 4 + 4)
    assert compile_graph(Graph((x,), (softmax(x),))).cost().bytes == 2 * 64 * 32 * 4


@pytest.mark.parametrize("step", [2, 3, 4])
def test_every_few_elements_are_loaded_without_gathers(step):
    x = param(40, step, dtype=F64)
    parts = [build.reshape(build.slice_(x, (0, k), (40, k + 1)), (40,)) for k in range(step)]
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    graph = Graph((x,), (build.apply("exp", total),))
    for n in (40, 39, 7):
        y = param(n, step, dtype=F64)
        pieces = [build.reshape(build.slice_(y, (0, k), (n, k + 1)), (n,)) for k in range(step)]
        check(Graph((y,), (build.apply("exp", pieces[0] - pieces[-1]),)), [np.random.default_rng(n).standard_normal((n, step))])
    check(graph, [np.random.default_rng(0).standard_normal((40, step))])
    body = compile_graph(graph).llvm_ir(optimized=False)
    assert f"load <{7 * step + 1} x double>" in body


def joined(axis: int, *, dtype=F32) -> tuple[tuple[Node, Node], Node]:
    """Return two parameters, and three pieces made of them by one kernel side by side."""
    shape = (5, 9, 12)
    x, y = param(*shape, dtype=dtype), param(*shape, name="y", dtype=dtype)
    return (x, y), build.concatenate([build.apply("tanh", x) * y, build.apply("exp", y), x - y], axis)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("read", [
    lambda z: (z,),
    lambda z: (build.sum_(z, (0, 2)), z),
    lambda z: (build.reshape(z, (z.type.size,)),),
    lambda z: (build.apply("exp", build.permute(z, (2, 0, 1))),),
    lambda z: (build.matmul(z, build.permute(z, (0, 2, 1))), build.flip(z, (1,))),
])  # fmt: skip
def test_kernels_write_pieces_where_they_are_joined(axis, dtype, read):
    params, z = joined(axis, dtype=dtype)
    rng = np.random.default_rng(axis)
    arrays = [rng.standard_normal(p.shape).astype(dtype.numpy) for p in params]
    check(Graph(params, read(z)), arrays)
    check(Graph(params, read(z)), [a[:, ::-1] for a in arrays])
    assert compile_graph(Graph(params, (z,))).cost().kernels == 1


def test_pieces_that_others_read_too_or_that_no_kernel_makes_are_copied():
    x, y = param(20, 30), param(30, 40, name="y")
    piece, product = build.apply("exp", x), build.matmul(x, y)
    twice = build.concatenate([piece, product, piece], 1)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape).astype(np.float32) for p in (x, y)]
    check(Graph((x, y), (twice, build.matmul(piece, y))), arrays)
    check(Graph((x, y), (build.concatenate([x, piece, build.permute(build.apply("sin", y), (1, 0))], 0), piece)), arrays)
    check(Graph((x,), (build.concatenate([build.apply("exp", build.slice_(x, (0, 0), (0, 30))), piece], 0),)), arrays[:1])


@pytest.mark.parametrize("reverse", [False, True])
def test_loops_and_branches_join_pieces_in_what_they_stack_and_carry(reverse):
    c, item, w = param(6, 40, name="c"), param(6, 20, name="item"), param(40, 20, name="w")
    half = build.matmul(c, w)
    after = build.concatenate([build.apply("tanh", half) + item, half * item], 1)
    x, xs = param(6, 40), param(7, 6, 20, name="xs")
    body = Region((c, item), (after, after, build.sum_(after, (0,))))
    graph = Graph((x, xs, w), tuple(control_flow.scan(body, [x], [xs], 7, reverse=reverse)))
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(p.shape) / 5).astype(np.float32) for p in graph.params]
    check(graph, arrays)
    a, b, p = param(6, 20, name="a"), param(6, 20, name="b"), param(dtype=BOOL, name="p")
    arms = [Region((a, b), (build.concatenate([build.apply("exp", u), u * v], 1),)) for u, v in ((a, b), (b, a))]
    u, v = param(6, 20, name="u"), param(6, 20, name="v")
    branch = Graph((p, u, v), tuple(control_flow.cond(p, arms[0], arms[1], [u, v])))
    for flag in (True, False):
        check(branch, [np.array(flag), *(rng.standard_normal((6, 20)).astype(np.float32) for _ in range(2))])


def recurrence(rows: int, size: int, factor, *, dtype=F32, length: int = 11) -> tuple[Graph, list[np.ndarray]]:
    """Return a scan whose iterations have a product with a matrix from outside on its right, and arguments."""
    c, item = param(rows, size, name="c", dtype=dtype), param(rows, size, name="item", dtype=dtype)
    x, xs, w = param(rows, size, dtype=dtype), param(length, rows, size, name="xs", dtype=dtype), param(size, size, dtype=dtype)
    after = build.apply("tanh", build.matmul(c, factor(w)) + item)
    graph = Graph((x, xs, w), tuple(control_flow.scan(Region((c, item), (after, after)), [x], [xs], length)))
    rng = np.random.default_rng(size)
    return graph, [(rng.standard_normal(p.shape) / size**0.5).astype(dtype.numpy) for p in graph.params]


FACTORS = [
    lambda w: w,
    lambda w: build.permute(w, (1, 0)),
    lambda w: build.flip(w, (0,)),
    lambda w: build.broadcast(build.reshape(build.slice_(w, (2, 0), (3, w.shape[1])), w.shape[1:]), w.shape, (1,)),
    lambda w: w * 2.0,
]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(("rows", "size"), [(2, 9), (6, 16), (13, 37), (32, 128), (7, 300), (1, 40), (5, 8)])
@pytest.mark.parametrize("dtype", [F32, F64])
def test_loops_pack_once_what_their_products_have_on_the_right(factor, rows, size, dtype):
    graph, arrays = recurrence(rows, size, factor, dtype=dtype)
    check(graph, arrays)
    strided = [*arrays[:2], np.repeat(arrays[2], 2, axis=1)[:, ::2]]
    check(graph, strided)
    packs = "matmul.packing" in compile_graph(graph).stage("llvm")
    assert packs == (rows > 1 and size > 8)


def test_what_is_packed_is_packed_anew_for_another_matrix_and_size():
    for size in (40, 41, 77):
        graph, arrays = recurrence(6, size, FACTORS[1])
        for iteration in (1.0, 0.5):
            check(graph, [*arrays[:2], arrays[2] * np.float32(iteration)])


@pytest.mark.parametrize("length", [0, 1, 2, 30])
def test_while_loops_pack_too_and_matrices_that_change_are_not_packed(length):
    t, c, v = param(name="t", dtype=I64), param(5, 20, name="c"), param(20, 20, name="v")
    n, x, w = param(name="n", dtype=I64), param(5, 20), param(20, 20, name="w")
    after = build.apply("tanh", build.matmul(build.matmul(c, w), v))
    test = Region((t, c, v), (build.elementwise("lt", t, n),))
    body = Region((t, c, v), (t + 1, after, v * 0.9))
    start = build.constant(0, I64)
    graph = Graph((n, x, w), tuple(control_flow.while_loop(test, body, [start, x, w])))
    rng = np.random.default_rng(0)
    check(graph, [np.array(length), *((rng.standard_normal(p.shape) / 4).astype(np.float32) for p in (x, w))])
    text = compile_graph(graph).stage("llvm")
    assert len(re.findall(r"call void @k\d+_packed", text)) == 1
    assert "matmul.float.col.packed" in text and "matmul.float.col.col" in text


@pytest.mark.parametrize("shape", [(5, 7), (31, 7), (40, 50)])
def test_a_pass_along_other_loops_takes_nothing_from_the_rows_of_an_earlier_one(shape):
    x = param(*shape)
    y = build.apply("tanh", x)
    e = build.apply("exp", y - build.broadcast(build.reduce("max", y, (0, 1)), shape, ()))
    z = e / build.broadcast(build.sum_(e, (0, 1)), shape, ())
    check(Graph((x,), (build.permute(z, (1, 0)),)), [np.random.default_rng(0).standard_normal(shape).astype(np.float32)])
