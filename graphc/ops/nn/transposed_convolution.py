"""Adjoints of convolutions."""

from __future__ import annotations

from graphc.ir.core.build import flip, permute, reshape
from graphc.ir.core.graph import Node
from graphc.ops.nn.convolution import batched, check_groups, check_operands, convolved, unbatched, with_bias
from graphc.ops.nn.windows import Sizes, each, padded
from graphc.tensors.dispatch import op

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


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
    check_operands(axes, input, weight, bias, weight.shape[1] * groups if weight.type.rank > 1 else 0)
    check_groups(groups, weight.shape[0])
    more = each(output_padding, axes, "output_padding")
    if any(o >= max(s, d) for o, s, d in zip(more, steps, spread, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got output_padding "
            f"{more}, stride {steps}, dilation {spread}"
        )
    low = [d * (k - 1) - p for d, k, p in zip(spread, weight.shape[2:], each(padding, axes, "padding"), strict=True)]
    high = [n + o for n, o in zip(low, more, strict=True)]
    x = padded(batched(input, axes), low, high, [s - 1 for s in steps])
    channels, out = weight.shape[:2]
    turned = reshape(flip(weight, tuple(range(2, axes + 2))), (groups, channels // groups, out, *weight.shape[2:]))
    turned = permute(turned, (0, 2, 1, *range(3, axes + 3)))
    kernel = reshape(turned, (groups * out, channels // groups, *weight.shape[2:]))
    return unbatched(with_bias(convolved(x, kernel, (1,) * axes, spread, groups), bias), input)


@op("Convolution")
def conv_transpose1d(
    input: Node,
    weight: Node,
    bias: Node | None = None,
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
    input: Node,
    weight: Node,
    bias: Node | None = None,
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
    input: Node,
    weight: Node,
    bias: Node | None = None,
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
