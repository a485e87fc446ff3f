"""Elementwise arithmetic, rounding and the common functions, under torch's names.

Every function takes tensors of any shapes that broadcast, or Python numbers where torch takes them, and
returns a new tensor of the promoted dtype; functions that leave the integers lift them to the default float
dtype.  Gradients follow torch's conventions at singular points.
"""

from __future__ import annotations

import math
from math import pi

from graphc.core.dtypes import exact_number
from graphc.core.errors import placed
from graphc.core.promotion import exact, promote, result_dtype
from graphc.ir.core import functions
from graphc.ir.core.build import cast, constant, elementwise, full_like, select, zeros_like
from graphc.ir.core.functions import derived
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, F64
from graphc.ops.common import Operand, expand_to, torch_name
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
    """Return input + alpha * other; for bools, their logical or."""
    x, y = promote(input, other)
    _check_alpha(alpha, x)
    if x.dtype.is_bool:
        return x | y
    return x + (y if alpha == 1 else y * alpha)


@op("Sub")
def sub(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return input - alpha * other.  Raises RuntimeError for bools."""
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
    """Return other - alpha * input."""
    return sub.nodes(other, input, alpha=alpha)  # type: ignore[no-any-return]


@op("Mul")
def mul(input: Operand, other: Operand) -> Node:
    """Return input * other; for bools, their logical and."""
    x, y = promote(input, other)
    return x & y if x.dtype.is_bool else x * y


@op("Div")
def div(input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Node:
    """Return input / other, always a float; `rounding_mode` "floor" or "trunc" rounds and keeps integers.

    Raises RuntimeError for another rounding mode.
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
    """Return other / input."""
    return div.nodes(other, input)  # type: ignore[no-any-return]


@op("FloorDivide")
def floor_divide(input: Operand, other: Operand) -> Node:
    """Return floor(input / other); an integer divided by 0 gives 0."""
    return elementwise("floordiv", *promote(input, other))


@op("Remainder")
def remainder(input: Operand, other: Operand) -> Node:
    """Return input - other*floor(input/other), with the sign of other; an integer by 0 gives 0."""
    return elementwise("remainder", *promote(input, other))


@op("Fmod")
def fmod(input: Operand, other: Operand) -> Node:
    """Return the rest of the division that truncates, with the sign of input."""
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
    """Return -input.  Raises RuntimeError for bools."""
    if input.dtype.is_bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return -input  # type: ignore[no-any-return]


def positive(input: Tensor) -> Tensor:
    """Return input itself.  Raises RuntimeError for bools."""
    if input.dtype.ir is BOOL:
        raise placed(RuntimeError("The `+` operator, on a bool tensor is not supported."))
    return input


@op("Abs")
def abs(input: Operand) -> Node:
    """Return |input|, with derivative 0 at 0.  Raises NotImplementedError for bools."""
    if input.dtype.is_bool:
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    return elementwise("abs", input)


@op("Sign")
def sign(input: Operand) -> Node:
    """Return -1, 0 or 1 with the sign of input; bools stay."""
    return input if input.dtype.is_bool else elementwise("sign", input)


@op("Reciprocal")
def reciprocal(input: Operand) -> Node:
    """Return 1 / input."""
    (x,) = promote(input, float=True)
    return 1 / x


@op("Pow")
def square(input: Operand) -> Node:
    """Return input * input."""
    return pow.nodes(input, 2)  # type: ignore[no-any-return]


@op(lambda input, exponent: "PowBackward1" if isinstance(exponent, Node) else "PowBackward0")
def pow(input: Operand, exponent: Operand) -> Node:
    """Return input to the power of exponent, elementwise.

    Small constant integer exponents become products.  Raises RuntimeError for integers to a negative number.
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
    """Return other to the power of input."""
    return pow.nodes(other, input)  # type: ignore[no-any-return]


@op("FloatPower")
def float_power(input: Operand, exponent: Operand) -> Node:
    """Return input to the power of exponent, computed in float64."""
    x, y = (cast(v, F64) if isinstance(v, Node) else v for v in (input, exponent))
    return pow.nodes(x, float(y) if not isinstance(y, Node) else y)  # type: ignore[no-any-return]


@op("Addcmul")
def addcmul(input: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> Node:
    """Return input + value * tensor1 * tensor2."""
    x, a, b = promote(input, tensor1, tensor2)
    if x.dtype.is_bool:
        raise NotImplementedError("\"addcmul_cpu_out\" not implemented for 'Bool'")
    exact_number(value, x.dtype)
    return x + (a * b if value == 1 else a * value * b)


@op("Addcdiv")
def addcdiv(input: Operand, tensor1: Operand, tensor2: Operand, *, value: float = 1) -> Node:
    """Return input + value * tensor1 / tensor2, for floats.  Raises RuntimeError for integers."""
    x, a, b = promote(input, tensor1, tensor2)
    if not x.dtype.is_float:
        raise RuntimeError("Integer division with addcdiv is no longer supported, use addcmul or true division instead.")
    exact_number(value, x.dtype)
    return x + (a / b if value == 1 else a * value / b)


@op("Lerp")
def lerp(input: Operand, end: Operand, weight: Operand) -> Node:
    """Return input + weight * (end - input), exact at both ends.  Raises NotImplementedError for integers."""
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
    """Return the larger of two; NaN if either is.  Equal operands share the gradient."""
    return elementwise("maximum", *promote(input, other))


@op("Minimum")
def minimum(input: Operand, other: Operand) -> Node:
    """Return the smaller of two; NaN if either is.  Equal operands share the gradient."""
    return elementwise("minimum", *promote(input, other))


@op("Fmax")
def fmax(input: Operand, other: Operand) -> Node:
    """Return the larger of two; the other one if one is NaN."""
    x, y = promote(input, other)
    return select((x >= y) | elementwise("ne", y, y), x, y)


@op("Fmin")
def fmin(input: Operand, other: Operand) -> Node:
    """Return the smaller of two; the other one if one is NaN."""
    x, y = promote(input, other)
    return select((x <= y) | elementwise("ne", y, y), x, y)


@op(lambda input, min=None, max=None: "ClampBackward0" if any(isinstance(b, Node) for b in (min, max)) else "ClampBackward1")
def clamp(input: Operand, min: Operand = None, max: Operand = None) -> Node:
    """Return input moved into [min, max]; the derivative at a bound is 1.  Raises RuntimeError if both are None."""
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
    """Return input, but at least `min`."""
    return clamp.nodes(input, min)  # type: ignore[no-any-return]


@op("ClampMax")
def clamp_max(input: Operand, max: Operand) -> Node:
    """Return input, but at most `max`."""
    return clamp.nodes(input, None, max)  # type: ignore[no-any-return]


@op("Where")
def choose(condition: Operand, input: Operand, other: Operand) -> Node:
    """Return input where the bool condition holds, else other.  Raises RuntimeError for another condition dtype."""
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
    """Return the largest integer not above input; integers stay."""
    return _rounding("floor", input)


@op("Ceil")
def ceil(input: Operand) -> Node:
    """Return the smallest integer not below input; integers stay."""
    return _rounding("ceil", input)


@op("Trunc")
def trunc(input: Operand) -> Node:
    """Return input without its fraction; integers stay."""
    return _rounding("trunc", input)


@op("Round")
def round(input: Operand, *, decimals: int = 0) -> Node:
    """Return input rounded to `decimals` decimal places, halves to even; integers stay."""
    if decimals == 0 or not input.dtype.is_float:
        return _rounding("round", input)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return elementwise("round", input * scale) / scale
    return elementwise("round", input / scale) * scale


@op("Frac")
def frac(input: Operand) -> Node:
    """Return the fraction of input, with its sign."""
    return input - elementwise("trunc", input)  # type: ignore[no-any-return]


# -- exponentials and logarithms ------------------------------------------------------------------------


def _function(name: str, input: Node) -> Node:
    return elementwise(name, *promote(input, float=True))


@op("Sqrt")
def sqrt(input: Operand) -> Node:
    """Return the square root; NaN below zero."""
    return _function("sqrt", input)


@op("Rsqrt")
def rsqrt(input: Operand) -> Node:
    """Return 1 / sqrt(input)."""
    return _function("rsqrt", input)


@op("Exp")
def exp(input: Operand) -> Node:
    """Return e to the power of input."""
    return _function("exp", input)


@op("Exp2")
def exp2(input: Operand) -> Node:
    """Return 2 to the power of input, exact for integers."""
    (x,) = promote(input, float=True)
    return elementwise("pow", full_like(x, 2), x)


@op("Expm1")
def expm1(input: Operand) -> Node:
    """Return exp(input) - 1, exact near zero."""
    return _function("expm1", input)


@op("Log")
def log(input: Operand) -> Node:
    """Return the natural logarithm; -inf at 0, NaN below."""
    return _function("log", input)


def _log_base(input: Node, log_base: float) -> Node:
    """Divide by the base's logarithm in f64, so that f32 powers of the base give integers."""
    (x,) = promote(input, float=True)
    return cast(elementwise("log", cast(x, F64)) / log_base, x.dtype)


@op("Log2")
def log2(input: Operand) -> Node:
    """Return the logarithm to base 2."""
    return _log_base(input, LOG_2)


@op("Log10")
def log10(input: Operand) -> Node:
    """Return the logarithm to base 10."""
    return _log_base(input, LOG_10)


@op("Log1P")
def log1p(input: Operand) -> Node:
    """Return log(1 + input), exact near zero."""
    return _function("log1p", input)


@op("Logit")
def logit(input: Operand, eps: float | None = None) -> Node:
    """Return log(input / (1 - input)), with input moved into [eps, 1 - eps] if eps is given."""
    (x,) = promote(input, float=True)
    if eps is not None:
        x = select(x < eps, eps, select(x > 1 - eps, 1 - eps, x))
    return derived("logit", elementwise("log", x / (1 - x)), x)


@op("Xlogy")
def xlogy(input: Operand, other: Operand) -> Node:
    """Return input * log(other), and 0 where input is 0 unless other is NaN."""
    x, y = promote(input, other, float=True)
    zero = elementwise("eq", x, 0) & elementwise("eq", y, y)
    product = select(zero, zeros_like(x), x * elementwise("log", select(zero, full_like(y, 1), y)))
    return derived("xlogy", product, x, y)


@op("Logaddexp")
def logaddexp(input: Operand, other: Operand) -> Node:
    """Return log(exp(input) + exp(other)) without overflow."""
    x, y = promote(input, other, float=True)
    equal = elementwise("eq", x, y)
    apart = select(equal, zeros_like(x), elementwise("abs", x - y))
    top = elementwise("maximum", x, y)
    return top + elementwise("log1p", elementwise("exp", -apart))


@op("Logaddexp2")
def logaddexp2(input: Operand, other: Operand) -> Node:
    """Return log2(2**input + 2**other) without overflow."""
    x, y = promote(input, other, float=True)
    equal = elementwise("eq", x, y)
    apart = select(equal, zeros_like(x), elementwise("abs", x - y))
    power = elementwise("pow", full_like(x, 2), -apart)
    return elementwise("maximum", x, y) + elementwise("log1p", power) * (1 / LOG_2)


@op("Sigmoid")
def sigmoid(input: Operand) -> Node:
    """Return 1 / (1 + exp(-input)), without overflow."""
    return _function("sigmoid", input)


@op("Erf")
def erf(input: Operand) -> Node:
    """Return the error function."""
    return _function("erf", input)


# -- trigonometric and hyperbolic -----------------------------------------------------------------------


@op("Sin")
def sin(input: Operand) -> Node:
    """Return the sine of an angle in radians."""
    return _function("sin", input)


@op("Cos")
def cos(input: Operand) -> Node:
    """Return the cosine of an angle in radians."""
    return _function("cos", input)


@op("Tan")
def tan(input: Operand) -> Node:
    """Return the tangent of an angle in radians."""
    (x,) = promote(input, float=True)
    return elementwise("sin", x) / elementwise("cos", x)


@op("Sinc")
def sinc(input: Operand) -> Node:
    """Return sin(pi x) / (pi x), and 1 at 0."""
    (x,) = promote(input, float=True)
    zero = elementwise("eq", x, 0)
    angle = select(zero, full_like(x, 1), x) * pi
    zero = zero | elementwise("eq", angle, 0)  # smaller than any number
    return derived("sinc", select(zero, 1, elementwise("sin", angle) / select(zero, 1, angle)), x)


@op("Asin")
def asin(input: Operand) -> Node:
    """Return the arc sine in radians: 2 atan(x / (1 + sqrt(1 - x) sqrt(1 + x)))."""
    (x,) = promote(input, float=True)
    tangent = x / (1 + elementwise("sqrt", 1 - x) * elementwise("sqrt", 1 + x))
    return derived("asin", 2 * elementwise("atan", tangent), x)


@op("Acos")
def acos(input: Operand) -> Node:
    """Return the arc cosine in radians: 2 atan(sqrt((1 - x) / (1 + x)))."""
    (x,) = promote(input, float=True)
    return derived("acos", 2 * elementwise("atan", elementwise("sqrt", (1 - x) / (1 + x))), x)


@op("Atan")
def atan(input: Operand) -> Node:
    """Return the arc tangent in radians."""
    return _function("atan", input)


@op("Atan2")
def atan2(input: Operand, other: Operand) -> Node:
    """Return the angle of the point (other, input) in radians, in all four quadrants, signed zeros included.

    The smaller leg is divided by the larger one, so that no quotient overflows.
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
    """Return the hyperbolic sine, without early overflow."""
    return functions.sinh(*promote(input, float=True))


@op("Cosh")
def cosh(input: Operand) -> Node:
    """Return the hyperbolic cosine, without early overflow."""
    return functions.cosh(*promote(input, float=True))


@op("Tanh")
def tanh(input: Operand) -> Node:
    """Return the hyperbolic tangent."""
    return _function("tanh", input)


@op("Asinh")
def asinh(input: Operand) -> Node:
    """Return the inverse hyperbolic sine: log1p(x + x²/(1 + sqrt(x² + 1))), and log(2x) for large x."""
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
    """Return the inverse hyperbolic cosine: log1p(t + sqrt(2t + t²)) with t = x - 1, and log(2x) for large x."""
    (x,) = promote(input, float=True)
    large = x > 1e9
    t = select(large | (x < 1), full_like(x, 2), x) - 1
    small = elementwise("log1p", t + elementwise("sqrt", 2 * t + t * t))
    result = select(large, elementwise("log", select(large, x, full_like(x, 1))) + LOG_2, small)
    return derived("acosh", select(x < 1, float("nan"), result), x)


@op("Atanh")
def atanh(input: Operand) -> Node:
    """Return the inverse hyperbolic tangent: (log1p(x) - log1p(-x)) / 2."""
    (x,) = promote(input, float=True)
    return derived("atanh", (elementwise("log1p", x) - elementwise("log1p", -x)) * 0.5, x)


@op("Deg2Rad")
def deg2rad(input: Operand) -> Node:
    """Return degrees in radians."""
    (x,) = promote(input, float=True)
    return x * (pi / 180)


@op("Rad2Deg")
def rad2deg(input: Operand) -> Node:
    """Return radians in degrees."""
    (x,) = promote(input, float=True)
    return x * (180 / pi)


@op("Hypot")
def hypot(input: Operand, other: Operand) -> Node:
    """Return sqrt(input² + other²) without overflow: the larger one times sqrt(1 + (smaller/larger)²)."""
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
    """Return |input| with the sign of other, that of -0.0 included."""
    x, y = promote(input, other, float=True)
    a = elementwise("abs", x)
    return derived("copysign", select(sign_bit(y), -a, a), x, y)


@op("NanToNum")
def nan_to_num(input: Operand, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Node:
    """Return input with NaN, inf and -inf replaced, by default by 0 and the largest and smallest finite number."""
    if not input.dtype.is_float:
        return input  # type: ignore[no-any-return]
    big = _LARGEST[input.dtype.name]
    x = select(elementwise("eq", input, float("inf")), big if posinf is None else posinf, input)
    x = select(elementwise("eq", input, float("-inf")), full_like(x, -big if neginf is None else neginf), x)
    return select(elementwise("ne", input, input), full_like(x, nan or 0), x)


_LARGEST = {"f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}

absolute, clip, negative, multiply, subtract, divide = abs, clamp, neg, mul, sub, div
arcsin, arccos, arctan, arctan2, sgn, true_divide = asin, acos, atan, atan2, sign, div
