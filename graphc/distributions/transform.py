"""The base class of transforms, and transforms made of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.distributions import constraints
from graphc.distributions.constraints import Constraint
from graphc.ops.create.fill import full_like

__all__ = ["ComposeTransform", "IndependentTransform", "ReshapeTransform", "Transform", "sum_rightmost"]


class Transform:
    """Base class of transforms: a call maps samples forward, `inv` is the inverse.

    A subclass defines `_call`, `_inverse` and `log_abs_det_jacobian`.

    Args:
        cache_size: accepted as in torch; nothing is cached.

    Shapes:
        Defined by the subclasses.

    Example:
        >>> graphc.distributions.ExpTransform().inv(graphc.tensor(1.0))
        tensor(0.)
    """

    bijective = True
    domain: Constraint = constraints.real
    codomain: Constraint = constraints.real
    sign: Any = 1

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size

    @property
    def inv(self) -> Transform:
        """Return the inverse."""
        return _Inverse(self)

    def __call__(self, x: Any) -> Any:
        return self._call(x)

    def _call(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return the logarithm of the magnitude of dy/dx at x, whose image is y."""
        raise NotImplementedError

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor."""
        return tuple(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the preimage of a tensor."""
        return tuple(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    """The inverse of a transform."""

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._inv = transform
        self.domain, self.codomain, self.bijective = transform.codomain, transform.domain, transform.bijective
        self.sign = transform.sign

    @property
    def inv(self) -> Transform:
        """Return the transform whose inverse this is."""
        return self._inv

    def _call(self, x: Any) -> Any:
        return self._inv._inverse(x)

    def _inverse(self, y: Any) -> Any:
        return self._inv._call(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return the logarithm of the magnitude of dy/dx."""
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor."""
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the preimage of a tensor."""
        return self._inv.forward_shape(shape)


def sum_rightmost(value: Any, count: int) -> Any:
    """Return the sum over the last `count` axes."""
    return value.sum(tuple(range(-count, 0))) if count else value


class ComposeTransform(Transform):
    """Apply several transforms one after the other.

    Args:
        parts: the transforms, the first one first.
        cache_size: accepted as in torch.

    Shapes:
        Those of the parts.

    Example:
        >>> D = graphc.distributions
        >>> D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform()])(graphc.tensor(-0.5))
        tensor(1.)
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = list(parts)
        self.domain = self.parts[0].domain if self.parts else constraints.real
        self.codomain = self.parts[-1].codomain if self.parts else constraints.real
        self.bijective = all(p.bijective for p in self.parts)

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part._inverse(y)
        return y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return the logarithm of the magnitude of dy/dx."""
        dims = max((max(p.domain.event_dim, p.codomain.event_dim) for p in self.parts), default=0)
        total: Any = 0
        for part in self.parts:
            image = part(x)
            own = max(part.domain.event_dim, part.codomain.event_dim)
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, image), dims - own)
            x = image
        return total

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor."""
        for part in self.parts:
            shape = part.forward_shape(shape)
        return tuple(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the preimage of a tensor."""
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return tuple(shape)


class IndependentTransform(Transform):
    """Treat the last batch axes of a transform as parts of one value.

    Args:
        base_transform: the transform.
        reinterpreted_batch_ndims: number of those axes.
        cache_size: accepted as in torch.

    Example:
        >>> t = graphc.distributions.IndependentTransform(graphc.distributions.ExpTransform(), 1)
        >>> t.log_abs_det_jacobian(graphc.ones(3), graphc.ones(3).exp())
        tensor(3.)
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims
        self.domain = constraints.independent(base_transform.domain, reinterpreted_batch_ndims)
        self.codomain = constraints.independent(base_transform.codomain, reinterpreted_batch_ndims)

    def _call(self, x: Any) -> Any:
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        return self.base_transform._inverse(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return the logarithm of the magnitude of dy/dx."""
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)


class ReshapeTransform(Transform):
    """Give the last axes another shape.

    Args:
        in_shape: extents of the last axes before.
        out_shape: extents of the last axes after.
        cache_size: accepted as in torch.

    Example:
        >>> graphc.distributions.ReshapeTransform((4,), (2, 2))(graphc.arange(4.0)).shape
        torch.Size([2, 2])
    """

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Any) -> Any:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Any) -> Any:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Return zeros."""
        return full_like(x, 0.0).sum(tuple(range(-len(self.in_shape), 0)))

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor."""
        return (*shape[: len(shape) - len(self.in_shape)], *self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the preimage of a tensor."""
        return (*shape[: len(shape) - len(self.out_shape)], *self.in_shape)
