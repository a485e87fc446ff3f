"""Fill tensors in place, without recording: constants, the identity, random numbers."""

from __future__ import annotations

from math import erf as math_erf
from math import sqrt
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.ops.create.ranges import eye
from graphc.ops.elementwise.bounds import clamp
from graphc.ops.elementwise.special import erf
from graphc.ops.random.floats import uniform
from graphc.ops.random.generator import Generator

__all__ = ["constant_", "eye_", "normal_", "ones_", "trunc_normal_", "uniform_", "zeros_"]


@no_grad()  # type: ignore[untyped-decorator]
def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill a tensor with uniform random numbers in [a, b).

    Args:
        tensor: floating-point tensor of any shape, written in place.
        a: lower bound.
        b: upper bound.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        RuntimeError: if a is above b.

    Example:
        >>> bool((nn.init.uniform_(graphc.empty(100), -1.0, 1.0).abs() <= 1).all())
        True
    """
    return tensor.uniform_(a, b, generator=generator)


@no_grad()  # type: ignore[untyped-decorator]
def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill a tensor with normal random numbers.

    Args:
        tensor: floating-point tensor of any shape, written in place.
        mean: mean of the distribution.
        std: standard deviation, not negative.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        RuntimeError: if std is negative.

    Example:
        >>> nn.init.normal_(graphc.empty(2, 3)).shape
        torch.Size([2, 3])
    """
    return tensor.normal_(mean, std, generator=generator)


@no_grad()  # type: ignore[untyped-decorator]
def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> Any:
    """Fill a tensor with normal random numbers within [a, b].

    Inverts the distribution function by bisection.

    Args:
        tensor: floating-point tensor of any shape, written in place.
        mean: mean of the normal distribution before it is cut.
        std: standard deviation before it is cut.
        a: lower bound.
        b: upper bound.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Example:
        >>> bool((nn.init.trunc_normal_(graphc.empty(100), std=5.0).abs() <= 2).all())
        True
    """
    low, high = (_normal_cdf((v - mean) / std) for v in (a, b))
    u = uniform(tuple(tensor.shape), tensor.dtype.ir, low, high, generator)
    left, right = u * 0 - 6.0, u * 0 + 6.0
    for _ in range(30):
        middle = (left + right) * 0.5
        below = ((erf(middle * sqrt(0.5)) + 1) * 0.5 < u).to(u.dtype)
        left, right = left + (middle - left) * below, right + (middle - right) * (1 - below)
    return tensor.copy_(clamp(left * std + mean, a, b))


def _normal_cdf(x: float) -> float:
    return (1.0 + math_erf(x / sqrt(2.0))) / 2.0


@no_grad()  # type: ignore[untyped-decorator]
def constant_(tensor: Any, val: float) -> Any:
    """Fill a tensor with a number.

    Args:
        tensor: tensor of any shape, written in place.
        val: the number.

    Returns:
        The tensor.

    Raises:
        RuntimeError: if val is a tensor with axes.

    Example:
        >>> nn.init.constant_(graphc.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    return tensor.fill_(val)


def zeros_(tensor: Any) -> Any:
    """Fill a tensor with zeros.

    Args:
        tensor: tensor of any shape, written in place.

    Returns:
        The tensor.

    Example:
        >>> nn.init.zeros_(graphc.empty(2))
        tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """Fill a tensor with ones.

    Args:
        tensor: tensor of any shape, written in place.

    Returns:
        The tensor.

    Example:
        >>> nn.init.ones_(graphc.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


@no_grad()  # type: ignore[untyped-decorator]
def eye_(tensor: Any) -> Any:
    """Fill a matrix with the identity.

    Args:
        tensor: matrix, written in place; it need not be square.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor is not a matrix.

    Example:
        >>> nn.init.eye_(graphc.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(eye(*tensor.shape, dtype=tensor.dtype))
