"""Convolutions and pooling over one, two or three axes, under torch's names.

A window slides by strided slices of the padded input, one slice for each place in the kernel: a convolution is
a product of matrices over the joined slices, a pooling a reduction over them, and gradients follow from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from operator import index
from typing import Any

from graphc.ir.core.build import (
    concatenate,
    constant,
    elementwise,
    expand_axes,
    flip,
    iota,
    matmul,
    pad,
    permute,
    reshape,
    slice_,
    sum_,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, expand_to, torch_name, unsqueeze_axis
from graphc.ops.reductions import extreme_at, mean_nodes
from graphc.ops.shape import narrow_axis
from graphc.tensors.dispatch import op

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "max_pool1d", "max_pool2d", "max_pool3d",
]  # fmt: skip

Sizes = int | Sequence[int]


def each(size: Sizes, axes: int, name: str = "a size", least: int = 0) -> tuple[int, ...]:
    """Return one integer for each axis.  Raises TypeError for what is none, RuntimeError for too many or too small ones."""
    given = (size,) if isinstance(size, int) or not isinstance(size, (tuple, list)) else tuple(size)
    for n in given:
        if isinstance(n, (bool, float, str)) or not hasattr(n, "__index__"):
            raise TypeError(f"expected integers for {name}, got {size!r:.40}")
    found = tuple(index(n) for n in given)
    found = found * axes if len(found) == 1 else found
    if len(found) != axes:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {axes} values, but got {name}={size}")
    if any(n < least for n in found):
        what = f"negative {name}" if least == 0 else f"non-positive {name}"
        raise RuntimeError(f"{what} is not supported, got {list(found)}")
    return found


def _check_groups(groups: Any, *channels: int) -> None:
    """Raise RuntimeError unless there is one group at least, and all have equally many channels."""
    if isinstance(groups, bool) or not hasattr(groups, "__index__"):
        raise TypeError(f"expected an integer number of groups, got {groups!r:.40}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(n % groups for n in channels):
        raise RuntimeError(f"expected channels that {groups} groups share evenly, got {', '.join(map(str, channels))}")


def windows(
    x: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], extents: Sequence[int]
) -> list[Node]:
    """Return for each place in the kernel what all windows have there; the last axes have `extents`; node level."""
    lead = x.type.rank - len(kernel)
    found = []
    for offset in product(*map(range, kernel)):
        start = [o * d for o, d in zip(offset, dilation, strict=True)]
        stop = [s + (n - 1) * p + 1 for s, n, p in zip(start, extents, stride, strict=True)]
        found.append(slice_(x, [0] * lead + start, [*x.shape[:lead], *stop], [1] * lead + list(stride)))
    return found


def padded(x: Node, low: Sequence[int], high: Sequence[int], interior: Sequence[int] | None = None, fill: float = 0.0) -> Node:
    """Pad the last axes; negative sizes cut; node level."""
    lead = [0] * (x.type.rank - len(low))
    inner = lead + list(interior if interior is not None else [0] * len(low))
    x = pad(x, [*lead, *(max(n, 0) for n in low)], [*lead, *(max(n, 0) for n in high)], inner, fill=fill)
    starts = [*lead, *(max(-n, 0) for n in low)]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, [*lead, *high], strict=True)]
    return slice_(x, starts, stops)


def _extents(x: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[int]:
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    sizes = x.shape[-len(kernel) :]
    if any(r > n for r, n in zip(reach, sizes, strict=True)):
        inside = " x ".join(map(str, sizes))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({inside}). Kernel size: ({' x '.join(map(str, reach))}). "
            "Kernel size can't be greater than actual input size"
        )
    return [(n - r) // s + 1 for n, r, s in zip(sizes, reach, stride, strict=True)]


def _margins(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the padding before and after; "same" keeps the extents at stride 1, "valid" is none."""
    if padding == "valid":
        return [0] * len(kernel), [0] * len(kernel)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [t // 2 for t in total], [t - t // 2 for t in total]
    if isinstance(padding, str):
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    sizes = list(each(padding, len(kernel), "padding"))
    return sizes, sizes


def _check_channels(x: Node, weight: Node, groups: int) -> None:
    if x.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {x.shape[1]} channels instead"
        )


def _convolved(x: Node, weight: Node, stride: Sequence[int], dilation: Sequence[int], groups: int) -> Node:
    """Convolve padded input (N, C, …) with weight (O, C/groups, …) as one product of matrices."""
    _check_channels(x, weight, groups)
    kernel = weight.shape[2:]
    extents = _extents(x, kernel, stride, dilation)
    slices = concatenate([unsqueeze_axis(w, 2) for w in windows(x, kernel, stride, dilation, extents)], 2)
    inner = prod(weight.shape[1:])
    columns = reshape(slices, (x.shape[0], groups, inner, prod(extents)))
    rows = reshape(weight, (groups, weight.shape[0] // groups, inner))
    result = matmul(expand_to(rows, (x.shape[0], *rows.shape)), columns)
    return reshape(result, (x.shape[0], weight.shape[0], *extents))


def _with_bias(x: Node, bias: Node | None) -> Node:
    return x if bias is None else x + expand_axes(bias, x.shape, [a for a in range(x.type.rank) if a != 1])


def _batched(x: Node, axes: int) -> Node:
    if x.type.rank not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to conv{axes}d, "
            f"but got input of size: {list(x.shape)}"
        )
    return x if x.type.rank == axes + 2 else unsqueeze_axis(x, 0)


def _check_operands(axes: int, x: Node, weight: Node, bias: Node | None, out: int) -> None:
    """Raise RuntimeError unless a kernel has `axes` axes to slide along, bias `out` elements, and all have one dtype."""
    if weight.type.rank != axes + 2:
        raise RuntimeError(f"expected a weight of {axes + 2} axes for conv{axes}d, got one of shape {list(weight.shape)}")
    if bias is not None and bias.shape != (out,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {out} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype is not x.dtype:
            ours, theirs = torch_name(x.dtype, lower=True), torch_name(other.dtype, lower=True)
            raise RuntimeError(f"Input type ({ours}) and {name} type ({theirs}) should be the same")


def _unbatched(result: Node, input: Node) -> Node:
    return result if input.type.rank == result.type.rank else reshape(result, result.shape[1:])


def _conv(
    axes: int, input: Node, weight: Node, bias: Node | None, stride: Sizes, padding: Any, dilation: Sizes, groups: int
) -> Node:
    """Return input (N, C, …) convolved with weight (O, C/groups, …), plus bias; node level.  Raises RuntimeError."""
    _check_operands(axes, input, weight, bias, weight.shape[0] if weight.type.rank else 0)
    steps, spread = each(stride, axes, "stride", 1), each(dilation, axes, "dilation", 1)
    _check_groups(groups, weight.shape[0])
    if padding == "same" and any(s != 1 for s in steps):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    x = padded(_batched(input, axes), *_margins(padding, weight.shape[2:], spread))
    return _unbatched(_with_bias(_convolved(x, weight, steps, spread, groups), bias), input)


def _conv_transpose(
    axes: int,
    input: Node,
    weight: Node,
    bias: Node | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Node:
    """Return the adjoint of a convolution with weight (C, O/groups, …) applied to input, plus bias; node level.

    It is a convolution of the input, spread by the stride, with the kernel turned round.  Raises RuntimeError.
    """
    steps, spread = each(stride, axes, "stride", 1), each(dilation, axes, "dilation", 1)
    _check_operands(axes, input, weight, bias, weight.shape[1] * groups if weight.type.rank > 1 else 0)
    _check_groups(groups, weight.shape[0])
    more = each(output_padding, axes, "output_padding")
    if any(o >= max(s, d) for o, s, d in zip(more, steps, spread, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got output_padding "
            f"{more}, stride {steps}, dilation {spread}"
        )
    low = [d * (k - 1) - p for d, k, p in zip(spread, weight.shape[2:], each(padding, axes, "padding"), strict=True)]
    high = [n + o for n, o in zip(low, more, strict=True)]
    x = padded(_batched(input, axes), low, high, [s - 1 for s in steps])
    channels, out = weight.shape[:2]
    turned = reshape(flip(weight, tuple(range(2, axes + 2))), (groups, channels // groups, out, *weight.shape[2:]))
    turned = permute(turned, (0, 2, 1, *range(3, axes + 3)))
    kernel = reshape(turned, (groups * out, channels // groups, *weight.shape[2:]))
    return _unbatched(_with_bias(_convolved(x, kernel, (1,) * axes, spread, groups), bias), input)


@op("Convolution")
def conv1d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Node:
    """Convolve the last axis of input with a kernel (cross-correlation: the kernel is not flipped), then add bias.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) // stride + 1.

    Args:
        input: tensor (N, C, L), or (C, L) without a batch axis.
        weight: kernels (O, C / groups, K), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: step from window to window, an int.
        padding: zeros before and after, an int; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int.
        groups: number of groups of channels that are convolved separately.

    Returns:
        Tensor (N, O, L_out), or (O, L_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, the kernel is larger than the padded input, stride,
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0]]]), graphc.tensor([[[1.0, -1.0]]]))
        tensor([[[-1., -1., -1.]]])
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@op("Convolution")
def conv2d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Node:
    """Convolve the last two axes of input with a kernel (cross-correlation: the kernel is not flipped), then add bias.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) // stride + 1.

    Args:
        input: tensor (N, C, H, W), or (C, H, W) without a batch axis.
        weight: kernels (O, C / groups, kH, kW), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: step from window to window, an int or one per axis.
        padding: zeros before and after, an int or one per axis; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int or one per axis.
        groups: number of groups of channels that are convolved separately.

    Returns:
        Tensor (N, O, H_out, W_out), or (O, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, the kernel is larger than the padded input, stride,
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv2d(graphc.ones(1, 1, 4, 4), graphc.ones(1, 1, 3, 3), stride=2, padding=1)
        tensor([[[[4., 6.],
                  [6., 9.]]]])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@op("Convolution")
def conv3d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Node:
    """Convolve the last three axes of input with a kernel (cross-correlation: the kernel is not flipped), then add bias.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) // stride + 1.

    Args:
        input: tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        weight: kernels (O, C / groups, kD, kH, kW), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: step from window to window, an int or one per axis.
        padding: zeros before and after, an int or one per axis; "valid" is 0, "same" keeps the extents (stride 1 only).
        dilation: step between the elements of a window, an int or one per axis.
        groups: number of groups of channels that are convolved separately.

    Returns:
        Tensor (N, O, D_out, H_out, W_out), or (O, D_out, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, the kernel is larger than the padded input, stride,
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv3d(graphc.ones(1, 2, 4, 4, 4), graphc.ones(5, 2, 3, 3, 3)).shape
        torch.Size([1, 5, 2, 2, 2])
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


@op("Convolution")
def conv_transpose1d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Node:
    """Apply the adjoint of `conv1d` over the last axis (a "transposed convolution"), then add bias.

    Each output extent is (extent - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.

    Args:
        input: tensor (N, C, L), or (C, L) without a batch axis.
        weight: kernels (C, O / groups, K), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: stride of the convolution whose adjoint this is, an int.
        padding: padding of that convolution, an int.
        output_padding: extent added at the end of each axis, an int; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        dilation: step between the elements of the kernel, an int.

    Returns:
        Tensor (N, O, L_out), or (O, L_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, stride, dilation or groups are not positive, padding is
            negative, or output_padding is not smaller than stride or dilation.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv_transpose1d(graphc.tensor([[[1.0, 2.0]]]), graphc.tensor([[[1.0, 10.0]]]), stride=2)
        tensor([[[ 1., 10.,  2., 20.]]])
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@op("Convolution")
def conv_transpose2d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Node:
    """Apply the adjoint of `conv2d` over the last two axes (a "transposed convolution"), then add bias.

    Each output extent is (extent - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.

    Args:
        input: tensor (N, C, H, W), or (C, H, W) without a batch axis.
        weight: kernels (C, O / groups, kH, kW), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: stride of the convolution whose adjoint this is, an int or one per axis.
        padding: padding of that convolution, an int or one per axis.
        output_padding: extent added at the end of each axis, an int or one per axis; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        dilation: step between the elements of the kernel, an int or one per axis.

    Returns:
        Tensor (N, O, H_out, W_out), or (O, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, stride, dilation or groups are not positive, padding is
            negative, or output_padding is not smaller than stride or dilation.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv_transpose2d(graphc.ones(1, 1, 2, 2), graphc.ones(1, 1, 2, 2))
        tensor([[[[1., 2., 1.],
                  [2., 4., 2.],
                  [1., 2., 1.]]]])
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@op("Convolution")
def conv_transpose3d(
    input: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Node:
    """Apply the adjoint of `conv3d` over the last three axes (a "transposed convolution"), then add bias.

    Each output extent is (extent - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.

    Args:
        input: tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        weight: kernels (C, O / groups, kD, kH, kW), of input's dtype.
        bias: one number per output channel, (O,), or None.
        stride: stride of the convolution whose adjoint this is, an int or one per axis.
        padding: padding of that convolution, an int or one per axis.
        output_padding: extent added at the end of each axis, an int or one per axis; smaller than stride or dilation.
        groups: number of groups of channels that are convolved separately.
        dilation: step between the elements of the kernel, an int or one per axis.

    Returns:
        Tensor (N, O, D_out, H_out, W_out), or (O, D_out, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if ranks, channels, bias or dtypes do not fit, stride, dilation or groups are not positive, padding is
            negative, or output_padding is not smaller than stride or dilation.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv_transpose3d(graphc.ones(1, 2, 3, 3, 3), graphc.ones(2, 4, 2, 2, 2), stride=2).shape
        torch.Size([1, 4, 6, 6, 6])
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


# -- pooling ----------------------------------------------------------------------------------------------


def _pool_extents(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], margin: Sequence[int], dilation: Sequence[int], up: bool
) -> list[int]:
    """Return the extents of a pooling; with `up` a last window may reach over the end, if it starts before it."""
    found = []
    for n, k, s, p, d in zip(sizes, kernel, stride, margin, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        extent = (-(-room // s) if up else room // s) + 1
        found.append(extent - 1 if up and (extent - 1) * s >= n + p else extent)
    if min(found) < 1:
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, sizes))}). Output size is too small")
    return found


def _over(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    margin: Sequence[int],
    dilation: Sequence[int],
    extents: Sequence[int],
) -> list[int]:
    """Return how far the windows reach over the padded end of each axis."""
    ends = [(e - 1) * s + d * (k - 1) + 1 for e, s, d, k in zip(extents, stride, dilation, kernel, strict=True)]
    return [max(0, end - n - 2 * p) for end, n, p in zip(ends, sizes, margin, strict=True)]


def _check_margin(margin: Sequence[int], kernel: Sequence[int]) -> None:
    if any(p > k // 2 for p, k in zip(margin, kernel, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, "
            f"but got pad={margin[0]}, kernel_size={kernel[0]} and dilation=1"
        )


def _window(
    x: Node, axes: int, kernel_size: Sizes, stride: Any, padding: Sizes
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return kernel, stride (the kernel by default) and padding of a pooling for each axis.  Raises RuntimeError, TypeError."""
    if x.type.rank not in (axes + 1, axes + 2):
        raise RuntimeError(f"Expected {axes + 1}D or {axes + 2}D input to a pooling over {axes} axes, got {list(x.shape)}")
    kernel, margin = each(kernel_size, axes, "kernel_size", 1), each(padding, axes, "padding")
    steps = kernel if stride is None or stride in ((), []) else each(stride, axes, "stride", 1)
    _check_margin(margin, kernel)
    return kernel, steps, margin


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
    kernel, steps, margin = _window(input, axes, kernel_size, stride, padding)
    spread = each(dilation, axes, "dilation", 1)
    sizes = input.shape[-axes:]
    extents = _pool_extents(sizes, kernel, steps, margin, spread, ceil_mode)
    over = _over(sizes, kernel, steps, margin, spread, extents)
    x = padded(input, margin, [p + o for p, o in zip(margin, over, strict=True)], fill=float("-inf"))
    rank = input.type.rank
    stacked = concatenate([unsqueeze_axis(w, rank) for w in windows(x, kernel, steps, spread, extents)], rank)
    values, places = extreme_at("max", stacked, -1, False)
    return (values, _linear_places(places, sizes, kernel, steps, margin, spread)) if return_indices else values


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
    kernel, steps, margin = _window(input, axes, kernel_size, stride, padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    sizes, spread = input.shape[-axes:], (1,) * axes
    extents = _pool_extents(sizes, kernel, steps, margin, spread, ceil_mode)
    over = _over(sizes, kernel, steps, margin, spread, extents)
    high = [p + o for p, o in zip(margin, over, strict=True)]
    total = _window_sum(padded(input, margin, high), kernel, steps, extents)
    if divisor_override is not None:
        return total / divisor_override
    if not any(over) and (count_include_pad or not any(margin)):
        return total / prod(kernel)
    ones = constant(
        1, input.dtype, tuple(n + 2 * p if count_include_pad else n for n, p in zip(sizes, margin, strict=True))
    )
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


@op("MaxPool1D")
def max_pool1d(
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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


@op("AvgPool1D")
def avg_pool1d(
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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
    input: Operand,
    kernel_size: Sizes,
    stride: Any = None,
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
def adaptive_avg_pool1d(input: Operand, output_size: Any) -> Node:
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
def adaptive_avg_pool2d(input: Operand, output_size: Any) -> Node:
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
