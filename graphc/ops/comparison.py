"""Comparisons, logic and bits, under torch's names; predicates return bool tensors."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.ir.core.build import cast, constant, elementwise, full_like, reduce, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, U8
from graphc.ops.common import Operand, all_axes, torch_name
from graphc.ops.pointwise import sign_bit
from graphc.tensors.dispatch import op

__all__ = [
    "allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "eq", "equal", "ge", "greater", "greater_equal", "gt", "heaviside", "isclose", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "le", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne",
    "not_equal", "signbit",
]  # fmt: skip

INFINITY = float("inf")


@op("Eq")
def eq(input: Operand, other: Operand) -> Node:
    """Return where input == other."""
    return elementwise("eq", *promote(input, other))


@op("Ne")
def ne(input: Operand, other: Operand) -> Node:
    """Return where input != other."""
    return elementwise("ne", *promote(input, other))


@op("Lt")
def lt(input: Operand, other: Operand) -> Node:
    """Return where input < other."""
    return elementwise("lt", *promote(input, other))


@op("Le")
def le(input: Operand, other: Operand) -> Node:
    """Return where input <= other."""
    return elementwise("le", *promote(input, other))


@op("Gt")
def gt(input: Operand, other: Operand) -> Node:
    """Return where input > other."""
    x, y = promote(input, other)
    return x > y


@op("Ge")
def ge(input: Operand, other: Operand) -> Node:
    """Return where input >= other."""
    x, y = promote(input, other)
    return x >= y


@op("Isnan")
def isnan(input: Operand) -> Node:
    """Return where input is NaN."""
    return elementwise("ne", input, input)


@op("Isinf")
def isinf(input: Operand) -> Node:
    """Return where input is infinite."""
    if not input.dtype.is_float:
        return constant(False, BOOL, input.shape)
    return elementwise("eq", elementwise("abs", input), INFINITY)


@op("Isposinf")
def isposinf(input: Operand) -> Node:
    """Return where input is +inf."""
    return elementwise("eq", input, INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isneginf")
def isneginf(input: Operand) -> Node:
    """Return where input is -inf."""
    return elementwise("eq", input, -INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isfinite")
def isfinite(input: Operand) -> Node:
    """Return where input is neither infinite nor NaN."""
    if not input.dtype.is_float:
        return constant(True, BOOL, input.shape)
    return elementwise("abs", input) < INFINITY


@op("Signbit")
def signbit(input: Operand) -> Node:
    """Return where the sign of input is negative, -0.0 included."""
    return sign_bit(input)


@op("Isclose")
def isclose(input: Operand, other: Operand, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Node:
    """Return where |input - other| <= atol + rtol * |other|; infinities are close to themselves."""
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance:g}")
    x, y = promote(input, other)
    close = elementwise("eq", x, y)
    if x.dtype.is_bool:
        return close
    if equal_nan and x.dtype.is_float:
        close = close | (elementwise("ne", x, x) & elementwise("ne", y, y))
    a, b = promote(x, y, float=True)
    apart = elementwise("abs", a - b)
    return close | ((apart < INFINITY) & (apart <= elementwise("abs", b) * rtol + atol))


@op("Allclose")
def _allclose(input: Operand, other: Operand, rtol: float, atol: float, equal_nan: bool) -> Node:
    close = isclose.nodes(input, other, rtol, atol, equal_nan)
    return reduce("all", close, all_axes(close))


def allclose(input: Operand, other: Operand, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether all elements are close, as a Python bool."""
    return bool(_allclose(input, other, rtol, atol, equal_nan))


@op("Equal")
def _equal(input: Operand, other: Operand) -> Node:
    same = elementwise("eq", *promote(input, other))
    return reduce("all", same, all_axes(same))


def equal(input: Operand, other: Operand) -> bool:
    """Return whether two tensors have the same shape and elements, as a Python bool."""
    return tuple(input.shape) == tuple(other.shape) and bool(_equal(input, other))


@op("Heaviside")
def heaviside(input: Operand, values: Operand) -> Node:
    """Return 0 below zero, 1 above, and `values` at zero."""
    x, v = promote(input, values)
    return select(elementwise("eq", x, 0), v, cast(x > 0, x.dtype))


# -- logic and bits -------------------------------------------------------------------------------------


def _truth(*operands: Operand) -> list[Node]:
    return [cast(x, BOOL) for x in promote(*operands)]


@op("LogicalAnd")
def logical_and(input: Operand, other: Operand) -> Node:
    """Return where both are not zero."""
    x, y = _truth(input, other)
    return x & y


@op("LogicalOr")
def logical_or(input: Operand, other: Operand) -> Node:
    """Return where at least one is not zero."""
    x, y = _truth(input, other)
    return x | y


@op("LogicalXor")
def logical_xor(input: Operand, other: Operand) -> Node:
    """Return where just one is not zero."""
    x, y = _truth(input, other)
    return x ^ y


@op("LogicalNot")
def logical_not(input: Operand) -> Node:
    """Return where input is zero."""
    return ~cast(input, BOOL)


def _bits(name: str, symbol: str, *operands: Operand) -> Node:
    x, y = promote(*operands)
    if x.dtype.is_float:
        raise NotImplementedError(f"\"{symbol}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    return elementwise(name, x, y)


@op("BitwiseAnd")
def bitwise_and(input: Operand, other: Operand) -> Node:
    """Return the bits set in both.  Raises NotImplementedError for floats."""
    return _bits("and", "bitwise_and", input, other)


@op("BitwiseOr")
def bitwise_or(input: Operand, other: Operand) -> Node:
    """Return the bits set in either.  Raises NotImplementedError for floats."""
    return _bits("or", "bitwise_or", input, other)


@op("BitwiseXor")
def bitwise_xor(input: Operand, other: Operand) -> Node:
    """Return the bits set in just one.  Raises NotImplementedError for floats."""
    return _bits("xor", "bitwise_xor", input, other)


@op("BitwiseNot")
def bitwise_not(input: Operand) -> Node:
    """Return every bit turned.  Raises TypeError for floats."""
    if input.dtype.is_float:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return ~input  # type: ignore[no-any-return]


@op("BitwiseLeftShift")
def bitwise_left_shift(input: Operand, other: Operand) -> Node:
    """Return input shifted left by other bits; 0 where they are negative or as many as input has.

    Raises NotImplementedError for floats.
    """
    x, y, outside = _shifted("lshift", input, other)
    return select(outside, 0, elementwise("shift_left", x, y))


@op("BitwiseRightShift")
def bitwise_right_shift(input: Operand, other: Operand) -> Node:
    """Return input shifted right by other bits, keeping the sign, which is all that is left where they are too many.

    Raises NotImplementedError for floats.
    """
    x, y, outside = _shifted("rshift", input, other)
    if x.dtype is U8:
        return select(outside, 0, elementwise("shift_right", x, y))
    return elementwise("shift_right", x, select(outside, 8 * x.dtype.bytes - 1, y))


def _shifted(symbol: str, *operands: Operand) -> tuple[Node, Node, Node]:
    """Return what is shifted, by how many bits, and where those are negative or too many."""
    x, y = promote(*operands)
    if x.dtype.is_float:
        raise NotImplementedError(f"\"{symbol}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    outside = elementwise("or", elementwise("lt", y, 0), elementwise("le", full_like(y, 8 * x.dtype.bytes), y))
    return x, y, outside


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
