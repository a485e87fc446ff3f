"""Layer, group and root-mean-square normalization."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, expand_axes, reshape
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to
from graphc.ops.reduce.moments import variance
from graphc.ops.reduce.sums import mean_nodes

__all__ = ["group_norm", "layer_norm", "rms_norm"]


def standardized(x: Node, axes: tuple[int, ...], eps: float) -> Node:
    """Return x with mean 0 and variance 1 over axes; node level."""
    var, mean = variance(x, axes, 0, False)
    factor = elementwise("rsqrt", var + eps)
    return (x - expand_axes(mean, x.shape, axes)) * expand_axes(factor, x.shape, axes)


def scaled(x: Node, weight: Node | None, bias: Node | None) -> Node:
    """Return x * weight + bias, both broadcast at the right."""
    x = x if weight is None else x * expand_to(weight, x.shape)
    return x if bias is None else x + expand_to(bias, x.shape)


def _last_axes(name: str, x: Node, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(normalized_shape)
    if x.shape[x.type.rank - len(shape) :] != shape or len(shape) > x.type.rank:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(x.shape)}"
        )
    return tuple(range(x.type.rank - len(shape), x.type.rank))


def _check_of_shape(shape: Sequence[int], **parameters: Node | None) -> None:
    """Raise RuntimeError unless weight and bias have the normalized shape."""
    for name, p in parameters.items():
        if p is not None and p.shape != tuple(shape):
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(p.shape)} "
                f"and normalized_shape = {list(shape)}"
            )


def check_per_channel(channels: int, **vectors: Any) -> None:
    """Raise RuntimeError unless each per-channel operand is a vector of `channels` elements; nodes or tensors."""
    for name, v in vectors.items():
        if v is not None and tuple(v.shape) != (channels,):
            what = prod(v.shape) if len(v.shape) == 1 else list(v.shape)
            raise located(RuntimeError(f"{name} should contain {channels} elements not {what}"))


@op("NativeLayerNorm")
def layer_norm(
    input: Node, normalized_shape: Sequence[int], weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """Normalize to mean 0 and variance 1 over the last axes, then scale and shift.

    (input - mean) / sqrt(variance + eps) * weight + bias, with the biased variance. Source: Ba et al., "Layer
    normalization" (2016).

    Args:
        input: floating-point tensor whose last extents are normalized_shape.
        normalized_shape: extents of the last axes, over which statistics are taken.
        weight: factors of shape normalized_shape, or None.
        bias: summands of shape normalized_shape, or None.
        eps: number added to the variance.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if the last extents of input, or those of weight or bias, are not normalized_shape.

    Example:
        >>> F.layer_norm(graphc.tensor([[1.0, 3.0], [0.0, 20.0]]), (2,))
        tensor([[-1.0000,  1.0000],
                [-1.0000,  1.0000]])
    """
    axes = _last_axes("layer_norm", input, normalized_shape)
    _check_of_shape(normalized_shape, weight=weight, bias=bias)
    return scaled(standardized(input, axes, eps), weight, bias)


@op("RmsNorm")
def rms_norm(input: Node, normalized_shape: Sequence[int], weight: Node | None = None, eps: float | None = None) -> Node:
    """Divide by the root of the mean square over the last axes, then scale.

    input / sqrt(mean(input^2) + eps) * weight. Source: Zhang and Sennrich, "Root mean square layer normalization" (2019).

    Args:
        input: floating-point tensor whose last extents are normalized_shape.
        normalized_shape: extents of the last axes, over which the mean is taken.
        weight: factors of shape normalized_shape, or None.
        eps: number added to the mean square; None for the machine epsilon of the dtype.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if the last extents of input, or those of weight, are not normalized_shape.

    Example:
        >>> F.rms_norm(graphc.tensor([[1.0, 7.0], [-3.0, 3.0]]), (2,))
        tensor([[ 0.2000,  1.4000],
                [-1.0000,  1.0000]])
    """
    axes = _last_axes("rms_norm", input, normalized_shape)
    _check_of_shape(normalized_shape, weight=weight)
    small = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    factor = elementwise("rsqrt", mean_nodes(input * input, axes, False) + small)
    return scaled(input * expand_axes(factor, input.shape, axes), weight, None)


def per_channel(x: Node, rank: int) -> Node:
    """Append axes of extent 1 to a vector so that it aligns with axis 1 of `rank`; node level."""
    return reshape(x, x.shape + (1,) * (rank - 2))


def scaled_channels(x: Node, weight: Node | None, bias: Node | None) -> Node:
    """Multiply by weight and add bias, one number per channel each; node level."""
    pair = [None if p is None else per_channel(p, x.type.rank) for p in (weight, bias)]
    return scaled(x, *pair)


@op("NativeGroupNorm")
def group_norm(input: Node, num_groups: int, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5) -> Node:
    """Normalize groups of channels of each sample to mean 0 and variance 1, then scale and shift each channel.

    Source: Wu and He, "Group normalization" (2018).

    Args:
        input: floating-point tensor (N, C, …).
        num_groups: number of groups of C / num_groups neighbouring channels.
        weight: one factor per channel, (C,), or None.
        bias: one summand per channel, (C,), or None.
        eps: number added to the (biased) variance.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than two axes, num_groups does not divide C or is not positive, or weight or bias
            does not have C elements.

    Example:
        >>> F.group_norm(graphc.tensor([[1.0, 3.0, 0.0, 20.0]]), 2)
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    if input.type.rank < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.type.rank}")
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    n, channels, *rest = input.shape
    check_per_channel(channels, weight=weight, bias=bias)
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    grouped = reshape(input, (n, num_groups, channels // num_groups * prod(rest)))
    return scaled_channels(reshape(standardized(grouped, (2,), eps), input.shape), weight, bias)
