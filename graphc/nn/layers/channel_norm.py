"""Batch and instance normalization: normalization of each channel."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.normalization import ones_parameter
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import check_device, ones, zeros

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class ChannelNorm(Module):
    """The common base of batch and instance normalization: per-channel parameters and running statistics."""

    _version = 2
    ranks: tuple[int, ...] = ()

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, bias: bool, track_running_stats: bool
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", ones_parameter(num_features) if affine else None)
        self.register_parameter("bias", fresh(num_features) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def _convert(self, device: Any, dtype: Any) -> None:
        check_device(device)
        if dtype is not None:
            self.to(dtype)

    def _check(self, input: Any) -> None:
        if input.dim() not in self.ranks:
            expected = " or ".join(f"{r}D" for r in self.ranks)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        """Return the size and the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, bias, track_running_stats)
        self._convert(device, dtype)

    def forward(self, input: Any) -> Any:
        """Normalize by the statistics of the batch in training, and by the running ones in evaluation.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.

        Raises:
            ValueError: if the rank is another, or in training there is only one value per channel.
        """
        self._check(input)
        by_batch = self.training or not self.track_running_stats
        moved = self.training and self.track_running_stats
        momentum = self.momentum
        if moved:
            self.num_batches_tracked.add_(1)
            momentum = 1.0 / self.num_batches_tracked.to(input.dtype) if momentum is None else momentum
        keep = moved or not by_batch
        mean, var = (self.running_mean, self.running_var) if keep else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C) or (N, C, L). Output: the same.

    Example:
        >>> layer = nn.BatchNorm1d(3)
        >>> layer(graphc.ones(2, 3, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Example:
        >>> layer = nn.BatchNorm2d(3)
        >>> layer(graphc.ones(2, 3, 4, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Example:
        >>> layer = nn.BatchNorm3d(3)
        >>> layer(graphc.ones(2, 3, 4, 4, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4, 4, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (5,)


class _InstanceNorm(ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, bias, track_running_stats)
        self._convert(device, dtype)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        self._check(input)
        if input.dim() == self.ranks[0]:
            return self._normalized(input.unsqueeze(0)).squeeze(0)
        return self._normalized(input)

    def _normalized(self, input: Any) -> Any:
        if input.shape[1] != self.num_features and (self.affine or self.track_running_stats):
            raise ValueError(
                f"expected input's size at dim=1 to match num_features ({self.num_features}), but got: {input.shape[1]}."
            )
        own = self.training or not self.track_running_stats
        statistics, momentum = (self.running_mean, self.running_var), 0.0 if self.momentum is None else self.momentum
        return F.instance_norm(input, *statistics, self.weight, self.bias, own, momentum, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too unless statistics are tracked. Source: Ulyanov et
    al., "Instance normalization" (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.
        track_running_stats: whether means over the samples are kept, by which evaluation normalizes.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Input: (N, C, L), or without N. Output: the same.

    Example:
        >>> nn.InstanceNorm1d(3)(graphc.ones(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too unless statistics are tracked. Source: Ulyanov et
    al., "Instance normalization" (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.
        track_running_stats: whether means over the samples are kept, by which evaluation normalizes.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Input: (N, C, H, W), or without N. Output: the same.

    Example:
        >>> nn.InstanceNorm2d(3)(graphc.ones(2, 3, 4, 4)).shape
        torch.Size([2, 3, 4, 4])
    """

    ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too unless statistics are tracked. Source: Ulyanov et
    al., "Instance normalization" (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.
        track_running_stats: whether means over the samples are kept, by which evaluation normalizes.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: the same.

    Example:
        >>> nn.InstanceNorm3d(3)(graphc.ones(2, 3, 4, 4, 4)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    ranks = (4, 5)
