"""Convolutions that take the number of input channels from their first input."""

from __future__ import annotations

from typing import Any

from graphc.nn.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from graphc.nn.lazy.base import LazyModuleMixin
from graphc.nn.parameter import UninitializedParameter

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip


class _LazyConv(LazyModuleMixin):
    in_channels: int
    out_channels: int
    groups: int
    axes: int
    transposed: bool
    kernel_size: tuple[int, ...]
    weight: Any

    def _leave_open(self, out_channels: int, bias: bool, dtype: Any) -> None:
        """Replace the parameters of a convolution of 0 channels."""
        if out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        self.out_channels = out_channels
        self.weight = UninitializedParameter(dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias again, unless the first input is still to come."""
        if self.in_channels:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Any) -> None:
        """Take the number of channels from an input.

        Args:
            input: tensor of the shape that the class describes.

        Raises:
            RuntimeError: if its rank does not fit.
            ValueError: if groups does not divide its channels.
        """
        if not self.has_uninitialized_params():
            self.in_channels = self.weight.shape[0] if self.transposed else self.weight.shape[1] * self.groups
            return
        batched, single = self.axes + 2, self.axes + 1
        if input.dim() not in (batched, single):
            raise RuntimeError(
                f"Expected {single}D (unbatched) or {batched}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {tuple(input.shape)}"
            )
        self.in_channels = input.shape[-single]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        outer, inner = self.out_channels, self.in_channels
        if self.transposed:
            outer, inner = inner, outer
        self.weight.materialize((outer, inner // self.groups, *self.kernel_size))
        if isinstance(self.bias, UninitializedParameter):
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int.
        stride: step from window to window, an int.
        padding: zeros before and after; "valid" is 0, "same" keeps the extents, an int.
        dilation: step between the elements of a window, an int.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `Conv1d`: input (N, C, L), or without N.

    Example:
        >>> nn.LazyConv1d(6, 2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 6, 7])
    """

    cls_to_become = Conv1d

    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._leave_open(out_channels, bias, dtype)


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or a pair.
        stride: step from window to window, an int or a pair.
        padding: zeros before and after; "valid" is 0, "same" keeps the extents, an int or a pair.
        dilation: step between the elements of a window, an int or a pair.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `Conv2d`: input (N, C, H, W), or without N.

    Example:
        >>> nn.LazyConv2d(6, 2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 6, 7, 7])
    """

    cls_to_become = Conv2d

    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._leave_open(out_channels, bias, dtype)


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or a triple.
        stride: step from window to window, an int or a triple.
        padding: zeros before and after; "valid" is 0, "same" keeps the extents, an int or a triple.
        dilation: step between the elements of a window, an int or a triple.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        padding_mode: what to pad with: "zeros", or "reflect", "replicate" or "circular" as `F.pad`.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `Conv3d`: input (N, C, D, H, W), or without N.

    Example:
        >>> nn.LazyConv3d(6, 2)(graphc.ones(2, 3, 4, 4, 4)).shape
        torch.Size([2, 6, 3, 3, 3])
    """

    cls_to_become = Conv3d

    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._leave_open(out_channels, bias, dtype)


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """`ConvTranspose1d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int.
        stride: stride of the convolution whose adjoint this is, an int.
        padding: padding of that convolution, an int.
        output_padding: extent added at the end of each axis, an int.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int.
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `ConvTranspose1d`: input (N, C, L), or without N.

    Example:
        >>> nn.LazyConvTranspose1d(6, 2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 6, 9])
    """

    cls_to_become = ConvTranspose1d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._leave_open(out_channels, bias, dtype)


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """`ConvTranspose2d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or a pair.
        stride: stride of the convolution whose adjoint this is, an int or a pair.
        padding: padding of that convolution, an int or a pair.
        output_padding: extent added at the end of each axis, an int or a pair.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int or a pair.
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `ConvTranspose2d`: input (N, C, H, W), or without N.

    Example:
        >>> nn.LazyConvTranspose2d(6, 2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 6, 9, 9])
    """

    cls_to_become = ConvTranspose2d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._leave_open(out_channels, bias, dtype)


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """`ConvTranspose3d` whose in_channels is that of the first input.

    Args:
        out_channels: number of channels of the output.
        kernel_size: extents of the kernel, an int or a triple.
        stride: stride of the convolution whose adjoint this is, an int or a triple.
        padding: padding of that convolution, an int or a triple.
        output_padding: extent added at the end of each axis, an int or a triple.
        groups: number of groups of channels that are convolved separately.
        bias: whether there is a bias.
        dilation: step between the elements of the kernel, an int or a triple.
        padding_mode: "zeros", the only one.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Those of `ConvTranspose3d`: input (N, C, D, H, W), or without N.

    Example:
        >>> nn.LazyConvTranspose3d(6, 2)(graphc.ones(2, 3, 4, 4, 4)).shape
        torch.Size([2, 6, 5, 5, 5])
    """

    cls_to_become = ConvTranspose3d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._leave_open(out_channels, bias, dtype)
