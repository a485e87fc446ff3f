"""Normalizations, under torch's names: variances in two passes, one factor rsqrt(variance + eps)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.build import elementwise, expand_axes, reshape
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, expand_to
from graphc.ops.reductions import count, mean_nodes, variance
from graphc.tensors.dispatch import op

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def standardized(x: Node, axes: tuple[int, ...], eps: float) -> Node:
    """Return x with mean 0 and variance 1 over axes; node level."""
    spread, middle = variance(x, axes, 0, False)
    factor = elementwise("rsqrt", spread + eps)
    return (x - expand_axes(middle, x.shape, axes)) * expand_axes(factor, x.shape, axes)


def _scaled(x: Node, weight: Node | None, bias: Node | None) -> Node:
    """Return x * weight + bias, both broadcast at the right."""
    x = x if weight is None else x * expand_to(weight, x.shape)
    return x if bias is None else x + expand_to(bias, x.shape)


def _last_axes(name: str, x: Node, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    wanted = tuple(normalized_shape)
    if x.shape[x.type.rank - len(wanted) :] != wanted or len(wanted) > x.type.rank:
        raise RuntimeError(
            f"Given normalized_shape={list(wanted)}, expected input with shape [*, {', '.join(map(str, wanted))}], "
            f"but got input of size{list(x.shape)}"
        )
    return tuple(range(x.type.rank - len(wanted), x.type.rank))


@op("NativeLayerNorm")
def layer_norm(
    input: Operand, normalized_shape: Sequence[int], weight: Operand = None, bias: Operand = None, eps: float = 1e-5
) -> Node:
    """Normalize over the last axes, then scale and shift.  Raises RuntimeError if these are not `normalized_shape`."""
    axes = _last_axes("layer_norm", input, normalized_shape)
    return _scaled(standardized(input, axes, eps), weight, bias)


@op("RmsNorm")
def rms_norm(input: Operand, normalized_shape: Sequence[int], weight: Operand = None, eps: float | None = None) -> Node:
    """Divide by the root of the mean square over the last axes, then scale; `eps` None is the dtype's epsilon.

    Source: Zhang and Sennrich, "Root mean square layer normalization" (2019).  Raises RuntimeError.
    """
    axes = _last_axes("rms_norm", input, normalized_shape)
    small = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    factor = elementwise("rsqrt", mean_nodes(input * input, axes, False) + small)
    return _scaled(input * expand_axes(factor, input.shape, axes), weight, None)


def per_channel(x: Node, rank: int) -> Node:
    """Put axes of extent 1 behind a vector, so that it stands at axis 1 of `rank`; node level."""
    return reshape(x, x.shape + (1,) * (rank - 2))


def _scaled_channels(x: Node, weight: Node | None, bias: Node | None) -> Node:
    pair = [None if p is None else per_channel(p, x.type.rank) for p in (weight, bias)]
    return _scaled(x, *pair)


@op("NativeGroupNorm")
def group_norm(input: Operand, num_groups: int, weight: Operand = None, bias: Operand = None, eps: float = 1e-5) -> Node:
    """Normalize each of `num_groups` groups of the channels at axis 1, then scale and shift.  Raises RuntimeError."""
    n, channels, *rest = input.shape
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    grouped = reshape(input, (n, num_groups, channels // num_groups * prod(rest)))
    return _scaled_channels(reshape(standardized(grouped, (2,), eps), input.shape), weight, bias)


def _channel_axes(x: Node) -> tuple[int, ...]:
    return tuple(a for a in range(x.type.rank) if a != 1)


@op("NativeBatchNorm")
def _batch_norm_training(input: Operand, weight: Operand, bias: Operand, eps: float) -> tuple[Node, Node, Node]:
    """Return the result, and mean and unbiased variance of each channel."""
    axes = _channel_axes(input)
    n = count(input, axes)
    spread, middle = variance(input, axes, 0, False)
    result = _scaled_channels(standardized(input, axes, eps), weight, bias)
    return result, middle, spread * (n / max(n - 1, 1))


@op("NativeBatchNorm")
def _batch_norm_inference(input: Operand, mean: Operand, var: Operand, weight: Operand, bias: Operand, eps: float) -> Node:
    rank = input.type.rank
    factor = elementwise("rsqrt", var + eps)
    middle, factor = (expand_to(per_channel(v, rank), input.shape) for v in (mean, factor))
    return _scaled_channels((input - middle) * factor, weight, bias)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalize each channel at axis 1: by the batch in training, else by the running statistics.

    In training the running mean and the running unbiased variance move towards the batch's by `momentum`, in
    place.  Raises ValueError for one value per channel in training.
    """
    if not training:
        return _batch_norm_inference(input, running_mean, running_var, weight, bias, eps)
    if prod(input.shape) == input.shape[1]:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size torch.Size({list(input.shape)})"
        )
    result, mean, var = _batch_norm_training(input, weight, bias, eps)
    for running, batch in ((running_mean, mean), (running_var, var)):
        if running is not None:
            running.copy_(running * (1 - momentum) + batch.detach() * momentum)
    return result


@op("InstanceNorm")
def _instance_norm(input: Operand, weight: Operand, bias: Operand, eps: float) -> Node:
    return _scaled_channels(standardized(input, tuple(range(2, input.type.rank)), eps), weight, bias)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalize each channel of each sample over the axes behind axis 1, then scale and shift.

    Without `use_input_stats`, by the running statistics instead; these are not moved.
    """
    if not use_input_stats:
        return _batch_norm_inference(input, running_mean, running_var, weight, bias, eps)
    return _instance_norm(input, weight, bias, eps)
