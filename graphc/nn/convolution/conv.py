"""Convolutions."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.nn.variance_scaling import fans
from graphc.ops.create.fill import check_device
from graphc.ops.nn.windows import each

__all__ = ["Conv", "Conv1d", "Conv2d", "Conv3d"]


class Conv(Module):
    """A convolution; weight and bias start uniform within 1/sqrt(fan in).

    Raises ValueError if groups do not divide channels.
    """

    function: ClassVar[Any]
    axes: ClassVar[int] = 1
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        _check_padding(padding, padding_mode, stride, self.axes)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups")
        n = self.axes
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = each(kernel_size, n), each(stride, n), each(dilation, n)
        self.padding: Any = padding if isinstance(padding, str) else each(padding, n)
        self.padding_mode = padding_mode
        self.output_padding = (0,) * n
        shape = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = fresh(*shape, *self.kernel_size)
        self.register_parameter("bias", fresh(out_channels) if bias else None)
        self.reset_parameters()
        if dtype is not None:
            self.to(dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """Convolve.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the rank, the channels or the extents of input do not fit.
        """
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._margins(), self.padding_mode), 0
        options = (self.stride, padding, self.dilation, self.groups)
        return type(self).function(input, self.weight, self.bias, *options)

    def _margins(self) -> list[int]:
        """Return how many elements to add before and after each axis, the last one first."""
        if self.padding == "valid":
            return [0] * (2 * self.axes)
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [n for total in reversed(totals) for n in (total // 2, total - total // 2)]
        return [n for p in reversed(self.padding) for n in (p, p)]

    def extra_repr(self) -> str:
        """Return the sizes and what differs from the defaults."""
        ones, zeros = (1,) * self.axes, (0,) * self.axes
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, value, default in (
            ("padding", self.padding, zeros),
            ("dilation", self.dilation, ones),
            ("output_padding", self.output_padding, zeros),
            ("groups", self.groups, 1),
        ):
            text += f", {name}={value}" if value != default else ""
        text += ", bias=False" if self.bias is None else ""
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


def _check_padding(padding: Any, padding_mode: str, stride: Any, axes: int) -> None:
    """Raise ValueError for another word."""
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
    if padding == "same" and any(s != 1 for s in each(stride, axes)):
        raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
        words = "{'zeros', 'reflect', 'replicate', 'circular'}"
        raise ValueError(f"padding_mode must be one of {words}, but got padding_mode='{padding_mode}'")


class Conv1d(Conv):
    """Convolve the last axis with trained kernels (cross-correlation), then add a bias per channel.

    weight (out_channels, in_channels / groups, kernel_size) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = in_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int.
        stride: step from window to window, an int.
        padding: zeros before and after, an int; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, L), or without N. Output: (N, out_channels, L_out), where each extent is (extent + 2 *
        padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding or padding_mode is another word.

    Example:
        >>> nn.Conv1d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 6, 4])
    """

    function = staticmethod(F.conv1d)


class Conv2d(Conv):
    """Convolve the last two axes with trained kernels (cross-correlation), then add a bias per channel.

    weight (out_channels, in_channels / groups, kH, kW) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = in_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or one per axis.
        stride: step from window to window, an int or one per axis.
        padding: zeros before and after, an int or one per axis; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int or one per axis.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, H, W), or without N. Output: (N, out_channels, H_out, W_out), where each extent is (extent +
        2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding or padding_mode is another word.

    Example:
        >>> nn.Conv2d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 6, 4, 4])
    """

    function = staticmethod(F.conv2d)
    axes = 2


class Conv3d(Conv):
    """Convolve the last three axes with trained kernels (cross-correlation), then add a bias per channel.

    weight (out_channels, in_channels / groups, kD, kH, kW) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = in_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or one per axis.
        stride: step from window to window, an int or one per axis.
        padding: zeros before and after, an int or one per axis; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int or one per axis.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, D, H, W), or without N. Output: (N, out_channels, D_out, H_out, W_out), where each extent
        is (extent + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding or padding_mode is another word.

    Example:
        >>> nn.Conv3d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 6, 4, 4, 4])
    """

    function = staticmethod(F.conv3d)
    axes = 3
