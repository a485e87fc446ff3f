"""Every distribution: densities, moments, entropies, gradients against torch where it is there; samples by their moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(4)
P, Q, U = np.array([0.5, 1.5, 3.0]), np.array([2.0, 0.7, 1.2]), np.array([0.2, 0.5, 0.9])
X, R = np.array([[0.3, 1.7, 2.5], [0.1, 0.9, 4.0]]), np.array([-1.0, 0.4, 2.0])
COUNTS, W = np.array([[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]), np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 1.0]])
HOT, SIMPLEX = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]), np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]])

CASES: dict[str, tuple[tuple[Any, ...], Any]] = {
    "Normal": ((R, P), X), "Laplace": ((R, P), X), "Cauchy": ((R, P), X), "Gumbel": ((R, P), X), "HalfNormal": ((P,), X),
    "HalfCauchy": ((P,), X), "Exponential": ((P,), X), "Uniform": ((-P, 4 * Q), X * 0.3), "LogNormal": ((R, P), X),
    "Pareto": ((U, P + 2), X + 1), "Weibull": ((P, Q), X), "Gamma": ((P, Q), X), "Chi2": ((P,), X), "Beta": ((P, Q), X / 5),
    "InverseGamma": ((P + 3, Q), X), "StudentT": ((P + 3, R, Q), X), "Dirichlet": ((W,), SIMPLEX), "Bernoulli": ((U,), HOT),
    "Geometric": ((U,), COUNTS), "Binomial": ((np.array([3.0, 4.0, 5.0]), U), COUNTS), "Poisson": ((P,), COUNTS),
    "NegativeBinomial": ((P, U), COUNTS), "Categorical": ((W,), np.array([2, 1])), "OneHotCategorical": ((W,), HOT),
    "OneHotCategoricalStraightThrough": ((W,), HOT),
}  # fmt: skip
LACKING = {"Binomial": {"entropy"}, "Poisson": {"entropy"}, "NegativeBinomial": {"entropy"}}
"""What has no formula here, or in torch."""


def build(library: Any, name: str, args: Any) -> Any:
    return getattr(library.distributions, name)(*args)


@pytest.mark.parametrize("name", CASES)
def test_densities(name: str) -> None:
    args, value = CASES[name]
    parity.assert_same(lambda t: lambda *ts: build(t, name, ts[:-1]).log_prob(ts[-1]), *args, value, rtol=1e-8)
    theirs, ours = (build(t, name, [t.tensor(a) for a in args]) for t in (parity.torch(), G))
    assert repr(theirs) in (repr(ours), f"{name}()")
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    assert ours.has_rsample == theirs.has_rsample and ours.has_enumerate_support == theirs.has_enumerate_support
    bigger, wanted = ours.expand((4, *ours.batch_shape)), theirs.expand((4, *theirs.batch_shape))
    np.testing.assert_allclose(
        bigger.log_prob(G.tensor(value[:1])), wanted.log_prob(parity.torch().tensor(value[:1])), rtol=1e-8
    )


@pytest.mark.parametrize("name", CASES)
def test_moments_and_entropies(name: str) -> None:
    args, _ = CASES[name]

    def call(t: Any) -> Any:
        def run(*tensors: Any) -> Any:
            d = build(t, name, tensors)
            entropy = () if "entropy" in LACKING.get(name, ()) else (d.entropy(), d.perplexity())
            return (d.mean, d.variance, d.stddev, *entropy)

        return run

    if name not in ("Cauchy", "HalfCauchy", "Categorical"):
        parity.assert_same(call, *args, rtol=1e-8, compiled=False)
    theirs, ours = (build(t, name, [t.tensor(a) for a in args]) for t in (parity.torch(), G))
    np.testing.assert_allclose(ours.mode, theirs.mode, rtol=1e-12)
    if name == "Cauchy":
        np.testing.assert_array_equal([ours.variance, ours.stddev], [theirs.variance, theirs.stddev])
    for method in ("cdf", "icdf"):
        if name in ("Laplace", "Cauchy", "Gumbel", "HalfCauchy", "Exponential", "Uniform", "Pareto", "Weibull"):
            values = [t.tensor(U if method == "icdf" else CASES[name][1]) for t in (parity.torch(), G)]
            results = [getattr(d, method)(v) for d, v in zip((theirs, ours), values, strict=True)]
            np.testing.assert_allclose(results[1], results[0], rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("Cauchy", "HalfCauchy", "Categorical")])
def test_samples_have_the_moments(name: str) -> None:
    G.manual_seed(1)
    args, _ = CASES[name]
    d = build(G, name, [G.tensor(a) for a in args])
    x = d.sample((20000,))
    assert x.shape == (20000, *d.batch_shape, *d.event_shape) and not x.requires_grad and d._validate_sample(x) is None
    short = build(G, name, [G.tensor(a).float() for a in args]).sample((1, len(name)))  # a shape that no other test has drawn
    assert short.shape == (1, len(name), *d.batch_shape, *d.event_shape) and bool(short.isfinite().all())
    error = 5 * d.stddev.numpy() / np.sqrt(20000) + 1e-9
    assert (np.abs(x.mean(0).numpy() - d.mean.numpy()) < error).all()
    if name not in ("LogNormal", "Pareto", "InverseGamma", "StudentT"):
        np.testing.assert_allclose(x.var(0).numpy(), d.variance.numpy(), rtol=0.12)


def test_samples_of_heavy_tails_have_the_quantiles() -> None:
    G.manual_seed(2)
    for name in ("Cauchy", "HalfCauchy", "LogNormal", "Pareto"):
        d = build(G, name, [G.tensor(a) for a in CASES[name][0]])
        below = d.cdf(d.sample((20000,))).numpy()
        for q in (0.1, 0.5, 0.9):
            np.testing.assert_allclose((below < q).mean(0), q, atol=0.015)


@pytest.mark.parametrize(
    "name", ["Normal", "Laplace", "Gumbel", "Exponential", "Uniform", "Gamma", "Beta", "Dirichlet", "StudentT"]
)
def test_gradients_of_samples_are_those_of_the_mean(name: str) -> None:
    G.manual_seed(3)
    args, _ = CASES[name]
    tensors = [G.tensor(a, requires_grad=True) for a in args]
    d = build(G, name, tensors)
    weight = G.tensor([1.0, -2.0, 0.5], dtype=G.float64)
    for moment in (1, 2) if name != "StudentT" else (1,):
        target = d.mean if moment == 1 else d.variance + d.mean.pow(2)
        wanted = G.autograd.grad((target * weight).sum(), tensors, allow_unused=True, retain_graph=True)
        x = d.rsample((40000,)) ** moment
        got = G.autograd.grad((x * weight).sum() / 40000, tensors, retain_graph=True)
        for g, w in zip(got, wanted, strict=True):
            w = G.zeros_like(g) if w is None else w
            assert ((g - w).abs() < 0.03 + 0.12 * w.abs()).all(), (name, moment, g, w)


def test_slopes_of_gamma_numbers_are_torchs() -> None:
    t = parity.torch()
    a = np.array([0.05, 0.5, 1.0, 2.5, 10.0, 100.0])
    for factor in (0.2, 0.9, 1.1, 1.6):
        z = a * factor
        wanted = t._standard_gamma_grad(t.tensor(a), t.tensor(z)).numpy()
        found = G.distributions.gammas._slope(G.tensor(a), G.tensor(z)).numpy()
        np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_straight_through_samples_and_supports() -> None:
    logits = G.tensor(W, requires_grad=True)
    x = G.distributions.OneHotCategoricalStraightThrough(logits=logits).rsample()
    weight = G.tensor([1.0, 2.0, 3.0], dtype=G.float64)
    (got,) = G.autograd.grad((x * weight).sum(), logits)
    (wanted,) = G.autograd.grad((G.softmax(logits, -1) * weight).sum(), logits)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    assert G.distributions.Bernoulli(G.tensor(U)).enumerate_support().tolist() == [[0.0] * 3, [1.0] * 3]
    assert G.distributions.Categorical(G.tensor(W)).enumerate_support(False).tolist() == [[0], [1], [2]]
    assert G.distributions.Binomial(2, G.tensor(U)).enumerate_support()[:, 0].tolist() == [0.0, 1.0, 2.0]
    counts = G.distributions.Multinomial(5, G.tensor(W)).sample((100,))
    assert counts.shape == (100, 2, 3) and (counts.sum(-1) == 5).all()
    parity.assert_same(
        lambda t: lambda w, v: t.distributions.Multinomial(4, w).log_prob(v), W, COUNTS + np.array([[0, 0, 0], [1, 0, 0]])
    )


PAIRS = [
    *((n, n) for n in ("Normal", "Laplace", "Cauchy", "HalfNormal", "Exponential", "Gamma", "Dirichlet", "Beta", "Bernoulli",
                       "Geometric", "Poisson", "Categorical", "OneHotCategorical", "LogNormal", "Uniform")),
    ("Uniform", "Normal"), ("Exponential", "Gamma"), ("Gamma", "Exponential"),
]  # fmt: skip


@pytest.mark.parametrize("first, second", PAIRS)
def test_divergences(first: str, second: str) -> None:
    one, two = CASES[first][0], tuple(a * 0.9 if a.min() >= 0 else a for a in CASES[second][0])

    def call(t: Any) -> Any:
        def run(*tensors: Any) -> Any:
            p, q = build(t, first, tensors[: len(one)]), build(t, second, tensors[len(one) :])
            return t.distributions.kl_divergence(p, q)

        return run

    parity.assert_same(call, *one, *two, rtol=1e-8)


def test_independent_and_mixed_distributions() -> None:
    def call(t: Any) -> Any:
        def run(loc: Any, scale: Any, weights: Any, x: Any) -> Any:
            d = t.distributions
            whole = d.Independent(d.Normal(loc, scale), 1)
            other = d.Independent(d.Normal(loc * 2, scale + 1), 1)
            mixed = d.MixtureSameFamily(d.Categorical(weights), d.Normal(loc, scale))
            return (whole.log_prob(x), whole.entropy(), d.kl_divergence(whole, other), mixed.log_prob(x[:, :1]),
                    mixed.mean, mixed.variance, mixed.cdf(x[:, :1]))  # fmt: skip

        return run

    parity.assert_same(call, R, P, Q, X)
    mixture = G.distributions.MixtureSameFamily(
        G.distributions.Categorical(G.tensor(Q)), G.distributions.Normal(G.tensor(R), 0.1)
    )
    assert abs(mixture.sample((20000,)).mean() - mixture.mean) < 0.05 and mixture.sample((3, 2)).shape == (3, 2)
    assert repr(G.distributions.Independent(G.distributions.Normal(G.zeros(3), 1.0), 1)).startswith("Independent(Normal(loc: ")


@pytest.mark.parametrize("call", [
    lambda t: t.distributions.Normal(0.0, -1.0), lambda t: t.distributions.Normal("a", 1.0),
    lambda t: t.distributions.Bernoulli(),
    lambda t: t.distributions.Bernoulli(1.5), lambda t: t.distributions.Categorical(t.tensor(1.0)),
    lambda t: t.distributions.Gamma(1.0, 1.0).log_prob(t.tensor(-1.0)), lambda t: t.distributions.Uniform(1.0, 0.0),
    lambda t: t.distributions.Poisson(1.0).log_prob(t.tensor(0.5)), lambda t: t.distributions.Poisson(1.0).rsample(),
    lambda t: t.distributions.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3)),
    lambda t: t.distributions.Normal(0.0, 1.0).log_prob(1.0),
    lambda t: t.distributions.Independent(t.distributions.Normal(0.0, 1.0), 1),
    lambda t: t.distributions.kl_divergence(t.distributions.Normal(0.0, 1.0), t.distributions.Cauchy(0.0, 1.0)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)


def test_checks_can_be_left_out_and_compiled_code_has_none() -> None:
    assert G.distributions.Normal(0.0, -1.0, validate_args=False).scale == -1
    G.distributions.Distribution.set_default_validate_args(False)
    try:
        assert isinstance(G.distributions.Gamma(-1.0, 1.0), G.distributions.ExponentialFamily)
    finally:
        G.distributions.Distribution.set_default_validate_args(True)
    compiled = G.compile(lambda s: G.distributions.Normal(0.0, s).log_prob(G.tensor(0.0)))
    assert compiled(G.tensor(-1.0)).isnan()


def test_divergences_can_be_registered() -> None:
    class Mine(G.distributions.Normal):
        pass

    @G.distributions.register_kl(Mine, G.distributions.Cauchy)
    def divergence(p: Any, q: Any) -> Any:
        return p.scale + q.scale

    kl = G.distributions.kl.kl_divergence(Mine(0.0, 1.0), G.distributions.Cauchy(0.0, 2.0))
    assert kl == 3 and G.distributions.constraints.simplex.check(G.tensor([0.5, 0.5]))
