"""Normalization over the last axes or over groups of channels of one sample."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter, fresh

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm", "ones_parameter"]


def ones_parameter(*sizes: int) -> Parameter:
    """Return a parameter of ones."""
    return init.ones_(fresh(*sizes))  # type: ignore[no-any-return]


class LayerNorm(Module):
    """Normalize to mean 0 and variance 1 over the last axes, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. Source: Ba et al., "Layer normalization" (2016).

    Args:
        normalized_shape: extents of the last axes, an int for one axis.
        eps: number added to the (biased) variance.
        elementwise_affine: whether there are a weight, which starts at 1, and a bias, each of normalized_shape.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: any whose last extents are normalized_shape. Output: the same.

    Example:
        >>> nn.LayerNorm(2, bias=False)(graphc.tensor([[1.0, 3.0]])).detach()
        tensor([[-1.0000,  1.0000]])
    """

    def __init__(self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", ones_parameter(*self.normalized_shape) if elementwise_affine else None)
        self.register_parameter("bias", fresh(*self.normalized_shape) if elementwise_affine and bias else None)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the shape and the options."""
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class RMSNorm(Module):
    """Divide by the root of the mean square over the last axes, then scale.

    x / sqrt(mean(x^2) + eps) * weight. Source: Zhang and Sennrich, "Root mean square layer normalization" (2019).

    Args:
        normalized_shape: extents of the last axes, an int for one axis.
        eps: number added to the mean square; None for the machine epsilon of the dtype.
        elementwise_affine: whether there is a weight of normalized_shape, which starts at 1.

    Shapes:
        Input: any whose last extents are normalized_shape. Output: the same.

    Example:
        >>> nn.RMSNorm(2)(graphc.tensor([[1.0, 7.0]])).detach()
        tensor([[0.2000, 1.4000]])
    """

    def __init__(self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", ones_parameter(*self.normalized_shape) if elementwise_affine else None)

    def forward(self, x: Any) -> Any:
        """Normalize.

        Args:
            x: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of x.
        """
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the shape and the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalize groups of channels of each sample to mean 0 and variance 1, then scale and shift each channel.

    Source: Wu and He, "Group normalization" (2018).

    Args:
        num_groups: number of groups of neighbouring channels.
        num_channels: number of channels C.
        eps: number added to the (biased) variance.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, …). Output: the same.

    Raises:
        ValueError: if num_groups does not divide num_channels.

    Example:
        >>> nn.GroupNorm(2, 4)(graphc.tensor([[1.0, 3.0, 0.0, 20.0]])).detach()
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", ones_parameter(num_channels) if affine else None)
        self.register_parameter("bias", fresh(num_channels) if affine and bias else None)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the sizes and the options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"
