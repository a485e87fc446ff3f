"""Buffers that are filled part by part, with gradients: values, gradients, memory, in every mode."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import graphc as G
from graphc import Tensor

T = G.tensor
LENGTH = 12


@pytest.fixture(params=["evaluate", "auto", "compile"])
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    G.set_eager(request.param)
    yield request.param
    G.set_eager("auto")


def rows(w: Tensor) -> Tensor:
    out, h = G.zeros(LENGTH, 3, dtype=G.float64), w
    for t in range(LENGTH):
        h = (h * w).tanh()
        out[t] = h
    return out


def stacked_rows(w: Tensor) -> Tensor:
    hs, h = [], w
    for _ in range(LENGTH):
        h = (h * w).tanh()
        hs.append(h)
    return G.stack(hs)


def previous_row(w: Tensor) -> Tensor:
    out = G.zeros(LENGTH, 3, dtype=G.float64)
    out[0] = w
    for t in range(1, LENGTH):
        out[t] = (out[t - 1] * w).sin()
    return out


def stacked_previous_row(w: Tensor) -> Tensor:
    hs = [w]
    for _ in range(1, LENGTH):
        hs.append((hs[-1] * w).sin())
    return G.stack(hs)


def columns_twice(w: Tensor) -> Tensor:
    out = G.ones(3, LENGTH, dtype=G.float64)
    for t in range(LENGTH - 1):
        out[:, t : t + 2] = (w * t)[:, None]
    out *= w[:, None]
    return out


def stacked_columns_twice(w: Tensor) -> Tensor:
    parts = [w * t * w for t in range(LENGTH - 1)]
    return G.stack([*parts, parts[-1]], 1)


def through_views(w: Tensor) -> Tensor:
    out = G.zeros(2, LENGTH, 3, dtype=G.float64)
    first, last = out[0], out[:, LENGTH - 1]
    for t in range(LENGTH):
        first[t].copy_(w * t)
        first[t].mul_(w)
    last.add_(w)
    return out


def stacked_through_views(w: Tensor) -> Tensor:
    first = G.stack([w * t * w for t in range(LENGTH)])
    edge = G.cat([G.zeros(LENGTH - 1, 3, dtype=G.float64), w[None]])
    return G.stack([first + edge, edge])


PAIRS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "rows": (rows, stacked_rows),
    "previous row": (previous_row, stacked_previous_row),
    "columns twice": (columns_twice, stacked_columns_twice),
    "through views": (through_views, stacked_through_views),
}


@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients(name: str, mode: str) -> None:
    filled, stacked = PAIRS[name]
    for call in range(4):  # the structure comes again, with other values
        values = np.array([0.9, 1.3, -0.7]) + 0.1 * call
        results = []
        for f in (filled, stacked, G.compile(filled)):
            w = T(values, requires_grad=True)
            out = f(w)
            (out * out).sum().backward()
            assert w.grad is not None
            results.append((out.detach().numpy(), w.grad.numpy()))
        for value, gradient in results:
            np.testing.assert_allclose(value, results[1][0], rtol=1e-12)
            np.testing.assert_allclose(gradient, results[1][1], rtol=1e-10)


def test_versions_that_were_read_keep_their_gradients(mode: str) -> None:
    w = T([2.0, 3.0], requires_grad=True)
    out = G.zeros(6, 2)
    seen = []
    for t in range(6):
        out[t] = w * t
        seen.append(out.sum())  # of all rows so far
    G.stack(seen).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [35.0, 35.0]  # row t is in 6 - t of the sums
    assert [s.item() for s in seen] == [0.0, 5.0, 15.0, 30.0, 50.0, 75.0]


def test_second_derivatives(mode: str) -> None:
    w = T([0.5, 0.25], requires_grad=True)
    out = G.zeros(5, 2)
    for t in range(5):
        out[t] = w**t
    (first,) = G.autograd.grad(out.sum(), w, create_graph=True)
    (second,) = G.autograd.grad(first.sum(), w)
    want = sum(t * (t - 1) * np.array([0.5, 0.25]) ** (t - 2) for t in range(2, 5))
    np.testing.assert_allclose(second.numpy(), want, rtol=1e-6)


def test_a_look_in_each_iteration(mode: str) -> None:
    w = T([0.5, 2.0], requires_grad=True)
    out, h = G.zeros(8, 2), w
    for t in range(8):
        h = (h + w).tanh()
        out[t] = h
        assert out[t, 0].item() == pytest.approx(h[0].item())
    out.sum().backward()
    h, want = w.detach().clone().requires_grad_(), G.zeros(2)
    leaf, total = h, G.zeros(2)
    for _ in range(8):
        h = (h + leaf).tanh()
        total = total + h
    total.sum().backward()
    assert w.grad is not None and leaf.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), leaf.grad.numpy() + want.numpy(), rtol=1e-5)


def test_the_versions_of_a_buffer_are_not_stored() -> None:
    n, width = 200, 2000
    w = T(np.full(width, 0.5), requires_grad=True)

    def step() -> None:
        out = G.zeros(n, width, dtype=G.float64)
        for t in range(n):
            out[t] = w * t
        out.sum().backward()
        w.grad = None

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * n * width * 8  # of 200 versions, each n * width numbers
