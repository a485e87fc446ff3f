"""Covariances and correlations are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(3)
SAMPLES = (
    RNG.standard_normal(5),
    RNG.standard_normal((3, 4)),
    RNG.standard_normal((3, 6)).astype(np.float32),
    RNG.integers(0, 9, (2, 4)),
)


@pytest.mark.parametrize("x", SAMPLES, ids=lambda x: f"{x.shape} {x.dtype}")
def test_cov_and_corrcoef(x: Any) -> None:
    n = x.shape[-1]
    often, weight = RNG.integers(1, 4, n), RNG.uniform(0.5, 2, n)
    for correction in (0, 1, 9):
        parity.assert_same(lambda t, c=correction: lambda x: t.cov(x, correction=c), x, rtol=1e-5)
    parity.assert_same(lambda t: lambda x, f: t.cov(x, fweights=f), x, often, rtol=1e-5)
    parity.assert_same(lambda t: lambda x, a: t.cov(x, aweights=a), x, weight, rtol=1e-5)
    parity.assert_same(lambda t: lambda x, f, a: t.cov(x, fweights=f, aweights=a), x, often, weight, rtol=1e-5)
    parity.assert_same(lambda t: lambda x: t.corrcoef(x), x, rtol=1e-5)


def test_second_derivatives_and_bounds() -> None:
    parity.assert_second(lambda x, a: (x.cov(aweights=a * a), x.corrcoef()), RNG.standard_normal((2, 5)), RNG.uniform(1, 2, 5))
    x = G.tensor([[0.1, 0.2, 0.7], [0.2, 0.4, 1.4]])
    assert float(G.corrcoef(x).max()) <= 1 and bool(G.cov(G.zeros(2, 0)).isnan().all())


def test_errors() -> None:
    for call in (
        lambda t: t.cov(t.ones(1, 1, 1)),
        lambda t: t.cov(t.ones(2).bool()),
        lambda t: t.corrcoef(t.ones(1, 1, 1)),
        lambda t: t.cov(t.ones(2, 3), fweights=t.ones(3)),
        lambda t: t.cov(t.ones(2, 3), aweights=t.arange(3)),
        lambda t: t.cov(t.ones(2, 3), fweights=t.arange(2)),
        lambda t: t.cov(t.ones(2, 3), aweights=t.ones(3, 1)),
        lambda t: t.cov(t.ones(2, 3), aweights=-t.ones(3)).tolist(),
        lambda t: t.cov(t.ones(3), fweights=t.arange(3) * 0).tolist(),
    ):
        parity.assert_same_error(call)
