"""The gamma function's logarithm and its derivatives, at hard places."""

from __future__ import annotations

import math

import numpy as np

import graphc as G
from tests import parity

X = np.array([-4.7, -1e-3, 1e-8, 0.3, 0.9999, 1.0, 2.0, 7.99, 8.0, 8.01, 170.0, 1e8, 1e300])


def test_values_and_slopes_are_torchs() -> None:
    for name in ("lgamma", "digamma"):
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x), X[:-2], rtol=1e-8)
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x), X[:-2].astype(np.float32), rtol=2e-4)


def test_poles_infinities_and_large_numbers() -> None:
    x = G.tensor([0.0, -0.0, -1.0, -3.0, float("inf"), float("-inf"), float("nan")], dtype=G.float64)
    assert [*map(math.isinf, G.lgamma(x).tolist())] == [True] * 6 + [False] and math.isnan(G.lgamma(x)[-1].item())
    assert G.digamma(x[:2]).tolist() == [-math.inf, math.inf] and G.digamma(x)[2:4].isnan().all()
    np.testing.assert_allclose(G.lgamma(G.tensor(X[-2:])).numpy(), [math.lgamma(v) for v in X[-2:]], rtol=1e-14)
