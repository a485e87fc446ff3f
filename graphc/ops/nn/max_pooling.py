"""Maxima of sliding windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.ir.core.build import concatenate, constant, elementwise, iota
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import unsqueeze_axis
from graphc.ops.nn.windows import Sizes, each, overhang, padded, pool_extents, pool_window, windows
from graphc.ops.reduce.extremes import extreme_at
from graphc.tensors.dispatch import op

__all__ = ["max_pool1d", "max_pool2d", "max_pool3d"]


def _linear_places(
    places: Node,
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    margin: Sequence[int],
    dilation: Sequence[int],
) -> Node:
    """Return, for places within the kernel, the places in the input's last axes as one number."""
    total = constant(0, I64, places.shape)
    lead = places.type.rank - len(kernel)
    for a, (n, k, s, p, d) in enumerate(zip(sizes, kernel, stride, margin, dilation, strict=True)):
        within = elementwise("remainder", elementwise("floordiv", places, prod(kernel[a + 1 :])), k)
        total = total * n + (iota(places.shape, lead + a) * s + within * d - p)
    return total


def _max_pool(
    axes: int,
    input: Node,
    kernel_size: Sizes,
    stride: Any,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """Return the largest element of each window over the last axes, and its place; node level.  Raises RuntimeError."""
    kernel, steps, margin = pool_window(input, axes, kernel_size, stride, padding)
    spread = each(dilation, axes, "dilation", 1)
    sizes = input.shape[-axes:]
    extents = pool_extents(sizes, kernel, steps, margin, spread, ceil_mode)
    over = overhang(sizes, kernel, steps, margin, spread, extents)
    x = padded(input, margin, [p + o for p, o in zip(margin, over, strict=True)], fill=float("-inf"))
    rank = input.type.rank
    stacked = concatenate([unsqueeze_axis(w, rank) for w in windows(x, kernel, steps, spread, extents)], rank)
    values, places = extreme_at("max", stacked, -1, False)
    return (values, _linear_places(places, sizes, kernel, steps, margin, spread)) if return_indices else values


@op("MaxPool1D")
def max_pool1d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window over the last axis.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode, where
    the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first maximum.

    Args:
        input: tensor (N, C, L), or (C, L) without a batch axis.
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: minus infinity before and after, an int; at most half of the kernel.
        dilation: step between the elements of a window, an int.
        ceil_mode: whether a last window may reach over the padded end.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, L_out) of input's dtype; with return_indices also an int64 tensor of that
        shape: positions in the last axis of input.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2, return_indices=True)
        (tensor([[[5., 4.]]]), tensor([[[1, 3]]]))
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@op("MaxPool2D")
def max_pool2d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window over the last two axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode, where
    the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first maximum.

    Args:
        input: tensor (N, C, H, W), or (C, H, W) without a batch axis.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: minus infinity before and after, an int or one per axis; at most half of the kernel.
        dilation: step between the elements of a window, an int or one per axis.
        ceil_mode: whether a last window may reach over the padded end.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype; with return_indices also an int64 tensor of that
        shape: positions in the last two axes of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool2d(graphc.arange(16.0).reshape(1, 1, 4, 4), 2)
        tensor([[[[ 5.,  7.],
                  [13., 15.]]]])
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@op("MaxPool3D")
def max_pool3d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window over the last three axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode, where
    the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first maximum.

    Args:
        input: tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: minus infinity before and after, an int or one per axis; at most half of the kernel.
        dilation: step between the elements of a window, an int or one per axis.
        ceil_mode: whether a last window may reach over the padded end.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, D_out, H_out, W_out) of input's dtype; with return_indices also an int64 tensor of that
        shape: positions in the last three axes of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool3d(graphc.ones(1, 2, 4, 4, 4), 2).shape
        torch.Size([1, 2, 2, 2, 2])
    """
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
