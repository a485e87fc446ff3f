"""Piecewise activations: rectifiers, clamps, shrinkage."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.activation.base import Activation
from graphc.nn.module import Module
from graphc.nn.parameter import fresh

__all__ = [
    "CELU", "ELU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "PReLU", "ReLU", "ReLU6",
    "Softshrink", "Threshold",
]  # fmt: skip


class ReLU(Activation):
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

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU6(Activation):
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

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class SELU(Activation):
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

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Hardswish(Activation):
    """Return input * relu6(input + 3) / 6, a piecewise approximation of SiLU.

    Source: Howard et al., "Searching for MobileNetV3" (2019).

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Hardswish()(graphc.tensor([-1.0, 0.0, 4.0]))
        tensor([-0.3333,  0.0000,  4.0000])
    """

    function = staticmethod(F.hardswish)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Hardsigmoid(Activation):
    """Return relu6(input + 3) / 6, a piecewise linear approximation of the sigmoid.

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Hardsigmoid()(graphc.tensor([-4.0, 0.0, 1.5]))
        tensor([0.0000, 0.5000, 0.7500])
    """

    function = staticmethod(F.hardsigmoid)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ELU(Activation):
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
    options = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(Activation):
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
    options = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


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
    options = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class Hardtanh(Activation):
    """Clamp the input to [min_val, max_val].

    Args:
        min_val: lower bound.
        max_val: upper bound.
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Hardtanh()(graphc.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.0000,  0.5000,  1.0000])
    """

    function = staticmethod(F.hardtanh)
    options = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


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
    options = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class Hardshrink(Activation):
    """Return the input with the elements within [-lambd, lambd] set to 0.

    Args:
        lambd: half the width of the interval.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Hardshrink()(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-2.,  0.,  1.])
    """

    function = staticmethod(F.hardshrink)
    options = ("lambd",)
    bare = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd


class Softshrink(Activation):
    """Move every element by lambd towards 0, and to 0 if it is within [-lambd, lambd].

    Args:
        lambd: distance to move, not negative.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Softshrink()(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-1.5000,  0.0000,  0.5000])
    """

    function = staticmethod(F.softshrink)
    options = ("lambd",)
    bare = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd


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
        self.weight = _filled(num_parameters, init)

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


def _filled(n: int, value: float) -> Any:
    return init.constant_(fresh(n), value)
