"""Adjoints of convolutions."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.convolution.conv import Conv
from graphc.ops.nn.windows import each

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTranspose(Conv):
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
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        options = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *options)
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
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, L), or without N. Output: (N, out_channels, L_out), where each extent is (extent - 1) *
        stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding_mode is another word.

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
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, H, W), or without N. Output: (N, out_channels, H_out, W_out), where each extent is (extent -
        1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding_mode is another word.

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
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, in_channels, D, H, W), or without N. Output: (N, out_channels, D_out, H_out, W_out), where each extent
        is (extent - 1) * stride - 2 * padding +
        dilation * (kernel_size - 1) + output_padding + 1.

    Raises:
        ValueError: if groups does not divide in_channels and out_channels, or padding_mode is another word.

    Example:
        >>> nn.ConvTranspose3d(3, 6, 2, stride=2)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 6, 16, 16, 16])
    """

    function = staticmethod(F.conv_transpose3d)
    axes = 3
