"""Pooling: the maximum or the mean of each window."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn.layers.base import FunctionModule
from graphc.ops.nn.windows import each

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d",
]  # fmt: skip


class _Pool(FunctionModule):
    """A function of windows; `repr` shows the options of `shown`."""

    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding")

    def forward(self, input: Any) -> Any:
        """Pool.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype; with return_indices the pair of it and an int64 tensor of positions.

        Raises:
            RuntimeError: if the rank or the extents of input do not fit.
        """
        return self._call(input)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


class _MaxPool(_Pool):
    """The largest element of each window."""

    options = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

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


class _AvgPool(_Pool):
    """The mean of each window."""

    options = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")

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


class _AdaptiveAvgPool(_Pool):
    options = ("output_size",)
    shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


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


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Average the last three axes down to given extents.

    Args:
        output_size: the extents, an int or one per axis; None keeps that of the input.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: (N, C, output_size[0], output_size[1], output_size[2]).

    Example:
        >>> nn.AdaptiveAvgPool3d((1, 2, None))(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 1, 2, 8])
    """

    function = staticmethod(F.adaptive_avg_pool3d)
