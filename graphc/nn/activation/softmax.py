"""Activations that normalize along an axis."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.activation.base import Activation

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class _AxisActivation(Activation):
    options = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_AxisActivation):
    """Return exp(input) / sum(exp(input)) along an axis.

    Args:
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in
            torch.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Softmax(dim=0)(graphc.tensor([1000.0, 1000.0, 0.0]))
        tensor([0.5000, 0.5000, 0.0000])
    """

    function = staticmethod(F.softmax)


class Softmin(_AxisActivation):
    """Return softmax(-input) along an axis.

    Args:
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in
            torch.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Softmin(dim=0)(graphc.tensor([0.0, 0.0, 1000.0]))
        tensor([0.5000, 0.5000, 0.0000])
    """

    function = staticmethod(F.softmin)


class LogSoftmax(_AxisActivation):
    """Return log(softmax(input)) along an axis, computed without overflow.

    Args:
        dim: axis along which the exponentials sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in
            torch.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.LogSoftmax(dim=0)(graphc.tensor([0.0, 0.0]))
        tensor([-0.6931, -0.6931])
    """

    function = staticmethod(F.log_softmax)


class Softmax2d(Activation):
    """Return exp(input) / sum(exp(input)) along the channels of images.

    Shapes:
        Input: (N, C, H, W) or (C, H, W). Output: the same.

    Example:
        >>> nn.Softmax2d()(graphc.zeros(1, 4, 2, 2))[0, :, 0, 0]
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    function = staticmethod(F.softmax)

    def forward(self, input: Any) -> Any:
        """Apply the function along the third axis from the end.

        Args:
            input: floating-point tensor of the shape that the class describes.

        Returns:
            Tensor of the same shape.

        Raises:
            ValueError: if input has neither three nor four axes.
        """
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)
