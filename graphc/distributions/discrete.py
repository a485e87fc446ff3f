"""Distributions of categories and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import located
from graphc.distributions import constraints
from graphc.distributions.counts import binomial, poisson
from graphc.distributions.distribution import Distribution, ExponentialFamily, broadcast_all
from graphc.distributions.gammas import standard_gamma
from graphc.ops.create.fill import full_like
from graphc.ops.create.ranges import arange
from graphc.ops.elementwise.special import logit, sigmoid, xlogy
from graphc.ops.losses.probabilities import binary_cross_entropy_with_logits
from graphc.ops.nn.sigmoidal import logsigmoid
from graphc.ops.random.floats import rand
from graphc.ops.special.gamma import lgamma

__all__ = ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson"]


def clamped(probs: Any) -> Any:
    """Return probabilities away from 0 and 1, where their logarithms are finite."""
    eps = 2.0**-23 if probs.dtype.itemsize == 4 else 2.0**-52
    return probs.clamp(eps, 1 - eps)


class _Binary(Distribution):
    """A distribution whose parameter is a probability, or its log-odds."""

    arg_constraints: ClassVar[Any] = {"probs": constraints.unit_interval, "logits": constraints.real}

    def _set(self, probs: Any, logits: Any, *others: Any) -> list[Any]:
        """Keep the parameter that is given, and return the others broadcast.  Raises ValueError."""
        if (probs is None) == (logits is None):
            raise located(ValueError("Either `probs` or `logits` must be specified, but not both."))
        name = "logits" if probs is None else "probs"
        *rest, parameter = broadcast_all(*others, logits if probs is None else probs)
        self.__dict__[name] = parameter
        self._parameter = name
        return rest

    @property
    def _param(self) -> Any:
        return self.__dict__[self._parameter]

    def __getattr__(self, name: str) -> Any:
        if name == "logits" and "probs" in self.__dict__:
            return logit(clamped(self.__dict__["probs"]))
        if name == "probs" and "logits" in self.__dict__:
            return sigmoid(self.__dict__["logits"])
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _cross_entropy(self, value: Any) -> Any:
        logits = self.logits
        shape = (logits + value).shape
        return binary_cross_entropy_with_logits(logits.expand(*shape), value.expand(*shape), reduction="none")


class Bernoulli(_Binary, ExponentialFamily):
    """Bernoulli distribution of 0 and 1.

    Args:
        probs: probability of 1.
        logits: its log-odds; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given.

    Example:
        >>> graphc.distributions.Bernoulli(0.25).log_prob(graphc.tensor(1.0))
        tensor(-1.3863)
    """

    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            p = self.probs
            return (rand(self._extended_shape(sample_shape), dtype=p.dtype) < p).to(p.dtype)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        return -self._cross_entropy(value)

    def entropy(self) -> Any:
        """Return the entropy."""
        return self._cross_entropy(self.probs)

    def enumerate_support(self, expand: bool = True) -> Any:
        """Return 0 and 1 along a new first axis."""
        values = arange(2).to(self._param.dtype).reshape(2, *[1] * len(self._batch_shape))
        return values.expand(2, *self._batch_shape) if expand else values

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.probs

    @property
    def mode(self) -> Any:
        """Return the most probable value; NaN where both are."""
        p = self.probs
        mode = (p >= 0.5).to(p.dtype)
        return mode.masked_fill(p == 0.5, float("nan"))

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.probs * (1 - self.probs)


class Geometric(_Binary):
    """Geometric distribution: how many trials fail before the first success.

    Args:
        probs: probability of a success.
        logits: its log-odds; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given, or a probability is 0.

    Example:
        >>> graphc.distributions.Geometric(0.5).log_prob(graphc.tensor(1.0))
        tensor(-1.3863)
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            p = self.probs
            u = 1 - rand(self._extended_shape(sample_shape), dtype=p.dtype)
            return (u.log() / (-p).log1p()).floor()

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        p = self.probs
        rest = p.masked_fill((p == 1) & (value == 0), 0)
        return value * (-rest).log1p() + p.log()

    def entropy(self) -> Any:
        """Return the entropy."""
        return self._cross_entropy(self.probs) / self.probs

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        """Return the most probable value, 0."""
        return full_like(self.probs, 0.0)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return (1 / self.probs - 1) / self.probs


class Binomial(_Binary):
    """Binomial distribution: how many of several trials succeed.

    Args:
        total_count: number of trials, an int or tensor.
        probs: probability of a success.
        logits: its log-odds; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given.

    Example:
        >>> graphc.distributions.Binomial(2, 0.5).log_prob(graphc.tensor(1.0))
        tensor(-0.6931)
    """

    has_enumerate_support = True
    arg_constraints: ClassVar[Any] = {"total_count": constraints.nonnegative_integer, **_Binary.arg_constraints}

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        (self.total_count,) = self._set(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def support(self) -> Any:
        """Return the counts up to the number of trials."""
        return constraints.integer_interval(0, self.total_count)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            shape = self._extended_shape(sample_shape)
            return binomial(self.total_count.expand(*shape), self.probs.expand(*shape))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        return ways + value * logits + n * logsigmoid(-logits)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.total_count * self.probs * (1 - self.probs)

    def enumerate_support(self, expand: bool = True) -> Any:
        """Return all counts along a new first axis, if all numbers of trials are one."""
        most = int(self.total_count.max().item())
        if not self.total_count.min().item() == most:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        values = arange(1 + most).to(self._param.dtype).reshape(-1, *[1] * len(self._batch_shape))
        return values.expand(1 + most, *self._batch_shape) if expand else values


class Poisson(ExponentialFamily):
    """Poisson distribution of counts.

    Args:
        rate: mean, not negative.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Example:
        >>> graphc.distributions.Poisson(1.0).log_prob(graphc.tensor(0.0))
        tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            return poisson(self.rate.expand(*self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        return xlogy(value, self.rate) - self.rate - lgamma(value + 1)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.rate

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.rate.floor()

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.rate


class NegativeBinomial(_Binary):
    """Negative binomial distribution: how many trials succeed before total_count failures.

    Args:
        total_count: number of failures, not negative.
        probs: probability of a success.
        logits: its log-odds; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given.

    Example:
        >>> graphc.distributions.NegativeBinomial(1.0, 0.5).log_prob(graphc.tensor(0.0))
        tensor(-0.6931)
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }  # fmt: skip
    support = constraints.nonnegative_integer

    def __init__(self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        (self.total_count,) = self._set(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            rates = standard_gamma(self.total_count.expand(*self._extended_shape(sample_shape)))
            return poisson(rates * self.logits.exp())

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        weight = n * logsigmoid(-logits) + value * logsigmoid(logits)
        ways = lgamma(n + value) - lgamma(1 + value) - lgamma(n)
        return weight + ways.masked_fill(n + value == 0, 0.0)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.mean / sigmoid(-self.logits)
