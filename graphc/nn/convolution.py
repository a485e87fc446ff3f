"""Convolutions and pooling as modules, over one, two or three axes."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.ops.nn.windows import each

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
]  # fmt: skip


class _Conv(Module):
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
    ) -> None:
        super().__init__()
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups")
        n = self.axes
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = each(kernel_size, n), each(stride, n), each(dilation, n)
        self.padding = padding if isinstance(padding, str) else each(padding, n)
        self.output_padding = (0,) * n
        shape = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = fresh(*shape, *self.kernel_size)
        self.register_parameter("bias", fresh(out_channels) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(init.fans(self.weight)[0])
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
        options = (self.stride, self.padding, self.dilation, self.groups)
        return type(self).function(input, self.weight, self.bias, *options)

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
        return text + (", bias=False" if self.bias is None else "")


class Conv1d(_Conv):
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

    Shapes:
        Input: (N, in_channels, L), or without N. Output: (N, out_channels, L_out), where each extent is (extent + 2 *
        padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.Conv1d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 6, 4])
    """

    function = staticmethod(F.conv1d)


class Conv2d(_Conv):
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

    Shapes:
        Input: (N, in_channels, H, W), or without N. Output: (N, out_channels, H_out, W_out), where each extent is (extent +
        2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.Conv2d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 6, 4, 4])
    """

    function = staticmethod(F.conv2d)
    axes = 2


class Conv3d(_Conv):
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

    Shapes:
        Input: (N, in_channels, D, H, W), or without N. Output: (N, out_channels, D_out, H_out, W_out), where each extent
        is (extent + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.Conv3d(3, 6, 3, stride=2, padding=1)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 6, 4, 4, 4])
    """

    function = staticmethod(F.conv3d)
    axes = 3


class _ConvTranspose(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.output_padding = each(output_padding, self.axes)

    def forward(self, input: Any) -> Any:
        """Apply the adjoint of a convolution.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the rank or the channels of input do not fit.
        """
        options = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return type(self).function(input, self.weight, self.bias, *options)


class ConvTranspose1d(_ConvTranspose):
    """Apply the adjoint of a convolution over the last axis (a "transposed convolution"), then add a bias per channel.

    weight (in_channels, out_channels / groups, kernel_size) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = out_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int.
        stride: stride of the convolution whose adjoint this is, an int.
        padding: padding of that convolution, an int.
        output_padding: extent added at the end of each axis, an int; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int.

    Shapes:
        Input: (N, in_channels, L), or without N. Output: (N, out_channels, L_out), where each extent is (extent - 1) *
        stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.ConvTranspose1d(3, 6, 2, stride=2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 6, 16])
    """

    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """Apply the adjoint of a convolution over the last two axes (a "transposed convolution"), then add a bias per channel.

    weight (in_channels, out_channels / groups, kH, kW) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = out_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or one per axis.
        stride: stride of the convolution whose adjoint this is, an int or one per axis.
        padding: padding of that convolution, an int or one per axis.
        output_padding: extent added at the end of each axis, an int or one per axis; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int or one per axis.

    Shapes:
        Input: (N, in_channels, H, W), or without N. Output: (N, out_channels, H_out, W_out), where each extent is (extent -
        1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.ConvTranspose2d(3, 6, 2, stride=2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 6, 16, 16])
    """

    function = staticmethod(F.conv_transpose2d)
    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """Apply the adjoint of a convolution over the last three axes (a "transposed convolution"), then add a bias per channel.

    weight (in_channels, out_channels / groups, kD, kH, kW) and bias (out_channels,) start uniform in [-b, b), where b =
    1/sqrt(fan in) and fan in = out_channels / groups * elements of the kernel.

    Args:
        in_channels: number of channels of the input.
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or one per axis.
        stride: stride of the convolution whose adjoint this is, an int or one per axis.
        padding: padding of that convolution, an int or one per axis.
        output_padding: extent added at the end of each axis, an int or one per axis; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int or one per axis.

    Shapes:
        Input: (N, in_channels, D, H, W), or without N. Output: (N, out_channels, D_out, H_out, W_out), where each extent
        is (extent - 1) * stride - 2 * padding +
        dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels.

    Example:
        >>> nn.ConvTranspose3d(3, 6, 2, stride=2)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 6, 16, 16, 16])
    """

    function = staticmethod(F.conv_transpose3d)
    axes = 3


class _MaxPool(Module):
    """The largest element of each window."""

    function: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def forward(self, input: Any) -> Any:
        """Pool.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype, with return_indices the pair of it and an int64 tensor of positions.

        Raises:
            RuntimeError: if the rank or the extents of input do not fit.
        """
        options = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)
        return type(self).function(input, *options)

    def extra_repr(self) -> str:
        """Return the sizes."""
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPool):
    """Take the maximum of each window over the last axis.

    Args:
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: minus infinity before and after, an int; at most half of the kernel.
        dilation: step between the elements of a window, an int.
        return_indices: whether to return the positions of the maxima too.
        ceil_mode: whether a last window may reach over the padded end.

    Shapes:
        Input: (N, C, L), or without N. Output: (N, C, L_out), where each extent is (extent + 2 * padding - dilation *
        (kernel_size - 1) - 1) / stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.MaxPool1d(2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 3, 4])
    """

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """Take the maximum of each window over the last two axes.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: minus infinity before and after, an int or one per axis; at most half of the kernel.
        dilation: step between the elements of a window, an int or one per axis.
        return_indices: whether to return the positions of the maxima too.
        ceil_mode: whether a last window may reach over the padded end.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C, H_out, W_out), where each extent is (extent + 2 * padding -
        dilation * (kernel_size - 1) - 1) / stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.MaxPool2d(2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 4, 4])
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """Take the maximum of each window over the last three axes.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: minus infinity before and after, an int or one per axis; at most half of the kernel.
        dilation: step between the elements of a window, an int or one per axis.
        return_indices: whether to return the positions of the maxima too.
        ceil_mode: whether a last window may reach over the padded end.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: (N, C, D_out, H_out, W_out), where each extent is (extent + 2 *
        padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.MaxPool3d(2)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    function = staticmethod(F.max_pool3d)


class _AvgPool(Module):
    """The mean of each window."""

    function: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Any) -> Any:
        """Pool.

        Args:
            input: floating-point tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the rank or the extents of input do not fit.
        """
        options = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)
        return type(self).function(input, *options)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """Take the mean of each window over the last axis.

    Args:
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: zeros before and after, an int; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Shapes:
        Input: (N, C, L), or without N. Output: (N, C, L_out), where each extent is (extent + 2 * padding - kernel_size) /
        stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.AvgPool1d(2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 3, 4])
    """

    function = staticmethod(F.avg_pool1d)

    def extra_repr(self) -> str:
        """Return the sizes."""
        sizes = (each(v, 1) for v in (self.kernel_size, self.stride, self.padding))
        return "kernel_size={}, stride={}, padding={}".format(*sizes)


class AvgPool2d(_AvgPool):
    """Take the mean of each window over the last two axes.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: zeros before and after, an int or one per axis; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C, H_out, W_out), where each extent is (extent + 2 * padding -
        kernel_size) / stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.AvgPool2d(2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 4, 4])
    """

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Take the mean of each window over the last three axes.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: zeros before and after, an int or one per axis; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: (N, C, D_out, H_out, W_out), where each extent is (extent + 2 *
        padding - kernel_size) / stride + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.AvgPool3d(2)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    function = staticmethod(F.avg_pool3d)


class _AdaptiveAvgPool(Module):
    function: ClassVar[Any]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """Pool.

        Args:
            input: floating-point tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the rank or the extents of input do not fit.
        """
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Average the last axis down to a given extent.

    Args:
        output_size: the extent, an int; None keeps that of the input.

    Shapes:
        Input: (N, C, L), or without N. Output: (N, C, output_size).

    Example:
        >>> nn.AdaptiveAvgPool1d(2)(graphc.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]))
        tensor([[[2., 4.]]])
    """

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Average the last two axes down to given extents.

    Args:
        output_size: the extents, an int or one per axis; None keeps that of the input.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C, output_size[0], output_size[1]).

    Example:
        >>> nn.AdaptiveAvgPool2d((1, None))(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 1, 8])
    """

    function = staticmethod(F.adaptive_avg_pool2d)
