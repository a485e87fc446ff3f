"""Poisson and binomially distributed numbers, by the frequencies of all values."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log, nan, sqrt

import numpy as np
import pytest

import graphc as G
from graphc.distributions.counts import binomial, poisson

COUNT = 100_000


def check(numbers: np.ndarray, log_prob: Callable[[int], float]) -> None:
    """Compare the frequencies of values with their probabilities: chi-squared, at most 4 deviations from its mean."""
    expected = np.array([COUNT * exp(log_prob(k)) for k in range(int(numbers.max()) + 1)])
    found = np.bincount(numbers.astype(int), minlength=len(expected))
    frequent = expected > 10
    freedom = frequent.sum()
    chi = ((found[frequent] - expected[frequent]) ** 2 / expected[frequent]).sum()
    assert (chi - freedom) / sqrt(2 * freedom) < 4
    assert found[~frequent].sum() < 2 * expected[~frequent].sum() + 10


@pytest.mark.parametrize("rate", [0.5, 9.99, 10.0, 40.0, 1000.0])
def test_poisson_numbers(rate: float) -> None:
    G.manual_seed(0)
    x = poisson(G.full((COUNT,), rate, dtype=G.float64)).numpy()
    check(x, lambda k: k * log(rate) - rate - lgamma(k + 1))


@pytest.mark.parametrize("count, p", [(1, 0.3), (19, 0.5), (21, 0.5), (100, 0.1), (100, 0.9), (1000, 0.013), (20000, 0.7)])
def test_binomial_numbers(count: int, p: float) -> None:
    G.manual_seed(1)
    x = binomial(G.full((COUNT,), float(count), dtype=G.float64), G.full((COUNT,), p, dtype=G.float64)).numpy()
    ways = lgamma(count + 1)
    check(
        x,
        lambda k: ways - lgamma(k + 1) - lgamma(count - k + 1) + k * log(p) + (count - k) * log(1 - p) if k <= count else -inf,
    )


def test_large_means_and_edges_end() -> None:
    G.manual_seed(2)
    x = G.tensor([0.0, 1e3, 1e6, 1e9, 1e11, 1e13, 1e20], dtype=G.float64)
    for found, share, variance in ((poisson(x), 1.0, 1.0), (binomial(x, x * 0 + 0.25), 0.25, 0.1875)):
        assert ((found - share * x).abs() <= 6 * (variance * x).sqrt()).all() and (found == found.floor()).all()
    assert G.equal(binomial(x, x * 0 + 1), x) and G.equal(binomial(x, x * 0), x * 0)
    odd = G.tensor([inf, nan], dtype=G.float64)
    assert poisson(odd).numpy().tolist()[0] == inf and poisson(odd)[1].isnan() and binomial(odd, odd * 0).isnan().all()
    wide = G.distributions.NegativeBinomial(5.0, logits=G.tensor([20.0, 0.0])).sample((100,))
    assert wide.shape == (100, 2) and wide[:, 0].mean() > 1e9 and wide[:, 1].mean() < 20
    assert G.compile(lambda r: poisson(r))(x[:4]).shape == (4,)
