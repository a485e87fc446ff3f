"""Ways to fill parameters before training, as torch.nn.init has them; all work in place, outside of recording."""

from __future__ import annotations

from math import erf as math_erf
from math import prod, sqrt
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import guard_all as _guard_all
from graphc.ops.creation import eye
from graphc.ops.pointwise import clamp, erf
from graphc.ops.random import Generator, uniform

__all__ = [
    "calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "trunc_normal_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

GAINS = {"tanh": 5.0 / 3, "relu": sqrt(2.0), "selu": 3.0 / 4}


@no_grad()  # type: ignore[untyped-decorator]
def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill with uniform numbers in [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()  # type: ignore[untyped-decorator]
def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill with normal numbers."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()  # type: ignore[untyped-decorator]
def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> Any:
    """Fill with normal numbers between a and b, by the inverse of the distribution function, found by bisection."""
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
    """Fill with one number."""
    return tensor.fill_(val)


def zeros_(tensor: Any) -> Any:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """Fill with ones."""
    return constant_(tensor, 1.0)


@no_grad()  # type: ignore[untyped-decorator]
def eye_(tensor: Any) -> Any:
    """Fill a matrix with the identity.  Raises ValueError for other ranks."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(eye(*tensor.shape, dtype=tensor.dtype))


def fans(tensor: Any) -> tuple[int, int]:
    """Return how many inputs and outputs a weight connects.  Raises ValueError for fewer than two axes."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a nonlinearity asks for larger weights.  Raises ValueError for an unknown one."""
    if nonlinearity == "leaky_relu":
        return sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in GAINS:
        return GAINS[nonlinearity]
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1.0
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _kaiming_std(tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    modes = ("fan_in", "fan_out")
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return calculate_gain(nonlinearity, a) / sqrt(fans(tensor)[modes.index(mode)])


def kaiming_uniform_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Any:
    """Fill with uniform numbers that keep the variance through a rectifier (He et al., 2015)."""
    if 0 in tensor.shape:
        return tensor
    bound = sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Any:
    """Fill with normal numbers that keep the variance through a rectifier (He et al., 2015)."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _xavier_std(tensor: Any, gain: float) -> float:
    return gain * sqrt(2.0 / sum(fans(tensor)))


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill with uniform numbers that keep the variance both ways (Glorot and Bengio, 2010)."""
    bound = sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill with normal numbers that keep the variance both ways (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)

_guard_all(globals(), __all__)
