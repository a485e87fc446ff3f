"""Gradients of sums over slices of one array: each slice contributes once, however slices meet, overlap or nest."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func

Index = Any
Term = tuple[str, Index]

# name: value, first and second derivative of each element
CURVES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "square": (lambda x: x * x, lambda x: 2 * x, lambda x: 2 + 0 * x),
    "half": (lambda x: x * 0.5, lambda x: 0.5 + 0 * x, lambda x: 0 * x),
    "cube": (lambda x: x * x * x, lambda x: 3 * x * x, lambda x: 6 * x),
    "sine": (torch.sin, np.cos, lambda x: -np.sin(x)),
}


def value(terms: Sequence[Term]) -> Callable[[Any], Any]:
    def function(u: Any) -> Any:
        return sum((CURVES[name][0](u[at]).sum() for name, at in terms[1:]), CURVES[terms[0][0]][0](u[terms[0][1]]).sum())

    return function


def derivative(terms: Sequence[Term], u: Any, order: int) -> Any:
    """Return the gradient, or the diagonal of the Hessian: each term adds to its own elements."""
    total = np.zeros_like(u)
    for name, at in terms:
        total[at] += CURVES[name][order](u[at])
    return total


def assert_gradients(terms: Sequence[Term], shape: tuple[int, ...]) -> None:
    u = np.random.default_rng(0).standard_normal(shape)
    first, second = derivative(terms, u, 1), derivative(terms, u, 2)
    gradient = func.grad(value(terms))
    curvature = func.grad(lambda u: (func.grad(value(terms))(u) ** 2).sum())
    for run in (lambda f: f, torch.compile):
        np.testing.assert_allclose(run(gradient)(torch.tensor(u)).numpy(), first, rtol=1e-12, atol=1e-12, err_msg=str(terms))
        np.testing.assert_allclose(
            run(curvature)(torch.tensor(u)).numpy(), 2 * first * second, rtol=1e-12, atol=1e-12, err_msg=str(terms)
        )


S = slice
LISTED: list[tuple[tuple[int, ...], list[Index]]] = [
    ((8,), [S(5), S(3, 5), S(5, None)]),
    ((8,), [S(3, 5), S(5), S(5, None)]),
    ((8,), [S(5, None), S(3, 5), S(5)]),
    ((8,), [S(1, -1), S(None, -1), -1]),
    ((8,), [S(3), S(3), S(3, None)]),
    ((8,), [S(3), S(3, None), S(3, None)]),
    ((8,), [S(2), S(2, 4), S(4, 6), S(6, None), S(1, 4), S(4, 7)]),
    ((8,), [0, 1, S(1, 3), S(2), 2, S(3, None), 7, S(None, 7)]),
    ((8,), [S(0, 8), S(0, 4), S(4, 8), S(2, 6)]),
    ((8,), [S(4, 4), S(4), S(4, None), S(2, 4)]),
    ((8,), [S(None, None, 2), S(1, None, 2), S(4), S(4, None)]),
    ((40,), [S(20), S(10, 20), S(20, None), S(20, 30), S(30, None)]),
    ((3, 20), [S(2), S(1, 2), S(2, None)]),
    ((3, 20), [(S(None), S(10)), (S(None), S(5, 10)), (S(None), S(10, None))]),
    ((3, 20), [(S(2), S(10)), (S(2), S(10, None)), (S(2, None), S(10)), (S(2, None), S(10, None))]),
    ((3, 20), [(S(2), S(10)), (S(1, 3), S(10, None)), (S(2, None), S(10)), (0, S(10, None))]),
    ((1, 9), [(S(None), S(5)), (0, S(3, 5)), (S(None), S(5, None))]),
    ((2, 3, 4), [(S(1), S(2), S(2)), (S(1), S(2), S(2, None)), (S(1), S(2, None)), 1, (S(None), S(None), S(1, 2))]),
]


@pytest.mark.parametrize(("shape", "indices"), LISTED)
def test_slices_that_meet(shape: tuple[int, ...], indices: list[Index]) -> None:
    names = list(CURVES)
    assert_gradients([(names[i % len(names)], at) for i, at in enumerate(indices)], shape)
    assert_gradients([("square", at) for at in indices], shape)


def random_index(choose: random.Random, shape: tuple[int, ...]) -> Index:
    def along(n: int) -> Index:
        kind = choose.random()
        if kind < 0.15:
            return choose.randrange(n)
        if kind < 0.3:
            return slice(None)
        begin, end = sorted(choose.choice((0, n // 3, n // 2, n, choose.randint(0, n))) for _ in range(2))
        return slice(begin, end, choose.choice((1, 1, 1, 1, 2, 3)))

    return tuple(along(n) for n in shape[: choose.randint(1, len(shape))])


@pytest.mark.parametrize("seed", range(60))
def test_random_slices(seed: int) -> None:
    choose = random.Random(seed)
    shape = choose.choice(((6,), (9,), (24,), (3, 12), (12, 3), (2, 3, 12), (1, 18)))
    terms = [(choose.choice(list(CURVES)), random_index(choose, shape)) for _ in range(choose.randint(2, 9))]
    assert_gradients(terms, shape)


@pytest.mark.parametrize("n", [6, 60])
def test_slices_that_were_turned_and_moved(n: int) -> None:
    half = n // 2
    u = np.random.default_rng(0).standard_normal(n)

    def f(u: Any) -> Any:
        turned = u.flip(0)
        nested = (turned[:half] ** 2).sum() + (turned[1:half] ** 3).sum()
        return nested + (turned[half:] * u[:half]).sum() + u.roll(1)[half:].sum()

    want = np.zeros(n)
    back = want[::-1]
    back[:half] += 2 * u[::-1][:half]
    back[1:half] += 3 * u[::-1][1:half] ** 2
    back[half:] += u[:half]
    want[:half] += u[::-1][half:]
    want[half - 1 : n - 1] += 1
    for run in (lambda f: f, torch.compile):
        np.testing.assert_allclose(run(func.grad(f))(torch.tensor(u)).numpy(), want, rtol=1e-13)


def test_gradients_within_loops() -> None:
    def f(u: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            return torch.cat([c[:2] * c[1:3], c[2:3] + c[0:1], c[3:] * 0.5]), c[2:].sum()

        last, sums = torch.scan(step, u, None, length=3)
        return (last[:2] ** 2).sum() + (last[1:2] ** 2).sum() + (last[2:] ** 3).sum() + sums.sum()

    def plain(u: Any) -> float:
        total = 0.0
        for _ in range(3):
            total += u[2:].sum()
            u = np.concatenate([u[:2] * u[1:3], u[2:3] + u[0:1], u[3:] * 0.5])
        return float((u[:2] ** 2).sum() + (u[1:2] ** 2).sum() + (u[2:] ** 3).sum() + total)

    u = np.random.default_rng(0).standard_normal(5)
    want = [(plain(u + e) - plain(u - e)) / 2e-6 for e in np.eye(5) * 1e-6]
    for run in (lambda f: f, torch.compile):
        np.testing.assert_allclose(run(func.grad(f))(torch.tensor(u)).numpy(), want, rtol=1e-6, atol=1e-8)


def test_the_sign_of_a_zero_is_that_of_the_sum() -> None:
    def f(u: Any) -> Any:
        return (u[:2] * -0.0).sum() + (u[2:] * -0.0).sum()

    for run in (lambda f: f, torch.compile):
        assert not np.signbit(run(func.grad(f))(torch.tensor(np.ones(4))).numpy()).any()
