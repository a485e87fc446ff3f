"""Distributions of real numbers on intervals, and transforms of other distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.distributions import constraints
from graphc.distributions.continuous import EULER, Exponential, Normal
from graphc.distributions.distribution import Distribution, broadcast_all, holds
from graphc.distributions.transformed import TransformedDistribution
from graphc.distributions.transforms import AffineTransform, ExpTransform, PowerTransform
from graphc.ops.random.floats import rand
from graphc.ops.special.gamma import lgamma

__all__ = ["LogNormal", "Pareto", "Uniform", "Weibull"]


class Uniform(Distribution):
    """Uniform distribution on [low, high).

    Args:
        low: lower bound, a tensor or number.
        high: upper bound, above low.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if low is not below high.

    Example:
        >>> graphc.distributions.Uniform(0.0, 2.0).log_prob(graphc.tensor(1.0))
        tensor(-0.6931)
    """

    arg_constraints: ClassVar[Any] = {"low": constraints.real, "high": constraints.real}
    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._validate_args and not holds(self.low < self.high):
            raise ValueError("Uniform is not defined when low>= high")

    @property
    def support(self) -> Any:
        """Return the interval."""
        return constraints.interval(self.low, self.high)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.low + rand(self._extended_shape(sample_shape), dtype=self.low.dtype) * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        inside = (self.low <= value) & (value < self.high)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        """Return the entropy."""
        return (self.high - self.low).log()

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return (self.high + self.low) / 2

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return (self.high - self.low).pow(2) / 12

    @property
    def mode(self) -> Any:
        """Return NaN: all values are equally probable."""
        return self.high * float("nan")


class LogNormal(TransformedDistribution):
    """Log-normal distribution, that of the exponentials of normal numbers.

    Args:
        loc: mean of the logarithm, a tensor or number.
        scale: standard deviation of the logarithm, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.LogNormal(0.0, 1.0).log_prob(graphc.tensor(1.0))
        tensor(-0.9189)
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """Return the mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """Return the standard deviation of the logarithm."""
        return self.base_dist.scale

    def entropy(self) -> Any:
        """Return the entropy."""
        return self.base_dist.entropy() + self.loc

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Any:
        """Return the variance."""
        square = self.scale.pow(2)
        return square.expm1() * (2 * self.loc + square).exp()


class Pareto(TransformedDistribution):
    """Pareto distribution, of density alpha scale^alpha / x^(alpha + 1) from scale on.

    Args:
        scale: least value, positive.
        alpha: exponent, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Pareto(1.0, 1.0).log_prob(graphc.tensor(2.0))
        tensor(-1.3863)
    """

    arg_constraints: ClassVar[Any] = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        super().__init__(base, [ExpTransform(), AffineTransform(0, self.scale)], validate_args=validate_args)

    @property
    def support(self) -> Any:
        """Return the numbers from scale on."""
        return constraints.greater_than_eq(self.scale)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution with parameters expanded to a larger batch shape."""
        return Pareto(self.scale.expand(*batch_shape), self.alpha.expand(*batch_shape), validate_args=False)

    def entropy(self) -> Any:
        """Return the entropy."""
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())

    @property
    def mean(self) -> Any:
        """Return the mean, infinite for alpha up to 1."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.scale

    @property
    def variance(self) -> Any:
        """Return the variance, infinite for alpha up to 2."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))


class Weibull(TransformedDistribution):
    """Weibull distribution, that of scale * E^(1 / concentration) for exponentially distributed E.

    Args:
        scale: scale, positive.
        concentration: shape, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Weibull(1.0, 1.0).log_prob(graphc.tensor(2.0))
        tensor(-2.)
    """

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(self.scale * 0 + 1, validate_args=validate_args)
        steps = [PowerTransform(self.concentration.reciprocal()), AffineTransform(0, self.scale)]
        super().__init__(base, steps, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution with parameters expanded to a larger batch shape."""
        return Weibull(self.scale.expand(*batch_shape), self.concentration.expand(*batch_shape), validate_args=False)

    def entropy(self) -> Any:
        """Return the entropy."""
        k = self.concentration.reciprocal()
        return EULER * (1 - k) + (self.scale * k).log() + 1

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.scale * lgamma(1 + self.concentration.reciprocal()).exp()

    @property
    def variance(self) -> Any:
        """Return the variance."""
        k = self.concentration.reciprocal()
        return self.scale.pow(2) * (lgamma(1 + 2 * k).exp() - (2 * lgamma(1 + k)).exp())

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()
