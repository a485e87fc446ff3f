"""Random initialization of weights that preserves the variance from layer to layer."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from graphc.nn.fill import normal_, uniform_
from graphc.ops.random.generator import Generator

__all__ = ["calculate_gain", "fans", "kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_"]

GAINS = {"tanh": 5.0 / 3, "relu": sqrt(2.0), "selu": 3.0 / 4}


def fans(tensor: Any) -> tuple[int, int]:
    """Return fan in and fan out of a weight: how many inputs each output reads, and how many outputs read each input.

    Args:
        tensor: weight (O, C, …); the extents of a kernel multiply both.

    Returns:
        The pair (C * kernel, O * kernel).

    Raises:
        ValueError: if the tensor has fewer than two axes.
    """
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor of the standard deviation of weights that makes up for a nonlinearity.

    1 for "linear", "sigmoid" and convolutions, 5/3 for "tanh", sqrt(2) for "relu", 3/4 for "selu", sqrt(2 / (1 + slope^2)) for
    "leaky_relu".

    Args:
        nonlinearity: name of the function that follows.
        param: slope of "leaky_relu", None for 0.01.

    Returns:
        The factor, a float.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
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
    """Fill a weight with uniform random numbers that keep the variance through a rectifier.

    The bound is gain * sqrt(3 / fan). Source: He et al., "Delving deep into rectifiers" (2015).

    Args:
        tensor: floating-point weight (O, C, …) of two axes or more, written in place.
        a: slope of the rectifier below 0, for "leaky_relu".
        mode: "fan_in" keeps the variance of the forward pass, "fan_out" that of the backward pass.
        nonlinearity: name for `calculate_gain`.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than two axes, or mode or nonlinearity is unknown.

    Example:
        >>> bool((nn.init.kaiming_uniform_(graphc.empty(8, 6)).abs() <= 1).all())
        True
    """
    if 0 in tensor.shape:
        return tensor
    bound = sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Any:
    """Fill a weight with normal random numbers that keep the variance through a rectifier.

    The standard deviation is gain / sqrt(fan). Source: He et al., "Delving deep into rectifiers" (2015).

    Args:
        tensor: floating-point weight (O, C, …) of two axes or more, written in place.
        a: slope of the rectifier below 0, for "leaky_relu".
        mode: "fan_in" keeps the variance of the forward pass, "fan_out" that of the backward pass.
        nonlinearity: name for `calculate_gain`.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than two axes, or mode or nonlinearity is unknown.

    Example:
        >>> nn.init.kaiming_normal_(graphc.empty(8, 6), nonlinearity="relu").shape
        torch.Size([8, 6])
    """
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _xavier_std(tensor: Any, gain: float) -> float:
    return gain * sqrt(2.0 / sum(fans(tensor)))


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill a weight with uniform random numbers that keep the variance forward and backward.

    The bound is gain * sqrt(6 / (fan in + fan out)). Source: Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks" (2010).

    Args:
        tensor: floating-point weight (O, C, …) of two axes or more, written in place.
        gain: factor of the bound, see `calculate_gain`.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than two axes.

    Example:
        >>> bool((nn.init.xavier_uniform_(graphc.empty(3, 3)).abs() <= 1).all())
        True
    """
    bound = sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Generator | None = None) -> Any:
    """Fill a weight with normal random numbers that keep the variance forward and backward.

    The standard deviation is gain * sqrt(2 / (fan in + fan out)). Source: Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks" (2010).

    Args:
        tensor: floating-point weight (O, C, …) of two axes or more, written in place.
        gain: factor of the standard deviation, see `calculate_gain`.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than two axes.

    Example:
        >>> nn.init.xavier_normal_(graphc.empty(3, 4)).shape
        torch.Size([3, 4])
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)
