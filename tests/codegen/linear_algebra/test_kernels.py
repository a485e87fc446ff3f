"""Kernels of factorizations and of solutions: any extents, layouts and batches, alone and in loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc.codegen.program.program import compile_graph
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import DTYPES, TensorType
from graphc.ir.interpret.evaluate import evaluate

Array = np.ndarray[Any, Any]
BATCHES: list[tuple[int, ...]] = [(), (2, 3), (0,)]
KINDS = {d.numpy: d for d in DTYPES.values()}


def solve(a: Node, b: Node, transposed: bool) -> Node:
    return apply("lu_solve", a, apply("lu", a), b, transposed=transposed)


def check(function: Callable[..., Node], *arrays: Array) -> Array:
    """Compare compiled code with the evaluator, and return its result."""
    params = [parameter(TensorType(KINDS[a.dtype], a.shape)) for a in arrays]
    graph = Graph(tuple(params), (function(*params),), "g")
    (expected,) = evaluate(graph, arrays)
    (got,) = compile_graph(graph, [a.strides for a in arrays]).run(arrays)
    tolerance = 1e-3 if arrays[0].dtype == np.float32 else 1e-10
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    return np.asarray(got)


def flipped(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def draw(dtype: str, *shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 9, 21])
def test_factorizations(n: int, dtype: str) -> None:
    for batch in BATCHES:
        a = draw(dtype, *batch, n, n)
        definite = a @ flipped(a) + n * np.eye(n, dtype=dtype)
        for x in (definite, flipped(definite)):
            factor = check(lambda x: apply("cholesky", x), x)
            np.testing.assert_allclose(factor @ flipped(factor), definite, rtol=1e-3, atol=1e-4)
        for x in (a, flipped(a), draw(dtype, *batch, n, 2), draw(dtype, *batch, 3, n), a[..., ::-1, :]):
            check(lambda x: apply("lu", x), x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 4, 6, 19])
def test_solutions(n: int, dtype: str) -> None:
    for batch in BATCHES:
        a = draw(dtype, *batch, n, n) + (n + 1) * np.eye(n, dtype=dtype)[::-1]
        triangle = np.ascontiguousarray(a[..., ::-1, :])
        for columns in (0, 1, 3, 8, 19, 40):
            b = draw(dtype, *batch, n, columns)
            for right in (b, flipped(np.ascontiguousarray(flipped(b)))):
                for flag in (False, True):
                    x = check(lambda a, b, t=flag: solve(a, b, t), a, right)
                    np.testing.assert_allclose((flipped(a) if flag else a) @ x, b, rtol=1e-3, atol=1e-4)
                    for matrix in (triangle, flipped(triangle)):
                        check(lambda a, b, u=flag: apply("triangular_solve", a, b, upper=u, unit=False), matrix, right)
            check(lambda a, b: apply("triangular_solve", a, b, upper=True, unit=True), triangle / (n + 1), b)


def test_zeros_among_pivots() -> None:
    singular = np.array([[0.0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0]])
    for x in (singular, singular[:3, 1:4].copy()):
        check(lambda x: apply("lu", x), x)
    for n in (3, 6):
        x = np.eye(n)
        x[1, 1] = -1
        factor = check(lambda x: apply("cholesky", x), x)
        assert factor[0, 0] == 1 and np.isnan(factor[1, 1])


def test_exchanges_of_rows() -> None:
    pivots = np.array([[3, 1, 2], [0, 3, 3]])
    assert check(lambda x: apply("permutation", x, rows=4), pivots).tolist() == [[3, 1, 2, 0], [0, 3, 1, 2]]
    assert check(lambda x: apply("permutation", x, rows=3), np.array([-1, 9])).tolist() == [2, 0, 1]
    check(lambda x: apply("permutation", x, rows=20), np.random.default_rng(0).integers(0, 20, (3, 20)))


@pytest.mark.parametrize("n, batch", [(2, ()), (2, (3,)), (3, ()), (6, ()), (3, (9,))])
def test_in_loops(n: int, batch: tuple[int, ...]) -> None:
    """In registers, in vectors of lanes, and by kernels."""
    rng = np.random.default_rng(n)
    a = rng.standard_normal((40, *batch, n, n)) + 4 * np.eye(n)[rng.permutation(n)]
    definite = a @ flipped(a) + np.eye(n)
    pivots = rng.integers(0, n, (40, *batch, n))

    def iterate(c: Any, x: Any) -> Any:
        a, definite, pivots = x
        c = graphc.tanh(step(a, c)) + 0.5
        return c, (cholesky(definite), permutation(pivots), c)

    start = rng.standard_normal((*batch, n, 2))
    _, found = graphc.compile(lambda *xs: graphc.scan(iterate, start, xs))(a, definite, pivots)
    c = graphc.from_numpy(start)
    for i in range(40):
        c, expected = iterate(c, [graphc.from_numpy(x[i]) for x in (a, definite, pivots)])
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(got[i], wanted.numpy(), rtol=1e-7, atol=1e-9)


@op("Step")
def step(a: Node, c: Node) -> Node:
    lower = apply("triangular_solve", a, c, upper=False, unit=True)
    return solve(a, c, False) + solve(a, c, True) + lower * 1e-3


cholesky = op("Cholesky")(lambda x: apply("cholesky", x))
permutation = op("Permutation")(lambda x: apply("permutation", x, rows=x.shape[-1] + 1))
