"""Quotients, remainders and other functions of two values at the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from tests import parity

INF, NAN = float("inf"), float("nan")

F64 = torch.float64

EDGES = [0.0, -0.0, 1.0, -1.0, 0.1, -0.1, 2.0, 7.5, -7.5, 1e-300, 5e-324, -5e-324, 1e308, -1e308, 2.0**60, INF, -INF, NAN]


def _pairs(dtype: Any) -> tuple[Any, Any]:
    with np.errstate(over="ignore"):
        values = np.array(EDGES).astype(dtype)
    x, y = np.meshgrid(values, values)
    return x.ravel(), y.ravel()


def _heaviside(x: Any, y: Any) -> Any:
    return np.where(x == 0, y, np.where(x > 0, 1, 0)).astype(x.dtype)


def _remainder(x: Any, y: Any) -> Any:
    return np.where(np.isinf(y) & (x != 0) & ((x < 0) != (y < 0)), x + y, np.remainder(x, y))


BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "floor_divide": (torch.floor_divide, np.floor_divide),
    "floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), np.floor_divide),
    "remainder": (torch.remainder, _remainder),
    "fmod": (torch.fmod, np.fmod),
    "atan2": (torch.atan2, np.arctan2),
    "hypot": (torch.hypot, lambda x, y: np.where(np.isinf(x) | np.isinf(y), np.inf, np.hypot(x, y))),
    "heaviside": (torch.heaviside, _heaviside),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_at_the_edge(run: Any, name: str, dtype: Any) -> None:
    ours, wanted = BINARY[name]
    x, y = _pairs(dtype)
    with np.errstate(all="ignore"):
        expected = wanted(x, y)
    found = run(ours)(torch.tensor(x), torch.tensor(y)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0 if name != "atan2" else 1e-40)
    if name in ("floor_divide", "fmod"):
        signed = ~np.isnan(expected)
        assert (np.signbit(found) == np.signbit(expected))[signed].all()


def test_floor_division_of_floats_is_exact(run: Any) -> None:
    x = torch.tensor([1.0, 0.3, 1.0, -1.0, INF, -1e-300], dtype=F64)
    y = torch.tensor([0.1, 0.1, -0.1, INF, 2.0, 1.0], dtype=F64)
    assert run(torch.floor_divide)(x, y).tolist()[:4] == [9, 2, -10, -1]
    assert np.isnan(run(torch.floor_divide)(x, y)[4].item()) and run(torch.floor_divide)(x, y)[5].item() == -1
    assert run(lambda x: x // 0.1)(x)[0].item() == 9 and np.isnan(run(lambda x: x // 2)(x)[4].item())


def test_remainders_of_numbers_far_apart(run: Any) -> None:
    x, y = torch.tensor([1e308, -1e308, 1e308], dtype=F64), torch.tensor([5e-324, 5e-324, 0.1], dtype=F64)
    assert run(torch.fmod)(x, y).tolist() == [0, 0, np.fmod(1e308, 0.1)]
    assert run(torch.remainder)(x, y).tolist() == [0, 0, np.fmod(1e308, 0.1)]


def test_divisions_of_extreme_integers(run: Any) -> None:
    low = -(2**63)
    x, y = torch.tensor([low, low, low, 7, -7, 5]), torch.tensor([low, 3, -1, low, 2, -3])
    assert run(torch.fmod)(x, y).tolist() == [0, -2, 0, 7, -1, 2]
    assert run(lambda x, y: torch.div(x, y, rounding_mode="trunc"))(x, y).tolist() == [1, low // 3 + 1, low, 0, -3, -1]


def test_f32_floor_division_at_the_bounds_of_its_short_way() -> None:
    big = np.float32(2**21)
    small, infinite = np.float32(1e-45), np.float32(np.inf)
    edges = np.array([0.0, -0.0, 1, -1, infinite, -infinite, np.nan, small, -small, 3e38, big, -big, big + 0.25, 2**29, 0.1, 7])
    edges = edges.astype("f4")
    rng = np.random.default_rng(7)
    y = rng.normal(size=4000).astype("f4")
    near = np.nextafter(y * rng.integers(-(2**23), 2**23, 4000).astype("f4"), rng.choice([-infinite, infinite], 4000))
    anything = rng.integers(0, 2**32, (2, 4000), dtype=np.uint64).astype(np.uint32).view("f4")
    pairs = [np.meshgrid(edges, edges), (near.astype("f4"), y), anything]
    alone = [(edges[i : i + 1], edges[::-1][i : i + 1]) for i in range(16)]
    for a, b in [(np.ravel(a), np.ravel(b)) for a, b in pairs] + alone:
        with np.errstate(all="ignore"):
            wanted = [np.floor_divide(a, b), np.fmod(a, b)]
        for f, want in zip((torch.floor_divide, torch.fmod), wanted, strict=True):
            got = np.asarray(torch.compile(f)(torch.from_numpy(a.copy()), torch.from_numpy(b.copy())))
            np.testing.assert_array_equal(got, want)
            np.testing.assert_array_equal(np.signbit(got)[want == 0], np.signbit(want)[want == 0])


@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_divisors_and_multiples(name: str) -> None:
    rng = np.random.default_rng(0)
    pairs = (
        (rng.integers(-1000, 1000, 50), rng.integers(-1000, 1000, 50)), (rng.integers(0, 9, (5, 1)), rng.integers(0, 9, 4)),
        (np.array([0, 0, 5, -(2**63)]), np.array([0, 3, 0, 0])), (rng.integers(0, 250, 9).astype(np.uint8),) * 2,
        (np.array([12], np.int32), np.array([18])), (np.zeros(0, np.int64),) * 2, (np.array(12), np.array(18)),
        (np.array([12586269025]), np.array([7778742049])),
    )  # fmt: skip
    for x, y in pairs:
        parity.assert_same(lambda t: lambda a, b: getattr(t, name)(a, b), x, y)
    x = rng.integers(1, 99, (3, 4))
    assert torch.func.vmap(torch.gcd)(torch.tensor(x), torch.tensor(3 * x)).tolist() == x.tolist()
    parity.assert_same_error(lambda t: getattr(t, name)(t.ones(2), t.ones(2)))
