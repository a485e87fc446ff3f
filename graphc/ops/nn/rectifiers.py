"""Activations that are linear for positive inputs."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, elementwise, reshape, select
from graphc.ir.core.graph import Node
from graphc.ops.common import check_float, expand_to, number_like, torch_name
from graphc.ops.nn.shrinkage import hardtanh

__all__ = ["celu", "elu", "leaky_relu", "prelu", "relu", "relu6", "selu", "threshold"]


SELU_ALPHA = 1.6732632423543772

SELU_SCALE = 1.0507009873554805


@op("Relu")
def relu(input: Node, inplace: bool = False) -> Node:
    """Return max(input, 0): the rectified linear unit.

    Its derivative at 0 is 0; NaN stays NaN.

    Args:
        input: tensor of numbers.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input is a tensor of bools.

    Example:
        >>> F.relu(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 0., 2.])
    """
    if input.dtype.is_bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return select(input <= 0, 0, input)


@op("LeakyRelu")
def leaky_relu(input: Node, negative_slope: float = 0.01, inplace: bool = False) -> Node:
    """Return input where it is positive, and negative_slope * input elsewhere.

    Its derivative at 0 is negative_slope.

    Args:
        input: floating-point tensor.
        negative_slope: factor of elements that are not positive.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.leaky_relu(graphc.tensor([-1.0, 2.0]), 0.1)
        tensor([-0.1000,  2.0000])
    """
    check_float("leaky_relu_cpu", input)
    return select(input > 0, input, input * negative_slope)


@op("PreluKernel")
def prelu(input: Node, weight: Node) -> Node:
    """Return input where it is positive, and weight * input elsewhere.

    Source: He et al., "Delving deep into rectifiers" (2015).

    Args:
        input: floating-point tensor, its channels at axis 1.
        weight: tensor of one slope, or of one slope per channel, (C,); of input's dtype.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if weight has neither one element nor one per channel, more than one axis, or another dtype.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.prelu(graphc.tensor([[-1.0, -1.0], [2.0, 2.0]]), graphc.tensor([0.5, 0.25]))
        tensor([[-0.5000, -0.2500],
                [ 2.0000,  2.0000]])
    """
    _check_slopes(input, weight)
    if weight.type.size == 1:
        slope = expand_to(reshape(weight, ()), input.shape)
    else:
        slope = expand_to(reshape(weight, (weight.type.size,) + (1,) * (input.type.rank - 2)), input.shape)
    slope = select(elementwise("eq", input, 0), apply("stop_gradient", slope), slope)  # as torch: no mixed derivative at 0
    return select(input > 0, input, input * slope)


def _check_slopes(x: Node, weight: Node) -> None:
    check_float("prelu_cpu", x)
    if x.dtype is not weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {torch_name(x.dtype)} and {torch_name(weight.dtype)}")
    if weight.type.rank > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.type.rank}")
    if weight.type.size != 1:
        if not x.type.rank:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = x.shape[1] if x.type.rank > 1 else 1
        if weight.type.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.type.size} and channel size = {channels}."
            )


@op("Elu")
def elu(input: Node, alpha: float = 1.0, inplace: bool = False) -> Node:
    """Return input where it is positive, and alpha * (exp(input) - 1) elsewhere: the exponential linear unit.

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units" (2016).

    Args:
        input: floating-point tensor.
        alpha: minus the limit at minus infinity.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.elu(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-0.6321,  0.0000,  2.0000])
    """
    below = input < 0
    rest = input if alpha == 1 else select(elementwise("eq", input, 0), input * alpha, input)  # as torch: at 0, a line
    return select(below, elementwise("expm1", select(below, input, 0)) * alpha, rest)


@op("Elu")
def selu(input: Node, inplace: bool = False) -> Node:
    """Return scale * elu(input, alpha) with the constants that keep mean 0 and variance 1 from layer to layer.

    alpha is 1.6733 and scale is 1.0507. Source: Klambauer et al., "Self-normalizing neural networks" (2017).

    Args:
        input: floating-point tensor.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.selu(graphc.tensor([-1.0, 0.0, 2.0]))
        tensor([-1.1113,  0.0000,  2.1014])
    """
    return elu.nodes(input, SELU_ALPHA) * SELU_SCALE


@op("Elu")
def celu(input: Node, alpha: float = 1.0, inplace: bool = False) -> Node:
    """Return input where it is positive, and alpha * (exp(input / alpha) - 1) elsewhere.

    Its derivative is continuous for every alpha. Source: Barron, "Continuously differentiable exponential linear units" (2017).

    Args:
        input: floating-point tensor.
        alpha: minus the limit at minus infinity; not 0.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if alpha is 0.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.celu(graphc.tensor([-1.0, 0.0, 2.0]), alpha=2.0)
        tensor([-0.7869,  0.0000,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    below = input < 0
    return select(below, elementwise("expm1", select(below, input, 0) / alpha) * alpha, input)


@op("Hardtanh")
def relu6(input: Node, inplace: bool = False) -> Node:
    """Clamp input to [0, 6].

    Its derivative at 0 and at 6 is 0.

    Args:
        input: tensor of numbers.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input is a tensor of bools.

    Example:
        >>> F.relu6(graphc.tensor([-1.0, 3.0, 8.0]))
        tensor([0., 3., 6.])
    """
    return hardtanh.nodes(input, 0.0, 6.0)


@op("Threshold")
def threshold(input: Node, threshold: float, value: float, inplace: bool = False) -> Node:
    """Return input where it is above a threshold, and a constant elsewhere.

    Args:
        input: tensor of numbers.
        threshold: the largest number that is replaced.
        value: the constant.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is a tensor of bools.
        RuntimeError: if threshold or value is out of the range of an integer dtype.

    Example:
        >>> F.threshold(graphc.tensor([0.5, 1.5]), 1.0, -1.0)
        tensor([-1.0000,  1.5000])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"threshold_cpu\" not implemented for 'Bool'")
    return select(input <= number_like(threshold, input), number_like(value, input), input)
