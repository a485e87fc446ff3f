"""Mantissas, exponents and neighbours of floats are those of C, at all magnitudes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(0)


def numbers(dtype: Any) -> Any:
    """Return special numbers and random ones of all magnitudes."""
    info = np.finfo(dtype)
    low, high = (-307, 307) if dtype is np.float64 else (-37, 37)
    edges = [
        info.tiny,
        2 * info.tiny,
        info.smallest_subnormal,
        info.max,
        1 - info.epsneg,
        1 + info.eps,
        2.0**-76,
        2.0**-100,
        4.0,
        0.5,
    ]
    with np.errstate(over="ignore"):
        wide = RNG.standard_normal(300) * 10.0 ** RNG.integers(low, high, 300)
        edges = np.array([*edges, info.tiny - info.smallest_subnormal], dtype)
        return np.concatenate([edges, -edges, np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype), wide.astype(dtype)])


def assert_equal(actual: Any, wanted: Any) -> None:
    np.testing.assert_array_equal(actual, wanted)
    np.testing.assert_array_equal(np.signbit(actual)[~np.isnan(wanted)], np.signbit(wanted)[~np.isnan(wanted)])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits(dtype: Any, compiled: bool) -> None:
    x = numbers(dtype)
    run = G.compile if compiled else lambda f: f
    mantissa, exponent = run(lambda x: tuple(G.frexp(x)))(G.tensor(x))
    wanted = np.frexp(x)
    assert_equal(mantissa.numpy(), wanted[0])
    np.testing.assert_array_equal(exponent.numpy()[np.isfinite(x)], wanted[1][np.isfinite(x)])
    for target in (np.inf, -np.inf, 0.0, 1.0, np.nan):
        y = np.full_like(x, target)
        assert_equal(run(lambda x, y: G.nextafter(x, y))(G.tensor(x), G.tensor(y)).numpy(), np.nextafter(x, y))


def test_gradients_dtypes_and_errors() -> None:
    parity.assert_same(lambda t: lambda x: t.frexp(x)[0], RNG.standard_normal(9) * 30)
    parity.assert_same(lambda t: lambda x, y: t.ldexp(x, y), RNG.standard_normal(4), np.array([3.0, -1, 0.5, 0]))
    parity.assert_same(lambda t: lambda x, y: t.ldexp(x, y), np.arange(4), np.array([3, -1, 2, 0]))
    assert (
        "torch.return_types.frexp" in repr(G.frexp(G.ones(1)))
        and not G.nextafter(G.ones(1, requires_grad=True), G.ones(1)).requires_grad
    )
    for name in ("frexp", "nextafter"):
        parity.assert_same_error(lambda t, n=name: getattr(t, n)(*[t.arange(2)] * (1 if n == "frexp" else 2)))
