"""Types of `graphc.nn.functional`, written by tests/stubs.py."""

import builtins
from collections.abc import Sequence
from graphc.core.dtypes import dtype
from graphc.ops.common import DTypeLike
from graphc.tensors.tensor import Tensor
from typing import Literal
from typing import overload
from graphc.ops.resampling.grids import affine_grid as affine_grid
from graphc.ops.nn.batch_norm import batch_norm as batch_norm
from graphc.nn.in_place import celu_ as celu_
from graphc.ops.losses.margins import cosine_embedding_loss as cosine_embedding_loss
from graphc.nn.ctc import ctc_loss as ctc_loss
from graphc.ops.nn.dropout import dropout as dropout
from graphc.nn.in_place import elu_ as elu_
from graphc.nn.embedding_bag import embedding_bag as embedding_bag
from graphc.ops.losses.margins import gaussian_nll_loss as gaussian_nll_loss
from graphc.ops.resampling.grids import grid_sample as grid_sample
from graphc.ops.nn.gumbel import gumbel_softmax as gumbel_softmax
from graphc.nn.in_place import hardtanh_ as hardtanh_
from graphc.ops.losses.margins import hinge_embedding_loss as hinge_embedding_loss
from graphc.ops.nn.batch_norm import instance_norm as instance_norm
from graphc.ops.resampling.interpolation import interpolate as interpolate
from graphc.nn.in_place import leaky_relu_ as leaky_relu_
from graphc.nn.response_norm import local_response_norm as local_response_norm
from graphc.ops.losses.margins import margin_ranking_loss as margin_ranking_loss
from graphc.ops.losses.margins import multi_margin_loss as multi_margin_loss
from graphc.ops.losses.labels import multilabel_margin_loss as multilabel_margin_loss
from graphc.ops.losses.margins import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from graphc.ops.indexing.masks import one_hot as one_hot
from graphc.ops.resampling.padding import pad as pad
from graphc.ops.reduce.distances import pdist as pdist
from graphc.nn.in_place import relu_ as relu_
from graphc.ops.nn.attention import scaled_dot_product_attention as scaled_dot_product_attention
from graphc.nn.in_place import selu_ as selu_
from graphc.nn.in_place import threshold_ as threshold_
from graphc.ops.losses.margins import triplet_margin_loss as triplet_margin_loss
from graphc.ops.losses.labels import triplet_margin_with_distance_loss as triplet_margin_with_distance_loss
from graphc.ops.resampling.interpolation import upsample as upsample
from graphc.ops.resampling.interpolation import upsample_bilinear as upsample_bilinear
from graphc.ops.resampling.interpolation import upsample_nearest as upsample_nearest
def adaptive_avg_pool1d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None] | None) -> Tensor:
    """Return means over windows chosen such that the last axis of the result have the extents output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, L), or (C, L) without a batch axis.
        output_size: extents of the last axis, an int; None keeps an axis.

    Returns:
        Tensor (N, C, L_out), or (C, L_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, or a size is negative.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_avg_pool1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), 2)
        tensor([[[2., 4.]]])
    """
def adaptive_avg_pool2d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None] | None) -> Tensor:
    """Return means over windows chosen such that the last two axes of the result have the extents output_size.

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
def adaptive_avg_pool3d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None] | None) -> Tensor:
    """Return means over windows chosen such that the last three axes of the result have the extents output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        output_size: extents of the last three axes, an int or one per axis; None keeps an axis.

    Returns:
        Tensor (N, C, D_out, H_out, W_out), or (C, D_out, H_out, W_out) without a batch axis, of input's dtype.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, or a size is negative.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_avg_pool3d(graphc.ones(1, 2, 4, 4, 4), 3).shape
        torch.Size([1, 2, 3, 3, 3])
    """
def adaptive_max_pool1d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None], return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return maxima over windows chosen such that the last axis of the result have the extents output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, L), or (C, L) without a batch axis.
        output_size: extents of the last axis, an int; None keeps an axis.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, L_out) of input's dtype; with return_indices also an int64 tensor of that shape: positions in the last axis
        of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, a size is negative, or input has an empty axis.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_max_pool1d(graphc.tensor([[[1.0, 2.0, 5.0, 4.0, 3.0]]]), 2, return_indices=True)
        (tensor([[[5., 5.]]]), tensor([[[2, 2]]]))
    """
def adaptive_max_pool2d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None], return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return maxima over windows chosen such that the last two axes of the result have the extents output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, H, W), or (C, H, W) without a batch axis.
        output_size: extents of the last two axes, an int or one per axis; None keeps an axis.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype; with return_indices also an int64 tensor of that shape: positions in the last two axes
        of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, a size is negative, or input has an empty axis.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_max_pool2d(graphc.arange(8.0).reshape(1, 1, 2, 4), (1, None))
        tensor([[[[4., 5., 6., 7.]]]])
    """
def adaptive_max_pool3d(input: Tensor, output_size: builtins.int | Sequence[builtins.int | None], return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return maxima over windows chosen such that the last three axes of the result have the extents output_size.

    Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

    Args:
        input: floating-point tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        output_size: extents of the last three axes, an int or one per axis; None keeps an axis.
        return_indices: whether to return the positions of the maxima too.

    Returns:
        Tensor (N, C, D_out, H_out, W_out) of input's dtype; with return_indices also an int64 tensor of that shape: positions in the last three axes
        of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank or the number of sizes does not fit, a size is negative, or input has an empty axis.
        TypeError: if a size is not an integer.

    Example:
        >>> F.adaptive_max_pool3d(graphc.ones(1, 2, 4, 4, 4), 3).shape
        torch.Size([1, 2, 3, 3, 3])
    """
def avg_pool1d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True, divisor_override: builtins.int | None = None) -> Tensor:
    """Return the mean of each window over the last axis.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window
    still starts inside the input).

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
def avg_pool2d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True, divisor_override: builtins.int | None = None) -> Tensor:
    """Return the mean of each window over the last two axes.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window
    still starts inside the input).

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
def avg_pool3d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, ceil_mode: builtins.bool = False, count_include_pad: builtins.bool = True, divisor_override: builtins.int | None = None) -> Tensor:
    """Return the mean of each window over the last three axes.

    Each output extent is (extent + 2 * padding - k) / stride + 1, rounded down (up with ceil_mode, where the last window
    still starts inside the input).

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
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean') -> Tensor: ...
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean', pos_weight: Tensor | None = None) -> Tensor: ...
def celu(input: Tensor, alpha: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor: ...
def channel_shuffle(input: Tensor, groups: builtins.int) -> Tensor: ...
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] | str = 0, dilation: builtins.int | Sequence[builtins.int] = 1, groups: builtins.int = 1) -> Tensor:
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
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is
            not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv1d(graphc.tensor([[[1.0, 2.0, 3.0, 4.0]]]), graphc.tensor([[[1.0, -1.0]]]))
        tensor([[[-1., -1., -1.]]])
    """
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] | str = 0, dilation: builtins.int | Sequence[builtins.int] = 1, groups: builtins.int = 1) -> Tensor:
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
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is
            not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv2d(graphc.ones(1, 1, 4, 4), graphc.ones(1, 1, 3, 3), stride=2, padding=1)
        tensor([[[[4., 6.],
                  [6., 9.]]]])
    """
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] | str = 0, dilation: builtins.int | Sequence[builtins.int] = 1, groups: builtins.int = 1) -> Tensor:
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
            dilation or groups are not positive, padding is negative or an unknown word, or it is "same" and a stride is
            not 1.
        TypeError: if a size is not an integer.

    Example:
        >>> F.conv3d(graphc.ones(1, 2, 4, 4, 4), graphc.ones(5, 2, 3, 3, 3)).shape
        torch.Size([1, 5, 2, 2, 2])
    """
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] = 0, output_padding: builtins.int | Sequence[builtins.int] = 0, groups: builtins.int = 1, dilation: builtins.int | Sequence[builtins.int] = 1) -> Tensor:
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
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] = 0, output_padding: builtins.int | Sequence[builtins.int] = 0, groups: builtins.int = 1, dilation: builtins.int | Sequence[builtins.int] = 1) -> Tensor:
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
def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] = 0, output_padding: builtins.int | Sequence[builtins.int] = 0, groups: builtins.int = 1, dilation: builtins.int | Sequence[builtins.int] = 1) -> Tensor:
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
def cosine_similarity(x1: Tensor, x2: Tensor, dim: builtins.int = 1, eps: builtins.float = 1e-08) -> Tensor: ...
def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, ignore_index: builtins.int = -100, reduce: builtins.bool | None = None, reduction: str = 'mean', label_smoothing: builtins.float = 0.0) -> Tensor: ...
def dropout1d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015).

    Args:
        input: floating-point tensor (N, C, L); each of the N * C channels is drawn by itself.
        p: probability of a zero, in [0, 1].
        training: False returns input as it is.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if p is outside of [0, 1].
        RuntimeError: if elements are dropped and input is not floating-point.

    Example:
        >>> F.dropout1d(graphc.ones(2, 3, 4), p=1.0).sum()
        tensor(0.)
    """
def dropout2d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015).

    Args:
        input: floating-point tensor (N, C, H, W); each of the N * C channels is drawn by itself.
        p: probability of a zero, in [0, 1].
        training: False returns input as it is.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if p is outside of [0, 1].
        RuntimeError: if elements are dropped and input is not floating-point.

    Example:
        >>> F.dropout2d(graphc.ones(2, 3, 4, 4), p=1.0).sum()
        tensor(0.)
    """
def dropout3d(input: Tensor, p: builtins.float = 0.5, training: builtins.bool = True, inplace: builtins.bool = False) -> Tensor:
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015).

    Args:
        input: floating-point tensor (N, C, D, H, W); each of the N * C channels is drawn by itself.
        p: probability of a zero, in [0, 1].
        training: False returns input as it is.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if p is outside of [0, 1].
        RuntimeError: if elements are dropped and input is not floating-point.

    Example:
        >>> F.dropout3d(graphc.ones(2, 3, 4, 4, 4), p=1.0).sum()
        tensor(0.)
    """
def elu(input: Tensor, alpha: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor: ...
def embedding(input: Tensor, weight: Tensor, padding_idx: builtins.int | None = None, max_norm: builtins.float | None = None, norm_type: builtins.float = 2.0, scale_grad_by_freq: builtins.bool = False, sparse: builtins.bool = False) -> Tensor: ...
def fold(input: Tensor, output_size: builtins.int | Sequence[builtins.int], kernel_size: builtins.int | Sequence[builtins.int], dilation: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] = 0, stride: builtins.int | Sequence[builtins.int] = 1) -> Tensor: ...
def gelu(input: Tensor, approximate: str = 'none') -> Tensor: ...
def glu(input: Tensor, dim: builtins.int = -1) -> Tensor: ...
def group_norm(input: Tensor, num_groups: builtins.int, weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor: ...
def hardshrink(input: Tensor, lambd: builtins.float = 0.5) -> Tensor: ...
def hardsigmoid(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def hardswish(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def hardtanh(input: Tensor, min_val: builtins.float = -1.0, max_val: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor: ...
def huber_loss(input: Tensor, target: Tensor, reduction: str = 'mean', delta: builtins.float = 1.0, weight: Tensor | None = None) -> Tensor: ...
def kl_div(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean', log_target: builtins.bool = False) -> Tensor: ...
def l1_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean', weight: Tensor | None = None) -> Tensor: ...
def layer_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, bias: Tensor | None = None, eps: builtins.float = 1e-05) -> Tensor: ...
def leaky_relu(input: Tensor, negative_slope: builtins.float = 0.01, inplace: builtins.bool = False) -> Tensor: ...
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
def log_softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor: ...
def logsigmoid(input: Tensor) -> Tensor: ...
def lp_pool1d(input: Tensor, norm_type: builtins.float, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """Return the power sum (sum of x^p)^(1/p) of each window over the last axis.

    Args:
        input: floating-point tensor (N, C, L), or (C, L) without a batch axis.
        norm_type: exponent p; a window whose sum is not positive gives 0 in torch's way, and no NaN.
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Returns:
        Tensor (N, C, L_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, or a size is not positive.
        TypeError: if a size is not an integer.

    Example:
        >>> F.lp_pool1d(graphc.tensor([[[3.0, 4.0, 0.0, 5.0]]]), 2, 2)
        tensor([[[5., 5.]]])
    """
def lp_pool2d(input: Tensor, norm_type: builtins.float, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """Return the power sum (sum of x^p)^(1/p) of each window over the last two axes.

    Args:
        input: floating-point tensor (N, C, H, W), or (C, H, W) without a batch axis.
        norm_type: exponent p; a window whose sum is not positive gives 0 in torch's way, and no NaN.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, or a size is not positive.
        TypeError: if a size is not an integer.

    Example:
        >>> F.lp_pool2d(graphc.tensor([[[[3.0, 4.0]]]]), 2, (1, 2))
        tensor([[[[5.]]]])
    """
def lp_pool3d(input: Tensor, norm_type: builtins.float, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, ceil_mode: builtins.bool = False) -> Tensor:
    """Return the power sum (sum of x^p)^(1/p) of each window over the last three axes.

    Args:
        input: floating-point tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        norm_type: exponent p; a window whose sum is not positive gives 0 in torch's way, and no NaN.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        ceil_mode: whether a last window may reach over the end.

    Returns:
        Tensor (N, C, D_out, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, or a size is not positive.
        TypeError: if a size is not an integer.

    Example:
        >>> F.lp_pool3d(graphc.ones(1, 1, 2, 2, 2), 1, 2)
        tensor([[[[[8.]]]]])
    """
@overload
def max_pool1d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """Return the maximum of each window over the last axis.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
        shape: positions in the last axis of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2, return_indices=True)
        (tensor([[[5., 4.]]]), tensor([[[1, 3]]]))
    """
@overload
def max_pool1d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last axis.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
        shape: positions in the last axis of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2, return_indices=True)
        (tensor([[[5., 4.]]]), tensor([[[1, 3]]]))
    """
@overload
def max_pool1d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last axis.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
        shape: positions in the last axis of input, counted in row-major order.

    Raises:
        RuntimeError: if the rank does not fit, an output extent would be below 1, kernel_size, stride or dilation is not
            positive, or padding is negative or more than half of the kernel.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_pool1d(graphc.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2, return_indices=True)
        (tensor([[[5., 4.]]]), tensor([[[1, 3]]]))
    """
@overload
def max_pool2d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """Return the maximum of each window over the last two axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
@overload
def max_pool2d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last two axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
@overload
def max_pool2d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last two axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
@overload
def max_pool3d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: Literal[False] = False) -> Tensor:
    """Return the maximum of each window over the last three axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
@overload
def max_pool3d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last three axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
@overload
def max_pool3d(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, dilation: builtins.int | Sequence[builtins.int] = 1, ceil_mode: builtins.bool = False, return_indices: builtins.bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """Return the maximum of each window over the last three axes.

    Each output extent is (extent + 2 * padding - dilation * (k - 1) - 1) / stride + 1, rounded down (up with ceil_mode,
    where the last window still starts inside the input). NaN counts as the largest value; the gradient goes to the first
    maximum.

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
def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, output_size: Sequence[builtins.int] | None = None) -> Tensor:
    """Put maxima back to where they were, in zeros: the inverse of `max_pool1d`, as far as there is one.

    Args:
        input: tensor (N, C, L), or (C, L) without a batch axis.
        indices: int64 tensor of the shape of input: positions in the result, as `max_pool1d` returns them.
        kernel_size: extents of the window, an int.
        stride: step from window to window, an int; None means kernel_size.
        padding: what was padded before and after, an int.
        output_size: extents of the result, where more than one fits.

    Returns:
        Tensor (N, C, L_out) of input's dtype.

    Raises:
        RuntimeError: if the shapes of input and indices differ, the rank does not fit, a size is not positive, or a
            position is outside of the result.
        ValueError: if output_size does not fit.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_unpool1d(graphc.tensor([[[5.0, 4.0]]]), graphc.tensor([[[1, 3]]]), 2)
        tensor([[[0., 5., 0., 4.]]])
    """
def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, output_size: Sequence[builtins.int] | None = None) -> Tensor:
    """Put maxima back to where they were, in zeros: the inverse of `max_pool2d`, as far as there is one.

    Args:
        input: tensor (N, C, H, W), or (C, H, W) without a batch axis.
        indices: int64 tensor of the shape of input: positions in the result, as `max_pool2d` returns them.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: what was padded before and after, an int or one per axis.
        output_size: extents of the result, where more than one fits.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the shapes of input and indices differ, the rank does not fit, a size is not positive, or a
            position is outside of the result.
        ValueError: if output_size does not fit.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_unpool2d(graphc.tensor([[[[5.0]]]]), graphc.tensor([[[[3]]]]), 2)
        tensor([[[[0., 0.],
                  [0., 5.]]]])
    """
def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: builtins.int | Sequence[builtins.int], stride: builtins.int | Sequence[builtins.int] | None = None, padding: builtins.int | Sequence[builtins.int] = 0, output_size: Sequence[builtins.int] | None = None) -> Tensor:
    """Put maxima back to where they were, in zeros: the inverse of `max_pool3d`, as far as there is one.

    Args:
        input: tensor (N, C, D, H, W), or (C, D, H, W) without a batch axis.
        indices: int64 tensor of the shape of input: positions in the result, as `max_pool3d` returns them.
        kernel_size: extents of the window, an int or one per axis.
        stride: step from window to window, an int or one per axis; None means kernel_size.
        padding: what was padded before and after, an int or one per axis.
        output_size: extents of the result, where more than one fits.

    Returns:
        Tensor (N, C, D_out, H_out, W_out) of input's dtype.

    Raises:
        RuntimeError: if the shapes of input and indices differ, the rank does not fit, a size is not positive, or a
            position is outside of the result.
        ValueError: if output_size does not fit.
        TypeError: if a size is not an integer.

    Example:
        >>> F.max_unpool3d(graphc.ones(1, 1, 1, 1, 1), graphc.zeros(1, 1, 1, 1, 1).long(), 2).sum()
        tensor(1.)
    """
def mish(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def mse_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean', weight: Tensor | None = None) -> Tensor: ...
def native_channel_shuffle(input: Tensor, groups: builtins.int) -> Tensor: ...
def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: builtins.bool | None = None, ignore_index: builtins.int = -100, reduce: builtins.bool | None = None, reduction: str = 'mean') -> Tensor: ...
def normalize(input: Tensor, p: builtins.float = 2.0, dim: builtins.int = 1, eps: builtins.float = 1e-12) -> Tensor: ...
def pairwise_distance(x1: Tensor, x2: Tensor, p: builtins.float = 2.0, eps: builtins.float = 1e-06, keepdim: builtins.bool = False) -> Tensor: ...
def pixel_shuffle(input: Tensor, upscale_factor: builtins.int) -> Tensor: ...
def pixel_unshuffle(input: Tensor, downscale_factor: builtins.int) -> Tensor: ...
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: builtins.bool = True, full: builtins.bool = False, size_average: builtins.bool | None = None, eps: builtins.float = 1e-08, reduce: builtins.bool | None = None, reduction: str = 'mean') -> Tensor: ...
def prelu(input: Tensor, weight: Tensor) -> Tensor: ...
def relu(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def relu6(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def rms_norm(input: Tensor, normalized_shape: Sequence[builtins.int], weight: Tensor | None = None, eps: builtins.float | None = None) -> Tensor: ...
def selu(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def sigmoid(input: Tensor) -> Tensor: ...
def silu(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def smooth_l1_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean', beta: builtins.float = 1.0) -> Tensor: ...
def soft_margin_loss(input: Tensor, target: Tensor, size_average: builtins.bool | None = None, reduce: builtins.bool | None = None, reduction: str = 'mean') -> Tensor: ...
def softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor: ...
def softmin(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor: ...
def softplus(input: Tensor, beta: builtins.float = 1.0, threshold: builtins.float = 20.0) -> Tensor: ...
def softshrink(input: Tensor, lambd: builtins.float = 0.5) -> Tensor: ...
def softsign(input: Tensor) -> Tensor: ...
def tanh(input: Tensor) -> Tensor: ...
def tanhshrink(input: Tensor) -> Tensor: ...
def threshold(input: Tensor, threshold: builtins.float, value: builtins.float, inplace: builtins.bool = False) -> Tensor: ...
def unfold(input: Tensor, kernel_size: builtins.int | Sequence[builtins.int], dilation: builtins.int | Sequence[builtins.int] = 1, padding: builtins.int | Sequence[builtins.int] = 0, stride: builtins.int | Sequence[builtins.int] = 1) -> Tensor: ...

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "affine_grid", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding",
    "embedding_bag", "fold", "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm", "gumbel_softmax",
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "hinge_embedding_loss", "huber_loss",
    "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear",
    "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss",
    "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "native_channel_shuffle", "nll_loss",
    "normalize", "one_hot", "pad", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss",
    "prelu", "relu", "relu6", "relu_", "rms_norm", "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu",
    "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_", "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold",
    "upsample", "upsample_bilinear", "upsample_nearest",
]
