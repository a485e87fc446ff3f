"""Normalizations, under torch's names: variances in two passes, one factor rsqrt(variance + eps)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.core.errors import located
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


def _check_of_shape(shape: Sequence[int], **parameters: Node | None) -> None:
    """Raise RuntimeError unless the factors and summands have the normalized shape."""
    for name, p in parameters.items():
        if p is not None and p.shape != tuple(shape):
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(p.shape)} "
                f"and normalized_shape = {list(shape)}"
            )


def _check_per_channel(channels: int, **vectors: Any) -> None:
    """Raise RuntimeError unless what there is one number of per channel is a vector of so many; nodes or tensors."""
    for name, v in vectors.items():
        if v is not None and tuple(v.shape) != (channels,):
            what = prod(v.shape) if len(v.shape) == 1 else list(v.shape)
            raise located(RuntimeError(f"{name} should contain {channels} elements not {what}"))


@op("NativeLayerNorm")
def layer_norm(
    input: Operand, normalized_shape: Sequence[int], weight: Operand = None, bias: Operand = None, eps: float = 1e-5
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
    return _scaled(standardized(input, axes, eps), weight, bias)


@op("RmsNorm")
def rms_norm(input: Operand, normalized_shape: Sequence[int], weight: Operand = None, eps: float | None = None) -> Node:
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
    return _scaled(input * expand_axes(factor, input.shape, axes), weight, None)


def per_channel(x: Node, rank: int) -> Node:
    """Put axes of extent 1 behind a vector, so that it stands at axis 1 of `rank`; node level."""
    return reshape(x, x.shape + (1,) * (rank - 2))


def _scaled_channels(x: Node, weight: Node | None, bias: Node | None) -> Node:
    pair = [None if p is None else per_channel(p, x.type.rank) for p in (weight, bias)]
    return _scaled(x, *pair)


@op("NativeGroupNorm")
def group_norm(input: Operand, num_groups: int, weight: Operand = None, bias: Operand = None, eps: float = 1e-5) -> Node:
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
    _check_per_channel(channels, weight=weight, bias=bias)
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


def _move(running: Any, batch: Any, momentum: Any) -> None:
    """Move running statistics, if there are any, towards those of a batch, in place."""
    if running is not None:
        running.copy_(running * (1 - momentum) + batch.detach() * momentum)


def _check_statistics(channels: int, running_mean: Any, running_var: Any, weight: Any, bias: Any, needed: str) -> None:
    """Raise RuntimeError for running statistics that are missing where they are needed, and for vectors of other lengths."""
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if needed and running is None:
            raise located(RuntimeError(f"{name} must be defined {needed}"))
    _check_per_channel(channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)


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
    """Normalize each channel by its mean and variance over the batch, or by running ones, then scale and shift.

    In training the running statistics move towards those of the batch, in place: running = (1 - momentum) * running +
    momentum * batch; the running variance takes the unbiased variance, the normalization the biased one. Source: Ioffe and
    Szegedy, "Batch normalization" (2015).

    Args:
        input: floating-point tensor (N, C) or (N, C, …).
        running_mean: mean of each channel, (C,); may be None in training.
        running_var: variance of each channel, (C,); may be None in training.
        weight: one factor per channel, (C,), or None.
        bias: one summand per channel, (C,), or None.
        training: whether to take the statistics of the batch.
        momentum: weight of the batch in the running statistics, a number or a 0-d tensor.
        eps: number added to the variance.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if there is only one value per channel in training.
        RuntimeError: if running_mean or running_var is None outside of training, or a vector does not have C elements.

    Example:
        >>> F.batch_norm(graphc.tensor([[1.0, 0.0], [3.0, 20.0]]), None, None, training=True)
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]])
    """
    channels = input.shape[1] if len(input.shape) > 1 else 0
    _check_statistics(channels, running_mean, running_var, weight, bias, needed="in evaluation mode" if not training else "")
    if not training:
        return _batch_norm_inference(input, running_mean, running_var, weight, bias, eps)
    if prod(input.shape) == channels:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size torch.Size({list(input.shape)})"
        )
    result, mean, var = _batch_norm_training(input, weight, bias, eps)
    _move(running_mean, mean, momentum)
    _move(running_var, var, momentum)
    return result


@op("InstanceNorm")
def _instance_norm(input: Operand, weight: Operand, bias: Operand, eps: float) -> tuple[Node, Node, Node]:
    """Return the result, and mean and unbiased variance of each channel, averaged over the samples."""
    axes = tuple(range(2, input.type.rank))
    n = count(input, axes)
    spread, middle = variance(input, axes, 0, False)
    result = _scaled_channels(standardized(input, axes, eps), weight, bias)
    return result, mean_nodes(middle, (0,), False), mean_nodes(spread, (0,), False) * (n / max(n - 1, 1))


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
    """Normalize each channel of each sample to mean 0 and variance 1 over the axes after the channels, then scale and shift.

    Source: Ulyanov et al., "Instance normalization" (2016).

    Args:
        input: floating-point tensor (N, C, L, …).
        running_mean: mean of each channel, (C,), or None; moves in place with use_input_stats, is used without.
        running_var: variance of each channel, (C,), or None; moves in place with use_input_stats, is used without.
        weight: one factor per channel, (C,), or None.
        bias: one summand per channel, (C,), or None.
        use_input_stats: whether to normalize by the statistics of input, and to move the running ones towards the mean
            of those over the samples.
        momentum: weight of input in the running statistics, a number or a 0-d tensor.
        eps: number added to the variance.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if there is only one value per channel and sample with use_input_stats.
        RuntimeError: if running statistics are missing without use_input_stats, or a vector does not have C elements.

    Example:
        >>> F.instance_norm(graphc.tensor([[[1.0, 3.0], [0.0, 20.0]]]))
        tensor([[[-1.0000,  1.0000],
                 [-1.0000,  1.0000]]])
    """
    if use_input_stats and (len(input.shape) < 3 or prod(input.shape[2:]) == 1):
        raise located(
            ValueError(f"Expected more than 1 spatial element when training, got input size torch.Size({list(input.shape)})")
        )
    needed = "" if use_input_stats else "when use_input_stats is false"
    _check_statistics(int(input.shape[1]), running_mean, running_var, weight, bias, needed)
    if not use_input_stats:
        return _batch_norm_inference(input, running_mean, running_var, weight, bias, eps)
    result, mean, var = _instance_norm(input, weight, bias, eps)
    _move(running_mean, mean, momentum)
    _move(running_var, var, momentum)
    return result
