"""Piecewise activations: approximations of smooth ones, and shrinkage."""

from __future__ import annotations

from graphc.nn import functional as F
from graphc.nn.activation.base import Activation, InplaceActivation

__all__ = ["Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Softshrink"]


class Hardswish(InplaceActivation):
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


class Hardsigmoid(InplaceActivation):
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
    options = ("min_val", "max_val", "inplace")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class _Shrink(Activation):
    options = ("lambd",)
    bare = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd


class Hardshrink(_Shrink):
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


class Softshrink(_Shrink):
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
