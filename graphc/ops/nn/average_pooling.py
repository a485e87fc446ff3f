"""Means of sliding windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.ir.core.build import concatenate, constant, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to
from graphc.ops.nn.windows import Sizes, each, overhang, padded, pool_extents, pool_window, windows
from graphc.ops.reduce.sums import mean_nodes
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.dispatch import op

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d"]


def _window_sum(x: Node, kernel: Sequence[int], stride: Sequence[int], extents: Sequence[int]) -> Node:
    first, *rest = windows(x, kernel, stride, (1,) * len(kernel), extents)
    for window in rest:
        first = first + window
    return first


def _avg_pool(
    axes: int,
    input: Node,
    kernel_size: Sizes,
    stride: Any,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Node:
    """Return the mean of each window over the last axes; node level.  Raises RuntimeError."""
    kernel, steps, margin = pool_window(input, axes, kernel_size, stride, padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    sizes, spread = input.shape[-axes:], (1,) * axes
    extents = pool_extents(sizes, kernel, steps, margin, spread, ceil_mode)
    over = overhang(sizes, kernel, steps, margin, spread, extents)
    high = [p + o for p, o in zip(margin, over, strict=True)]
    total = _window_sum(padded(input, margin, high), kernel, steps, extents)
    if divisor_override is not None:
        return total / divisor_override
    if not any(over) and (count_include_pad or not any(margin)):
        return total / prod(kernel)
    ones = constant(1, input.dtype, tuple(n + 2 * p if count_include_pad else n for n, p in zip(sizes, margin, strict=True)))
    ones = padded(ones, [0] * axes, over) if count_include_pad else padded(ones, margin, high)
    return total / expand_to(_window_sum(ones, kernel, steps, extents), total.shape)


def _averaged(x: Node, axis: int, out: int) -> Node:
    """Average an axis down to `out` parts that are as even as can be."""
    n = x.shape[axis]
    if out == 0:
        return narrow_axis(x, axis, 0, 0)
    if n % out == 0:
        grouped = reshape(x, (*x.shape[:axis], out, n // out, *x.shape[axis + 1 :]))
        return sum_(grouped, (axis + 1,)) / (n // out)
    bounds = [(i * n // out, -(-(i + 1) * n // out)) for i in range(out)]
    return concatenate([mean_nodes(narrow_axis(x, axis, a, b), (axis,), True) for a, b in bounds], axis)


def _adaptive_avg_pool(axes: int, input: Node, output_size: Any) -> Node:
    """Return means over windows such that the last axes get `output_size`; None keeps an axis; node level."""
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    wanted = [None if n is None else each(n, 1, "output_size")[0] for n in given]
    x, rank = input, input.type.rank
    if len(wanted) != axes or rank not in (axes + 1, axes + 2):
        raise RuntimeError(f"expected {axes} output sizes for {axes + 1} or {axes + 2} axes, got {output_size} for {rank}")
    for axis, out in zip(range(rank - axes, rank), wanted, strict=True):
        x = x if out is None else _averaged(x, axis, out)
    return x


@op("AvgPool1D")
def avg_pool1d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """Return the mean of each window over the last axis.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window still
    starts inside the input).

    Args:
        input: floating-point tensor (N, C, L), or (C, L) without a batch axis.
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: zeros before and after, an int; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Returns:
        Tensor (N, C, L_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size or stride is not positive,
            padding is negative or more than half of the kernel, or divisor_override is 0.
        TypeError: if a size is not an integer.

    Example:
        >>> F.avg_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2)
        tensor([[[3., 3.]]])
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op("AvgPool2D")
def avg_pool2d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """Return the mean of each window over the last two axes.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window still
    starts inside the input).

    Args:
        input: floating-point tensor (N, C, H, W), or (C, H, W) without a batch axis.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: zeros before and after, an int or one per axis; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size or stride is not positive,
            padding is negative or more than half of the kernel, or divisor_override is 0.
        TypeError: if a size is not an integer.

    Example:
        >>> F.avg_pool2d(graphc.arange(16.0).reshape(1, 1, 4, 4), 2)
        tensor([[[[ 2.5000,  4.5000],
                  [10.5000, 12.5000]]]])
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op("AvgPool3D")
def avg_pool3d(
    input: Node,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """Return the mean of each window over the last three axes.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window still
    starts inside the input).

    Args:
        input: floating-point tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: zeros before and after, an int or one per axis; at most half of the kernel.
        ceil_mode: whether a last window may reach over the padded end.
        count_include_pad: whether the zeros of the padding count as elements of the mean.
        divisor_override: what sums are divided by instead of the number of elements.

    Returns:
        Tensor (N, C, D_out, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size or stride is not positive,
            padding is negative or more than half of the kernel, or divisor_override is 0.
        TypeError: if a size is not an integer.

    Example:
        >>> F.avg_pool3d(graphc.ones(1, 2, 4, 4, 4), 2).shape
        torch.Size([1, 2, 2, 2, 2])
    """
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op("AdaptiveAvgPool1D")
def adaptive_avg_pool1d(input: Node, output_size: Sizes | None) -> Node:
    """Return means over windows chosen such that the last axis gets output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, L), or (C, L) without a batch axis.
        output_size: extent of the last axis, an int or a list of one; None keeps it.

    Returns:
        Tensor (N, C, L_out), or (C, L_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, or a size is negative.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_avg_pool1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), 2)
        tensor([[[2., 4.]]])
    """
    return _adaptive_avg_pool(1, input, output_size)


@op("AdaptiveAvgPool2D")
def adaptive_avg_pool2d(input: Node, output_size: int | Sequence[int | None] | None) -> Node:
    """Return means over windows chosen such that the last two axes get output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, H, W), or (C, H, W) without a batch axis.
        output_size: extents of the last two axes, an int or one per axis; None keeps an axis.

    Returns:
        Tensor (N, C, H_out, W_out), or (C, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, or a size is negative.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_avg_pool2d(graphc.arange(8.0).reshape(1, 1, 2, 4), (1, None))
        tensor([[[[2., 3., 4., 5.]]]])
    """
    return _adaptive_avg_pool(2, input, output_size)
