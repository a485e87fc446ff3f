"""Compiled programs: the same numbers as the evaluator, the same code for other sizes, vectors in the loops."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphc.codegen.llvm.scalar_ops import OPS
from graphc.codegen.llvm.target import host
from graphc.codegen.program.program import code_cache_size, compile_graph
from graphc.codegen.runtime.engine import cross_assembly
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F32, F64, I64
from graphc.ir.interpret.evaluate import evaluate
from tests import graphs
from tests.codegen.program.joined import check
from tests.ir.fusion.test_fusion import differences, layer_norm, param, softmax


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


@pytest.mark.parametrize("shape", [(5, 7), (31, 7), (40, 50)])
def test_a_pass_along_other_loops_takes_nothing_from_the_rows_of_an_earlier_one(shape):
    x = param(*shape)
    y = build.apply("tanh", x)
    e = build.apply("exp", y - build.broadcast(build.reduce("max", y, (0, 1)), shape, ()))
    z = e / build.broadcast(build.sum_(e, (0, 1)), shape, ())
    check(Graph((x,), (build.permute(z, (1, 0)),)), [np.random.default_rng(0).standard_normal(shape).astype(np.float32)])
