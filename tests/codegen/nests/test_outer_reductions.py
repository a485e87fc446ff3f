"""Reductions over the outer loops of a kernel, beside its others: the same numbers as one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.program.program import Program, compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import BOOL, F32, F64, I32, U8, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate


def value(*shape: int, dtype: DType = F64) -> Node:
    return parameter(TensorType(dtype, shape))


def costly(x: Node) -> Node:
    return build.apply("exp", build.apply("sin", x) * 0.5)


def numbers(*shape: int, dtype: DType = F64) -> np.ndarray:
    drawn = np.random.default_rng(0).standard_normal(shape)
    return drawn > 0 if dtype is BOOL else (drawn * (1 if dtype.is_float else 5)).astype(dtype.numpy)


def same(graph: Graph, arrays, tolerance: float = 1e-13) -> Program:
    """Check a graph's compiled values, which all come from kernels with outer reductions, and return the program."""
    program = compile_graph(graph)
    assert any(k.outer_reductions for k in program.kernels)
    for got, want in zip(program.run(arrays), evaluate(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
        assert got.dtype == want.dtype
    return program


SHAPES = [(64, 64), (33, 17), (7, 5), (5, 200), (200, 6), (1100, 9), (9, 1100), (515, 130), (16, 32), (40, 2)]


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows_first", [True, False])
def test_sums_along_both_axes(shape, dtype, rows_first):
    x = value(*shape, dtype=dtype)
    y = costly(x)
    sums = [build.sum_(y, (1,)), build.sum_(y, (0,))]
    graph = Graph((x,), tuple(sums if rows_first else sums[::-1]))
    program = same(graph, [numbers(*shape, dtype=dtype)], 1e-6 if dtype is F32 else 1e-13)
    assert len(program.kernels) == 1
    assert shape[1] < 4 or {k.vector is None for k in program.kernels} == {rows_first}


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (20, 0), (0, 20)])
def test_nothing_to_fold(shape):
    x = value(*shape)
    y = costly(x)
    graph = Graph((x,), (build.sum_(y, (1,)), build.sum_(y, (0,)), build.reduce("prod", y, (0,))))
    for got, want in zip(compile_graph(graph).run([np.zeros(shape)]), evaluate(graph, [np.zeros(shape)]), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", [F32, F64, I32, U8, BOOL])
@pytest.mark.parametrize("shape", [(37, 21), (300, 12), (12, 300)])
def test_every_reduction(dtype, shape):
    x, y = value(*shape, dtype=dtype), value(shape[1], dtype=dtype)
    spread = build.broadcast(y, shape, (1,))
    if dtype is BOOL:
        z = x
        for _ in range(5):
            z = (z ^ spread) | (z & spread)
        names = ["any", "all"]
    else:
        z = x
        for _ in range(5):
            z = z * spread - x
        names = ["sum", "max", "min"]
    results = [build.reduce(name, z, (axis,)) for name in names for axis in (1, 0)]
    arrays = [numbers(*shape, dtype=dtype), numbers(shape[1], dtype=dtype)]
    arrays[1] = arrays[1] if dtype is BOOL else (arrays[1] / 4).astype(dtype.numpy)
    same(Graph((x, y), tuple(results)), arrays, 3e-5 if dtype is F32 else 1e-12)


def test_products_and_what_is_no_number():
    x = value(40, 30)
    y = costly(x)
    graph = Graph((x,), (build.sum_(y, (1,)), *(build.reduce(name, y, (0,)) for name in ("sum", "prod", "max", "min"))))
    array = numbers(40, 30)
    array[3, 4], array[5, 6] = np.nan, np.inf
    program = same(graph, [array])
    assert np.isnan(program.run([array])[1][[4, 6]]).all()
    z = build.apply("exp", build.apply("exp", x))
    infinite = Graph((x,), (build.sum_(z, (1,)), build.sum_(z, (0,))))
    array[3, 4], array[5, 6] = 10.0, 1.0
    assert np.isinf(same(infinite, [array]).run([array])[1][4])


def test_a_batch_keeps_its_outer_loop():
    x = value(5, 30, 20)
    y = costly(x)
    program = same(Graph((x,), (build.sum_(y, (2,)), build.sum_(y, (1,)))), [numbers(5, 30, 20)])
    assert len(program.kernels) == 1 and len(program.kernels[0].folded) == 1


def test_more_loops_are_folded_and_more_are_kept():
    x = value(6, 30, 11, 4)
    y = costly(x)
    same(Graph((x,), (build.sum_(y, (2, 3)), build.sum_(y, (0, 1)))), [numbers(6, 30, 11, 4)])
    same(Graph((x,), (build.sum_(y, (1, 3)), build.sum_(y, (0, 2)))), [numbers(6, 30, 11, 4)])
    same(Graph((x,), (build.sum_(y, (0, 1, 3)), build.sum_(y, (2,)))), [numbers(6, 30, 11, 4)])


def test_values_of_the_rows_go_into_the_columns():
    x = value(70, 50)
    top = build.broadcast(build.reduce("max", x, (1,)), x.shape, (0,))
    e = build.apply("exp", x - top)
    share = e / build.broadcast(build.sum_(e, (1,)), x.shape, (0,))
    program = same(Graph((x,), (share, build.sum_(share, (0,)))), [numbers(70, 50)])
    assert len(program.kernels) == 1


def test_what_is_stored_beside():
    x = value(70, 50)
    y = costly(x)
    same(Graph((x,), (y, build.sum_(y, (1,)), build.sum_(y, (0,)), build.permute(y, (1, 0)))), [numbers(70, 50)])


def test_padded_rows_are_counted_once():
    x = value(30, 64)
    y = costly(build.pad(x, (0, 1), (0, 2)) * 3.0)
    same(Graph((x,), (build.sum_(y, (1,)), build.sum_(y, (0,)))), [numbers(30, 64)])
    z = value(30, 67)
    w = costly(build.pad(x, (0, 1), (0, 2)) * z)
    same(Graph((x, z), (build.sum_(w, (0,)), build.sum_(build.permute(w, (1, 0)), (0,)))), [numbers(30, 64), numbers(30, 67)])


def test_long_bodies_are_written_once():
    x = value(45, 77)
    y = x
    for _ in range(6):
        y = costly(y) - x
    sums = build.sum_(y, (1,)), build.sum_(y, (0,))
    for results in (sums, sums[::-1]):
        same(Graph((x,), results), [numbers(45, 77)], 1e-11)


def test_long_columns_stay_accurate():
    x = value(40_000, 20, dtype=F32)
    y = build.apply("exp", x * 0.1)
    array = numbers(40_000, 20, dtype=F32)
    got = same(Graph((x,), (build.sum_(y, (1,)), build.sum_(y, (0,)))), [array], 1e-6).run([array])[1]
    np.testing.assert_allclose(got, np.exp(array.astype(np.float64) * np.float32(0.1)).sum(0), rtol=2.5e-7)


def test_sums_of_negative_zeros_are_zero():
    x = value(20, 30)
    y = build.apply("sin", build.apply("sin", x))
    got = compile_graph(Graph((x,), (build.sum_(y, (1,)), build.sum_(y, (0,))))).run([np.full((20, 30), -0.0)])
    assert not any(np.signbit(g).any() for g in got)
