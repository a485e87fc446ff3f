"""The base class of distributions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from graphc.autograd.grad_mode import no_grad
from graphc.core.dtypes import Size
from graphc.core.errors import TracingError, located
from graphc.distributions.constraints import Constraint
from graphc.ops.create.data import tensor
from graphc.ops.shape.repetition import broadcast_tensors
from graphc.tensors.tensor import Tensor

__all__ = ["Distribution", "ExponentialFamily"]

D = TypeVar("D", bound="Distribution")


def broadcast_all(*values: Any) -> list[Any]:
    """Return parameters as tensors of one shape; numbers take the dtype of the tensors.  Raises ValueError."""
    for v in values:
        if not isinstance(v, (Tensor, int, float)):
            raise located(ValueError(f"Input arguments must all be instances of Number or Tensor, got {type(v).__name__}"))
    like = next((v for v in values if isinstance(v, Tensor) and v.is_floating_point()), None)
    dtype = None if like is None else like.dtype
    return list(broadcast_tensors(*(v if isinstance(v, Tensor) else tensor(float(v), dtype=dtype) for v in values)))


def holds(valid: Any) -> bool:
    """Return whether a test holds everywhere; True where its values are not known, while a function is traced."""
    try:
        return bool(valid.all())
    except TracingError:
        return True


class Distribution:
    """Base class of distributions: independent ones for each element of the batch shape, of events of one shape.

    Args:
        batch_shape: shape of the parameters.
        event_shape: shape of one event.
        validate_args: whether parameters and samples are checked; None for the default, True at first. While a function is
            compiled, values are not known and not checked.

    Raises:
        ValueError: if a parameter violates its constraint.

    Example:
        >>> normal = graphc.distributions.Normal(graphc.zeros(3), 1.0)
        >>> normal.batch_shape, normal.event_shape, normal.sample((2,)).shape
        (torch.Size([3]), torch.Size([]), torch.Size([2, 3]))
    """

    has_rsample: bool = False
    has_enumerate_support: bool = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    support: Any = None
    _check: ClassVar[bool] = True

    def __init__(
        self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        self._validate_args = Distribution._check if validate_args is None else validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)
            if isinstance(value, Tensor) and not holds(constraint.check(value)):
                got = f"parameter {name} of shape {tuple(value.shape)} of distribution {type(self).__name__}"
                raise located(
                    ValueError(f"Expected {got} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}")
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Choose whether distributions check their arguments by default."""
        if value not in (True, False):
            raise ValueError(f"expected a bool, got {value!r}")
        Distribution._check = value

    @property
    def batch_shape(self) -> Size:
        """Return the shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """Return the shape of one event."""
        return self._event_shape

    def expand(self: D, batch_shape: Sequence[int], _instance: Any = None) -> D:
        """Return the distribution with parameters expanded to a larger batch shape."""
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        old = len(self._batch_shape)
        for name, value in self.__dict__.items():
            if isinstance(value, Tensor):
                new.__dict__[name] = value.expand(*batch_shape, *value.shape[old:])
            elif isinstance(value, Distribution):
                new.__dict__[name] = value.expand([*batch_shape, *value.batch_shape[old:]])
        new._batch_shape = Size(batch_shape)
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples (*sample_shape, *batch_shape, *event_shape), without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw samples that are differentiable functions of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no reparameterized samples")

    def sample_n(self, n: int) -> Any:
        """Draw n samples, as older programs write it."""
        warnings.warn("sample_n will be deprecated. Use .sample((n,)) instead", UserWarning, stacklevel=2)
        return self.sample((n,))

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density, or of the probability, at values."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Any:
        """Return the probability of numbers up to value."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Any:
        """Return the numbers up to which the probability is value."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Any:
        """Return all values along a new first axis."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """Return the entropy, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """Return the exponential of the entropy."""
        return self.entropy().exp()

    @property
    def mean(self) -> Any:
        """Return the mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        raise NotImplementedError(f"{type(self).__name__} does not implement mode")

    @property
    def variance(self) -> Any:
        """Return the variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """Return the standard deviation."""
        return self.variance.sqrt()

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raise ValueError unless values are tensors of a fitting shape within the support."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise located(ValueError("The value argument to log_prob must be a Tensor"))
        shape, expected = tuple(value.shape), (*self._batch_shape, *self._event_shape)
        events = len(self._event_shape)
        if events and shape[len(shape) - events :] != tuple(self._event_shape):
            rule = "The right-most size of value must match event_shape"
            raise located(ValueError(f"{rule}: {value.shape} vs {self._event_shape}."))
        for n, m in zip(reversed(shape), reversed(expected), strict=False):
            if n != m and 1 not in (n, m):
                raise located(ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}."))
        if self.support is not None and not holds(self.support.check(value)):
            got = f"to be within the support ({self.support!r}) of the distribution {self!r}"
            raise located(ValueError(f"Expected value argument of shape {shape} {got}, but found invalid values:\n{value}"))

    def __repr__(self) -> str:
        shown = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        parts = [f"{name}: {v if v.numel() == 1 else v.shape}" for name, v in shown.items() if isinstance(v, Tensor)]
        return f"{type(self).__name__}({', '.join(parts)})"


class ExponentialFamily(Distribution):
    """Base class of distributions whose density is h(x) exp(t(x) . eta - A(eta)).

    Args:
        batch_shape: shape of the parameters.
        event_shape: shape of one event.
        validate_args: whether parameters and samples are checked.

    Example:
        >>> isinstance(graphc.distributions.Gamma(1.0, 1.0), graphc.distributions.ExponentialFamily)
        True
    """
