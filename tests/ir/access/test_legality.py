"""A reduction is computed over all of its elements, whoever reads it where: compiled code against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
import graphc.nn.functional as F
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.loops.lower import Operand, lower_fusion
from graphc.ir.text.parser import parse

SIZES = (5, 30, 700)


def check(f: Callable[..., Any], *arrays: np.ndarray, wanted: Any) -> None:
    """Compare what a compiled function gives with NumPy arrays."""
    got = graphc.compile(f)(*map(graphc.tensor, arrays))
    for a, b in zip(got if isinstance(got, tuple) else (got,), wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=2e-4, atol=2e-5)


def numbers(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", SIZES)
def test_a_window_of_what_holds_a_sum(n: int, dtype: type) -> None:
    x, g = numbers(n, dtype=dtype), np.ones(n, dtype)
    check(lambda x, g: F.pad((x + g.sum())[: n - 2], (2, 0)), x, g, wanted=np.r_[0, 0, (x + n)[: n - 2]])
    check(lambda x, g: F.pad((x + g.sum())[1:], (0, 3)), x, g, wanted=np.r_[(x + n)[1:], 0, 0, 0])
    check(lambda x, g: graphc.cat([(x * g.sum())[2:], g[:2]]), x, g, wanted=np.r_[(x * n)[2:], 1, 1])
    check(lambda x, g: (x / g.sum()).roll(1), x, g, wanted=np.roll(x / n, 1))


@pytest.mark.parametrize("n", SIZES)
def test_a_window_written(n: int) -> None:
    def inside(a: Any, b: Any) -> Any:
        b = b.clone()
        b[1:-1] = (a / a.sum())[1:-1]
        return b

    def row(m: Any) -> Any:
        m = m.clone()
        m[2] = m.mean(0)
        m[:, 1] = m.amax(1)
        return m

    a, b, m = abs(numbers(n)) + 1, numbers(n + 1)[:-1], numbers(n, n)[:60, :60]
    check(inside, a, b, wanted=np.r_[b[0], (a / a.sum())[1:-1], b[-1]])
    w = m.copy()
    w[2] = m.mean(0)
    w[:, 1] = w.max(1)
    check(row, m, wanted=w)


@pytest.mark.parametrize("n", [3, 9, 40])
def test_rows_of_sums(n: int) -> None:
    def rows(x: Any) -> Any:
        z = x.clone()
        z[0] = (x * x[0]).sum(1) + (x * x[1]).sum(1)
        return z

    def loss(x: Any, w: Any) -> Any:
        return (graphc.outer(x[0], x[0]) * w).sum()

    x, w = numbers(n, n), numbers(n, n, dtype=np.float64)
    z = x.copy()
    z[0] = (x * x[0]).sum(1) + (x * x[1]).sum(1)
    check(rows, x, wanted=z)
    d = np.zeros((n, n))
    d[0] = (w + w.T) @ x[0]
    check(graphc.func.grad(loss), x.astype(np.float64), w, wanted=d)


@pytest.mark.parametrize("n", [12, 13, 300, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_a_loop_keep_what_others_saved(n: int, dtype: type) -> None:
    def written(x: Any) -> Any:
        z = x.clone()
        z[1:] = 0.5
        return z - z.max()

    def padded(x: Any) -> Any:
        z = F.pad((x * 2).exp(), (3, 5))
        return z / z.sum()

    def joined(x: Any) -> Any:
        z = graphc.cat([x[5:].sin(), x[:7].exp()])
        return z.softmax(0)

    x = np.linspace(0, 1, n, dtype=dtype)
    check(written, x, wanted=np.r_[x[0], np.full(n - 1, 0.5)] - max(x[0], 0.5))
    z = np.pad(np.exp(2 * x), (3, 5))
    check(padded, x, wanted=z / z.sum())
    z = np.exp(np.r_[np.sin(x[5:]), np.exp(x[:7])])
    check(joined, x, wanted=z / z.sum())


def test_two_passes_over_one_loop_have_bounds_of_their_own() -> None:
    def f(x: Any, z: Any) -> Any:
        m = F.pad(x, (10, 0)).amax(1, keepdim=True)
        return (F.pad(z, (400, 0)) - m).amax(1)

    x, z = numbers(50, 990), numbers(50, 600)
    m = np.maximum(x.max(1), 0)
    check(f, x, z, wanted=np.maximum(z.max(1), 0) - m)


@pytest.mark.parametrize("shape", [(1, 5), (1, 40), (40, 1), (1, 1, 30)])
def test_results_that_show_one_buffer(shape: tuple[int, ...]) -> None:
    axis = max(range(len(shape)), key=lambda a: shape[a])
    index = np.array([0, 2, 0])

    def added(a: Any) -> Any:
        b = a.index_add(axis, graphc.tensor(index), a.narrow(axis, 0, 3))
        return b, b.squeeze(), b.reshape(-1), b.flip(axis), b

    def in_place(a: Any) -> Any:
        a.index_add_(axis, graphc.tensor(index), a.narrow(axis, 0, 3).clone())
        b = a.squeeze()
        a.index_fill_(axis, graphc.tensor(index[:1]), 7.0)
        return a.reshape(-1), a, b

    a = numbers(*shape)
    b = a.ravel().copy()
    np.add.at(b, index, a.ravel()[:3])
    check(added, a, wanted=(b.reshape(shape), b, b, b[::-1].reshape(shape), b.reshape(shape)))
    b[0] = 7
    check(in_place, a, wanted=(b, b.reshape(shape), b))


def test_views_of_results_are_written() -> None:
    x = numbers(6, 7)
    check(lambda x: ((y := x.cumsum(1)), y.T, y.reshape(42), y[1:]), x, wanted=(
        x.cumsum(1), x.cumsum(1).T, x.cumsum(1).reshape(42), x.cumsum(1)[1:]))  # fmt: skip


@pytest.mark.parametrize("n", [2, 20, 300])
def test_joins_whose_parts_are_all_computed_in_place(n: int) -> None:
    def f(a: Any, b: Any) -> Any:
        c, d, e = graphc.cat([a * 2, b + 1]), graphc.cat([b * 3, a - 1]), graphc.stack([a.sin(), a.cos()])
        return c, d, e, graphc.cat([e.flatten() * 1.5, a.exp().flatten()])

    a, b = numbers(n, 3), numbers(n + 1, 3)
    e = np.stack([np.sin(a), np.cos(a)])
    check(f, a, b, wanted=(np.r_[a * 2, b + 1], np.r_[b * 3, a - 1], e, np.r_[e.ravel() * 1.5, np.exp(a).ravel()]))


CENTRED = """\
graph f(%x: f32[4,4]) -> (f32[4,4]) {
  %f: f32[4,4] = fusion %x {dims=[4,4], outer=1, results=[[[0],[1]]], reduces=[[[1]]]} (%x: f32[4,4]) {
    %s: f32[4] = sum %x {axes=[1]}
    %0: f32[4,4] = broadcast %s {shape=[4,4], axes=[0]}
    %1: f32[4,4] = sub %x, %0
    %2: f32[4,4] = MOVE
    return %2
  }
  return %f
}
"""


@pytest.mark.parametrize(
    ("move", "message"),
    [("flip %1 {axes=[1]}", ""), ("flip %1 {axes=[0]}", "elsewhere"), ("permute %1 {axes=[1,0]}", "the points that it folds")],
)
def test_a_kernel_refuses_what_the_law_forbids(move: str, message: str) -> None:
    (fusion,) = parse(CENTRED.replace("MOVE", move)).results

    def lower() -> Kernel:
        return lower_fusion(fusion, [Operand((4, 1))], [Operand((4, 1))], "k")

    if not message:
        assert [len(s.reductions) for s in lower().stages] == [1, 0]
        return
    with pytest.raises(AssertionError, match=message):
        lower()
