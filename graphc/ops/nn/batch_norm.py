"""Batch and instance normalization, with running statistics."""

from __future__ import annotations

from math import prod
from typing import Any

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, expand_to
from graphc.ops.nn.normalization import check_per_channel, per_channel, scaled_channels, standardized
from graphc.ops.reduce.moments import variance
from graphc.ops.reduce.sums import count, mean_nodes
from graphc.tensors.tensor import Tensor

__all__ = ["batch_norm", "instance_norm"]


def _channel_axes(x: Node) -> tuple[int, ...]:
    return tuple(a for a in range(x.type.rank) if a != 1)


@op("NativeBatchNorm")
def _batch_norm_training(input: Node, weight: Node, bias: Node, eps: float) -> tuple[Node, Node, Node]:
    """Return the result, and the mean and unbiased variance of each channel."""
    axes = _channel_axes(input)
    n = count(input, axes)
    var, mean = variance(input, axes, 0, False)
    result = scaled_channels(standardized(input, axes, eps), weight, bias)
    return result, mean, var * (n / max(n - 1, 1))


@op("NativeBatchNorm")
def _batch_norm_inference(input: Operand, mean: Operand, var: Operand, weight: Operand, bias: Operand, eps: float) -> Node:
    rank = input.type.rank
    factor = elementwise("rsqrt", var + eps)
    center, factor = (expand_to(per_channel(v, rank), input.shape) for v in (mean, factor))
    return scaled_channels((input - center) * factor, weight, bias)


def _move(running: Any, batch: Any, momentum: Any) -> None:
    """Update running statistics, if there are any, with those of a batch."""
    if running is not None:
        running.copy_(running * (1 - momentum) + batch.detach() * momentum)


def _check_statistics(channels: int, running_mean: Any, running_var: Any, weight: Any, bias: Any, needed: str) -> None:
    """Raise RuntimeError for missing running statistics that are needed, and for vectors of the wrong length."""
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if needed and running is None:
            raise located(RuntimeError(f"{name} must be defined {needed}"))
    check_per_channel(channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Tensor:
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
def _instance_norm(input: Node, weight: Node, bias: Node, eps: float) -> tuple[Node, Node, Node]:
    """Return the result, and the mean and unbiased variance of each channel, averaged over the samples."""
    axes = tuple(range(2, input.type.rank))
    n = count(input, axes)
    var, mean = variance(input, axes, 0, False)
    result = scaled_channels(standardized(input, axes, eps), weight, bias)
    return result, mean_nodes(mean, (0,), False), mean_nodes(var, (0,), False) * (n / max(n - 1, 1))


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each sample to mean 0 and variance 1 over the axes after the channels, then scale and shift.

    Source: Ulyanov et al., "Instance normalization" (2016).

    Args:
        input: floating-point tensor (N, C, L, …).
        running_mean: mean of each channel, (C,), or None; updated in place with use_input_stats, is used without.
        running_var: variance of each channel, (C,), or None; updated in place with use_input_stats, is used without.
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
