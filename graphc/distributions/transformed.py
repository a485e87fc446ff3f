"""Distributions made of others: of transformed samples, of several axes as one event, of mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.distributions import constraints
from graphc.distributions.distribution import Distribution
from graphc.distributions.transform import ComposeTransform, Transform, sum_rightmost
from graphc.ops.indexing.gather import gather
from graphc.ops.nn.softmax import log_softmax
from graphc.ops.reduce.norms import logsumexp

__all__ = ["Independent", "MixtureSameFamily", "TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Distribution of transformed samples of another one.

    Args:
        base_distribution: the distribution of the samples.
        transforms: a transform, or a list of them, the first one first.
        validate_args: whether samples are checked.

    Shapes:
        Those of transformed samples; axes that a transform joins belong to the event.

    Raises:
        ValueError: if transforms is neither.

    Example:
        >>> D = graphc.distributions
        >>> D.TransformedDistribution(D.Normal(0.0, 1.0), D.ExpTransform()).log_prob(graphc.tensor(1.0))
        tensor(-0.9189)
    """

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        base = (*base_distribution.batch_shape, *base_distribution.event_shape)
        whole = ComposeTransform(self.transforms)
        shape = whole.forward_shape(base)
        need = max((t.domain.event_dim for t in self.transforms), default=0)
        have = len(base_distribution.event_shape)
        expanded = whole.inverse_shape(shape)
        if expanded != base:
            base_distribution = base_distribution.expand(expanded[: len(expanded) - have])
        if need > have:
            base_distribution = Independent(base_distribution, need - have)
        self.base_dist: Any = base_distribution
        self.has_rsample = base_distribution.has_rsample
        event = max(len(base_distribution.event_shape), max((t.codomain.event_dim for t in self.transforms), default=0))
        super().__init__(shape[: len(shape) - event], shape[len(shape) - event :], validate_args)
        if self.support is None and self.transforms:
            last = self.transforms[-1].codomain
            self.support = constraints.independent(last, event - last.event_dim)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution expanded to a larger batch shape."""
        shape = ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self.event_shape))
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new._batch_shape = type(self._batch_shape)(batch_shape)
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            return ComposeTransform(self.transforms)(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return ComposeTransform(self.transforms)(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        event, total, y = len(self.event_shape), 0.0, value
        for t in reversed(self.transforms):
            x = t.inv(y)
            event += t.domain.event_dim - t.codomain.event_dim
            total = total - sum_rightmost(t.log_abs_det_jacobian(x, y), event - t.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), event - len(self.base_dist.event_shape))

    def _monotone(self, value: Any) -> Any:
        sign: Any = 1
        for t in self.transforms:
            sign = sign * t.sign
        return sign * (value - 0.5) + 0.5

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value, of a monotone transform."""
        return self._monotone(self.base_dist.cdf(ComposeTransform(self.transforms).inv(value)))

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        return ComposeTransform(self.transforms)(self.base_dist.icdf(self._monotone(value)))


class Independent(Distribution):
    """Treat the last batch axes of a distribution as parts of one event.

    Args:
        base_distribution: the distribution.
        reinterpreted_batch_ndims: number of those axes.
        validate_args: whether samples are checked.

    Raises:
        ValueError: if the distribution has fewer batch axes.

    Example:
        >>> D = graphc.distributions
        >>> D.Independent(D.Normal(graphc.zeros(3), 1.0), 1).log_prob(graphc.zeros(3))
        tensor(-2.7568)
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            got = f"but got {reinterpreted_batch_ndims} for {len(batch)} axes"
            raise ValueError(f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), {got}")
        self.base_dist: Any = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.has_rsample = base_distribution.has_rsample
        cut = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:cut], (*batch[cut:], *base_distribution.event_shape), validate_args)

    @property
    def support(self) -> Any:
        """Return the set of values."""
        own = self.base_dist.support
        return None if own is None else constraints.independent(own, self.reinterpreted_batch_ndims)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution expanded to a larger batch shape."""
        inner = self.event_shape[: self.reinterpreted_batch_ndims]
        return Independent(self.base_dist.expand([*batch_shape, *inner]), self.reinterpreted_batch_ndims, False)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        """Return the entropy."""
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.base_dist.mean

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.base_dist.mode

    @property
    def variance(self) -> Any:
        """Return the variance."""
        return self.base_dist.variance

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """Mixture of distributions of one family.

    Args:
        mixture_distribution: a Categorical of the weights.
        component_distribution: a distribution whose last batch axis are the components.
        validate_args: whether samples are checked.

    Raises:
        ValueError: if the numbers of components differ.

    Example:
        >>> D = graphc.distributions
        >>> mixture = D.MixtureSameFamily(D.Categorical(graphc.ones(2)), D.Normal(graphc.tensor([-1.0, 1.0]), 1.0))
        >>> mixture.log_prob(graphc.tensor(0.0))
        tensor(-1.4189)
    """

    def __init__(
        self, mixture_distribution: Any, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        batch = component_distribution.batch_shape
        if mixture_distribution.logits.shape[-1] != batch[-1]:
            raise ValueError("`mixture_distribution` component does not equal `component_distribution.batch_shape[-1]`")
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        super().__init__(batch[:-1], component_distribution.event_shape, validate_args)
        self.support = component_distribution.support

    @property
    def mixture_distribution(self) -> Any:
        """Return the distribution of the components."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """Return the components."""
        return self._component_distribution

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples, without a gradient."""
        with no_grad():
            events = len(self.event_shape)
            axis = -1 - events
            index = self._mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            parts = self._component_distribution.sample(sample_shape)
            index = index.reshape(*index.shape, *[1] * (events + 1))
            index = index.expand(*index.shape[: index.dim() - events - 1], 1, *self.event_shape)
            return gather(parts, axis, index).squeeze(axis)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        parts = self._component_distribution.log_prob(value.unsqueeze(-1 - len(self.event_shape)))
        return logsumexp(parts + log_softmax(self._mixture_distribution.logits, -1), -1)

    def _weighted(self, values: Any) -> Any:
        weights = self._mixture_distribution.probs
        weights = weights.reshape(*weights.shape, *[1] * len(self.event_shape))
        return (weights * values).sum(-1 - len(self.event_shape))

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        return (self._component_distribution.cdf(value.unsqueeze(-1)) * self._mixture_distribution.probs).sum(-1)

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self._weighted(self._component_distribution.mean)

    @property
    def variance(self) -> Any:
        """Return the variance."""
        means = self._component_distribution.mean
        spread = (means - self.mean.unsqueeze(-1 - len(self.event_shape))).pow(2)
        return self._weighted(self._component_distribution.variance + spread)
