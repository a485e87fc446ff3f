"""Activations built from the logistic and the normal distribution function, and gates."""

from __future__ import annotations

from math import pi, sqrt

from graphc.dispatch.operation import op
from graphc.ir.core.build import derived, elementwise, magnitude, select
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of
from graphc.ops.nn.rectifiers import relu6
from graphc.ops.shape.slices import narrow_axis

__all__ = ["gelu", "glu", "hardsigmoid", "hardswish", "logsigmoid", "mish", "silu", "softplus"]


@op("Gelu")
def gelu(input: Node, approximate: str = "none") -> Node:
    """Return input * Phi(input), where Phi is the standard normal distribution function.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    Args:
        input: floating-point tensor.
        approximate: "none" computes Phi by erf, "tanh" by 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if approximate is another word.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.gelu(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.1587,  0.0000,  1.9545])
    """
    if approximate == "none":
        return input * 0.5 * (elementwise("erf", input * sqrt(0.5)) + 1)
    if approximate != "tanh":
        raise RuntimeError("approximate argument must be either none or tanh.")
    inner = (input + input * input * input * 0.044715) * sqrt(2 / pi)
    return input * 0.5 * (elementwise("tanh", inner) + 1)


@op("Silu")
def silu(input: Node, inplace: bool = False) -> Node:
    """Return input * sigmoid(input), also known as swish.

    Source: Ramachandran et al., "Searching for activation functions" (2017).

    Args:
        input: floating-point tensor.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.silu(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.2689,  0.0000,  1.7616])
    """
    return input * elementwise("sigmoid", input)


@op("Softplus")
def softplus(input: Node, beta: float = 1.0, threshold: float = 20.0) -> Node:
    """Return log(1 + exp(beta * input)) / beta, a smooth approximation of relu.

    Args:
        input: floating-point tensor.
        beta: how sharp the bend at 0 is.
        threshold: where beta * input is above it, the result is input itself; exp cannot overflow then.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.softplus(graphc.tensor([-1.0, 0.0, 30.0]))
        tensor([ 0.3133,  0.6931, 30.0000])
    """
    scaled = input if beta == 1 else input * beta
    linear = scaled > threshold
    curve = elementwise("log1p", elementwise("exp", select(linear, 0, scaled)))
    return select(linear, input, curve if beta == 1 else curve / beta)


@op("Mish")
def mish(input: Node, inplace: bool = False) -> Node:
    """Return input * tanh(softplus(input)).

    Source: Misra, "Mish: a self regularized non-monotonic activation function" (2019).

    Args:
        input: floating-point tensor.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.mish(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.3034,  0.0000,  1.9440])
    """
    return input * elementwise("tanh", softplus.nodes(input))


@op("LogSigmoid")
def logsigmoid(input: Node) -> Node:
    """Return log(sigmoid(input)), computed as min(input, 0) - log(1 + exp(-|input|)) without overflow.

    Args:
        input: floating-point tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.logsigmoid(graphc.tensor([-1000.0, 0.0]))
        tensor([-1.0000e+03, -6.9315e-01])
    """
    return select(input < 0, input, 0) - elementwise("log1p", elementwise("exp", -magnitude(input)))


@op("Hardsigmoid")
def hardsigmoid(input: Node, inplace: bool = False) -> Node:
    """Return relu6(input + 3) / 6, a piecewise linear approximation of sigmoid.

    Args:
        input: floating-point tensor.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.hardsigmoid(graphc.tensor([-4.0, 0.0, 1.5, 4.0]))
        tensor([0.0000, 0.5000, 0.7500, 1.0000])
    """
    return derived("hardsigmoid", relu6.nodes(input + 3) / 6, input)


@op("Hardswish")
def hardswish(input: Node, inplace: bool = False) -> Node:
    """Return input * relu6(input + 3) / 6, a piecewise approximation of silu.

    Source: Howard et al., "Searching for MobileNetV3" (2019).

    Args:
        input: floating-point tensor.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.hardswish(graphc.tensor([-4.0, -1.0, 0.0, 4.0]))
        tensor([-0.0000, -0.3333,  0.0000,  4.0000])
    """
    return derived("hardswish", input * relu6.nodes(input + 3) / 6, input)


@op("Glu")
def glu(input: Node, dim: int = -1) -> Node:
    """Return a * sigmoid(b), where a and b are the halves of input along an axis: the gated linear unit.

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2017).

    Args:
        input: floating-point tensor.
        dim: axis to halve.

    Returns:
        Tensor of input's dtype, half as long along the axis.

    Raises:
        RuntimeError: if the extent of the axis is odd, or input is 0-d.
        NotImplementedError: if input is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.glu(graphc.tensor([1.0, 2.0, 0.0, 0.0]))
        tensor([0.5000, 1.0000])
    """
    if not input.type.rank:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    axis = axis_of(dim, input.type.rank)
    n = input.shape[axis]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {n}")
    return narrow_axis(input, axis, 0, n // 2) * elementwise("sigmoid", narrow_axis(input, axis, n // 2, n))
