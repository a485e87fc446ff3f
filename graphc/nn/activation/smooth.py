"""Smooth activations."""

from __future__ import annotations

from graphc.nn import functional as F
from graphc.nn.activation.base import Activation, InplaceActivation

__all__ = ["GELU", "GLU", "LogSigmoid", "Mish", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh", "Tanhshrink"]


class SiLU(InplaceActivation):
    """Return input * sigmoid(input), also known as swish.

    Source: Ramachandran et al., "Searching for activation functions" (2017).

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.SiLU()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.2689,  0.0000,  1.7616])
    """

    function = staticmethod(F.silu)


class Mish(InplaceActivation):
    """Return input * tanh(softplus(input)).

    Source: Misra, "Mish: a self regularized non-monotonic activation function" (2019).

    Args:
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Mish()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.3034,  0.0000,  1.9440])
    """

    function = staticmethod(F.mish)


class Sigmoid(Activation):
    """Return 1 / (1 + exp(-input)).

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Sigmoid()(graphc.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """

    function = staticmethod(F.sigmoid)


class Tanh(Activation):
    """Return the hyperbolic tangent.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Tanh()(graphc.tensor([0.0, 2.0]))
        tensor([0.0000, 0.9640])
    """

    function = staticmethod(F.tanh)


class LogSigmoid(Activation):
    """Return log(sigmoid(input)), computed without overflow.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.LogSigmoid()(graphc.tensor([-1000.0, 0.0]))
        tensor([-1.0000e+03, -6.9315e-01])
    """

    function = staticmethod(F.logsigmoid)


class Softsign(Activation):
    """Return input / (1 + |input|).

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Softsign()(graphc.tensor([-1.0, 3.0]))
        tensor([-0.5000,  0.7500])
    """

    function = staticmethod(F.softsign)


class Tanhshrink(Activation):
    """Return input - tanh(input).

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Tanhshrink()(graphc.tensor([-1.0, 3.0]))
        tensor([-0.2384,  2.0049])
    """

    function = staticmethod(F.tanhshrink)


class GELU(Activation):
    """Return input * Phi(input), where Phi is the standard normal distribution function.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    Args:
        approximate: "none" computes Phi by erf, "tanh" by 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.GELU()(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.1587,  0.0000,  1.9545])
    """

    function = staticmethod(F.gelu)
    options = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class GLU(Activation):
    """Return a * sigmoid(b), where a and b are the halves of the input along an axis: the gated linear unit.

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2017).

    Args:
        dim: axis to halve.

    Shapes:
        Input: any with an even extent of the axis. Output: half of that extent.

    Example:
        >>> nn.GLU()(graphc.tensor([1.0, 2.0, 0.0, 0.0]))
        tensor([0.5000, 1.0000])
    """

    function = staticmethod(F.glu)
    options = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class Softplus(Activation):
    """Return log(1 + exp(beta * input)) / beta, a smooth approximation of ReLU.

    Args:
        beta: how sharp the bend at 0 is.
        threshold: where beta * input is above it, the result is the input itself.

    Shapes:
        Input: any. Output: the same.

    Example:
        >>> nn.Softplus()(graphc.tensor([-1.0, 0.0, 30.0]))
        tensor([ 0.3133,  0.6931, 30.0000])
    """

    function = staticmethod(F.softplus)
    options = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold
