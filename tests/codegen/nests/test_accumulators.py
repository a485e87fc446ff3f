"""Of equal elements the first one wins, in whatever order a kernel's loops run: compiled argmax and argmin against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc


def places(x: Any) -> tuple[Any, ...]:
    """Return places of extremes in orders that are not those of memory; a NaN counts as one."""
    y = x * 2
    last = x.permute(0, 2, 1).reshape(x.shape[0], -1)
    return y.permute(2, 1, 0).reshape(-1).argmin(0), y.permute(0, 2, 1).reshape(-1).argmax(0), last.argmax(1), last.argmin(1)


def wanted(x: np.ndarray) -> tuple[Any, ...]:
    last = x.transpose(0, 2, 1).reshape(x.shape[0], -1)
    return x.transpose(2, 1, 0).argmin(), x.transpose(0, 2, 1).argmax(), last.argmax(1), last.argmin(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 40, 30), (40, 3, 5), (2, 300, 200), (700, 3, 20)])
def test_the_first_of_equal_elements(shape: tuple[int, ...], dtype: type) -> None:
    rng, f = np.random.default_rng(sum(shape)), graphc.compile(places)
    for seldom in (2, 50):
        x = (rng.integers(0, seldom, shape) == 0).astype(dtype) - (rng.integers(0, seldom, shape) == 0).astype(dtype)
        for got, want in zip(f(graphc.tensor(x)), wanted(x), strict=True):
            np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("shape", [(3, 40, 30), (40, 3, 5)])
def test_the_first_nan(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    x[x > 1.5] = np.nan
    for got, want in zip(graphc.compile(places)(graphc.tensor(x)), wanted(x), strict=True):
        np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("first", [np.ndarray.argmax, np.ndarray.argmin])
def test_two_orders_in_one_program(first: Callable[..., Any]) -> None:
    def both(x: Any) -> tuple[Any, Any]:
        y, name = x.exp(), first.__name__
        return getattr(y.reshape(-1), name)(0), getattr(y.T.reshape(-1), name)(0)

    x = np.random.default_rng(1).integers(0, 3, (40, 30)).astype(np.float64)
    a, b = graphc.compile(both)(x)
    assert (int(a), int(b)) == (first(x), first(x.T))
