"""Transforms and distributions of transformed samples, against torch where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

X = np.array([[0.3, 0.7, 0.5], [0.1, 0.9, 0.4]])
TRANSFORMS: dict[str, Any] = {
    "ExpTransform": lambda d: d.ExpTransform(), "PowerTransform": lambda d: d.PowerTransform(2.5),
    "SigmoidTransform": lambda d: d.SigmoidTransform(), "TanhTransform": lambda d: d.TanhTransform(),
    "SoftplusTransform": lambda d: d.SoftplusTransform(), "AffineTransform": lambda d: d.AffineTransform(1.0, -2.0),
    "StickBreakingTransform": lambda d: d.StickBreakingTransform(),
    "ComposeTransform": lambda d: d.ComposeTransform([
        d.ExpTransform(), d.AffineTransform(1.0, 2.0), d.StickBreakingTransform(),
    ]),
    "IndependentTransform": lambda d: d.IndependentTransform(d.ExpTransform(), 1),
    "ReshapeTransform": lambda d: d.ReshapeTransform((3,), (3, 1)), "inv": lambda d: d.SigmoidTransform().inv,
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name: str) -> None:
    def call(t: Any) -> Any:
        def run(x: Any) -> Any:
            transform = TRANSFORMS[name](t.distributions)
            y = transform(x)
            return y, transform.inv(y), transform.log_abs_det_jacobian(x, y) + 0 * x.sum()

        return run

    parity.assert_same(call, X, rtol=1e-7)


def test_transforms_without_an_inverse() -> None:
    d = G.distributions
    assert d.AbsTransform()(G.tensor([-2.0, 3.0])).tolist() == [2.0, 3.0]
    parity.assert_same(lambda t: t.distributions.SoftmaxTransform(), X)
    assert not d.SoftmaxTransform().bijective and isinstance(d.ExpTransform().inv.inv, d.Transform)


def test_transformed_distributions() -> None:
    def call(t: Any) -> Any:
        def run(loc: Any, scale: Any, x: Any) -> Any:
            d = t.distributions
            squashed = d.TransformedDistribution(d.Normal(loc, scale), [d.TanhTransform(), d.AffineTransform(0.0, 2.0)])
            broken = d.TransformedDistribution(d.Normal(loc[:2], scale[:2]), d.StickBreakingTransform())
            simplex = t.softmax(x, -1)
            return squashed.log_prob(x), broken.log_prob(simplex), squashed.cdf(x), d.LogNormal(loc, scale).cdf(x)

        return run

    parity.assert_same(call, np.array([0.1, -0.3, 0.5]), np.array([0.5, 1.5, 2.0]), X, rtol=1e-8)
    d = G.distributions
    moved = d.TransformedDistribution(d.Uniform(G.zeros(3), 1.0), d.AffineTransform(G.tensor([1.0, 2.0, 3.0]), 2.0))
    x = moved.rsample((5000,))
    assert x.shape == (5000, 3) and ((x - G.tensor([2.0, 3.0, 4.0])).mean(0).abs() < 0.1).all()
    assert moved.expand((2, 3)).sample().shape == (2, 3) and G.allclose(moved.icdf(G.tensor(0.5)), G.tensor([2.0, 3.0, 4.0]))


@pytest.mark.parametrize("name", ["SigmoidTransform", "StickBreakingTransform"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_that_round_to_the_ends_have_finite_preimages(name: str, dtype: Any) -> None:
    def call(t: Any) -> Any:
        def run(x: Any) -> Any:
            transform = getattr(t.distributions, name)()
            y = transform(x)
            return y, transform.inv(y), transform.log_abs_det_jacobian(x, y)

        return run

    x = np.array([[-800.0, 40.0, 3.0], [800.0, -40.0, 0.0], [20.0, -90.0, 30.0]], dtype)
    parity.assert_same(call, x, rtol=1e-5 if dtype is np.float32 else 1e-8)
