"""Other resolutions, and channels moved into space, as modules."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.base import FunctionModule
from graphc.nn.module import Module

__all__ = [
    "ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold", "Upsample", "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]  # fmt: skip


class Upsample(Module):
    """Resample the spatial axes to other extents.

    Args:
        size: extents of the result, an int or one per spatial axis.
        scale_factor: extents of the result relative to those of the input; either this or size.
        mode: "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear" or "area".
        align_corners: whether the centers of the first and last elements coincide, for modes that interpolate.
        recompute_scale_factor: whether the factor follows from the rounded extents.

    Shapes:
        Input: (N, C, L), (N, C, H, W) or (N, C, D, H, W). Output: the same rank, other spatial extents.

    Example:
        >>> nn.Upsample(scale_factor=2)(graphc.tensor([[[1.0, 3.0]]]))
        tensor([[[1., 1., 3., 3.]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor: Any = scale_factor
        if isinstance(scale_factor, (tuple, list)):
            self.scale_factor = tuple(float(f) for f in scale_factor)
        elif scale_factor:
            self.scale_factor = float(scale_factor)
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """Resample.

        Args:
            input: floating-point tensor (N, C, L), (N, C, H, W) or (N, C, D, H, W).

        Returns:
            Tensor of input's dtype.

        Raises:
            ValueError: if not one of size and scale_factor was given, or an option does not go with the mode.
            NotImplementedError: if the mode is another word or not one for the rank of input.
        """
        options = (self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)
        return F.interpolate(input, *options)

    def extra_repr(self) -> str:
        """Return the sizes and the mode."""
        size = f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resample images by their nearest pixels.

    Args:
        size: height and width of the result, an int or a pair.
        scale_factor: the same relative to those of the input; either this or size.

    Shapes:
        Input: (N, C, H, W). Output: (N, C, H_out, W_out).

    Example:
        >>> nn.UpsamplingNearest2d(scale_factor=2)(graphc.ones(1, 1, 2, 3)).shape
        torch.Size([1, 1, 4, 6])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Resample images linearly along both axes, with aligned corners.

    Args:
        size: height and width of the result, an int or a pair.
        scale_factor: the same relative to those of the input; either this or size.

    Shapes:
        Input: (N, C, H, W). Output: (N, C, H_out, W_out).

    Example:
        >>> nn.UpsamplingBilinear2d(size=(1, 3))(graphc.tensor([[[[1.0, 3.0]]]]))
        tensor([[[[1., 2., 3.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class _Rearranging(FunctionModule):
    """A function that moves elements; `repr` shows its options."""

    def forward(self, input: Any) -> Any:
        """Move the elements.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the shape of input does not fit.
        """
        return self._call(input)

    def extra_repr(self) -> str:
        """Return the options."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.options)


class PixelShuffle(_Rearranging):
    """Move groups of channels into squares of pixels.

    Args:
        upscale_factor: side r of the squares.

    Shapes:
        Input: (*, C * r^2, H, W). Output: (*, C, H * r, W * r).

    Example:
        >>> nn.PixelShuffle(3)(graphc.ones(1, 9, 4, 4)).shape
        torch.Size([1, 1, 12, 12])
    """

    function = staticmethod(F.pixel_shuffle)
    options = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor


class PixelUnshuffle(_Rearranging):
    """Move squares of pixels into channels.

    Args:
        downscale_factor: side r of the squares.

    Shapes:
        Input: (*, C, H * r, W * r). Output: (*, C * r^2, H, W).

    Example:
        >>> nn.PixelUnshuffle(3)(graphc.ones(1, 1, 12, 12)).shape
        torch.Size([1, 9, 4, 4])
    """

    function = staticmethod(F.pixel_unshuffle)
    options = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor


class ChannelShuffle(_Rearranging):
    """Interleave groups of channels.

    Args:
        groups: number of groups.

    Shapes:
        Input: (N, C, *). Output: the same.

    Example:
        >>> nn.ChannelShuffle(2)(graphc.arange(4).reshape(1, 4, 1)).flatten()
        tensor([0, 2, 1, 3])
    """

    function = staticmethod(F.channel_shuffle)
    options = ("groups",)

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups


class Unfold(_Rearranging):
    """Return the windows of images as columns.

    Args:
        kernel_size: extents of the window, an int or one per axis.
        dilation: step between the elements of a window.
        padding: zeros before and after each axis.
        stride: step from window to window.

    Shapes:
        Input: (N, C, H, W), or without N. Output: (N, C * elements of a window, number of windows).

    Example:
        >>> nn.Unfold((2, 3))(graphc.ones(2, 5, 3, 4)).shape
        torch.Size([2, 30, 4])
    """

    function = staticmethod(F.unfold)
    options = ("kernel_size", "dilation", "padding", "stride")

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride


class Fold(_Rearranging):
    """Add columns of windows up to images.

    Args:
        output_size: height and width of the result, an int or one per axis.
        kernel_size: extents of the window, an int or one per axis.
        dilation: step between the elements of a window.
        padding: zeros before and after each axis that the windows reach into.
        stride: step from window to window.

    Shapes:
        Input: (N, C * elements of a window, number of windows), or without N. Output: (N, C, H, W).

    Example:
        >>> nn.Fold((4, 5), (2, 2))(graphc.ones(1, 12, 12)).shape
        torch.Size([1, 3, 4, 5])
    """

    function = staticmethod(F.fold)
    options = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride
