"""Powers and roots."""

from __future__ import annotations

import math

import numpy as np

from graphc.core.dtypes import exact_number
from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, derived, elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, F64
from graphc.ops.common import Operand, float_function

__all__ = ["float_power", "pow", "rsqrt", "sqrt", "square"]


@op("Pow")
def square(input: Node) -> Node:
    """Return input * input.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input; bools give int64.

    Example:
        >>> graphc.square(graphc.tensor([2.0, -3.0]))
        tensor([4., 9.])
    """
    return pow.nodes(input, 2)


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
        return select(constant(True, BOOL, x.shape), full_like(x, 1), x)  # a 1 with x in its history
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
        # the rounded exponent is 0, odd, even or infinite where the exact one is not
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
    """Raise integers to integers, wrapping; a negative exponent gives 1 / x**-y truncated as in C."""
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
    """Return other raised to the power input: `graphc.pow` with swapped operands.

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
    return pow.nodes(other, input)


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
    return pow.nodes(x, float(y) if not isinstance(y, Node) else y)


@op("Sqrt")
def sqrt(input: Node) -> Node:
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
    return float_function("sqrt", input)


@op("Rsqrt")
def rsqrt(input: Node) -> Node:
    """Return the reciprocal square root, 1 / sqrt(input); NaN below 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.rsqrt(graphc.tensor([4.0, 0.25]))
        tensor([0.5000, 2.0000])
    """
    return float_function("rsqrt", input)
