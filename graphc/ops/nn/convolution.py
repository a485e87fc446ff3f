"""Convolutions over one, two or three axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import concatenate, expand_axes, matmul, reshape
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to, torch_name, unsqueeze_axis
from graphc.ops.nn.windows import Sizes, each, over_axes, padded, windows

__all__ = ["conv1d", "conv2d", "conv3d"]


def check_groups(groups: Any, *channels: int) -> None:
    """Raise RuntimeError unless there is at least one group, and all have equally many channels."""
    if isinstance(groups, bool) or not hasattr(groups, "__index__"):
        raise TypeError(f"expected an integer number of groups, got {groups!r:.40}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(n % groups for n in channels):
        raise RuntimeError(f"expected channels that {groups} groups share evenly, got {', '.join(map(str, channels))}")


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
    """Return the padding before and after; "same" preserves the extents at stride 1, "valid" is 0."""
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


def convolved(x: Node, weight: Node, stride: Sequence[int], dilation: Sequence[int], groups: int) -> Node:
    """Convolve padded input (N, C, …) with weight (O, C/groups, …) as one matmul."""
    _check_channels(x, weight, groups)
    kernel = weight.shape[2:]
    extents = _extents(x, kernel, stride, dilation)
    slices = concatenate([unsqueeze_axis(w, 2) for w in windows(x, kernel, stride, dilation, extents)], 2)
    inner = prod(weight.shape[1:])
    columns = reshape(slices, (x.shape[0], groups, inner, prod(extents)))
    rows = reshape(weight, (groups, weight.shape[0] // groups, inner))
    result = matmul(expand_to(rows, (x.shape[0], *rows.shape)), columns)
    return reshape(result, (x.shape[0], weight.shape[0], *extents))


def with_bias(x: Node, bias: Node | None) -> Node:
    """Add one number per channel; node level."""
    return x if bias is None else x + expand_axes(bias, x.shape, [a for a in range(x.type.rank) if a != 1])


def batched(x: Node, axes: int) -> Node:
    """Return input with a batch axis.  Raises RuntimeError for a wrong number of axes; node level."""
    if x.type.rank not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to conv{axes}d, "
            f"but got input of size: {list(x.shape)}"
        )
    return x if x.type.rank == axes + 2 else unsqueeze_axis(x, 0)


def check_operands(axes: int, x: Node, weight: Node, bias: Node | None, out: int) -> None:
    """Raise RuntimeError unless the kernel has `axes` spatial axes, bias has `out` elements, and all dtypes are equal."""
    if weight.type.rank != axes + 2:
        raise RuntimeError(f"expected a weight of {axes + 2} axes for conv{axes}d, got one of shape {list(weight.shape)}")
    if bias is not None and bias.shape != (out,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {out} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype is not x.dtype:
            expected, actual = torch_name(x.dtype, lower=True), torch_name(other.dtype, lower=True)
            raise RuntimeError(f"Input type ({expected}) and {name} type ({actual}) should be the same")


def unbatched(result: Node, input: Node) -> Node:
    """Remove the batch axis of a result where input had none; node level."""
    return result if input.type.rank == result.type.rank else reshape(result, result.shape[1:])


def _convolution(axes: int, example: str) -> Any:
    @op("Convolution")
    @over_axes(axes, "conv", example)
    def conv(
        input: Node,
        weight: Node,
        bias: Node | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Node:
        """Convolve {last} of input with a kernel (cross-correlation: the kernel is not flipped), then add bias.

        Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) // stride + 1.

        Args:
            input: tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            weight: kernels (O, C / groups, {kernel}), of input's dtype.
            bias: one number per output channel, (O,), or None.
            stride: step from window to window, {ints}.
            padding: zeros before and after, {ints}; "valid" is 0, "same" keeps the extents (stride 1 only).
            dilation: step between the elements of a window, {ints}.
            groups: number of groups of channels that are convolved separately.

        Returns:
            Tensor (N, O, {outs}), or (O, {outs}) without a batch axis, of input's dtype.

        Raises:
            RuntimeError: if ranks, channels, bias or dtypes do not fit, the kernel is larger than the padded input, stride,
                dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is
                not 1.
            TypeError: if a size is not an integer.
        """
        check_operands(axes, input, weight, bias, weight.shape[0] if weight.type.rank else 0)
        steps, dilations = each(stride, axes, "stride", 1), each(dilation, axes, "dilation", 1)
        check_groups(groups, weight.shape[0])
        if padding == "same" and any(s != 1 for s in steps):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        x = padded(batched(input, axes), *_margins(padding, weight.shape[2:], dilations))
        return unbatched(with_bias(convolved(x, weight, steps, dilations, groups), bias), input)

    return conv


conv1d = _convolution(
    1,
    """
    >>> F.conv1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0]]]), graphc.tensor([[[1.0, -1.0]]]))
    tensor([[[-1., -1., -1.]]])
    """,
)
conv2d = _convolution(
    2,
    """
    >>> F.conv2d(graphc.ones(1, 1, 4, 4), graphc.ones(1, 1, 3, 3), stride=2, padding=1)
    tensor([[[[4., 6.],
              [6., 9.]]]])
    """,
)
conv3d = _convolution(
    3,
    """
    >>> F.conv3d(graphc.ones(1, 2, 4, 4, 4), graphc.ones(5, 2, 3, 3, 3)).shape
    torch.Size([1, 5, 2, 2, 2])
    """,
)
