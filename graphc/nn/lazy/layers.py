"""Linear maps and normalizations that take the number of features from their first input."""

from __future__ import annotations

from typing import Any

from graphc.nn import init
from graphc.nn.layers import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    Linear,
)
from graphc.nn.lazy.base import LazyModuleMixin
from graphc.nn.parameter import UninitializedBuffer, UninitializedParameter
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import check_device

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip


class LazyLinear(LazyModuleMixin, Linear):
    """`Linear` whose in_features is the extent of the last axis of the first input.

    Args:
        out_features: extent of the last axis of the output.
        bias: whether there is a bias.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (…, in_features). Output: (…, out_features).

    Example:
        >>> layer = nn.LazyLinear(2)
        >>> layer(graphc.ones(5, 3)).shape, layer
        (torch.Size([5, 2]), Linear(in_features=3, out_features=2, bias=True))
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False, device, dtype)
        self.out_features = out_features
        self.weight = UninitializedParameter(dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias again, unless the first input is still to come."""
        if self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        """Take the number of features from an input.

        Args:
            input: tensor (…, in_features).
        """
        if isinstance(self.weight, UninitializedParameter):
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if isinstance(self.bias, UninitializedParameter):
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        self.in_features = self.weight.shape[-1]


class _LazyNorm(LazyModuleMixin):
    num_features: int
    affine: bool
    track_running_stats: bool

    def _leave_open(self, affine: bool, bias: bool, track_running_stats: bool, dtype: Any) -> None:
        """Replace the parameters and statistics of 0 channels."""
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(dtype=dtype)
        if track_running_stats:
            self.running_mean, self.running_var = UninitializedBuffer(dtype=dtype), UninitializedBuffer(dtype=dtype)
            self.num_batches_tracked = tensor(0)

    def initialize_parameters(self, input: Any) -> None:
        """Take the number of channels from an input.

        Args:
            input: tensor of the shape that the class describes.
        """
        self.num_features = input.shape[1]
        starts = (("weight", init.ones_), ("bias", init.zeros_), ("running_mean", init.zeros_), ("running_var", init.ones_))
        for name, fill in starts:
            member: Any = getattr(self, name)
            if isinstance(member, (UninitializedParameter, UninitializedBuffer)):
                member.materialize((self.num_features,))
                fill(member)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics, None for cumulative means.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `BatchNorm1d`: input (N, C, L).

    Example:
        >>> layer = nn.LazyBatchNorm1d()
        >>> layer(graphc.ones(2, 3, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4]), 3)
    """

    cls_to_become = BatchNorm1d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics, None for cumulative means.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `BatchNorm2d`: input (N, C, H, W).

    Example:
        >>> layer = nn.LazyBatchNorm2d()
        >>> layer(graphc.ones(2, 3, 4, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4, 4]), 3)
    """

    cls_to_become = BatchNorm2d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics, None for cumulative means.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `BatchNorm3d`: input (N, C, D, H, W).

    Example:
        >>> layer = nn.LazyBatchNorm3d()
        >>> layer(graphc.ones(2, 3, 4, 4, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4, 4, 4]), 3)
    """

    cls_to_become = BatchNorm3d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """`InstanceNorm1d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `InstanceNorm1d`: input (N, C, L).

    Example:
        >>> layer = nn.LazyInstanceNorm1d()
        >>> layer(graphc.ones(2, 3, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4]), 3)
    """

    cls_to_become = InstanceNorm1d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """`InstanceNorm2d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `InstanceNorm2d`: input (N, C, H, W).

    Example:
        >>> layer = nn.LazyInstanceNorm2d()
        >>> layer(graphc.ones(2, 3, 4, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4, 4]), 3)
    """

    cls_to_become = InstanceNorm2d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """`InstanceNorm3d` whose num_features is the number of channels of the first input.

    Args:
        eps: number added to the variance.
        momentum: weight of the new value in running statistics.
        affine: whether there are a weight and a bias per channel.
        track_running_stats: whether statistics are kept for evaluation.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.
        bias: whether there is a bias, if affine.

    Shapes:
        Those of `InstanceNorm3d`: input (N, C, D, H, W).

    Example:
        >>> layer = nn.LazyInstanceNorm3d()
        >>> layer(graphc.ones(2, 3, 4, 4, 4)).shape, layer.num_features
        (torch.Size([2, 3, 4, 4, 4]), 3)
    """

    cls_to_become = InstanceNorm3d

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_device(device)
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        self._leave_open(affine, bias, track_running_stats, dtype)
