"""Distributions of real numbers that are transforms of uniform or normal ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, pi, sqrt
from typing import Any, ClassVar

from graphc.distributions import constraints
from graphc.distributions.distribution import Distribution, ExponentialFamily, broadcast_all
from graphc.ops.create.fill import full_like
from graphc.ops.elementwise.exponential import expm1, log1p
from graphc.ops.elementwise.special import erf
from graphc.ops.indexing.masks import where
from graphc.ops.random.distributions import standard_exponential
from graphc.ops.random.floats import rand, randn

__all__ = ["Cauchy", "Exponential", "Gumbel", "HalfCauchy", "HalfNormal", "Laplace", "Normal"]

EULER = 0.57721566490153286060
"""The Euler-Mascheroni constant."""


def tiny(dtype: Any) -> float:
    """Return the distance of random numbers from 0 and 1 where their logarithms must be finite."""
    return 2.0**-24 if dtype.itemsize == 4 else 2.0**-53


def inner_uniform(shape: Sequence[int], dtype: Any) -> Any:
    """Return uniform random numbers in the open interval (0, 1)."""
    return rand(tuple(shape), dtype=dtype) + tiny(dtype) / 2


class _LocationScale(Distribution):
    """A distribution of loc + scale * z, for z of a fixed distribution."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def _standard(self, value: Any) -> Any:
        self._validate_sample(value)
        return (value - self.loc) / self.scale

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.loc

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.loc


class Normal(_LocationScale, ExponentialFamily):
    """Normal distribution.

    Args:
        loc: mean, a tensor or number.
        scale: standard deviation, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Normal(0.0, 1.0).log_prob(graphc.tensor(0.0))
        tensor(-0.9189)
    """

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.loc + self.scale * randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        z = self._standard(value)
        return -(z * z) / 2 - self.scale.log() - 0.5 * log(2 * pi)

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        return 0.5 * (1 + erf(self._standard(value) / sqrt(2)))

    def entropy(self) -> Any:
        """Return the entropy."""
        return 0.5 + 0.5 * log(2 * pi) + self.scale.log()

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.scale.pow(2)

    @property
    def stddev(self) -> Any:
        """Return the standard deviation."""
        return self.scale


class Laplace(_LocationScale):
    """Laplace distribution, of density exp(-|x - loc| / scale) / (2 scale).

    Args:
        loc: mean, a tensor or number.
        scale: scale, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Laplace(0.0, 1.0).log_prob(graphc.tensor(0.0))
        tensor(-0.6931)
    """

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        u = inner_uniform(self._extended_shape(sample_shape), self.loc.dtype) * 2 - 1
        return self.loc - self.scale * u.sign() * log1p(-u.abs())

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        return -(2 * self.scale).log() - self._standard(value).abs()

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        z = self._standard(value)
        return 0.5 - 0.5 * z.sign() * expm1(-z.abs())

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * log1p(-2 * term.abs())

    def entropy(self) -> Any:
        """Return the entropy."""
        return 1 + (2 * self.scale).log()

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return 2 * self.scale.pow(2)


class Cauchy(_LocationScale):
    """Cauchy distribution.

    Args:
        loc: median, a tensor or number.
        scale: half width at half maximum, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Cauchy(0.0, 1.0).log_prob(graphc.tensor(0.0))
        tensor(-1.1447)
    """

    @property
    def mean(self) -> Any:
        """Return NaN: there is no mean."""
        return full_like(self.loc, float("nan"))

    @property
    def variance(self) -> Any:
        """Return infinity: the squares have no mean."""
        return full_like(self.loc, inf)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.icdf(inner_uniform(self._extended_shape(sample_shape), self.loc.dtype))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        return -log(pi) - self.scale.log() - log1p(self._standard(value).pow(2))

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        return self._standard(value).atan() / pi + 0.5

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return (pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Any:
        """Return the entropy."""
        return log(4 * pi) + self.scale.log()


class Gumbel(_LocationScale):
    """Gumbel distribution, that of -log of exponentially distributed numbers, moved and scaled.

    Args:
        loc: mode, a tensor or number.
        scale: scale, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Gumbel(0.0, 1.0).log_prob(graphc.tensor(0.0))
        tensor(-1.)
    """

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.loc - self.scale * standard_exponential(self._extended_shape(sample_shape), self.loc, None).log()

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        y = -self._standard(value)
        return (y - y.exp()) - self.scale.log()

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        return (-(-self._standard(value)).exp()).exp()

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Any:
        """Return the entropy."""
        return self.scale.log() + (1 + EULER)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.loc + self.scale * EULER

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.scale.pow(2) * (pi * pi / 6)


class _Half(Distribution):
    """A distribution of the magnitudes of another one around 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    whole: Any = Normal

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def base_dist(self) -> Any:
        """Return the distribution of both signs."""
        return type(self).whole(self.scale * 0, self.scale, validate_args=False)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.base_dist.rsample(sample_shape).abs()

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        return where(value >= 0, self.base_dist.log_prob(value) + log(2), -inf)

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def entropy(self) -> Any:
        """Return the entropy."""
        return self.base_dist.entropy() - log(2)

    @property
    def mode(self) -> Any:
        """Return the most probable value, 0."""
        return self.scale * 0


class HalfNormal(_Half):
    """Half-normal distribution, that of magnitudes of normal numbers.

    Args:
        scale: standard deviation of the normal numbers, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.HalfNormal(1.0).log_prob(graphc.tensor(0.0))
        tensor(-0.2258)
    """

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.scale * sqrt(2 / pi)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.scale.pow(2) * (1 - 2 / pi)


class HalfCauchy(_Half):
    """Half-Cauchy distribution, that of magnitudes of Cauchy numbers.

    Args:
        scale: scale of the Cauchy numbers, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.HalfCauchy(1.0).log_prob(graphc.tensor(0.0))
        tensor(-0.4516)
    """

    whole = Cauchy

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return self.base_dist.icdf((value + 1) / 2)

    @property
    def mean(self) -> Any:
        """Return infinity."""
        return full_like(self.scale, inf)

    @property
    def variance(self) -> Any:
        """Return infinity."""
        return full_like(self.scale, inf)


class Exponential(ExponentialFamily):
    """Exponential distribution.

    Args:
        rate: inverse of the mean, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Exponential(2.0).log_prob(graphc.tensor(1.0))
        tensor(-1.3069)
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return standard_exponential(self._extended_shape(sample_shape), self.rate, None) / self.rate

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        self._validate_sample(value)
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return -log1p(-value) / self.rate

    def entropy(self) -> Any:
        """Return the entropy."""
        return 1 - self.rate.log()

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.rate.reciprocal()

    @property
    def mode(self) -> Any:
        """Return the most probable value, 0."""
        return self.rate * 0

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.rate.pow(-2)
