"""Means of sliding windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import concatenate, constant, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType
from graphc.ops.common import expand_to
from graphc.ops.nn.windows import PoolWindows, Sizes, each, over_axes, padded, pool_windows
from graphc.ops.reduce.sums import mean_nodes
from graphc.ops.shape.slices import narrow_axis

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"]


def _window_sum(x: Node, window: PoolWindows) -> Node:
    first, *rest = window.of(x)
    for part in rest:
        first = first + part
    return first


def _counts(window: PoolWindows, dtype: DType, count_include_pad: bool) -> Node:
    """Return the number of counted elements of each window."""
    if not count_include_pad:
        return _window_sum(padded(constant(1, dtype, window.sizes), window.margin, window.after), window)
    ones = constant(1, dtype, tuple(n + 2 * p for n, p in zip(window.sizes, window.margin, strict=True)))
    return _window_sum(padded(ones, [0] * len(window.sizes), window.overhang), window)


def _average_pooling(axes: int, example: str) -> Any:
    @op(f"AvgPool{axes}D")
    @over_axes(axes, "avg_pool", example)
    def avg_pool(
        input: Node,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Node:
        """Return the mean of each window over {last}.

        Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window
        still starts inside the input).

        Args:
            input: floating-point tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            kernel_size: extents of the window, {ints}.
            stride: step from window to window, {ints}; None means kernel_size.
            padding: zeros before and after, {ints}; at most half of the kernel.
            ceil_mode: whether a last window may reach over the padded end.
            count_include_pad: whether the zeros of the padding count as elements of the mean.
            divisor_override: what sums are divided by instead of the number of elements.

        Returns:
            Tensor (N, C, {outs}) of input's dtype.

        Raises:
            RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size or stride is not positive,
                padding is negative or more than half of the kernel, or divisor_override is 0.
            TypeError: if a size is not an integer.
        """
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        window = pool_windows(input, axes, kernel_size, stride, padding, 1, ceil_mode)
        total = _window_sum(padded(input, window.margin, window.after), window)
        if divisor_override is not None:
            return total / divisor_override
        if not any(window.overhang) and (count_include_pad or not any(window.margin)):
            return total / prod(window.kernel)
        return total / expand_to(_counts(window, input.dtype, count_include_pad), total.shape)

    return avg_pool


avg_pool1d = _average_pooling(
    1,
    """
    >>> F.avg_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2)
    tensor([[[3., 3.]]])
    """,
)
avg_pool2d = _average_pooling(
    2,
    """
    >>> F.avg_pool2d(graphc.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """,
)
avg_pool3d = _average_pooling(
    3,
    """
    >>> F.avg_pool3d(graphc.ones(1, 2, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2, 2])
    """,
)


def _averaged(x: Node, axis: int, out: int) -> Node:
    """Average an axis down to `out` parts of nearly equal size."""
    n = x.shape[axis]
    if out == 0:
        return narrow_axis(x, axis, 0, 0)
    if n % out == 0:
        grouped = reshape(x, (*x.shape[:axis], out, n // out, *x.shape[axis + 1 :]))
        return sum_(grouped, (axis + 1,)) / (n // out)
    bounds = [(i * n // out, -(-(i + 1) * n // out)) for i in range(out)]
    return concatenate([mean_nodes(narrow_axis(x, axis, a, b), (axis,), True) for a, b in bounds], axis)


def _adaptive_average_pooling(axes: int, example: str) -> Any:
    @op(f"AdaptiveAvgPool{axes}D")
    @over_axes(axes, "adaptive_avg_pool", example)
    def adaptive_avg_pool(input: Node, output_size: int | Sequence[int | None] | None) -> Node:
        """Return means over windows chosen such that {last} of the result have the extents output_size.

        Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

        Args:
            input: floating-point tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            output_size: extents of {last}, {ints}; None keeps an axis.

        Returns:
            Tensor (N, C, {outs}), or (C, {outs}) without a batch axis, of input's dtype.

        Raises:
            RuntimeError: if the rank or the number of sizes does not fit, or a size is negative.
            TypeError: if a size is not an integer.
        """
        sizes: Sequence[Any] = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
        extents = [None if n is None else each(n, 1, "output_size")[0] for n in sizes]
        x, rank = input, input.type.rank
        if len(extents) != axes or rank not in (axes + 1, axes + 2):
            raise RuntimeError(f"expected {axes} output sizes for {axes + 1} or {axes + 2} axes, got {output_size} for {rank}")
        for axis, out in zip(range(rank - axes, rank), extents, strict=True):
            x = x if out is None else _averaged(x, axis, out)
        return x

    return adaptive_avg_pool


adaptive_avg_pool1d = _adaptive_average_pooling(
    1,
    """
    >>> F.adaptive_avg_pool1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), 2)
    tensor([[[2., 4.]]])
    """,
)
adaptive_avg_pool2d = _adaptive_average_pooling(
    2,
    """
    >>> F.adaptive_avg_pool2d(graphc.arange(8.0).reshape(1, 1, 2, 4), (1, None))
    tensor([[[[2., 3., 4., 5.]]]])
    """,
)
adaptive_avg_pool3d = _adaptive_average_pooling(
    3,
    """
    >>> F.adaptive_avg_pool3d(graphc.ones(1, 2, 4, 4, 4), 3).shape
    torch.Size([1, 2, 3, 3, 3])
    """,
)
