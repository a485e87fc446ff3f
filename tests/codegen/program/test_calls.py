"""Kernels that write into concatenations, right factors that loops pack once, functions that are compiled quickly."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphc.codegen.program import specialize
from graphc.codegen.program.program import Program, compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.types import BOOL, F32, F64, I64
from graphc.ir.pipeline import FINAL
from graphc.ir.regions import builders
from tests.codegen.program.joined import check
from tests.ir.fusion.test_fusion import param


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
    graph = Graph((x, xs, w), tuple(builders.scan(body, [x], [xs], 7, reverse=reverse)))
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(p.shape) / 5).astype(np.float32) for p in graph.params]
    check(graph, arrays)
    a, b, p = param(6, 20, name="a"), param(6, 20, name="b"), param(dtype=BOOL, name="p")
    arms = [Region((a, b), (build.concatenate([build.apply("exp", u), u * v], 1),)) for u, v in ((a, b), (b, a))]
    u, v = param(6, 20, name="u"), param(6, 20, name="v")
    branch = Graph((p, u, v), tuple(builders.cond(p, arms[0], arms[1], [u, v])))
    for flag in (True, False):
        check(branch, [np.array(flag), *(rng.standard_normal((6, 20)).astype(np.float32) for _ in range(2))])


def recurrence(rows: int, size: int, factor, *, dtype=F32, length: int = 11) -> tuple[Graph, list[np.ndarray]]:
    """Return a scan whose iterations have a product with a matrix from outside on its right, and arguments."""
    c, item = param(rows, size, name="c", dtype=dtype), param(rows, size, name="item", dtype=dtype)
    x, xs, w = param(rows, size, dtype=dtype), param(length, rows, size, name="xs", dtype=dtype), param(size, size, dtype=dtype)
    after = build.apply("tanh", build.matmul(c, factor(w)) + item)
    graph = Graph((x, xs, w), tuple(builders.scan(Region((c, item), (after, after)), [x], [xs], length)))
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
    graph = Graph((n, x, w), tuple(builders.while_loop(test, body, [start, x, w])))
    rng = np.random.default_rng(0)
    check(graph, [np.array(length), *((rng.standard_normal(p.shape) / 4).astype(np.float32) for p in (x, w))])
    text = compile_graph(graph).stage("llvm")
    assert len(re.findall(r"call void @k\d+_packed", text)) == 1
    assert "matmul.float.col.packed" in text and "matmul.float.col.col" in text


def test_equal_fusions_are_one_function_with_a_name_for_each_kernel():
    n, layers = 24, 3
    x, ws = param(n, n), [param(n, n, name=f"w{i}") for i in range(layers)]
    y: Node = x
    for w in ws:
        y = build.apply("tanh", build.matmul(y, w)) * 0.5
    graph = Graph((x, *ws), (y, build.apply("tanh", x) * 0.25))
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape).astype(np.float32) for p in graph.params]
    check(graph, arrays)
    program = compile_graph(graph)
    assert len({k.name for k in program.kernels}) == len(program.kernels) == layers + 1
    inside = [k for k in program.kernels if k.stages is program.kernels[0].stages]
    assert len(inside) == layers, "the other kernel has another number"
    assert len(re.findall(r"^define internal void @k\d+_fusion", program.llvm_ir(optimized=False), re.M)) == 2


def test_a_straight_program_computes_addresses_where_it_passes_them_and_is_compiled_quickly(monkeypatch):
    monkeypatch.delenv("GRAPHC_DEBUG", raising=False)  # checked programs compute them at their entry
    x = param(24, 24)
    y: Node = x
    for _ in range(5):
        y = build.apply("tanh", build.matmul(y, x))
    main = compile_graph(Graph((x,), (y,))).llvm_ir(optimized=False).partition("@program(")[2]
    head, *calls = main.split("  call void ")
    assert "#1 {" in head
    assert all("getelementptr i8" in call for call in calls[:-2]), "an address in the arena before the next call"
    c = param(24, 24, name="c")
    body = Region((c,), (build.apply("tanh", build.matmul(c, c)), build.sum_(c, (0, 1))))
    looped = builders.scan(body, [c], [], 5)
    main = compile_graph(Graph((c,), (looped[0],))).llvm_ir(optimized=False).partition("@program(")[2]
    assert "#0 {" in main.partition("\n")[0]


def step_of(large: int, small: int = 8) -> tuple[Graph, list[np.ndarray]]:
    """Return a product with a long tail, and nine updates of few elements that differ, with arguments."""
    x, w = param(large, 64, name="x"), param(64, 64, name="w")
    ps = [param(small + i, name=f"p{i}") for i in range(9)]
    results = [build.apply("tanh", build.matmul(x, w)) * 0.5]
    for i, p in enumerate(ps):
        y: Node = p
        for _ in range(i + 1):
            y = build.apply("sin", y) * 0.25
        results.append(y)
    graph = Graph((x, w, *ps), tuple(results))
    rng = np.random.default_rng(0)
    return graph, [rng.standard_normal(p.shape).astype(np.float32) for p in graph.params]


def cold_functions(program: Program) -> set[str]:
    return set(re.findall(r"^define internal void @(k\w+)\([^\n]*#1 {", program.llvm_ir(optimized=False), re.M))


def test_functions_with_little_work_are_compiled_quickly():
    graph, arrays = step_of(256)
    check(graph, arrays)
    program = compile_graph(graph)
    fusions = {k.name for k in program.kernels}
    assert len(fusions) == 10
    assert len(cold_functions(program)) == 9
    assert program.asm()  # LLVM takes the attributes
    few = Graph(graph.params[:5], graph.results[:4])
    assert cold_functions(compile_graph(few)) == set(), "a program of a few kernels has none"
    equal, _ = step_of(1, small=64)
    assert len(cold_functions(compile_graph(equal))) < 9, "a small part of the work, not little work"


def test_cold_functions_stay_cold_at_other_sizes_until_they_are_far_from_it(monkeypatch):
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    program = compile_graph(step_of(256)[0])
    for large in (255, 200, 150, 3000):
        assert cold_functions(compile_graph(step_of(large)[0])) == cold_functions(program)
    assert compile_graph(step_of(200)[0]).llvm_ir(optimized=False) == program.llvm_ir(optimized=False)
    graph, arrays = step_of(2, small=100)
    check(graph, arrays)
    assert cold_functions(compile_graph(graph)) < cold_functions(program)


def test_a_kernel_in_a_loop_is_not_cold():
    graph, _ = step_of(256)
    c, p = param(8, name="c"), param(8, name="p")
    body = Region((c, p), (build.apply("tanh", c + p), p))
    looped = builders.scan(body, [graph.params[2], graph.params[2]], [], 5)
    program = compile_graph(Graph(graph.params, (*graph.results, looped[0])))
    assert len(cold_functions(program)) == 9
    assert len(program.kernels) > 10 or "registers" in program.stage(FINAL)
