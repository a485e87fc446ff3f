"""The functions between layers, softmax among them, under torch's names."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from graphc.core.promotion import promote
from graphc.ir.core.build import apply, cast, elementwise, expand_axes, full_like, reduce, reshape, select
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, axes_of, axis_of, dtype_or, expand_to, number_like, torch_name, unsqueeze_axis
from graphc.ops.reductions import norm_nodes
from graphc.ops.shape import narrow_axis
from graphc.tensors.dispatch import op

__all__ = [
    "celu", "cosine_similarity", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "log_softmax", "logsigmoid", "mish", "normalize", "pairwise_distance", "prelu", "relu", "relu6", "selu", "silu",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanhshrink", "threshold",
]  # fmt: skip

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _check_float(name: str, input: Node) -> None:
    if not input.dtype.is_float:
        raise NotImplementedError(f"\"{name}\" not implemented for '{torch_name(input.dtype)}'")


@op("Relu")
def relu(input: Operand, inplace: bool = False) -> Node:
    """Return max(input, 0), with derivative 0 at 0; NaN stays.  Raises RuntimeError for bools."""
    if input.dtype.is_bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return select(input <= 0, 0, input)


@op("LeakyRelu")
def leaky_relu(input: Operand, negative_slope: float = 0.01, inplace: bool = False) -> Node:
    """Return input above 0 and `negative_slope` times it below.  Raises NotImplementedError for integers."""
    _check_float("leaky_relu_cpu", input)
    return select(input > 0, input, input * negative_slope)


@op("PreluKernel")
def prelu(input: Operand, weight: Operand) -> Node:
    """Return input above 0 and `weight` times it below; one weight, or one for each element of axis 1."""
    if weight.type.size == 1:
        slope = expand_to(reshape(weight, ()), input.shape)
    else:
        slope = expand_to(reshape(weight, (weight.type.size,) + (1,) * (input.type.rank - 2)), input.shape)
    return select(input > 0, input, input * slope)


@op("Elu")
def elu(input: Operand, alpha: float = 1.0, inplace: bool = False) -> Node:
    """Return input above 0 and alpha * (exp(input) - 1) below."""
    below = input <= 0
    return select(below, elementwise("expm1", select(below, input, 0)) * alpha, input)


@op("Elu")
def selu(input: Operand, inplace: bool = False) -> Node:
    """Return the scaled exponential linear unit (Klambauer et al., 2017)."""
    return elu.nodes(input, SELU_ALPHA) * SELU_SCALE  # type: ignore[no-any-return]


@op("Elu")
def celu(input: Operand, alpha: float = 1.0, inplace: bool = False) -> Node:
    """Return input above 0 and alpha * (exp(input / alpha) - 1) below."""
    below = input <= 0
    return select(below, elementwise("expm1", select(below, input, 0) / alpha) * alpha, input)


@op("Gelu")
def gelu(input: Operand, approximate: str = "none") -> Node:
    """Return input times the normal distribution function of it, by erf or, with "tanh", by the usual approximation.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).  Raises RuntimeError for another word.
    """
    if approximate == "none":
        return input * 0.5 * (elementwise("erf", input * sqrt(0.5)) + 1)  # type: ignore[no-any-return]
    if approximate != "tanh":
        raise RuntimeError("approximate argument must be either none or tanh.")
    inner = (input + input * input * input * 0.044715) * sqrt(2 / pi)
    return input * 0.5 * (elementwise("tanh", inner) + 1)  # type: ignore[no-any-return]


@op("Silu")
def silu(input: Operand, inplace: bool = False) -> Node:
    """Return input * sigmoid(input)."""
    return input * elementwise("sigmoid", input)  # type: ignore[no-any-return]


@op("Softplus")
def softplus(input: Operand, beta: float = 1.0, threshold: float = 20.0) -> Node:
    """Return log(1 + exp(beta * input)) / beta, and input itself where beta * input is above `threshold`."""
    scaled = input if beta == 1 else input * beta
    linear = scaled > threshold
    curve = elementwise("log1p", elementwise("exp", select(linear, 0, scaled)))
    return select(linear, input, curve if beta == 1 else curve / beta)


@op("Mish")
def mish(input: Operand, inplace: bool = False) -> Node:
    """Return input * tanh(softplus(input))."""
    return input * elementwise("tanh", softplus.nodes(input))  # type: ignore[no-any-return]


@op("LogSigmoid")
def logsigmoid(input: Operand) -> Node:
    """Return log(sigmoid(input)) without overflow."""
    return elementwise("minimum", input, 0) - elementwise("log1p", elementwise("exp", -elementwise("abs", input)))


@op("Softsign")
def softsign(input: Operand) -> Node:
    """Return input / (1 + |input|)."""
    (x,) = promote(input, float=True)
    return x / (elementwise("abs", x) + 1)


@op("Tanhshrink")
def tanhshrink(input: Operand) -> Node:
    """Return input - tanh(input)."""
    (x,) = promote(input, float=True)
    return x - elementwise("tanh", x)


@op("Hardtanh")
def hardtanh(input: Operand, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Node:
    """Return input moved into [min_val, max_val], with derivative 0 at the bounds.

    Raises RuntimeError for bools, and for bounds out of the range of integers.
    """
    if input.dtype.is_bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.name == "u8" and min(min_val, max_val) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    low, high = (number_like(v, input) for v in (min_val, max_val))
    if min_val != min_val or max_val != max_val:
        return low if min_val != min_val else high
    return select(input <= low, low, select(input >= high, high, input))


@op("Hardtanh")
def relu6(input: Operand, inplace: bool = False) -> Node:
    """Return input moved into [0, 6]."""
    return hardtanh.nodes(input, 0.0, 6.0)  # type: ignore[no-any-return]


@op("Hardsigmoid")
def hardsigmoid(input: Operand, inplace: bool = False) -> Node:
    """Return input / 6 + 1/2 moved into [0, 1]."""
    return relu6.nodes(input + 3) / 6  # type: ignore[no-any-return]


@op("Hardswish")
def hardswish(input: Operand, inplace: bool = False) -> Node:
    """Return input * hardsigmoid(input)."""
    return input * relu6.nodes(input + 3) / 6  # type: ignore[no-any-return]


@op("Hardshrink")
def hardshrink(input: Operand, lambd: float = 0.5) -> Node:
    """Return input, but 0 within [-lambd, lambd].  Raises NotImplementedError for integers."""
    _check_float("hardshrink_cpu", input)
    return select((input <= lambd) & (input >= -lambd), 0, input)


@op("Softshrink")
def softshrink(input: Operand, lambd: float = 0.5) -> Node:
    """Return input moved towards 0 by lambd, and 0 within it.  Raises NotImplementedError for integers."""
    _check_float("softshrink_check", input)
    return select((input <= lambd) & (input >= -lambd), 0, select(input < 0, input + lambd, input - lambd))


@op("Threshold")
def threshold(input: Operand, threshold: float, value: float, inplace: bool = False) -> Node:
    """Return input above `threshold`, else `value`.  Raises NotImplementedError for bools, RuntimeError out of range."""
    if input.dtype.is_bool:
        raise NotImplementedError("\"threshold_cpu\" not implemented for 'Bool'")
    return select(input <= number_like(threshold, input), number_like(value, input), input)


@op("Glu")
def glu(input: Operand, dim: int = -1) -> Node:
    """Return the first half of an axis times the sigmoid of the second.  Raises RuntimeError for an odd extent."""
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
    """Return exp(input) / sum(exp(input)) along `dim`.  Raises NotImplementedError for integers without `dtype`."""
    return softmax_nodes(*_softmax_operand("softmax", input, dim, dtype))


@op("Softmax")
def softmin(input: Operand, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Node:
    """Return softmax(-input) along `dim`."""
    return softmax_nodes(*_softmax_operand("softmax", -input, dim, dtype))


@op("LogSoftmax")
def log_softmax(input: Operand, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Node:
    """Return log(softmax(input)) along `dim`, without loss.  Raises NotImplementedError for integers without `dtype`."""
    return log_softmax_nodes(*_softmax_operand("log_softmax", input, dim, dtype))


# -- lengths and angles ---------------------------------------------------------------------------------


@op("Normalize")
def normalize(input: Operand, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Node:
    """Return input divided by its p-norm along `dim`, or by `eps` if that is larger."""
    axes = axes_of((dim,), input.type.rank)
    length = norm_nodes(input, p, axes, False)
    length = select(length < eps, eps, length)
    return input / expand_axes(length, input.shape, axes)  # type: ignore[no-any-return]


@op("CosineSimilarity")
def cosine_similarity(x1: Operand, x2: Operand, dim: int = 1, eps: float = 1e-8) -> Node:
    """Return the cosine of the angle between vectors along `dim`, each length at least `eps`."""
    a, b = promote(x1, x2)
    axes = axes_of((dim,), a.type.rank)
    lengths = [norm_nodes(x, 2, axes, False) for x in (a, b)]
    lengths = [expand_axes(select(n < eps, full_like(n, eps), n), a.shape, axes) for n in lengths]
    return reduce("sum", (a / lengths[0]) * (b / lengths[1]), axes)


@op("Cdist")
def cdist(x1: Operand, x2: Operand, p: float = 2.0) -> Node:
    """Return the p-norm of the difference of each row of x1 (..., m, k) and each of x2 (..., n, k), as (..., m, n)."""
    a, b = unsqueeze_axis(x1, x1.type.rank - 1), unsqueeze_axis(x2, x2.type.rank - 2)
    a, b = promote(a, b, float=True)
    return norm_nodes(a - b, p, (a.type.rank - 1,), False)


@op("PairwiseDistance")
def pairwise_distance(x1: Operand, x2: Operand, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Node:
    """Return the p-norm over the last axis of x1 - x2 + eps."""
    a, b = promote(x1, x2, float=True)
    return norm_nodes(a - b + eps, p, (a.type.rank - 1,), keepdim)
