"""Batch and instance normalization: normalization of each channel."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.normalization import ones_parameter
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import ones, zeros

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class ChannelNorm(Module):
    """The common base of batch and instance normalization: per-channel parameters and running statistics."""

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
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, bias, track_running_stats)

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
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False) -> None:
        super().__init__(num_features, eps, momentum, affine, True, False)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        self._check(input)
        return F.instance_norm(input, None, None, self.weight, self.bias, True, self.momentum, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, L). Output: the same.

    Example:
        >>> nn.InstanceNorm1d(3)(graphc.ones(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    ranks = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Example:
        >>> nn.InstanceNorm2d(3)(graphc.ones(2, 3, 4, 4)).shape
        torch.Size([2, 3, 4, 4])
    """

    ranks = (4,)


class InstanceNorm3d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Example:
        >>> nn.InstanceNorm3d(3)(graphc.ones(2, 3, 4, 4, 4)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    ranks = (5,)
