"""Normal distributions of vectors: densities, moments and divergences against torch where it is there; samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4, 4))
COVARIANCE, LOC, VALUE = A @ A.swapaxes(-1, -2) + np.eye(4), RNG.standard_normal((3, 4)), RNG.standard_normal((5, 3, 4))
FACTOR, DIAGONAL = RNG.standard_normal((3, 4, 2)), RNG.random((3, 4)) + 0.5
CASES: dict[str, tuple[tuple[Any, ...], Any]] = {
    "covariance": ((LOC, COVARIANCE), lambda d, loc, x: d.MultivariateNormal(loc, x)),
    "one mean": ((LOC[0], COVARIANCE), lambda d, loc, x: d.MultivariateNormal(loc, x)),
    "precision": ((LOC, COVARIANCE), lambda d, loc, x: d.MultivariateNormal(loc, precision_matrix=x)),
    "factor": ((LOC, np.linalg.cholesky(COVARIANCE)), lambda d, loc, x: d.MultivariateNormal(loc, scale_tril=x)),
    "low rank": ((LOC, FACTOR, DIAGONAL), lambda d, *xs: d.LowRankMultivariateNormal(*xs)),
    "low rank, one mean": ((LOC[0], FACTOR, DIAGONAL[0]), lambda d, *xs: d.LowRankMultivariateNormal(*xs)),
}


def build(library: Any, name: str) -> Any:
    args, make = CASES[name]
    return make(library.distributions, *map(library.tensor, args))


@pytest.mark.parametrize("name", CASES)
def test_densities_and_entropies(name: str) -> None:
    args, make = CASES[name]
    parity.assert_same(lambda t: lambda *ts: make(t.distributions, *ts[:-1]).log_prob(ts[-1]), *args, VALUE, rtol=1e-7)
    parity.assert_same(lambda t: lambda *ts: make(t.distributions, *ts).entropy(), *args, rtol=1e-7)
    ours, theirs = build(G, name), build(parity.torch(), name)
    assert repr(ours) == repr(theirs)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    for part in ("mean", "mode", "variance", "stddev", "covariance_matrix", "precision_matrix", "scale_tril"):
        np.testing.assert_allclose(getattr(ours, part).numpy(), getattr(theirs, part).numpy(), rtol=1e-8, atol=1e-10)
    wide = ours.expand((2, 3))
    assert wide.batch_shape == (2, 3) and wide.sample((7,)).shape == (7, 2, 3, 4)
    np.testing.assert_allclose(wide.log_prob(G.tensor(VALUE[:2])).numpy(), ours.log_prob(G.tensor(VALUE[:2])).numpy())


@pytest.mark.parametrize("name", CASES)
def test_samples_have_the_moments(name: str) -> None:
    G.manual_seed(0)
    d = build(G, name)
    x = d.sample((40000,)).numpy()
    np.testing.assert_allclose(x.mean(0), d.mean.numpy(), atol=0.1)
    np.testing.assert_allclose(np.cov(x[:, 1].T), d.covariance_matrix[1].numpy(), atol=0.4)


def test_gradient_of_samples(run: Any) -> None:
    def spread(factor: Any) -> Any:
        G.manual_seed(0)
        d = G.distributions.MultivariateNormal(G.zeros(2), scale_tril=factor, validate_args=False)
        return d.rsample((1000,)).pow(2).mean(0).sum()

    slope = G.func.grad(spread)(G.eye(2))
    np.testing.assert_allclose(slope.diagonal().numpy(), [2, 2], atol=0.3)


@pytest.mark.parametrize("p", CASES)
@pytest.mark.parametrize("q", ["factor", "low rank"])
def test_divergences(p: str, q: str) -> None:
    found, expected = (t.distributions.kl_divergence(build(t, p), build(t, q)).numpy() for t in (G, parity.torch()))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_divergence_by_samples() -> None:
    G.manual_seed(0)
    p, q = build(G, "covariance"), build(G, "low rank")
    x = p.sample((40000,))
    expected = (p.log_prob(x) - q.log_prob(x)).mean(0)
    np.testing.assert_allclose(G.distributions.kl_divergence(p, q).numpy(), expected.numpy(), rtol=0.05)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda d: d.MultivariateNormal(G.zeros(2)), "Exactly one of"),
        (lambda d: d.MultivariateNormal(G.zeros(2), G.eye(2), G.eye(2)), "Exactly one of"),
        (lambda d: d.MultivariateNormal(G.tensor(0.0), G.eye(2)), "at least one-dimensional"),
        (lambda d: d.MultivariateNormal(G.zeros(2), G.ones(2)), "at least two-dimensional"),
        (lambda d: d.MultivariateNormal(G.zeros(2), -G.eye(2)), r"constraint PositiveDefinite\(\)"),
        (lambda d: d.MultivariateNormal(G.zeros(2), G.tensor([[1.0, 0.5], [0, 1]])), r"constraint PositiveDefinite\(\)"),
        (lambda d: d.MultivariateNormal(G.zeros(2), scale_tril=-G.eye(2)), r"constraint LowerCholesky\(\)"),
        (lambda d: d.LowRankMultivariateNormal(G.tensor(0.0), G.ones(2, 1), G.ones(2)), "at least one-dimensional"),
        (lambda d: d.LowRankMultivariateNormal(G.zeros(2), G.ones(2), G.ones(2)), "at least two-dimensional"),
        (lambda d: d.LowRankMultivariateNormal(G.zeros(2), G.ones(3, 1), G.ones(2)), "with shape 2 x m"),
        (lambda d: d.LowRankMultivariateNormal(G.zeros(2), G.ones(2, 1), G.ones(3)), r"with shape \(2,\)"),
        (lambda d: d.LowRankMultivariateNormal(G.zeros(2), G.ones(4, 2, 1), G.ones(3, 2)), "Incompatible batch shapes"),
        (lambda d: d.kl_divergence(*(d.MultivariateNormal(G.zeros(n), G.eye(n)) for n in (2, 3))), "different event shapes"),
    ],
)
def test_refused(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(G.distributions)
