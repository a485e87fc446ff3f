"""Differences, gradients on grids and the trapezoidal rule are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import parity

RNG = np.random.default_rng(1)
GRIDS = (
    RNG.standard_normal(5),
    RNG.standard_normal((3, 4)),
    RNG.standard_normal((4, 3, 5)).astype(np.float32),
    np.arange(12).reshape(3, 4),
)


@pytest.mark.parametrize("x", GRIDS, ids=lambda x: f"{x.shape} {x.dtype}")
@pytest.mark.parametrize("dim", [0, -1])
def test_along_an_axis(x: Any, dim: int) -> None:
    points = np.cumsum(RNG.uniform(0.5, 2, x.shape[dim])).astype(x.dtype if x.dtype.kind == "f" else np.float32)
    for n in (0, 1, 2, 9):
        parity.assert_same(lambda t, n=n: lambda x: t.diff(x, n, dim), x)
    parity.assert_same(lambda t: lambda x: t.diff(x, dim=dim, prepend=x, append=x), x)
    for edge in (1, 2):
        parity.assert_same(lambda t, e=edge: lambda x: t.gradient(x, spacing=0.3, dim=dim, edge_order=e), x, rtol=1e-5)
        parity.assert_same(
            lambda t, e=edge: lambda x, p: t.gradient(x, spacing=(p,), dim=dim, edge_order=e), x, points, rtol=1e-4
        )
    for name in ("trapezoid", "cumulative_trapezoid"):
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x, dx=2.5, dim=dim), x, rtol=1e-5)
        parity.assert_same(lambda t, n=name: lambda x, p: getattr(t, n)(x, p, dim=dim), x, points, rtol=1e-5)
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x, x * x, dim=dim), x, rtol=1e-4)


def test_all_axes_bools_and_empty() -> None:
    for x in GRIDS:
        parity.assert_same(lambda t: lambda a: t.gradient(a), x, rtol=1e-5)
        parity.assert_same(lambda t: lambda a: t.gradient(a, spacing=2.0), x, rtol=1e-5)
    parity.assert_same(lambda t: lambda x: t.gradient(x, spacing=(2, 3.0)), GRIDS[1])
    parity.assert_same(lambda t: lambda x: t.diff(x), np.array([True, True, False]))
    parity.assert_same(lambda t: lambda x: (t.trapz(x), t.diff(x), t.cumulative_trapezoid(x)), np.zeros((2, 0)))


def test_second_derivatives() -> None:
    def call(x: Any, y: Any) -> Any:
        return x.diff(2) ** 2, parity.G.trapezoid(x**3, y), parity.G.gradient(x * x, spacing=(y,), edge_order=2)

    parity.assert_second(call, RNG.standard_normal(5), np.arange(5.0) ** 1.5)


def test_errors() -> None:
    for call in (
        lambda t: t.diff(t.tensor(1.0)),
        lambda t: t.diff(t.ones(2), -1),
        lambda t: t.diff(t.ones(2), prepend=t.ones(1, 1)),
        lambda t: t.gradient(t.ones(1)),
        lambda t: t.gradient(t.ones(3), edge_order=3),
        lambda t: t.gradient(t.ones(3, 3), dim=(0, 0)),
        lambda t: t.gradient(t.ones(3), spacing=(1.0, 2.0)),
        lambda t: t.gradient(t.tensor(1.0), dim=0),
        lambda t: t.trapezoid(t.tensor(1.0)),
        lambda t: t.trapezoid(t.ones(2), t.ones(3)),
        lambda t: t.trapezoid(t.ones(2), t.ones(2), dx=1.0),
        lambda t: t.diff(t.ones(2), dim=4),
    ):
        parity.assert_same_error(call)
