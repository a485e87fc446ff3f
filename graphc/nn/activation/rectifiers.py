"""Rectifiers: the input where it is positive, and little of it elsewhere."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.activation.base import Activation, InplaceActivation
from graphc.nn.init import constant_
from graphc.nn.module import Module
from graphc.nn.parameter import fresh

__all__ = ["CELU", "ELU", "SELU", "LeakyReLU", "PReLU", "ReLU", "ReLU6", "Threshold"]


class ReLU(InplaceActivation):
    """Return max(input, 0), the rectified linear unit.

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.ReLU()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 0., 2.])
    """

    function = staticmethod(F.relu)


class ReLU6(InplaceActivation):
    """Clamp the input to [0, 6].

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.ReLU6()(graphc.tensor([-1.0, 3.0, 8.0]))
        tensor([0., 3., 6.])
    """

    function = staticmethod(F.relu6)


class SELU(InplaceActivation):
    """Return 1.0507 * elu(input, 1.6733), which keeps mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al., "Self-normalizing neural networks" (2017).

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.SELU()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-1.1113,  0.0000,  2.1014])
    """

    function = staticmethod(F.selu)


class _ExponentialUnit(Activation):
    options = ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class ELU(_ExponentialUnit):
    """Return the input where it is positive, and alpha * (exp(input) - 1) elsewhere.

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units" (2016).

    Args:
        alpha: minus the limit at minus infinity.
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.ELU()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.6321,  0.0000,  2.0000])
    """

    function = staticmethod(F.elu)


class CELU(_ExponentialUnit):
    """Return the input where it is positive, and alpha * (exp(input / alpha) - 1) elsewhere.

    Source: Barron, "Continuously differentiable exponential linear units" (2017).

    Args:
        alpha: minus the limit at minus infinity; not 0.
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.CELU(alpha=2.0)(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.7869,  0.0000,  2.0000])
    """

    function = staticmethod(F.celu)


class LeakyReLU(Activation):
    """Return the input where it is positive, and negative_slope * input elsewhere.

    Args:
        negative_slope: factor of elements that are not positive.
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.LeakyReLU(0.1)(graphc.tensor([-1.0, 2.0]))
        tensor([-0.1000,  2.0000])
    """

    function = staticmethod(F.leaky_relu)
    options = ("negative_slope", "inplace")

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class Threshold(Activation):
    """Return the input where it is above a threshold, and a constant elsewhere.

    Args:
        threshold: the largest number that is replaced.
        value: the constant.
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Threshold(1.0, -1.0)(graphc.tensor([0.5, 1.5]))
        tensor([-1.0000,  1.5000])
    """

    function = staticmethod(F.threshold)
    options = ("threshold", "value", "inplace")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class PReLU(Module):
    """Return the input where it is positive, and weight * input elsewhere, with a trained weight.

    Source: He et al., "Delving deep into rectifiers" (2015).

    Args:
        num_parameters: number of weights: 1, or C for one per channel.
        init: value that the weights start with.

    Shapes:
        Input: (N, C, …), or any with one weight. Output: the same.

    Example:
        >>> nn.PReLU()(graphc.tensor([-1.0, 2.0])).detach()
        tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = constant_(fresh(num_parameters), init)

    def forward(self, input: Any) -> Any:
        """Apply the rectifier.

        Args:
            input: floating-point tensor, its channels at axis 1.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"
