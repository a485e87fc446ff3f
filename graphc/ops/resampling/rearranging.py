"""Channels and windows moved into space and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import constant, iota, permute, reshape, scatter_add
from graphc.ir.core.graph import Node
from graphc.ops.nn.windows import Sizes, each, padded, windows
from graphc.ops.shape.joining import stack

__all__ = ["channel_shuffle", "fold", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold"]


@op("PixelShuffle", saves=False)
def pixel_shuffle(input: Node, upscale_factor: int) -> Node:
    """Move groups of channels into squares of pixels.

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
    network" (2016).

    Args:
        input: tensor (*, C * r^2, H, W).
        upscale_factor: side r of the squares.

    Returns:
        Tensor (*, C, H * r, W * r) of input's dtype.

    Raises:
        RuntimeError: if input has fewer than three axes, r is not positive, or r^2 does not divide the channels.

    Example:
        >>> F.pixel_shuffle(graphc.arange(4.0).reshape(1, 4, 1, 1), 2)
        tensor([[[[0., 1.],
                  [2., 3.]]]])
    """
    r = upscale_factor
    if input.type.rank < 3:
        got = f"but got input with {input.type.rank} dimension(s)"
        raise RuntimeError(f"pixel_shuffle expects input to have at least 3 dimensions, {got}")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, channels, h, w = input.shape
    if channels % (r * r):
        rule = "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor"
        raise RuntimeError(f"{rule}, but input.size(-3)={channels} is not divisible by {r * r}")
    n = len(lead)
    x = reshape(input, (*lead, channels // (r * r), r, r, h, w))
    x = permute(x, [*range(n), n, n + 3, n + 1, n + 4, n + 2])
    return reshape(x, (*lead, channels // (r * r), h * r, w * r))


@op("PixelUnshuffle", saves=False)
def pixel_unshuffle(input: Node, downscale_factor: int) -> Node:
    """Move squares of pixels into channels, the inverse of `pixel_shuffle`.

    Args:
        input: tensor (*, C, H * r, W * r).
        downscale_factor: side r of the squares.

    Returns:
        Tensor (*, C * r^2, H, W) of input's dtype.

    Raises:
        RuntimeError: if input has fewer than three axes, r is not positive, or does not divide height and width.

    Example:
        >>> F.pixel_unshuffle(graphc.arange(4.0).reshape(1, 1, 2, 2), 2).shape
        torch.Size([1, 4, 1, 1])
    """
    r = downscale_factor
    if input.type.rank < 3:
        got = f"but got input with {input.type.rank} dimension(s)"
        raise RuntimeError(f"pixel_unshuffle expects input to have at least 3 dimensions, {got}")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, channels, h, w = input.shape
    if h % r or w % r:
        rule = "pixel_unshuffle expects height and width to be divisible by downscale_factor"
        raise RuntimeError(f"{rule}, got {h}, {w} and {r}")
    n = len(lead)
    x = reshape(input, (*lead, channels, h // r, r, w // r, r))
    x = permute(x, [*range(n), n, n + 2, n + 4, n + 1, n + 3])
    return reshape(x, (*lead, channels * r * r, h // r, w // r))


def _shuffled(input: Node, groups: int) -> Node:
    if input.type.rank < 3:
        got = f"but got input with sizes {list(input.shape)}"
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, {got}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if input.shape[1] % groups:
        got = f"Got {input.shape[1]} channels and {groups} groups"
        raise RuntimeError(f"Number of channels must be divisible by groups. {got}")
    n, channels, *rest = input.shape
    x = reshape(input, (n, groups, channels // groups, *rest))
    return reshape(permute(x, [0, 2, 1, *range(3, x.type.rank)]), input.shape)


@op("ChannelShuffle", saves=False)
def channel_shuffle(input: Node, groups: int) -> Node:
    """Interleave groups of channels.

    Source: Zhang et al., "ShuffleNet" (2018).

    Args:
        input: tensor (N, C, *) of at least three axes.
        groups: number of groups.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than three axes, or groups is not positive or does not divide the channels.

    Example:
        >>> F.channel_shuffle(graphc.arange(4).reshape(1, 4, 1), 2).flatten()
        tensor([0, 2, 1, 3])
    """
    return _shuffled(input, groups)


@op("NativeChannelShuffle", saves=False)
def native_channel_shuffle(input: Node, groups: int) -> Node:
    """Interleave groups of channels, as `channel_shuffle`.

    Args:
        input: tensor (N, C, *) of at least three axes.
        groups: number of groups.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than three axes, or groups is not positive or does not divide the channels.

    Example:
        >>> F.native_channel_shuffle(graphc.arange(4).reshape(1, 4, 1), 2).flatten()
        tensor([0, 2, 1, 3])
    """
    return _shuffled(input, groups)


def _extents(sizes: Sequence[int], kernel: Any, dilation: Any, padding: Any, stride: Any) -> list[int]:
    """Return how many windows there are along each axis.  Raises RuntimeError."""
    axes = zip(sizes, kernel, dilation, padding, stride, strict=True)
    extents = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in axes]
    if min(extents) < 1:
        got = f"spatial size {list(sizes)}, kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}"
        raise RuntimeError(f"expected at least one window along each axis, got {got}")
    return extents


@op("Im2Col", saves=False)
def unfold(input: Node, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Node:
    """Return the windows of images as columns.

    Args:
        input: tensor (N, C, H, W), or without N.
        kernel_size: extents of the window, an int or one per axis.
        dilation: step between the elements of a window.
        padding: zeros before and after each axis.
        stride: step from window to window.

    Returns:
        Tensor (N, C * elements of a window, number of windows) of input's dtype.

    Raises:
        IndexError: if input has fewer than three axes.
        RuntimeError: if it has more than four, a size is not positive, padding is negative, or there is no window.
        TypeError: if a size is not an integer.

    Example:
        >>> F.unfold(graphc.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
        tensor([[[0., 2.],
                 [1., 3.]]])
    """
    kernel, dilations = each(kernel_size, 2, "kernel_size", 1), each(dilation, 2, "dilation", 1)
    margin, steps = each(padding, 2, "padding"), each(stride, 2, "stride", 1)
    if input.type.rank < 3:
        raise IndexError(f"expected images (N, C, H, W), or without N, got shape {list(input.shape)}")
    if input.type.rank > 4 or 0 in input.shape[-3:]:
        got = f"but got: {list(input.shape)}"
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, {got}")
    extents = _extents(input.shape[-2:], kernel, dilations, margin, steps)
    lead = input.shape[:-3]
    taps = windows(padded(input, margin, margin), kernel, steps, dilations, extents)
    columns = stack.nodes([reshape(t, (*lead, t.shape[-3], extents[0] * extents[1])) for t in taps], len(lead) + 1)
    return reshape(columns, (*lead, input.shape[-3] * len(taps), extents[0] * extents[1]))


@op("Col2Im", saves=False)
def fold(
    input: Node, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Node:
    """Add columns of windows up to images, the adjoint of `unfold`.

    Args:
        input: tensor (N, C * elements of a window, number of windows), or without N.
        output_size: height and width of the result, an int or one per axis.
        kernel_size: extents of the window, an int or one per axis.
        dilation: step between the elements of a window.
        padding: zeros that `unfold` put before and after each axis.
        stride: step from window to window.

    Returns:
        Tensor (N, C, H, W) of input's dtype.

    Raises:
        RuntimeError: if the shape of input does not fit, a size is not positive, or padding is negative.
        TypeError: if a size is not an integer.

    Example:
        >>> F.fold(F.unfold(graphc.ones(1, 1, 1, 3), (1, 2)), (1, 3), (1, 2))
        tensor([[[[1., 2., 1.]]]])
    """
    sizes, kernel = each(output_size, 2, "output_size", 1), each(kernel_size, 2, "kernel_size", 1)
    dilations, margin, steps = each(dilation, 2, "dilation", 1), each(padding, 2, "padding"), each(stride, 2, "stride", 1)
    extents = _extents(sizes, kernel, dilations, margin, steps)
    elements, count = kernel[0] * kernel[1], extents[0] * extents[1]
    if input.type.rank not in (2, 3) or not input.shape[-2] or input.shape[-2] % elements or input.shape[-1] != count:
        rule = f"expected input (N, C * {elements}, {count}), or without N"
        raise RuntimeError(f"{rule}, got {list(input.shape)}")
    lead, channels = input.shape[:-2], input.shape[-2] // elements
    full = (*lead, channels, *kernel, *extents)
    rank = len(full)
    outer = [iota(full, a) for a in range(rank - 4)]
    places = [
        iota(full, rank - 2 + a) * steps[a] + iota(full, rank - 4 + a) * dilations[a] for a in range(2)
    ]  # in the padded image
    wide = [n + 2 * p for n, p in zip(sizes, margin, strict=True)]
    target = constant(0, input.dtype, (*lead, channels, *wide))
    image = scatter_add(target, reshape(input, full), *outer, *places)
    return padded(image, [-p for p in margin], [-p for p in margin])
