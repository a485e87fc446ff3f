"""Distributions made of gamma distributed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, pi
from typing import Any, ClassVar

from graphc.control_flow.api import while_loop
from graphc.core.dtypes import float64
from graphc.distributions import constraints
from graphc.distributions.distribution import Distribution, ExponentialFamily, broadcast_all
from graphc.ops.create.fill import full_like
from graphc.ops.elementwise.special import xlogy
from graphc.ops.indexing.masks import where
from graphc.ops.random.floats import rand, randn
from graphc.ops.shape.joining import stack
from graphc.ops.special.gamma import digamma, lgamma

__all__ = ["Beta", "Chi2", "Dirichlet", "Gamma", "InverseGamma", "StudentT"]


def _accepted(shape: Any) -> Any:
    """Return gamma distributed numbers for float64 shapes of at least 1.

    Source: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    """
    d = shape - 1 / 3
    c = 1 / (9 * d).sqrt()

    def attempt(value: Any, done: Any) -> Any:
        x = randn(tuple(shape.shape), dtype=float64)
        u = 1 - rand(tuple(shape.shape), dtype=float64)
        v = (1 + c * x) ** 3
        safe = where(v > 0, v, 1.0)
        fits = (v > 0) & (u.log() < 0.5 * x * x + d * (1 - safe + safe.log()))
        return where(fits & ~done, d * safe, value), done | fits

    missing = ~(shape > 0)  # NaN takes no part
    return while_loop(lambda value, done: ~done.all(), attempt, (full_like(shape, float("nan")), missing))[0]


def _slope(a: Any, z: Any) -> Any:
    """Return dz/da of gamma distributed numbers z at a fixed probability: -(dP/da) / (dP/dz) by the series of P(a, z).

    P = z^a exp(-z) / gamma(a + 1) * sum of z^n / ((a + 1) … (a + n)).  Source: Abramowitz and Stegun, 6.5.29.
    """

    def more(n: Any, term: Any, falls: Any, total: Any, slope: Any) -> Any:
        n = n + 1
        term = term * z / (a + n)
        falls = falls + 1 / (a + n)
        return n, term, falls, total + term, slope - term * falls

    one = full_like(a, 1.0)
    start = (full_like(a.sum(), 0.0), one, one * 0, one, one * 0)
    *_, total, slope = while_loop(lambda n, term, falls, total, s: (term * (1 + falls) > total * 1e-18).any(), more, start)
    return -(z / a) * (total * (z.log() - digamma(a + 1)) + slope)


def standard_gamma(concentration: Any) -> Any:
    """Return gamma distributed numbers of rate 1, with their derivative with respect to the concentration."""
    a = concentration.detach().double()
    boosted = _accepted(where(a < 1, a + 1, a))
    z = where(a < 1, boosted * (1 - rand(tuple(a.shape), dtype=float64)) ** (1 / a), boosted)
    z = z.clamp(min=1e-300 if concentration.dtype.itemsize == 8 else 1e-37)
    if not concentration.requires_grad:
        return z.to(concentration.dtype)
    slope = _slope(a, z)
    return z.to(concentration.dtype) + (concentration - concentration.detach()) * slope.to(concentration.dtype)


class Gamma(ExponentialFamily):
    """Gamma distribution.

    Args:
        concentration: shape, positive.
        rate: inverse scale, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Gamma(2.0, 1.0).log_prob(graphc.tensor(1.0))
        tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return standard_gamma(self.concentration.expand(*self._extended_shape(sample_shape))) / self.rate

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return xlogy(a, rate) + xlogy(a - 1, value) - rate * value - lgamma(a)

    def entropy(self) -> Any:
        """Return the entropy."""
        a = self.concentration
        return a - self.rate.log() + lgamma(a) + (1 - a) * digamma(a)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.concentration / self.rate.pow(2)


class Chi2(Gamma):
    """Chi-squared distribution, that of sums of df squared normal numbers.

    Args:
        df: degrees of freedom, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Chi2(2.0).mean
        tensor(2.)
    """

    arg_constraints: ClassVar[Any] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Any:
        """Return the degrees of freedom."""
        return self.concentration * 2


class InverseGamma(Distribution):
    """Inverse gamma distribution, that of 1 / x for gamma distributed x.

    Args:
        concentration: shape, positive.
        rate: scale, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.InverseGamma(2.0, 1.0).log_prob(graphc.tensor(1.0))
        tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.rate / standard_gamma(self.concentration.expand(*self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        a = self.concentration
        return a * self.rate.log() - (a + 1) * value.log() - self.rate / value - lgamma(a)

    def entropy(self) -> Any:
        """Return the entropy."""
        a = self.concentration
        return a + self.rate.log() + lgamma(a) - (1 + a) * digamma(a)

    @property
    def mean(self) -> Any:
        """Return the mean, infinite for concentrations up to 1."""
        return where(self.concentration > 1, self.rate / (self.concentration - 1), inf)

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        """Return the variance, infinite for concentrations up to 2."""
        a = self.concentration
        return where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), inf)


class Dirichlet(ExponentialFamily):
    """Dirichlet distribution of points of the simplex.

    Args:
        concentration: tensor (*, n) of positive numbers.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if concentration has no axis.

    Example:
        >>> graphc.distributions.Dirichlet(graphc.ones(3)).log_prob(graphc.tensor([0.5, 0.25, 0.25]))
        tensor(0.6931)
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        parts = standard_gamma(self.concentration.expand(*self._extended_shape(sample_shape)))
        return parts / parts.sum(-1, keepdim=True)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        a = self.concentration
        return xlogy(a - 1, value).sum(-1) + lgamma(a.sum(-1)) - lgamma(a).sum(-1)

    def entropy(self) -> Any:
        """Return the entropy."""
        a, total = self.concentration, self.concentration.sum(-1)
        count = a.shape[-1]
        return lgamma(a).sum(-1) - lgamma(total) - (count - total) * digamma(total) - ((a - 1) * digamma(a)).sum(-1)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        less = (self.concentration - 1).clamp(min=0.0)
        mode = less / less.sum(-1, keepdim=True)
        low = (self.concentration < 1).all(-1, keepdim=True)
        top = self.concentration.argmax(-1, keepdim=True)
        return where(low, full_like(mode, 0.0).scatter(-1, top, 1.0), mode)

    @property
    def variance(self) -> Any:
        """Return the variance of each coordinate."""
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))


class Beta(ExponentialFamily):
    """Beta distribution on [0, 1].

    Args:
        concentration1: first shape, positive.
        concentration0: second shape, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Beta(2.0, 2.0).log_prob(graphc.tensor(0.5))
        tensor(0.4055)
    """

    arg_constraints: ClassVar[Any] = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def _dirichlet(self) -> Dirichlet:
        return Dirichlet(stack([self.concentration1, self.concentration0], -1), validate_args=False)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        return self._dirichlet.log_prob(stack([value, 1 - value], -1))

    def entropy(self) -> Any:
        """Return the entropy."""
        return self._dirichlet.entropy()

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Any:
        """Return the variance."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))


class StudentT(Distribution):
    """Student's t distribution.

    Args:
        df: degrees of freedom, positive.
        loc: location.
        scale: scale, positive.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.StudentT(1.0).log_prob(graphc.tensor(0.0))
        tensor(-1.1447)
    """

    arg_constraints: ClassVar[Any] = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        shape = self._extended_shape(sample_shape)
        squares = 2 * standard_gamma((self.df / 2).expand(*shape))
        return self.loc + self.scale * randn(shape, dtype=self.df.dtype) * (self.df / squares).sqrt()

    def _norm(self) -> Any:
        return lgamma(0.5 * self.df) - lgamma(0.5 * (self.df + 1))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        y = (value - self.loc) / self.scale
        z = self.scale.log() + 0.5 * self.df.log() + 0.5 * log(pi) + self._norm()
        return -0.5 * (self.df + 1) * (y.pow(2) / self.df).log1p() - z

    def entropy(self) -> Any:
        """Return the entropy."""
        slope = digamma(0.5 * (self.df + 1)) - digamma(0.5 * self.df)
        return self.scale.log() + 0.5 * (self.df + 1) * slope + 0.5 * self.df.log() + 0.5 * log(pi) + self._norm()

    @property
    def mean(self) -> Any:
        """Return the mean, NaN for df up to 1."""
        return where(self.df > 1, self.loc, float("nan"))

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.loc

    @property
    def variance(self) -> Any:
        """Return the variance, infinite for df up to 2 and NaN up to 1."""
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return where(self.df > 2, finite, where(self.df > 1, inf, float("nan")))
