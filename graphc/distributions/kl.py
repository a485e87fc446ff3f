"""Kullback-Leibler divergences, as in torch.distributions.kl."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any, TypeVar

from graphc.distributions.categorical import Categorical, OneHotCategorical
from graphc.distributions.continuous import Cauchy, Exponential, HalfNormal, Laplace, Normal
from graphc.distributions.derived import Uniform
from graphc.distributions.discrete import Bernoulli, Binomial, Geometric, Poisson
from graphc.distributions.gammas import Beta, Dirichlet, Gamma
from graphc.distributions.multivariate import LowRankMultivariateNormal, MultivariateNormal
from graphc.distributions.transform import sum_rightmost
from graphc.distributions.transformed import Independent, TransformedDistribution
from graphc.ops.indexing.masks import where
from graphc.ops.linear_algebra.solutions import solve_triangular
from graphc.ops.nn.sigmoidal import softplus
from graphc.ops.special.gamma import digamma, lgamma

__all__ = ["kl_divergence", "register_kl"]

F = TypeVar("F", bound=Callable[..., Any])

RULES: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}
"""The divergence of each pair of classes."""


def register_kl(type_p: type, type_q: type) -> Callable[[F], F]:
    """Return a decorator that registers the divergence of two classes of distributions.

    Args:
        type_p: class of the first distribution.
        type_q: class of the second one.

    Returns:
        Decorator of a function of both distributions that returns a tensor of the batch shape.

    Example:
        >>> D = graphc.distributions
        >>> @D.register_kl(D.Normal, D.HalfCauchy)
        ... def divergence(p, q):
        ...     return p.scale + q.scale
        >>> D.kl_divergence(D.Normal(0.0, 1.0), D.HalfCauchy(2.0))
        tensor(3.)
    """

    def register(function: F) -> F:
        RULES[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Any, q: Any) -> Any:
    """Return the Kullback-Leibler divergence of distributions, the mean of log(p(x) / q(x)) over p.

    Args:
        p: a distribution.
        q: a distribution.

    Returns:
        Tensor of the batch shape.

    Raises:
        NotImplementedError: if there is no formula for the two classes.

    Example:
        >>> D = graphc.distributions
        >>> D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 1.0))
        tensor(0.5000)
    """
    for first in type(p).__mro__:
        for second in type(q).__mro__:
            if (first, second) in RULES:
                return RULES[first, second](p, q)
    raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    value = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), float("inf"), value)


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Any:
    width = p.high - p.low
    spread = (width / q.scale).pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / (2 * q.scale)).pow(2)
    return (q.scale / width).log() + 0.5 * log(2 * 3.141592653589793) + 0.5 * spread


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    powers = b * (p.rate / q.rate).log() + lgamma(b) - lgamma(a)
    return powers + (a - b) * digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Any:
    return _gamma(Gamma(p.rate * 0 + 1, p.rate, validate_args=False), q)


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Any:
    return _gamma(p, Gamma(q.rate * 0 + 1, q.rate, validate_args=False))


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    totals = lgamma(a.sum(-1)) - lgamma(b.sum(-1))
    slopes = (a - b) * (digamma(a) - digamma(a.sum(-1, keepdim=True)))
    return totals - (lgamma(a) - lgamma(b)).sum(-1) + slopes.sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = where(q.probs == 0, float("inf"), one)
    one = where(p.probs == 0, 0.0, one)
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    zero = where(q.probs == 1, float("inf"), zero)
    return one + where(p.probs == 1, 0.0, zero)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    value = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, float("inf"), value)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    term = p.probs * (p.logits - q.logits)
    term = where(q.probs == 0, float("inf"), term)
    return where(p.probs == 0, 0.0, term).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        rule = "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        raise ValueError(rule)
    one, other = p.scale_tril, q.scale_tril
    volumes = (other.diagonal(0, -2, -1).log() - one.diagonal(0, -2, -1).log()).sum(-1)
    spread = solve_triangular(other, one, upper=False).pow(2).sum((-2, -1))
    distance = solve_triangular(other, (q.loc - p.loc)[..., None], upper=False).pow(2).sum((-2, -1))
    return volumes + 0.5 * (spread + distance - p.event_shape[0])


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if [type(t) for t in p.transforms] != [type(t) for t in q.transforms] or p.event_shape != q.event_shape:
        raise NotImplementedError
    extra = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), extra)
