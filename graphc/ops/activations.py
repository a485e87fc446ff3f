"""The functions between layers, softmax among them, under torch's names."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from graphc.core.promotion import promote
from graphc.ir.core.build import apply, cast, elementwise, expand_axes, full_like, reduce, reshape, select
from graphc.ir.core.graph import Node
from graphc.ops.common import (
    Operand,
    axes_of,
    axis_of,
    check_float,
    dtype_or,
    expand_to,
    number_like,
    torch_name,
    unsqueeze_axis,
)
from graphc.ops.reductions import norm_nodes
from graphc.ops.shape import narrow_axis
from graphc.tensors.dispatch import op

__all__ = [
    "celu", "cosine_similarity", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "log_softmax", "logsigmoid", "mish", "normalize", "pairwise_distance", "prelu", "relu", "relu6", "selu", "silu",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanhshrink", "threshold",
]  # fmt: skip

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@op("Relu")
def relu(input: Operand, inplace: bool = False) -> Node:
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
def leaky_relu(input: Operand, negative_slope: float = 0.01, inplace: bool = False) -> Node:
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
def prelu(input: Operand, weight: Operand) -> Node:
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
def elu(input: Operand, alpha: float = 1.0, inplace: bool = False) -> Node:
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
    below = input <= 0
    return select(below, elementwise("expm1", select(below, input, 0)) * alpha, input)


@op("Elu")
def selu(input: Operand, inplace: bool = False) -> Node:
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
    return elu.nodes(input, SELU_ALPHA) * SELU_SCALE  # type: ignore[no-any-return]


@op("Elu")
def celu(input: Operand, alpha: float = 1.0, inplace: bool = False) -> Node:
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
    below = input <= 0
    return select(below, elementwise("expm1", select(below, input, 0) / alpha) * alpha, input)


@op("Gelu")
def gelu(input: Operand, approximate: str = "none") -> Node:
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
        return input * 0.5 * (elementwise("erf", input * sqrt(0.5)) + 1)  # type: ignore[no-any-return]
    if approximate != "tanh":
        raise RuntimeError("approximate argument must be either none or tanh.")
    inner = (input + input * input * input * 0.044715) * sqrt(2 / pi)
    return input * 0.5 * (elementwise("tanh", inner) + 1)  # type: ignore[no-any-return]


@op("Silu")
def silu(input: Operand, inplace: bool = False) -> Node:
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
    return input * elementwise("sigmoid", input)  # type: ignore[no-any-return]


@op("Softplus")
def softplus(input: Operand, beta: float = 1.0, threshold: float = 20.0) -> Node:
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
def mish(input: Operand, inplace: bool = False) -> Node:
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
    return input * elementwise("tanh", softplus.nodes(input))  # type: ignore[no-any-return]


@op("LogSigmoid")
def logsigmoid(input: Operand) -> Node:
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
    return elementwise("minimum", input, 0) - elementwise("log1p", elementwise("exp", -elementwise("abs", input)))


@op("Softsign")
def softsign(input: Operand) -> Node:
    """Return input / (1 + |input|).

    Args:
        input: tensor of numbers.

    Returns:
        Tensor of the shape of input and its dtype, the default floating-point dtype for integers.

    Raises:
        NotImplementedError: if input is a tensor of bools.

    Example:
        >>> F.softsign(graphc.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.5000,  0.0000,  0.7500])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    (x,) = promote(input, float=True)
    return x / (elementwise("abs", x) + 1)


@op("Tanhshrink")
def tanhshrink(input: Operand) -> Node:
    """Return input - tanh(input).

    Args:
        input: tensor of numbers.

    Returns:
        Tensor of the shape of input and its dtype, the default floating-point dtype for integers.

    Raises:
        NotImplementedError: if input is a tensor of bools.

    Example:
        >>> F.tanhshrink(graphc.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.2384,  0.0000,  2.0049])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"tanhshrink\" not implemented for 'Bool'")
    (x,) = promote(input, float=True)
    return x - elementwise("tanh", x)


@op("Hardtanh")
def hardtanh(input: Operand, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Node:
    """Clamp input to [min_val, max_val].

    Its derivative at both bounds is 0, unlike that of `graphc.clamp`.

    Args:
        input: tensor of numbers.
        min_val: lower bound.
        max_val: upper bound.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if min_val is greater than max_val.
        RuntimeError: if input is a tensor of bools, or a bound is out of the range of its integer dtype.

    Example:
        >>> F.hardtanh(graphc.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.0000,  0.5000,  1.0000])
    """
    if input.dtype.is_bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.name == "u8" and min(min_val, max_val) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    low, high = (number_like(v, input) for v in (min_val, max_val))
    if min_val != min_val or max_val != max_val:
        return low if min_val != min_val else high
    return select(input <= low, low, select(input >= high, high, input))


@op("Hardtanh")
def relu6(input: Operand, inplace: bool = False) -> Node:
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
    return hardtanh.nodes(input, 0.0, 6.0)  # type: ignore[no-any-return]


@op("Hardsigmoid")
def hardsigmoid(input: Operand, inplace: bool = False) -> Node:
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
    return relu6.nodes(input + 3) / 6  # type: ignore[no-any-return]


@op("Hardswish")
def hardswish(input: Operand, inplace: bool = False) -> Node:
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
    return input * relu6.nodes(input + 3) / 6  # type: ignore[no-any-return]


@op("Hardshrink")
def hardshrink(input: Operand, lambd: float = 0.5) -> Node:
    """Return input with the elements within [-lambd, lambd] set to 0.

    Args:
        input: floating-point tensor.
        lambd: half the width of the interval.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.hardshrink(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-2.,  0.,  1.])
    """
    check_float("hardshrink_cpu", input)
    return select((input <= lambd) & (input >= -lambd), 0, input)


@op("Softshrink")
def softshrink(input: Operand, lambd: float = 0.5) -> Node:
    """Move every element by lambd towards 0, and to 0 if it is within [-lambd, lambd].

    Args:
        input: floating-point tensor.
        lambd: distance to move, not negative.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if lambd is negative.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.softshrink(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-1.5000,  0.0000,  0.5000])
    """
    check_float("softshrink_check", input)
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return select((input <= lambd) & (input >= -lambd), 0, select(input < 0, input + lambd, input - lambd))


@op("Threshold")
def threshold(input: Operand, threshold: float, value: float, inplace: bool = False) -> Node:
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


@op("Glu")
def glu(input: Operand, dim: int = -1) -> Node:
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


# -- softmax --------------------------------------------------------------------------------------------


def shifted(x: Node, axis: int) -> Node:
    """Return x minus its largest element along an axis, which counts as a constant; node level.

    What follows (softmax, its logarithm) does not change with the shift, so its derivative is exact without it.
    """
    top = apply("stop_gradient", reduce("max", x, (axis,)))
    return x - expand_axes(top, x.shape, (axis,))


def softmax_nodes(x: Node, axis: int) -> Node:
    """Return exp(x) / sum(exp(x)) along an axis, without overflow; node level."""
    if x.type.rank == 0 or x.type.size == 0:
        return x if x.type.size == 0 else x - x + 1
    e = elementwise("exp", shifted(x, axis))
    return e / expand_axes(reduce("sum", e, (axis,)), x.shape, (axis,))


def log_softmax_nodes(x: Node, axis: int) -> Node:
    """Return the logarithm of softmax along an axis; node level."""
    if x.type.rank == 0 or x.type.size == 0:
        return x - x
    low = shifted(x, axis)
    total = elementwise("log", reduce("sum", elementwise("exp", low), (axis,)))
    return low - expand_axes(total, x.shape, (axis,))


def _softmax_operand(name: str, input: Node, dim: int | None, dtype: Any) -> tuple[Node, int]:
    x = cast(input, dtype_or(dtype, input.dtype))
    axis = axis_of(_implicit_dim(x) if dim is None else dim, x.type.rank)
    if not x.dtype.is_float:
        raise NotImplementedError(f"\"{name}_lastdim_kernel_impl\" not implemented for '{torch_name(x.dtype)}'")
    return x, axis


def _implicit_dim(x: Node) -> int:
    return 0 if x.type.rank in (0, 1, 3) else 1


@op("Softmax")
def softmax(input: Operand, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Node:
    """Return exp(input) / sum(exp(input)) along an axis.

    The maximum along the axis is subtracted first, so exp does not overflow.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in torch.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.softmax(graphc.tensor([1000.0, 1000.0, 0.0]), 0)
        tensor([0.5000, 0.5000, 0.0000])
    """
    return softmax_nodes(*_softmax_operand("softmax", input, dim, dtype))


@op("Softmax")
def softmin(input: Operand, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Node:
    """Return softmax(-input) along an axis.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in torch.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.softmin(graphc.tensor([0.0, 0.0, 1000.0]), 0)
        tensor([0.5000, 0.5000, 0.0000])
    """
    return softmax_nodes(*_softmax_operand("softmax", -input, dim, dtype))


@op("LogSoftmax")
def log_softmax(input: Operand, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Node:
    """Return log(softmax(input)) along an axis, computed as input - log(sum(exp(input))) without overflow.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the exponentials of the results sum to 1; None as for `softmax`.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.log_softmax(graphc.tensor([0.0, 0.0]), 0)
        tensor([-0.6931, -0.6931])
    """
    return log_softmax_nodes(*_softmax_operand("log_softmax", input, dim, dtype))


# -- lengths and angles ---------------------------------------------------------------------------------


@op("Normalize")
def normalize(input: Operand, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Node:
    """Divide vectors by their p-norm, or by eps if that is larger.

    Args:
        input: floating-point tensor.
        p: order of the norm.
        dim: axis along which the vectors lie.
        eps: smallest divisor, which keeps zero vectors zero.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if dim is out of range.

    Example:
        >>> F.normalize(graphc.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    axes = axes_of((dim,), input.type.rank)
    length = norm_nodes(input, p, axes, False)
    length = select(length < eps, eps, length)
    return input / expand_axes(length, input.shape, axes)  # type: ignore[no-any-return]


@op("CosineSimilarity")
def cosine_similarity(x1: Operand, x2: Operand, dim: int = 1, eps: float = 1e-8) -> Node:
    """Return the cosine of the angle between vectors: x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)).

    Args:
        x1: floating-point tensor.
        x2: tensor whose shape broadcasts with that of x1.
        dim: axis of the broadcast shape along which the vectors lie.
        eps: smallest length that is divided by.

    Returns:
        Tensor of the broadcast shape without the axis, of the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        IndexError: if dim is out of range.

    Example:
        >>> F.cosine_similarity(graphc.tensor([1.0, 0.0]), graphc.tensor([[1.0, 0.0], [0.0, 2.0]]))
        tensor([1., 0.])
    """
    a, b = promote(x1, x2)
    axes = axes_of((dim,), a.type.rank)
    lengths = [norm_nodes(x, 2, axes, False) for x in (a, b)]
    lengths = [expand_axes(select(n < eps, full_like(n, eps), n), a.shape, axes) for n in lengths]
    return reduce("sum", (a / lengths[0]) * (b / lengths[1]), axes)


@op("Cdist")
def cdist(x1: Operand, x2: Operand, p: float = 2.0) -> Node:
    """Return the p-norm of the difference of each row of x1 and each row of x2.

    Args:
        x1: tensor (…, M, K).
        x2: tensor (…, N, K); its leading axes broadcast with those of x1.
        p: order of the norm.

    Returns:
        Floating-point tensor (…, M, N).

    Raises:
        RuntimeError: if the shapes do not fit.

    Example:
        >>> graphc.cdist(graphc.tensor([[0.0, 0.0]]), graphc.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5., 1.]])
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.type.rank < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.type.rank}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    a, b = unsqueeze_axis(x1, x1.type.rank - 1), unsqueeze_axis(x2, x2.type.rank - 2)
    a, b = promote(a, b, float=True)
    return norm_nodes(a - b, p, (a.type.rank - 1,), False)


@op("PairwiseDistance")
def pairwise_distance(x1: Operand, x2: Operand, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Node:
    """Return the p-norm of x1 - x2 + eps over the last axis.

    Args:
        x1: tensor (…, D).
        x2: tensor whose shape broadcasts with that of x1.
        p: order of the norm.
        eps: number added to every difference, which keeps the gradient finite where x1 equals x2.
        keepdim: whether the last axis stays, with extent 1.

    Returns:
        Floating-point tensor of the broadcast shape without the last axis.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.pairwise_distance(graphc.tensor([[3.0, 4.0]]), graphc.tensor([[0.0, 0.0]]), eps=0.0)
        tensor([5.])
    """
    a, b = promote(x1, x2, float=True)
    return norm_nodes(a - b + eps, p, (a.type.rank - 1,), keepdim)
