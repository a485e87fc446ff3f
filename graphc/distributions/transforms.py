"""Invertible functions of samples, with the logarithm of their derivative's magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from graphc.core.dtypes import finfo
from graphc.distributions import constraints
from graphc.distributions.transform import ComposeTransform, IndependentTransform, ReshapeTransform, Transform, sum_rightmost
from graphc.ops.create.fill import full_like
from graphc.ops.create.ranges import arange
from graphc.ops.elementwise.special import sigmoid
from graphc.ops.nn.sigmoidal import logsigmoid, softplus
from graphc.ops.nn.softmax import softmax
from graphc.ops.shape.joining import cat
from graphc.tensors.tensor import Tensor

__all__ = [
    "AbsTransform", "AffineTransform", "ComposeTransform", "ExpTransform", "IndependentTransform", "PowerTransform",
    "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StickBreakingTransform", "TanhTransform",
    "Transform",
]  # fmt: skip


class ExpTransform(Transform):
    """Map each element x to exp(x).

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.ExpTransform()(graphc.tensor(0.0))
        tensor(1.)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return x."""
        return x


class PowerTransform(Transform):
    """Map each element x to x^exponent.

    Args:
        exponent: a number or tensor.
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.PowerTransform(2.0)(graphc.tensor(3.0))
        tensor(9.)
    """

    domain = constraints.positive
    codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return log |exponent y / x|."""
        return (self.exponent * y / x).abs().log()


def _inside(y: Any) -> Any:
    """Return numbers moved into (0, 1), as in torch: images that round to 0 or 1 have preimages and finite densities."""
    limits = finfo(y.dtype)
    return y.clamp(min=limits.tiny, max=1 - limits.eps)


class SigmoidTransform(Transform):
    """Map each element x to 1 / (1 + exp(-x)).

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.SigmoidTransform()(graphc.tensor(0.0))
        tensor(0.5000)
    """

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        return _inside(sigmoid(x))

    def _inverse(self, y: Any) -> Any:
        y = _inside(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return log(y (1 - y))."""
        return logsigmoid(x) + logsigmoid(-x)


class TanhTransform(Transform):
    """Map each element x to tanh(x).

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.TanhTransform()(graphc.tensor(0.0))
        tensor(0.)
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return log(1 - y^2), without cancellation."""
        return 2.0 * (log(2.0) - x - softplus(-2.0 * x))


class SoftplusTransform(Transform):
    """Map each element x to log(1 + exp(x)).

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.SoftplusTransform()(graphc.tensor(0.0))
        tensor(0.6931)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return log(sigmoid(x))."""
        return -softplus(-x)


class AbsTransform(Transform):
    """Map each element x to |x|, which has no inverse.

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.AbsTransform()(graphc.tensor(-2.0))
        tensor(2.)
    """

    bijective = False
    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y


class AffineTransform(Transform):
    """Map each element x to loc + scale * x.

    Args:
        loc: a number or tensor.
        scale: a number or tensor.
        event_dim: number of last axes that make one value.
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.AffineTransform(1.0, 2.0)(graphc.tensor(3.0))
        tensor(7.)
    """

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim
        self.domain = self.codomain = constraints.independent(constraints.real, event_dim)
        self.sign = scale.sign() if isinstance(scale, Tensor) else (scale > 0) - (scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return log |scale|."""
        size = self.scale.abs().log() if isinstance(self.scale, Tensor) else log(abs(self.scale))
        return sum_rightmost(full_like(x, 0.0) + size, self.event_dim)


class SoftmaxTransform(Transform):
    """Map vectors to the simplex by softmax, which has no unique inverse.

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.SoftmaxTransform()(graphc.zeros(2))
        tensor([0.5000, 0.5000])
    """

    bijective = False
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return y.log()


class StickBreakingTransform(Transform):
    """Map vectors of n numbers to points of the simplex with n + 1 coordinates.

    Args:
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.StickBreakingTransform()(graphc.zeros(1))
        tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _offset(self, n: int) -> Any:
        return (n - arange(n)).float()

    def _call(self, x: Any) -> Any:
        z = _inside(sigmoid(x - self._offset(x.shape[-1]).to(x.dtype).log()))
        rest = (1 - z).cumprod(-1)
        ones = full_like(x[..., :1], 1.0)
        return cat([z, ones], -1) * cat([ones, rest], -1)

    def _inverse(self, y: Any) -> Any:
        head = y[..., :-1]
        rest = (1 - head.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return head.log() - rest.log() + self._offset(head.shape[-1]).to(y.dtype).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return the logarithm of the determinant's magnitude."""
        z = x - self._offset(x.shape[-1]).to(x.dtype).log()
        return (-z + logsigmoid(z) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor."""
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the preimage of a tensor."""
        return (*shape[:-1], shape[-1] - 1)
