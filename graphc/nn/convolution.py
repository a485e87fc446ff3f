"""Convolutions and pooling as modules, over one, two or three axes."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.ops.convolution import each

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
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """Convolve."""
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
    """Convolve (N, C, L) input."""

    function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Convolve (N, C, H, W) input."""

    function = staticmethod(F.conv2d)
    axes = 2


class Conv3d(_Conv):
    """Convolve (N, C, D, H, W) input."""

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
        """Apply the adjoint of a convolution."""
        options = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return type(self).function(input, self.weight, self.bias, *options)


class ConvTranspose1d(_ConvTranspose):
    """Apply the adjoint of a convolution to (N, C, L) input."""

    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """Apply the adjoint of a convolution to (N, C, H, W) input."""

    function = staticmethod(F.conv_transpose2d)
    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """Apply the adjoint of a convolution to (N, C, D, H, W) input."""

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
        """Pool."""
        options = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)
        return type(self).function(input, *options)

    def extra_repr(self) -> str:
        """Return the sizes."""
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPool):
    """The largest element of each window of (N, C, L) input."""

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element of each window of (N, C, H, W) input."""

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest element of each window of (N, C, D, H, W) input."""

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
        """Pool."""
        options = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)
        return type(self).function(input, *options)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L) input."""

    function = staticmethod(F.avg_pool1d)

    def extra_repr(self) -> str:
        """Return the sizes."""
        sizes = (each(v, 1) for v in (self.kernel_size, self.stride, self.padding))
        return "kernel_size={}, stride={}, padding={}".format(*sizes)


class AvgPool2d(_AvgPool):
    """The mean of each window of (N, C, H, W) input."""

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window of (N, C, D, H, W) input."""

    function = staticmethod(F.avg_pool3d)


class _AdaptiveAvgPool(Module):
    function: ClassVar[Any]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """Pool."""
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Means over windows of (N, C, L) input such that the last axis gets a size."""

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Means over windows of (N, C, H, W) input such that the last axes get a size."""

    function = staticmethod(F.adaptive_avg_pool2d)
