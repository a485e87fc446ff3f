"""Maxima of sliding windows."""

from __future__ import annotations

from math import prod
from typing import Any, Literal, Protocol, overload

from graphc.dispatch.operation import op
from graphc.ir.core.build import concatenate, constant, elementwise, iota
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import unsqueeze_axis
from graphc.ops.nn.windows import PoolWindows, Sizes, over_axes, padded, pool_windows
from graphc.ops.reduce.extremes import extreme_at
from graphc.tensors.tensor import Tensor

__all__ = ["max_pool1d", "max_pool2d", "max_pool3d"]


class MaxPool(Protocol):
    """The type of a max pooling function: a tensor, or with `return_indices` a tuple of tensors."""

    @overload
    def __call__(
        self,
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        *,
        return_indices: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]: ...


def _linear_indices(indices: Node, window: PoolWindows) -> Node:
    """Return, for indices within the kernel, the row-major indices into the input's last axes."""
    total = constant(0, I64, indices.shape)
    lead = indices.type.rank - len(window.kernel)
    axes = zip(window.sizes, window.kernel, window.stride, window.margin, window.dilation, strict=True)
    for a, (n, k, s, p, d) in enumerate(axes):
        within = elementwise("remainder", elementwise("floordiv", indices, prod(window.kernel[a + 1 :])), k)
        total = total * n + (iota(indices.shape, lead + a) * s + within * d - p)
    return total


def _max_pooling(axes: int, example: str) -> Any:
    @op(f"MaxPool{axes}D")
    @over_axes(axes, "max_pool", example)
    def max_pool(
        input: Node,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Node | tuple[Node, Node]:
        """Return the maximum of each window over {last}.

        Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
        where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
        maximum.

        Args:
            input: tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            kernel_size: extents of the window, {ints}.
            stride: step from window to window, {ints}; None means kernel_size.
            padding: minus infinity before and after, {ints}; at most half of the kernel.
            dilation: step between the elements of a window, {ints}.
            ceil_mode: whether a last window may reach over the padded end.
            return_indices: whether to return the positions of the maxima too.

        Returns:
            Tensor (N, C, {outs}) of input's dtype; with return_indices also an int64 tensor of that
            shape: positions in {last} of input, counted in row-major order.

        Raises:
            RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
                positive, or padding is negative or more than half of the kernel.
            TypeError: if a size is not an integer.
        """
        window = pool_windows(input, axes, kernel_size, stride, padding, dilation, ceil_mode)
        x, rank = padded(input, window.margin, window.after, fill=float("-inf")), input.type.rank
        candidates = concatenate([unsqueeze_axis(w, rank) for w in window.of(x)], rank)
        values, indices = extreme_at("max", candidates, -1, False)
        return (values, _linear_indices(indices, window)) if return_indices else values

    return max_pool


max_pool1d: MaxPool = _max_pooling(
    1,
    """
    >>> F.max_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2, return_indices=True)
    (tensor([[[5., 4.]]]), tensor([[[1, 3]]]))
    """,
)
max_pool2d: MaxPool = _max_pooling(
    2,
    """
    >>> F.max_pool2d(graphc.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """,
)
max_pool3d: MaxPool = _max_pooling(
    3,
    """
    >>> F.max_pool3d(graphc.ones(1, 2, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2, 2])
    """,
)
