"""Elementwise arithmetic, rounding and the common functions, under torch's names.

Every function takes tensors whose shapes broadcast, or Python numbers where torch takes them, and returns a new
tensor of the promoted dtype; functions with fractional results convert integers to the default float dtype.
Gradients follow torch's conventions at singular points.
"""

from __future__ import annotations

import math
from math import pi

import numpy as np

from graphc.core.dtypes import exact_number
from graphc.core.errors import located
from graphc.core.promotion import exact, promote, result_dtype
from graphc.ir.core import functions
from graphc.ir.core.build import cast, constant, elementwise, full_like, select, zeros_like
from graphc.ir.core.functions import derived
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, F64
from graphc.ops.common import Operand, check_float, expand_to, torch_name
from graphc.tensors.dispatch import op
from graphc.tensors.tensor import Tensor

__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "arccos", "arcsin", "arctan", "arctan2", "asin",
    "asinh", "atan", "atan2", "atanh", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "copysign", "cos", "cosh",
    "deg2rad", "div", "divide", "erf", "exp", "exp2", "expm1", "float_power", "floor", "floor_divide", "fmax", "fmin",
    "fmod", "frac", "hypot", "lerp", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2", "logit", "maximum",
    "minimum", "mul", "multiply", "nan_to_num", "neg", "negative", "positive", "pow", "rad2deg", "reciprocal", "remainder",
    "round", "rsqrt", "rsub", "sgn", "sigmoid", "sign", "sin", "sinc", "sinh", "sqrt", "square", "sub", "subtract", "tan",
    "tanh", "true_divide", "trunc", "xlogy",
]  # fmt: skip

LOG_2, LOG_10 = math.log(2.0), math.log(10.0)


def sign_bit(x: Node) -> Node:
    """Return where a float node is negative, -0.0 included, or an integer one is below 0; node level."""
    if x.dtype.is_bool:
        return zeros_like(x)
    return (x < 0) | (elementwise("eq", x, 0) & (1 / x < 0)) if x.dtype.is_float else x < 0


# -- arithmetic -----------------------------------------------------------------------------------------


def _check_alpha(alpha: float, x: Node) -> None:
    if isinstance(alpha, float) and not x.dtype.is_float:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and not x.dtype.is_bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    exact_number(alpha, x.dtype)


@op("Add")
def add(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return input + alpha * other; for bools, their logical or.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of other; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or alpha is a float and the inputs are integers, or alpha is a bool
            and the inputs are not.

    Example:
        >>> graphc.add(graphc.tensor([1.0, 2.0]), graphc.tensor([10.0, 20.0]), alpha=2)
        tensor([21., 42.])
    """
    x, y = promote(input, other)
    _check_alpha(alpha, x)
    if x.dtype.is_bool:
        return x | y
    return x + (y if alpha == 1 else y * alpha)


@op("Sub")
def sub(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return input - alpha * other.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of other; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, an operand is bool, or alpha is a float and the inputs are integers.

    Example:
        >>> graphc.sub(graphc.tensor([10, 20]), graphc.tensor([1, 2]), alpha=3)
        tensor([ 7, 14])
    """
    x, y = promote(input, other)
    if x.dtype.is_bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    if BOOL in (result_dtype([input]), result_dtype([other])):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    _check_alpha(alpha, x)
    return x - (y if alpha == 1 else y * alpha)


@op(lambda input, other, **options: "RsubBackward0" if isinstance(other, Node) else "RsubBackward1")
def rsub(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return other - alpha * input, subtraction with its operands exchanged.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of input; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, an operand is bool, or alpha is a float and the inputs are integers.

    Example:
        >>> graphc.rsub(graphc.tensor([1, 2]), 10)
        tensor([9, 8])
    """
    return sub.nodes(other, input, alpha=alpha)  # type: ignore[no-any-return]


@op("Mul")
def mul(input: Operand, other: Operand) -> Node:
    """Return input * other; for bools, their logical and.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.mul(graphc.tensor([[1.0], [2.0]]), graphc.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    x, y = promote(input, other)
    return x & y if x.dtype.is_bool else x * y


@op("Div")
def div(input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Node:
    """Return the quotient input / other, optionally rounded.

    The gradient of a rounded quotient is 0.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        rounding_mode: None divides exactly; "floor" rounds the quotient down; "trunc" rounds it towards zero. An integer
            divided by 0 gives 0 in both rounding modes.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; without a rounding mode, integers give the default float
        dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or rounding_mode is another string.
        TypeError: if a quotient of two bools is to be rounded.

    Example:
        >>> graphc.div(graphc.tensor([7, -7]), 2)
        tensor([ 3.5000, -3.5000])
        >>> graphc.div(graphc.tensor([7, -7]), 2, rounding_mode="floor")
        tensor([ 3, -4])
        >>> graphc.div(graphc.tensor([7, -7]), 2, rounding_mode="trunc")
        tensor([ 3, -3])
    """
    if rounding_mode is None:
        x, y = promote(input, other, float=True)
        return x / y
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    x, y = promote(input, other)
    if rounding_mode == "floor":
        return elementwise("floordiv", x, y)
    return derived("quotient", elementwise("trunc", x / y), x, y) if x.dtype.is_float else _truncated(x, y)


def _truncated(x: Node, y: Node) -> Node:
    """Divide integers, rounding towards zero; by 0 gives 0."""
    quotient, rest = elementwise("floordiv", x, y), elementwise("remainder", x, y)
    return select(elementwise("ne", rest, 0) & elementwise("ne", x < 0, y < 0), quotient + 1, quotient)


@op(lambda input, other: "Div" if isinstance(other, Node) else "Mul")
def rdiv(input: Operand, other: Operand) -> Node:
    """Return other / input, division with its operands exchanged.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> 4 / graphc.tensor([1.0, 2.0])
        tensor([4., 2.])
    """
    return div.nodes(other, input)  # type: ignore[no-any-return]


@op("FloorDivide")
def floor_divide(input: Operand, other: Operand) -> Node:
    """Return floor(input / other); an integer divided by 0 gives 0.

    The gradient is 0.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if both operands are bool.

    Example:
        >>> graphc.floor_divide(graphc.tensor([7, -7]), 2)
        tensor([ 3, -4])
    """
    return elementwise("floordiv", *promote(input, other))


@op("Remainder")
def remainder(input: Operand, other: Operand) -> Node:
    """Return the remainder of floor division, input - other * floor(input / other).

    The result has the sign of other; an integer divided by 0 gives 0. The gradient with respect to other is -floor(input /
    other).

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if both operands are bool.

    Example:
        >>> graphc.remainder(graphc.tensor([5.0, -5.0]), 3)
        tensor([2., 1.])
    """
    return elementwise("remainder", *promote(input, other))


@op("Fmod")
def fmod(input: Operand, other: Operand) -> Node:
    """Return the remainder of truncating division, input - other * trunc(input / other).

    The result has the sign of input, as that of C's fmod; an integer divided by 0 gives 0. The gradient with respect to
    other is -trunc(input / other).

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if both operands are bool.

    Example:
        >>> graphc.fmod(graphc.tensor([5.0, -5.0]), 3)
        tensor([ 2., -2.])
    """
    x, y = promote(input, other)
    if x.dtype.is_bool:
        raise NotImplementedError("\"fmod_cpu\" not implemented for 'Bool'")
    if x.dtype.is_float:
        below = sign_bit(x)
        rest = elementwise("remainder", select(below, -x, x), elementwise("abs", y))
        return derived("fmod", select(below, -rest, rest), x, y)
    rest = elementwise("remainder", x, y)
    return select(elementwise("ne", rest, 0) & elementwise("ne", x < 0, y < 0), rest - y, rest)


@op("Neg")
def neg(input: Operand) -> Node:
    """Return -input.

    Args:
        input: tensor of integers or floats.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input is bool.

    Example:
        >>> graphc.neg(graphc.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """
    if input.dtype.is_bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return -input  # type: ignore[no-any-return]


def positive(input: Tensor) -> Tensor:
    """Return input itself.

    Args:
        input: tensor of integers or floats.

    Returns:
        The same tensor.

    Raises:
        RuntimeError: if input is bool.

    Example:
        >>> graphc.positive(graphc.tensor([1.0, -2.0]))
        tensor([ 1., -2.])
    """
    if input.dtype.ir is BOOL:
        raise located(RuntimeError("The `+` operator, on a bool tensor is not supported."))
    return input


@op("Abs")
def abs(input: Operand) -> Node:
    """Return the absolute value of input, with derivative 0 at 0.

    Args:
        input: tensor of integers or floats.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is bool.

    Example:
        >>> graphc.abs(graphc.tensor([1.5, -2.0]))
        tensor([1.5000, 2.0000])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    return elementwise("abs", input)


@op("Sign")
def sign(input: Operand) -> Node:
    """Return the sign of input: -1, 0 or 1.

    NaN has the sign 0, and bools are returned unchanged. The gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.sign(graphc.tensor([3.0, 0.0, -2.0]))
        tensor([ 1.,  0., -1.])
    """
    return input if input.dtype.is_bool else elementwise("sign", input)


@op("Reciprocal")
def reciprocal(input: Operand) -> Node:
    """Return 1 / input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.reciprocal(graphc.tensor([2.0, -4.0]))
        tensor([ 0.5000, -0.2500])
    """
    (x,) = promote(input, float=True)
    return 1 / x


@op("Pow")
def square(input: Operand) -> Node:
    """Return input * input.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input; bools give int64.

    Example:
        >>> graphc.square(graphc.tensor([2.0, -3.0]))
        tensor([4., 9.])
    """
    return pow.nodes(input, 2)  # type: ignore[no-any-return]


@op(lambda input, exponent: "PowBackward1" if isinstance(exponent, Node) else "PowBackward0")
def pow(input: Operand, exponent: Operand) -> Node:
    """Return input raised to the power exponent, elementwise.

    Exponents that are numbers among -2, -1, -0.5, 0, 0.5, 1, 2, 3 and 4, and any integer for integer inputs, become
    products, quotients and roots. A negative float with a fractional exponent gives NaN; 0 to the power 0 is 1. Integer
    tensors to tensors of negative exponents give 1 / input**-exponent rounded towards zero.

    Args:
        input: tensor or number, the base.
        exponent: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or integers are raised to a negative number.

    Example:
        >>> graphc.pow(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([1., 4., 9.])
        >>> graphc.pow(2, graphc.tensor([1.0, 2.0, 3.0]))
        tensor([2., 4., 8.])
    """
    if not isinstance(exponent, Node) and isinstance(input, Node):
        x, y = promote(input, exponent)
        return _pow_number(x, y, exponent)
    x, y = promote(input, exponent)
    return elementwise("pow", x, y) if x.dtype.is_float else _integer_pow(x, y)


def _pow_number(x: Node, y: Node, exponent: float) -> Node:
    if not x.dtype.is_float:
        return _pow_integers(x, int(exact_number(exponent, x.dtype)) if exponent >= 0 else -1)
    if exponent == 0:
        return select(constant(True, BOOL, x.shape), full_like(x, 1), x)  # a 1 that has x in its history
    if exponent in (1, 2, 3, 4):
        return _repeated_square(x, int(exponent))
    if exponent == -1:
        return 1 / x
    if exponent == -2:
        return derived("inverse-square", 1 / (x * x), x)
    if exponent == 0.5:
        return elementwise("sqrt", x)
    if exponent == -0.5:
        return derived("inverse-root", elementwise("rsqrt", x), x)
    with np.errstate(over="ignore"):
        rounded = float(x.dtype.numpy.type(exponent))
    if rounded != exponent and (rounded.is_integer() or math.isinf(rounded)):
        # the rounded exponent is 0, odd, even or infinite where the given one is not
        return cast(elementwise("pow", cast(x, F64), full_like(cast(x, F64), float(exponent))), x.dtype)
    return elementwise("pow", x, y)


def _pow_integers(x: Node, exponent: int) -> Node:
    if exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return _repeated_square(x, exponent)


def _repeated_square(x: Node, exponent: int) -> Node:
    """Multiply by the bits of the exponent, highest first: x, x*x, (x*x)*x, …"""
    if exponent == 0:
        return full_like(x, 1)
    result = x
    for bit in bin(exponent)[3:]:
        result = result * result
        result = result * x if bit == "1" else result
    return result


def _integer_pow(x: Node, y: Node) -> Node:
    """Raise integers to integers, wrapping; a negative exponent gives what C's truncation leaves of 1 / x**-y."""
    if x.dtype.is_bool:
        return x | ~y
    result, square_, rest = full_like(x, 1), x, y
    for _ in range(8 * x.dtype.bytes - 1):
        result = select(elementwise("ne", rest & 1, 0), result * square_, result)
        square_, rest = square_ * square_, elementwise("shift_right", rest, 1)
    odd = elementwise("ne", y & 1, 0)
    unit = cast(elementwise("eq", x, 1), x.dtype)
    if x.dtype.name != "u8":
        unit = select(elementwise("eq", x, -1), select(odd, full_like(x, -1), full_like(x, 1)), unit)
    return select(y < 0, unit, result)


@op("PowBackward2")
def rpow(input: Operand, other: Operand) -> Node:
    """Return other raised to the power input, with the operands of `graphc.pow` exchanged.

    Args:
        input: tensor or number, the exponent.
        other: tensor or number, the base; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> 2 ** graphc.tensor([1.0, 2.0, 3.0])
        tensor([2., 4., 8.])
    """
    return pow.nodes(other, input)  # type: ignore[no-any-return]


@op("FloatPower")
def float_power(input: Operand, exponent: Operand) -> Node:
    """Return input raised to the power exponent, computed in float64.

    Args:
        input: tensor or number, the base.
        exponent: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and dtype float64.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.float_power(graphc.tensor([2, 3]), -1)
        tensor([0.5000, 0.3333], dtype=torch.float64)
    """
    x, y = (cast(v, F64) if isinstance(v, Node) else v for v in (input, exponent))
    return pow.nodes(x, float(y) if not isinstance(y, Node) else y)  # type: ignore[no-any-return]


@op("Addcmul")
def addcmul(input: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> Node:
    """Return input + value * tensor1 * tensor2.

    Args:
        input: tensor.
        tensor1: tensor; first factor.
        tensor2: tensor; second factor. All three shapes broadcast.
        value: factor of the product; for integer inputs its fraction is dropped.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or value is out of the range of the dtype.
        NotImplementedError: if all operands are bool.

    Example:
        >>> graphc.addcmul(graphc.tensor([1.0, 1.0]), graphc.tensor([2.0, 3.0]), graphc.tensor([4.0, 5.0]), value=0.5)
        tensor([5.0000, 8.5000])
    """
    x, a, b = promote(input, tensor1, tensor2)
    if x.dtype.is_bool:
        raise NotImplementedError("\"addcmul_cpu_out\" not implemented for 'Bool'")
    exact_number(value, x.dtype)
    return x + (a * b if value == 1 else a * value * b)


@op("Addcdiv")
def addcdiv(input: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> Node:
    """Return input + value * tensor1 / tensor2.

    Args:
        input: tensor.
        tensor1: tensor; the numerator.
        tensor2: tensor; the denominator. All three shapes broadcast.
        value: factor of the quotient.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or all operands are integers.

    Example:
        >>> graphc.addcdiv(graphc.tensor([1.0, 1.0]), graphc.tensor([2.0, 3.0]), graphc.tensor([4.0, 6.0]), value=2)
        tensor([2., 2.])
    """
    x, a, b = promote(input, tensor1, tensor2)
    if not x.dtype.is_float:
        raise RuntimeError("Integer division with addcdiv is no longer supported, use addcmul or true division instead.")
    exact_number(value, x.dtype)
    return x + (a / b if value == 1 else a * value / b)


@op("Lerp")
def lerp(input: Operand, end: Operand, weight: Operand) -> Node:
    """Interpolate linearly: return input + weight * (end - input).

    For weights of 0.5 and more the formula end - (end - input) * (1 - weight) is used, so that both ends are exact.

    Args:
        input: floating-point tensor; the result at weight 0.
        end: tensor; the result at weight 1.
        weight: tensor or number; values outside of [0, 1] extrapolate.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> graphc.lerp(graphc.tensor([0.0, 10.0]), graphc.tensor([4.0, 20.0]), 0.25)
        tensor([ 1.0000, 12.5000])
    """
    x, y, w = promote(input, end, weight)
    if not (isinstance(input, Node) and input.dtype.is_float):
        name = torch_name(input.dtype)
        raise NotImplementedError(f"\"lerp_kernel_scalar\" not implemented for '{name}'")
    near, far = x + w * (y - x), y - (y - x) * (1 - w)
    if not isinstance(weight, Node):
        return near if weight < 0.5 else far
    return select(elementwise("abs", w) < 0.5, near, far)


# -- larger and smaller ---------------------------------------------------------------------------------


@op("Maximum")
def maximum(input: Operand, other: Operand) -> Node:
    """Return the larger of two values, elementwise; NaN if either is NaN.

    Each of two equal operands gets half of the gradient.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.maximum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
        tensor([3., 5.])
    """
    return elementwise("maximum", *promote(input, other))


@op("Minimum")
def minimum(input: Operand, other: Operand) -> Node:
    """Return the smaller of two values, elementwise; NaN if either is NaN.

    Each of two equal operands gets half of the gradient.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.minimum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """
    return elementwise("minimum", *promote(input, other))


@op("Fmax")
def fmax(input: Operand, other: Operand) -> Node:
    """Return the larger of two values, elementwise; if one is NaN, the other one.

    The gradient of equal operands goes to input.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.fmax(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
        tensor([3., 2.])
    """
    x, y = promote(input, other)
    return select((x >= y) | elementwise("ne", y, y), x, y)


@op("Fmin")
def fmin(input: Operand, other: Operand) -> Node:
    """Return the smaller of two values, elementwise; if one is NaN, the other one.

    The gradient of equal operands goes to input.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.fmin(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """
    x, y = promote(input, other)
    return select((x <= y) | elementwise("ne", y, y), x, y)


@op(lambda input, min=None, max=None: "ClampBackward0" if any(isinstance(b, Node) for b in (min, max)) else "ClampBackward1")
def clamp(input: Operand, min: Operand = None, max: Operand = None) -> Node:
    """Limit input to the interval [min, max].

    The derivative is 1 inside of the interval and at its bounds, else 0. A NaN bound gives NaN; if min is larger than max,
    the result is max.

    Args:
        input: tensor.
        min: tensor or number, the lower bound; None: no lower bound.
        max: tensor or number, the upper bound; None: no upper bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype of input and the bounds.

    Raises:
        RuntimeError: if both bounds are None, the shapes do not broadcast, or a bound is out of the range of the dtype.

    Example:
        >>> graphc.clamp(graphc.tensor([-1.0, 0.5, 2.0]), 0, 1)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    given = [b for b in (min, max) if b is not None]
    dtype = result_dtype([input, *given])
    x, *bounds = promote(input, *(exact(b, dtype) for b in given))
    if min is not None:
        x = _bounded("at-least", x < bounds[0], x, bounds[0])
    if max is not None:
        x = _bounded("at-most", x > bounds[-1], x, bounds[-1])
    return x


def _bounded(rule: str, beyond: Node, x: Node, bound: Node) -> Node:
    """Return the bound where `x` is beyond it, and where the bound is NaN and `x` is not."""
    if not bound.dtype.is_float:
        return select(beyond, bound, x)
    if not _is_number(bound):
        beyond = beyond | (elementwise("ne", bound, bound) & elementwise("eq", x, x))
    return derived(rule, select(beyond, bound, x), x, bound)


def _is_number(x: Node) -> bool:
    """Tell whether a node is a constant other than NaN."""
    return x.op.name == "constant" and x.params["value"] == x.params["value"]


@op("ClampMin")
def clamp_min(input: Operand, min: Operand) -> Node:
    """Limit input to values of at least min.

    The same as `graphc.clamp` with a lower bound only.

    Args:
        input: tensor.
        min: tensor or number, the lower bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.clamp_min(graphc.tensor([-1.0, 0.5, 2.0]), 0)
        tensor([0.0000, 0.5000, 2.0000])
    """
    return clamp.nodes(input, min)  # type: ignore[no-any-return]


@op("ClampMax")
def clamp_max(input: Operand, max: Operand) -> Node:
    """Limit input to values of at most max.

    The same as `graphc.clamp` with an upper bound only.

    Args:
        input: tensor.
        max: tensor or number, the upper bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.clamp_max(graphc.tensor([-1.0, 0.5, 2.0]), 1)
        tensor([-1.0000,  0.5000,  1.0000])
    """
    return clamp.nodes(input, None, max)  # type: ignore[no-any-return]


@op("Where")
def choose(condition: Operand, input: Operand, other: Operand) -> Node:
    """Select elements: return input where condition holds, else other.

    Args:
        condition: tensor of bools (or uint8, true where not 0).
        input: tensor or number.
        other: tensor or number. All shapes broadcast.

    Returns:
        Tensor of the broadcast shape and the promoted dtype of input and other.

    Raises:
        RuntimeError: if the shapes do not broadcast, or condition has another dtype.

    Example:
        >>> graphc.where(graphc.tensor([True, False]), graphc.tensor([1.0, 2.0]), 0.0)
        tensor([1., 0.])
    """
    if condition.dtype.name not in ("bool", "u8"):
        name = torch_name(condition.dtype)
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {name}")
    dtype = result_dtype([input, other])
    x, y = promote(exact(input, dtype), exact(other, dtype))
    cond, _ = promote(cast(condition, BOOL), cast(x, BOOL))
    return select(cond, expand_to(x, cond.shape), expand_to(y, cond.shape))


# -- rounding -------------------------------------------------------------------------------------------


def _rounding(name: str, x: Node) -> Node:
    return elementwise(name, x) if x.dtype.is_float else x


@op("Floor")
def floor(input: Operand) -> Node:
    """Return the largest integer that is at most input.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.floor(graphc.tensor([1.5, -1.5]))
        tensor([ 1., -2.])
    """
    return _rounding("floor", input)


@op("Ceil")
def ceil(input: Operand) -> Node:
    """Return the smallest integer that is at least input.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.ceil(graphc.tensor([1.5, -1.5]))
        tensor([ 2., -1.])
    """
    return _rounding("ceil", input)


@op("Trunc")
def trunc(input: Operand) -> Node:
    """Round input towards zero.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.trunc(graphc.tensor([1.5, -1.5]))
        tensor([ 1., -1.])
    """
    return _rounding("trunc", input)


@op("Round")
def round(input: Operand, *, decimals: int = 0) -> Node:
    """Round input to the nearest integer or decimal place, halves to even.

    Without decimals, integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.
        decimals: decimal places to keep; negative ones round to tens, hundreds and so on.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if decimals is not 0 and input is not floating-point.

    Example:
        >>> graphc.round(graphc.tensor([0.5, 1.5, 2.4]))
        tensor([0., 2., 2.])
        >>> graphc.round(graphc.tensor([1234.567]), decimals=1)
        tensor([1234.6000])
    """
    if decimals:
        check_float("round_cpu", input)
    else:
        return _rounding("round", input)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return elementwise("round", input * scale) / scale
    return elementwise("round", input / scale) * scale


@op("Frac")
def frac(input: Operand) -> Node:
    """Return the fractional part, input - trunc(input), with the sign of input.

    The derivative is 1.

    Args:
        input: floating-point tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> graphc.frac(graphc.tensor([1.5, -1.25]))
        tensor([ 0.5000, -0.2500])
    """
    return input - elementwise("trunc", input)  # type: ignore[no-any-return]


# -- exponentials and logarithms ------------------------------------------------------------------------


def _function(name: str, input: Node) -> Node:
    return elementwise(name, *promote(input, float=True))


@op("Sqrt")
def sqrt(input: Operand) -> Node:
    """Return the square root; NaN below 0.

    The derivative at 0 is infinite.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sqrt(graphc.tensor([4.0, 9.0]))
        tensor([2., 3.])
    """
    return _function("sqrt", input)


@op("Rsqrt")
def rsqrt(input: Operand) -> Node:
    """Return the reciprocal square root, 1 / sqrt(input); NaN below 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.rsqrt(graphc.tensor([4.0, 0.25]))
        tensor([0.5000, 2.0000])
    """
    return _function("rsqrt", input)


@op("Exp")
def exp(input: Operand) -> Node:
    """Return e to the power input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.exp(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """
    return _function("exp", input)


@op("Exp2")
def exp2(input: Operand) -> Node:
    """Return 2 to the power input, exact for integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.exp2(graphc.tensor([3.0, -1.0]))
        tensor([8.0000, 0.5000])
    """
    (x,) = promote(input, float=True)
    return elementwise("pow", full_like(x, 2), x)


@op("Expm1")
def expm1(input: Operand) -> Node:
    """Return exp(input) - 1, accurate near 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.expm1(graphc.tensor([1e-08, 1.0]))
        tensor([1.0000e-08, 1.7183e+00])
    """
    return _function("expm1", input)


@op("Log")
def log(input: Operand) -> Node:
    """Return the natural logarithm; -inf at 0, NaN below.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log(graphc.tensor([1.0, 10.0]))
        tensor([0.0000, 2.3026])
    """
    return _function("log", input)


def _log_base(input: Node, log_base: float) -> Node:
    """Divide by the base's logarithm in f64, so that f32 powers of the base give integers."""
    (x,) = promote(input, float=True)
    return cast(elementwise("log", cast(x, F64)) / log_base, x.dtype)


@op("Log2")
def log2(input: Operand) -> Node:
    """Return the logarithm to base 2; -inf at 0, NaN below.

    Computed in float64, so that powers of 2 give integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log2(graphc.tensor([8.0, 0.5]))
        tensor([ 3., -1.])
    """
    return _log_base(input, LOG_2)


@op("Log10")
def log10(input: Operand) -> Node:
    """Return the logarithm to base 10; -inf at 0, NaN below.

    Computed in float64, so that powers of 10 give integers.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log10(graphc.tensor([1000.0, 0.1]))
        tensor([ 3., -1.])
    """
    return _log_base(input, LOG_10)


@op("Log1P")
def log1p(input: Operand) -> Node:
    """Return log(1 + input), accurate near 0; -inf at -1, NaN below.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.log1p(graphc.tensor([1e-08, 1.0]))
        tensor([1.0000e-08, 6.9315e-01])
    """
    return _function("log1p", input)


@op("Logit")
def logit(input: Operand, eps: float | None = None) -> Node:
    """Return the log-odds, log(input / (1 - input)), the inverse of `graphc.sigmoid`.

    NaN outside of [0, 1], unless eps is given.

    Args:
        input: tensor of probabilities; integers are converted to the default float dtype.
        eps: input is limited to [eps, 1 - eps] before, with gradient 0 outside; None: it is not.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.logit(graphc.tensor([0.5, 0.75]))
        tensor([0.0000, 1.0986])
    """
    (x,) = promote(input, float=True)
    if eps is not None:
        x = select(x < eps, eps, select(x > 1 - eps, 1 - eps, x))
    return derived("logit", elementwise("log", x / (1 - x)), x)


@op("Xlogy")
def xlogy(input: Operand, other: Operand) -> Node:
    """Return input * log(other), with value 0 where input is 0 and other is not NaN.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.xlogy(graphc.tensor([0.0, 2.0]), graphc.tensor([0.0, 1.0]))
        tensor([0., 0.])
    """
    x, y = promote(input, other, float=True)
    zero = elementwise("eq", x, 0) & elementwise("eq", y, y)
    product = select(zero, zeros_like(x), x * elementwise("log", select(zero, full_like(y, 1), y)))
    return derived("xlogy", product, x, y)


@op("Logaddexp")
def logaddexp(input: Operand, other: Operand) -> Node:
    """Return log(exp(input) + exp(other)) without overflow.

    Computed as maximum(input, other) + log1p(exp(-abs(input - other))).

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logaddexp(graphc.tensor([0.0, 1000.0]), graphc.tensor([0.0, 1000.0]))
        tensor([6.9315e-01, 1.0007e+03])
    """
    x, y = promote(input, other, float=True)
    equal = elementwise("eq", x, y)
    apart = select(equal, zeros_like(x), elementwise("abs", x - y))
    top = elementwise("maximum", x, y)
    return top + elementwise("log1p", elementwise("exp", -apart))


@op("Logaddexp2")
def logaddexp2(input: Operand, other: Operand) -> Node:
    """Return log2(2**input + 2**other) without overflow.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logaddexp2(graphc.tensor([0.0, 1000.0]), graphc.tensor([0.0, 1000.0]))
        tensor([1.0000e+00, 1.0010e+03])
    """
    x, y = promote(input, other, float=True)
    equal = elementwise("eq", x, y)
    apart = select(equal, zeros_like(x), elementwise("abs", x - y))
    power = elementwise("pow", full_like(x, 2), -apart)
    return elementwise("maximum", x, y) + elementwise("log1p", power) * (1 / LOG_2)


@op("Sigmoid")
def sigmoid(input: Operand) -> Node:
    """Return the logistic function 1 / (1 + exp(-input)), without overflow.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sigmoid(graphc.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """
    return _function("sigmoid", input)


@op("Erf")
def erf(input: Operand) -> Node:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.erf(graphc.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5205])
    """
    return _function("erf", input)


# -- trigonometric and hyperbolic -----------------------------------------------------------------------


@op("Sin")
def sin(input: Operand) -> Node:
    """Return the sine of an angle in radians.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sin(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8415])
    """
    return _function("sin", input)


@op("Cos")
def cos(input: Operand) -> Node:
    """Return the cosine of an angle in radians.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.cos(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 0.5403])
    """
    return _function("cos", input)


@op("Tan")
def tan(input: Operand) -> Node:
    """Return the tangent of an angle in radians.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.tan(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 1.5574])
    """
    (x,) = promote(input, float=True)
    return elementwise("sin", x) / elementwise("cos", x)


@op("Sinc")
def sinc(input: Operand) -> Node:
    """Return the normalized sinc, sin(pi x) / (pi x), with value 1 and derivative 0 at 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sinc(graphc.tensor([0.0, 0.5]))
        tensor([1.0000, 0.6366])
    """
    (x,) = promote(input, float=True)
    zero = elementwise("eq", x, 0)
    angle = select(zero, full_like(x, 1), x) * pi
    zero = zero | elementwise("eq", angle, 0)  # smaller than any number
    return derived("sinc", select(zero, 1, elementwise("sin", angle) / select(zero, 1, angle)), x)


@op("Asin")
def asin(input: Operand) -> Node:
    """Return the arc sine in radians, in [-pi/2, pi/2]; NaN outside of [-1, 1].

    Computed as 2 atan(x / (1 + sqrt(1 - x) sqrt(1 + x))). The derivative is infinite at -1 and 1.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.asin(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 1.5708])
    """
    (x,) = promote(input, float=True)
    tangent = x / (1 + elementwise("sqrt", 1 - x) * elementwise("sqrt", 1 + x))
    return derived("asin", 2 * elementwise("atan", tangent), x)


@op("Acos")
def acos(input: Operand) -> Node:
    """Return the arc cosine in radians, in [0, pi]; NaN outside of [-1, 1].

    Computed as 2 atan(sqrt((1 - x) / (1 + x))). The derivative is infinite at -1 and 1.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.acos(graphc.tensor([0.0, 1.0]))
        tensor([1.5708, 0.0000])
    """
    (x,) = promote(input, float=True)
    return derived("acos", 2 * elementwise("atan", elementwise("sqrt", (1 - x) / (1 + x))), x)


@op("Atan")
def atan(input: Operand) -> Node:
    """Return the arc tangent in radians, in [-pi/2, pi/2].

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.atan(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7854])
    """
    return _function("atan", input)


@op("Atan2")
def atan2(input: Operand, other: Operand) -> Node:
    """Return the angle of the point (other, input) in radians, in all four quadrants.

    The result is in [-pi, pi]; the signs of zeros select the quadrant. The smaller leg is divided by the larger one, so
    that no quotient overflows. The gradient at the origin is 0.

    Args:
        input: tensor or number, the ordinate y.
        other: tensor or number, the abscissa x; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.atan2(graphc.tensor([1.0, -1.0]), graphc.tensor([0.0, -1.0]))
        tensor([ 1.5708, -2.3562])
    """
    y, x = promote(input, other, float=True)
    below, left = sign_bit(y), sign_bit(x)
    a, b = elementwise("abs", x), elementwise("abs", y)
    steep = b > a
    low, high = select(steep, a, b), select(steep, b, a)
    infinite = elementwise("eq", low, float("inf")) & elementwise("eq", high, float("inf"))
    ratio = select(infinite, 1, low / select(elementwise("eq", high, 0), 1, high))
    angle = elementwise("atan", ratio)
    angle = select(steep, pi / 2 - angle, angle)
    angle = select(left, pi - angle, angle)
    return derived("atan2", select(below, -angle, angle), y, x)


@op("Sinh")
def sinh(input: Operand) -> Node:
    """Return the hyperbolic sine, finite wherever the result is representable.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sinh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 1.1752])
    """
    return functions.sinh(*promote(input, float=True))


@op("Cosh")
def cosh(input: Operand) -> Node:
    """Return the hyperbolic cosine, finite wherever the result is representable.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.cosh(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 1.5431])
    """
    return functions.cosh(*promote(input, float=True))


@op("Tanh")
def tanh(input: Operand) -> Node:
    """Return the hyperbolic tangent.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.tanh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    return _function("tanh", input)


@op("Asinh")
def asinh(input: Operand) -> Node:
    """Return the inverse hyperbolic sine.

    Computed as log1p(x + x² / (1 + sqrt(x² + 1))), and log(2x) for large x.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.asinh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8814])
    """
    (x,) = promote(input, float=True)
    a = elementwise("abs", x)
    large = a > 1e9
    b = select(large, zeros_like(a), a)
    square_ = b * b
    small = elementwise("log1p", b + square_ / (1 + elementwise("sqrt", square_ + 1)))
    result = select(large, elementwise("log", select(large, a, full_like(a, 1))) + LOG_2, small)
    return derived("asinh", select(x < 0, -result, result), x)


@op("Acosh")
def acosh(input: Operand) -> Node:
    """Return the inverse hyperbolic cosine; NaN below 1.

    Computed as log1p(t + sqrt(2t + t²)) with t = x - 1, and log(2x) for large x. The derivative at 1 is infinite.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.acosh(graphc.tensor([1.0, 2.0]))
        tensor([0.0000, 1.3170])
    """
    (x,) = promote(input, float=True)
    large = x > 1e9
    t = select(large | (x < 1), full_like(x, 2), x) - 1
    small = elementwise("log1p", t + elementwise("sqrt", 2 * t + t * t))
    result = select(large, elementwise("log", select(large, x, full_like(x, 1))) + LOG_2, small)
    return derived("acosh", select(x < 1, float("nan"), result), x)


@op("Atanh")
def atanh(input: Operand) -> Node:
    """Return the inverse hyperbolic tangent; infinite at -1 and 1, NaN outside.

    Computed as (log1p(x) - log1p(-x)) / 2.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.atanh(graphc.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5493])
    """
    (x,) = promote(input, float=True)
    return derived("atanh", (elementwise("log1p", x) - elementwise("log1p", -x)) * 0.5, x)


@op("Deg2Rad")
def deg2rad(input: Operand) -> Node:
    """Convert degrees to radians.

    Args:
        input: tensor of angles in degrees; integers are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.deg2rad(graphc.tensor([0.0, 180.0]))
        tensor([0.0000, 3.1416])
    """
    (x,) = promote(input, float=True)
    return x * (pi / 180)


@op("Rad2Deg")
def rad2deg(input: Operand) -> Node:
    """Convert radians to degrees.

    Args:
        input: tensor of angles in radians; integers are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.rad2deg(graphc.tensor([0.0, 1.0]))
        tensor([ 0.0000, 57.2958])
    """
    (x,) = promote(input, float=True)
    return x * (180 / pi)


@op("Hypot")
def hypot(input: Operand, other: Operand) -> Node:
    """Return the length of the hypotenuse, sqrt(input² + other²), without overflow.

    Computed as the larger leg times sqrt(1 + (smaller/larger)²). The gradient at (0, 0) is NaN.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.hypot(graphc.tensor([3.0, 5.0]), graphc.tensor([4.0, 12.0]))
        tensor([ 5., 13.])
    """
    x, y = promote(input, other, float=True)
    a, b = elementwise("abs", x), elementwise("abs", y)
    swap = b > a
    low, high = select(swap, a, b), select(swap, b, a)
    infinite = elementwise("eq", a, float("inf")) | elementwise("eq", b, float("inf"))
    ratio = low / select(infinite | elementwise("eq", high, 0), full_like(x, 1), high)
    result = high * elementwise("sqrt", 1 + ratio * ratio)
    result = select(elementwise("eq", high, 0), low, result)  # 0 and NaN: neither is larger
    return derived("hypot", select(infinite, full_like(x, float("inf")), result), x, y)


@op("Copysign")
def copysign(input: Operand, other: Operand) -> Node:
    """Return the magnitude of input with the sign of other.

    The sign of -0.0 counts. The derivative with respect to input is 0 where input is 0.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.copysign(graphc.tensor([1.0, -2.0]), graphc.tensor([-0.0, 1.0]))
        tensor([-1.,  2.])
    """
    x, y = promote(input, other, float=True)
    a = elementwise("abs", x)
    return derived("copysign", select(sign_bit(y), -a, a), x, y)


@op("NanToNum")
def nan_to_num(input: Operand, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Node:
    """Replace NaN, inf and -inf by finite numbers.

    Integers are returned unchanged; the derivative is 0 where a value is replaced.

    Args:
        input: tensor.
        nan: replacement of NaN; None: 0.
        posinf: replacement of inf; None: the largest finite number of the dtype.
        neginf: replacement of -inf; None: the smallest finite number of the dtype.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.nan_to_num(graphc.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
        tensor([0., 9., 1.])
    """
    if not input.dtype.is_float:
        return input  # type: ignore[no-any-return]
    big = _LARGEST[input.dtype.name]
    x = select(elementwise("eq", input, float("inf")), big if posinf is None else posinf, input)
    x = select(elementwise("eq", input, float("-inf")), full_like(x, -big if neginf is None else neginf), x)
    return select(elementwise("ne", input, input), full_like(x, nan or 0), x)


_LARGEST = {"f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}

absolute, clip, negative, multiply, subtract, divide = abs, clamp, neg, mul, sub, div
arcsin, arccos, arctan, arctan2, sgn, true_divide = asin, acos, atan, atan2, sign, div
