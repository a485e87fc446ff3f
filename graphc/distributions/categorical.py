"""Distributions of one of several categories, and of counts of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import located
from graphc.distributions import constraints
from graphc.distributions.discrete import clamped
from graphc.distributions.distribution import Distribution
from graphc.ops.create.fill import full_like
from graphc.ops.create.ranges import arange
from graphc.ops.indexing.masks import one_hot
from graphc.ops.nn.softmax import softmax
from graphc.ops.random.distributions import multinomial
from graphc.ops.reduce.norms import logsumexp
from graphc.ops.shape.repetition import broadcast_tensors
from graphc.ops.special.gamma import lgamma

__all__ = ["Categorical", "Multinomial", "OneHotCategorical", "OneHotCategoricalStraightThrough"]


class Categorical(Distribution):
    """Distribution of the indices of categories.

    Args:
        probs: tensor (*, n) of weights, which are normalized.
        logits: their logarithms, up to a constant; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given, or it has no axis.

    Example:
        >>> graphc.distributions.Categorical(graphc.tensor([1.0, 3.0])).log_prob(graphc.tensor(0))
        tensor(-1.3863)
    """

    arg_constraints: ClassVar[Any] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise located(ValueError("Either `probs` or `logits` must be specified, but not both."))
        parameter, name = (logits, "logits") if probs is None else (probs, "probs")
        if parameter.dim() < 1:
            raise located(ValueError(f"`{name}` parameter must be at least one-dimensional."))
        if probs is None:
            self.logits = logits - logsumexp(logits, -1, keepdim=True)
        else:
            self.probs = probs / probs.sum(-1, keepdim=True)
        self._num_events = parameter.shape[-1]
        super().__init__(parameter.shape[:-1], validate_args=validate_args)

    def __getattr__(self, name: str) -> Any:
        if name == "logits" and "probs" in self.__dict__:
            return clamped(self.__dict__["probs"]).log()
        if name == "probs" and "logits" in self.__dict__:
            return softmax(self.__dict__["logits"], -1)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def _param(self) -> Any:
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.__dict__["logits"]

    @property
    def param_shape(self) -> Any:
        """Return the shape of the parameter."""
        return self._param.shape

    @property
    def support(self) -> Any:
        """Return the indices."""
        return constraints.integer_interval(0, self._num_events - 1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw indices."""
        with no_grad():
            count = 1
            for n in sample_shape:
                count *= n
            rows = self.probs.detach().reshape(-1, self._num_events)
            return multinomial(rows, count, True).T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        index, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        """Return the entropy."""
        least = -3.4028234663852886e38 if self._param.dtype.itemsize == 4 else -1.7976931348623157e308
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        """Return all indices along a new first axis."""
        values = arange(self._num_events).reshape(-1, *[1] * len(self._batch_shape))
        return values.expand(self._num_events, *self._batch_shape) if expand else values

    @property
    def mean(self) -> Any:
        """Return NaN: indices have no mean."""
        return full_like(self._param[..., 0], float("nan"))

    @property
    def mode(self) -> Any:
        """Return the most probable index."""
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        """Return NaN: indices have no variance."""
        return full_like(self._param[..., 0], float("nan"))


class OneHotCategorical(Distribution):
    """Distribution of categories as vectors with one 1.

    Args:
        probs: tensor (*, n) of weights, which are normalized.
        logits: their logarithms, up to a constant; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given, or it has no axis.

    Example:
        >>> graphc.distributions.OneHotCategorical(graphc.tensor([1.0, 3.0])).log_prob(graphc.tensor([1.0, 0.0]))
        tensor(-1.3863)
    """

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    @property
    def probs(self) -> Any:
        """Return the probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Return the logarithms of the probabilities."""
        return self._categorical.logits

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw vectors with one 1."""
        return one_hot(self._categorical.sample(sample_shape), self._event_shape[0]).to(self._categorical._param.dtype)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Any:
        """Return the entropy."""
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        """Return all vectors along a new first axis."""
        index = self._categorical.enumerate_support(expand)
        return one_hot(index, self._event_shape[0]).to(self._categorical._param.dtype)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.probs

    @property
    def mode(self) -> Any:
        """Return the most probable vector."""
        return one_hot(self._categorical.mode, self._event_shape[0]).to(self._categorical._param.dtype)

    @property
    def variance(self) -> Any:
        """Return the variance of each coordinate."""
        return self.probs * (1 - self.probs)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """Distribution of categories as vectors with one 1, whose samples have the gradient of the probabilities.

    Source: Bengio et al., "Estimating or propagating gradients through stochastic neurons" (2013).

    Args:
        probs: tensor (*, n) of weights, which are normalized.
        logits: their logarithms, up to a constant; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given, or it has no axis.

    Example:
        >>> graphc.distributions.OneHotCategoricalStraightThrough(graphc.tensor([0.0, 3.0])).rsample()
        tensor([0., 1.])
    """

    has_rsample = True

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples with a gradient."""
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


class Multinomial(Distribution):
    """Distribution of the counts of categories in several draws.

    Args:
        total_count: number of draws.
        probs: tensor (*, n) of weights, which are normalized.
        logits: their logarithms, up to a constant; either this or probs.
        validate_args: whether parameters and samples are checked.

    Shapes:
        The parameters broadcast to the batch shape.

    Raises:
        ValueError: if not one of probs and logits is given, or it has no axis.
        NotImplementedError: if total_count is no int.

    Example:
        >>> graphc.distributions.Multinomial(2, graphc.ones(2)).log_prob(graphc.tensor([1.0, 1.0]))
        tensor(-0.6931)
    """

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    @property
    def support(self) -> Any:
        """Return the counts up to the number of draws."""
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Any:
        """Return the probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Return the logarithms of the probabilities."""
        return self._categorical.logits

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw counts."""
        index = self._categorical.sample((self.total_count, *sample_shape))
        return one_hot(index, self._event_shape[0]).sum(0).to(self._categorical._param.dtype)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability."""
        self._validate_sample(value)
        logits, value = broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == float("-inf")), 0)
        return lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1) + (logits * value).sum(-1)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        """Return the variance of each count."""
        return self.total_count * self.probs * (1 - self.probs)
