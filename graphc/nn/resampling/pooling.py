"""Pooling over windows of other sizes, power means, and unpooling as modules."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.base import FunctionModule
from graphc.nn.module import Module
from graphc.ops.nn.windows import each

__all__ = [
    "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxUnpool1d",
    "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


class _Pool(FunctionModule):
    """A function of windows."""

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


class _AdaptiveMaxPool(_Pool):
    """The largest element of each window; there are as many windows as asked for."""

    options = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"output_size={self.output_size}"


class _LPPool(_Pool):
    """The power sum of each window."""

    options = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def extra_repr(self) -> str:
        """Return the exponent and the sizes."""
        names = ("norm_type", "kernel_size", "stride", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class _MaxUnpool(Module):
    """The inverse of a max pooling."""

    axes = 1

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size, self.padding = each(kernel_size, self.axes), each(padding, self.axes)
        self.stride = self.kernel_size if stride is None else each(stride, self.axes)

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """Put elements back to where they were, in zeros.

        Args:
            input: tensor of the shape that the class describes.
            indices: int64 tensor of the same shape: positions in the result.
            output_size: extents of the result, where more than one fits.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the shapes do not fit.
            ValueError: if output_size does not fit.
        """
        function: Any = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.axes - 1]
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Take maxima over windows of the last axis, as many as asked for.

    Args:
        output_size: extents of the result, an int; None keeps that of the input.
        return_indices: whether to return the positions of the maxima too.

    Shapes:
        Input: (N, C, L), or without N. Output: (N, C, L_out) with the extents output_size.

    Example:
        >>> nn.AdaptiveMaxPool1d(3)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 3, 3])
    """

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Take maxima over windows of the last two axes, as many as asked for.

    Args:
        output_size: extents of the result, an int or one per axis; None keeps that of the input.
        return_indices: whether to return the positions of the maxima too.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C, H_out, W_out) with the extents output_size.

    Example:
        >>> nn.AdaptiveMaxPool2d(3)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 3, 3])
    """

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Take maxima over windows of the last three axes, as many as asked for.

    Args:
        output_size: extents of the result, an int or one per axis; None keeps that of the input.
        return_indices: whether to return the positions of the maxima too.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: (N, C, D_out, H_out, W_out) with the extents output_size.

    Example:
        >>> nn.AdaptiveMaxPool3d(3)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 3, 3, 3])
    """

    function = staticmethod(F.adaptive_max_pool3d)


class LPPool1d(_LPPool):
    """Take the power sum (sum of x^p)^(1/p) of each window over the last axis.

    Args:
        norm_type: the exponent p.
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Shapes:
        Input: (N, C, L), or without N. Output: (N, C, L_out), of extents (extent - kernel_size) / stride
        + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.LPPool1d(2, 2)(graphc.ones(2, 3, 8)).shape
        torch.Size([2, 3, 4])
    """

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """Take the power sum (sum of x^p)^(1/p) of each window over the last two axes.

    Args:
        norm_type: the exponent p.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C, H_out, W_out), of extents (extent - kernel_size) / stride
        + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.LPPool2d(2, 2)(graphc.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 4, 4])
    """

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """Take the power sum (sum of x^p)^(1/p) of each window over the last three axes.

    Args:
        norm_type: the exponent p.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: (N, C, D_out, H_out, W_out), of extents (extent - kernel_size) / stride
        + 1, rounded down, or up with ceil_mode.

    Example:
        >>> nn.LPPool3d(2, 2)(graphc.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    function = staticmethod(F.lp_pool3d)


class MaxUnpool1d(_MaxUnpool):
    """Put the results of `nn.MaxPool1d` back to where they were, in zeros.

    Args:
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: what was padded before and after, an int.

    Shapes:
        Input: (N, C, L), or without N, and its positions. Output: (N, C, L_out), of extents
        (extent - 1) * stride - 2 * padding + kernel_size.

    Example:
        >>> values, indices = nn.MaxPool1d(2, return_indices=True)(graphc.ones(2, 3, 8))
        >>> nn.MaxUnpool1d(2)(values, indices).shape
        torch.Size([2, 3, 8])
    """


class MaxUnpool2d(_MaxUnpool):
    """Put the results of `nn.MaxPool2d` back to where they were, in zeros.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: what was padded before and after, an int or one per axis.

    Shapes:
        Input: (N, C, H, W), or without N, and its positions. Output: (N, C, H_out, W_out), of extents
        (extent - 1) * stride - 2 * padding + kernel_size.

    Example:
        >>> values, indices = nn.MaxPool2d(2, return_indices=True)(graphc.ones(2, 3, 8, 8))
        >>> nn.MaxUnpool2d(2)(values, indices).shape
        torch.Size([2, 3, 8, 8])
    """

    axes = 2


class MaxUnpool3d(_MaxUnpool):
    """Put the results of `nn.MaxPool3d` back to where they were, in zeros.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: what was padded before and after, an int or one per axis.

    Shapes:
        Input: (N, C, D, H, W), or without N, and its positions. Output: (N, C, D_out, H_out, W_out), of extents
        (extent - 1) * stride - 2 * padding + kernel_size.

    Example:
        >>> values, indices = nn.MaxPool3d(2, return_indices=True)(graphc.ones(2, 3, 8, 8, 8))
        >>> nn.MaxUnpool3d(2)(values, indices).shape
        torch.Size([2, 3, 8, 8, 8])
    """

    axes = 3
