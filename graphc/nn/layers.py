"""Layers with parameters: linear maps, embeddings, normalizations; dropout; changes of shape."""

from __future__ import annotations

from math import sqrt
from typing import Any

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter, fresh
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import check_device, ones, zeros

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "CosineSimilarity", "Dropout", "Dropout1d", "Dropout2d",
    "Dropout3d", "Embedding", "Flatten", "GroupNorm", "Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LayerNorm", "Linear", "PairwiseDistance", "RMSNorm", "Unflatten",
]  # fmt: skip


class Identity(Module):
    """Return the input.

    Args:
        *args: accepted and ignored.
        **kwargs: accepted and ignored.

    Shapes:
        Input: any. Output: the same tensor.

    Example:
        >>> nn.Identity(54, unused=True)(graphc.tensor([1.0]))
        tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Return the input.

        Args:
            input: any object.
        """
        return input


class Linear(Module):
    """Map the last axis linearly: input @ weight.T + bias.

    weight (out_features, in_features) and bias (out_features,) start uniform in [-b, b) with b = 1 / sqrt(in_features).

    Args:
        in_features: extent of the last axis of the input.
        out_features: extent of the last axis of the output.
        bias: whether there is a bias.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (…, in_features). Output: (…, out_features).

    Example:
        >>> nn.Linear(3, 2)(graphc.ones(5, 3)).shape
        torch.Size([5, 2])
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_device(device)
        self.in_features, self.out_features = in_features, out_features
        self.weight = fresh(out_features, in_features)
        self.register_parameter("bias", fresh(out_features) if bias else None)
        self.reset_parameters()
        if dtype is not None:
            self.to(dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """Map the last axis.

        Args:
            input: tensor (…, in_features).

        Returns:
            Tensor (…, out_features).
        """
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """Combine two inputs: input1^T weight[o] input2 + bias[o] for each output o.

    weight (out_features, in1_features, in2_features) and bias (out_features,) start uniform in [-b, b) with b = 1 /
    sqrt(in1_features).

    Args:
        in1_features: extent of the last axis of the first input.
        in2_features: extent of the last axis of the second input.
        out_features: extent of the last axis of the output.
        bias: whether there is a bias.

    Shapes:
        Input: (…, in1_features) and (…, in2_features) with equal leading axes. Output: (…, out_features).

    Example:
        >>> nn.Bilinear(3, 4, 2)(graphc.ones(5, 3), graphc.ones(5, 4)).shape
        torch.Size([5, 2])
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = fresh(out_features, in1_features, in2_features)
        self.register_parameter("bias", fresh(out_features) if bias else None)
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / sqrt(in1_features), 1 / sqrt(in1_features))

    def forward(self, input1: Any, input2: Any) -> Any:
        """Combine the last axes of both inputs.

        Args:
            input1: tensor (…, in1_features).
            input2: tensor (…, in2_features).

        Returns:
            Tensor (…, out_features).
        """
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Embedding(Module):
    """Look up vectors by integers in a table.

    weight (num_embeddings, embedding_dim) starts standard normal, its row padding_idx zero.

    Args:
        num_embeddings: number of vectors V.
        embedding_dim: extent of each vector.
        padding_idx: row that gets no gradient, within [-V, V), or None.

    Shapes:
        Input: integers (…), each within [0, V). Output: (…, embedding_dim).

    Raises:
        ValueError: if padding_idx is out of range.

    Example:
        >>> nn.Embedding(10, 3)(graphc.tensor([[1, 2], [9, 1]])).shape
        torch.Size([2, 2, 3])
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError("Padding_idx must be within num_embeddings")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = fresh(num_embeddings, embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table again."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """Return an embedding with a given table.

        Args:
            embeddings: table (V, D), whose memory it shares.
            freeze: whether the table gets no gradient.
            padding_idx: row that gets no gradient, or None.

        Returns:
            The Embedding.

        Example:
            >>> nn.Embedding.from_pretrained(graphc.tensor([[0.0, 1.0], [2.0, 3.0]]))(graphc.tensor(1))
            tensor([2., 3.])
        """
        made = cls(embeddings.shape[0], embeddings.shape[1], padding_idx)
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def forward(self, input: Any) -> Any:
        """Return the vectors of integers.

        Args:
            input: integer tensor (…).

        Returns:
            Tensor (…, embedding_dim).
        """
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


# -- normalizations -------------------------------------------------------------------------------------


def _ones_parameter(*sizes: int) -> Parameter:
    return init.ones_(fresh(*sizes))  # type: ignore[no-any-return]


class LayerNorm(Module):
    """Normalize to mean 0 and variance 1 over the last axes, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. Source: Ba et al., "Layer normalization" (2016).

    Args:
        normalized_shape: extents of the last axes, an int for one axis.
        eps: number added to the (biased) variance.
        elementwise_affine: whether there are a weight, which starts at 1, and a bias, each of normalized_shape.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: any whose last extents are normalized_shape. Output: the same.

    Example:
        >>> nn.LayerNorm(2, bias=False)(graphc.tensor([[1.0, 3.0]])).detach()
        tensor([[-1.0000,  1.0000]])
    """

    def __init__(self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", _ones_parameter(*self.normalized_shape) if elementwise_affine else None)
        self.register_parameter("bias", fresh(*self.normalized_shape) if elementwise_affine and bias else None)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the shape and the options."""
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class RMSNorm(Module):
    """Divide by the root of the mean square over the last axes, then scale.

    x / sqrt(mean(x^2) + eps) * weight. Source: Zhang and Sennrich, "Root mean square layer normalization" (2019).

    Args:
        normalized_shape: extents of the last axes, an int for one axis.
        eps: number added to the mean square; None for the machine epsilon of the dtype.
        elementwise_affine: whether there is a weight of normalized_shape, which starts at 1.

    Shapes:
        Input: any whose last extents are normalized_shape. Output: the same.

    Example:
        >>> nn.RMSNorm(2)(graphc.tensor([[1.0, 7.0]])).detach()
        tensor([[0.2000, 1.4000]])
    """

    def __init__(self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", _ones_parameter(*self.normalized_shape) if elementwise_affine else None)

    def forward(self, x: Any) -> Any:
        """Normalize.

        Args:
            x: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of x.
        """
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the shape and the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalize groups of channels of each sample to mean 0 and variance 1, then scale and shift each channel.

    Source: Wu and He, "Group normalization" (2018).

    Args:
        num_groups: number of groups of neighbouring channels.
        num_channels: number of channels C.
        eps: number added to the (biased) variance.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, …). Output: the same.

    Raises:
        ValueError: if num_groups does not divide num_channels.

    Example:
        >>> nn.GroupNorm(2, 4)(graphc.tensor([[1.0, 3.0, 0.0, 20.0]])).detach()
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", _ones_parameter(num_channels) if affine else None)
        self.register_parameter("bias", fresh(num_channels) if affine and bias else None)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the sizes and the options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class _ChannelNorm(Module):
    """What batch and instance normalization share: parameters and running statistics of each channel."""

    ranks: tuple[int, ...] = ()

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, bias: bool, track_running_stats: bool
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", _ones_parameter(num_features) if affine else None)
        self.register_parameter("bias", fresh(num_features) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def _check(self, input: Any) -> None:
        if input.dim() not in self.ranks:
            expected = " or ".join(f"{r}D" for r in self.ranks)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        """Return the size and the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, bias, track_running_stats)

    def forward(self, input: Any) -> Any:
        """Normalize by the statistics of the batch in training, and by the running ones in evaluation.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.

        Raises:
            ValueError: if the rank is another, or in training there is only one value per channel.
        """
        self._check(input)
        by_batch = self.training or not self.track_running_stats
        moved = self.training and self.track_running_stats
        momentum = self.momentum
        if moved:
            self.num_batches_tracked.add_(1)
            momentum = 1.0 / self.num_batches_tracked.to(input.dtype) if momentum is None else momentum
        keep = moved or not by_batch
        mean, var = (self.running_mean, self.running_var) if keep else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C) or (N, C, L). Output: the same.

    Example:
        >>> layer = nn.BatchNorm1d(3)
        >>> layer(graphc.ones(2, 3, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Example:
        >>> layer = nn.BatchNorm2d(3)
        >>> layer(graphc.ones(2, 3, 4, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalize each channel by the mean and variance of the batch (running ones in evaluation), then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias. In training the running statistics move towards those of the batch:
    running = (1 - momentum) * running + momentum * batch, with the unbiased variance. Source: Ioffe and Szegedy, "Batch
    normalization" (2015).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: weight of a batch in the running statistics; None for the mean over all batches.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,).
        track_running_stats: whether there are running statistics; without them evaluation uses the batch too.
        bias: whether there is a bias, which starts at 0.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Example:
        >>> layer = nn.BatchNorm3d(3)
        >>> layer(graphc.ones(2, 3, 4, 4, 4)).shape, layer.running_mean
        (torch.Size([2, 3, 4, 4, 4]), tensor([0.1000, 0.1000, 0.1000]))
    """

    ranks = (5,)


class _InstanceNorm(_ChannelNorm):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False) -> None:
        super().__init__(num_features, eps, momentum, affine, True, False)

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        self._check(input)
        return F.instance_norm(input, None, None, self.weight, self.bias, True, self.momentum, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, L). Output: the same.

    Example:
        >>> nn.InstanceNorm1d(3)(graphc.ones(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    ranks = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Example:
        >>> nn.InstanceNorm2d(3)(graphc.ones(2, 3, 4, 4)).shape
        torch.Size([2, 3, 4, 4])
    """

    ranks = (4,)


class InstanceNorm3d(_InstanceNorm):
    """Normalize each channel of each sample to mean 0 and variance 1, then scale and shift.

    (x - mean) / sqrt(variance + eps) * weight + bias, in evaluation too. Source: Ulyanov et al., "Instance normalization"
    (2016).

    Args:
        num_features: number of channels C.
        eps: number added to the (biased) variance.
        momentum: kept for compatibility with torch; there are no running statistics.
        affine: whether there are a weight (C,), which starts at 1, and a bias (C,), which starts at 0.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Example:
        >>> nn.InstanceNorm3d(3)(graphc.ones(2, 3, 4, 4, 4)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    ranks = (5,)


# -- dropout and shapes -----------------------------------------------------------------------------------


class Dropout(Module):
    """Set elements to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Srivastava et al., "Dropout" (2014).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout(0.3).eval()(graphc.ones(3)), nn.Dropout(1.0)(graphc.ones(3))
        (tensor([1., 1., 1.]), tensor([0., 0., 0.]))
    """

    function = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """Drop in training; return input in evaluation.

        Args:
            input: floating-point tensor.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return self.function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, L). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout1d(1.0)(graphc.ones(2, 3, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout1d)


class Dropout2d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout2d(1.0)(graphc.ones(2, 3, 4, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout3d(1.0)(graphc.ones(2, 3, 4, 4, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout3d)


class Flatten(Module):
    """Join a range of axes to one.

    Args:
        start_dim: first axis of the range.
        end_dim: last axis of the range.

    Shapes:
        Input: any. Output: by default (N, product of the other extents).

    Example:
        >>> nn.Flatten()(graphc.ones(2, 3, 4)).shape
        torch.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """Join the axes.

        Args:
            input: tensor.

        Returns:
            Tensor with fewer axes; it shares memory with input.
        """
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split an axis into several.

    Args:
        dim: axis to split.
        unflattened_size: extents of the new axes, whose product is that of the axis; one may be -1.

    Shapes:
        Input: any. Output: the extents of the input with that of dim replaced by unflattened_size.

    Example:
        >>> nn.Unflatten(1, (2, 3))(graphc.ones(5, 6)).shape
        torch.Size([5, 2, 3])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        """Split the axis.

        Args:
            input: tensor.

        Returns:
            Tensor with more axes; it shares memory with input.
        """
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the axis and the sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class CosineSimilarity(Module):
    """Compute the cosine of the angle between vectors: x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)).

    Args:
        dim: axis along which the vectors lie.
        eps: smallest length that is divided by.

    Shapes:
        Input: two tensors whose shapes broadcast. Output: the broadcast shape without dim.

    Example:
        >>> nn.CosineSimilarity()(graphc.tensor([[1.0, 0.0]]), graphc.tensor([[1.0, 1.0]]))
        tensor([0.7071])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Compare vectors along the axis.

        Args:
            x1: tensor.
            x2: tensor whose shape broadcasts with that of x1.

        Returns:
            Tensor of the broadcast shape without the axis.
        """
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """Compute the p-norm of x1 - x2 + eps over the last axis.

    Args:
        p: order of the norm.
        eps: number added to every difference.
        keepdim: whether the last axis stays, with extent 1.

    Shapes:
        Input: two tensors (…, D) whose shapes broadcast. Output: (…), with keepdim (…, 1).

    Example:
        >>> nn.PairwiseDistance(eps=0.0)(graphc.tensor([[3.0, 4.0]]), graphc.tensor([[0.0, 0.0]]))
        tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """Measure along the last axis.

        Args:
            x1: tensor (…, D).
            x2: tensor whose shape broadcasts with that of x1.

        Returns:
            Tensor of the broadcast shape without the last axis, or with extent 1 there.
        """
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
