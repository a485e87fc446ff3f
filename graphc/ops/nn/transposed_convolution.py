"""Adjoints of convolutions: convolutions of the input, dilated by the stride, with the flipped kernel."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import flip, permute, reshape
from graphc.ir.core.graph import Node
from graphc.ops.nn.convolution import batched, check_groups, check_operands, convolved, unbatched, with_bias
from graphc.ops.nn.windows import Sizes, each, over_axes, padded

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def _transposed_kernel(weight: Node, groups: int) -> Node:
    """Return the kernel (O, C/groups, …) of the convolution that is the adjoint of one with weight (C, O/groups, …)."""
    channels, out, *sizes = weight.shape
    axes = len(sizes)
    flipped = reshape(flip(weight, tuple(range(2, axes + 2))), (groups, channels // groups, out, *sizes))
    swapped = permute(flipped, (0, 2, 1, *range(3, axes + 3)))
    return reshape(swapped, (groups * out, channels // groups, *sizes))


def _transposed_convolution(axes: int, example: str) -> Any:
    @op("Convolution")
    @over_axes(axes, "conv_transpose", example)
    def conv_transpose(
        input: Node,
        weight: Node,
        bias: Node | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Node:
        """Apply the adjoint of `conv{dims}d` over {last} (a "transposed convolution"), then add bias.

        Each output extent is (extent - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.

        Args:
            input: tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            weight: kernels (C, O / groups, {kernel}), of input's dtype.
            bias: one number per output channel, (O,), or None.
            stride: stride of the convolution whose adjoint this is, {ints}.
            padding: padding of that convolution, {ints}.
            output_padding: extent added at the end of each axis, {ints}; smaller than stride or dilation.
            groups: number of groups of channels that are convolved separately.
            dilation: step between the elements of the kernel, {ints}.

        Returns:
            Tensor (N, O, {outs}), or (O, {outs}) without a batch axis, of input's dtype.

        Raises:
            RuntimeError: if ranks, channels, bias or dtypes do not fit, stride, dilation or groups are not positive, padding is
                negative, or output_padding is not smaller than stride or dilation.
            TypeError: if a size is not an integer.
        """
        steps, dilations = each(stride, axes, "stride", 1), each(dilation, axes, "dilation", 1)
        check_operands(axes, input, weight, bias, weight.shape[1] * groups if weight.type.rank > 1 else 0)
        check_groups(groups, weight.shape[0])
        extra = each(output_padding, axes, "output_padding")
        if any(o >= max(s, d) for o, s, d in zip(extra, steps, dilations, strict=True)):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got output_padding "
                f"{extra}, stride {steps}, dilation {dilations}"
            )
        low = [d * (k - 1) - p for d, k, p in zip(dilations, weight.shape[2:], each(padding, axes, "padding"), strict=True)]
        high = [n + o for n, o in zip(low, extra, strict=True)]
        x = padded(batched(input, axes), low, high, [s - 1 for s in steps])
        kernel = _transposed_kernel(weight, groups)
        return unbatched(with_bias(convolved(x, kernel, (1,) * axes, dilations, groups), bias), input)

    return conv_transpose


conv_transpose1d = _transposed_convolution(
    1,
    """
    >>> F.conv_transpose1d(graphc.tensor([[[1.0, 2.0]]]), graphc.tensor([[[1.0, 10.0]]]), stride=2)
    tensor([[[ 1., 10.,  2., 20.]]])
    """,
)
conv_transpose2d = _transposed_convolution(
    2,
    """
    >>> F.conv_transpose2d(graphc.ones(1, 1, 2, 2), graphc.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """,
)
conv_transpose3d = _transposed_convolution(
    3,
    """
    >>> F.conv_transpose3d(graphc.ones(1, 2, 3, 3, 3), graphc.ones(2, 4, 2, 2, 2), stride=2).shape
    torch.Size([1, 4, 6, 6, 6])
    """,
)
