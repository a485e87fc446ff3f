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
    """Compare elementwise: return whether input == other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.eq(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False,  True, False])
    """
    return elementwise("eq", *promote(input, other))


@op("Ne")
def ne(input: Operand, other: Operand) -> Node:
    """Compare elementwise: return whether input != other.

    NaN is not equal to anything, itself included.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.ne(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True, False,  True])
    """
    return elementwise("ne", *promote(input, other))


@op("Lt")
def lt(input: Operand, other: Operand) -> Node:
    """Compare elementwise: return whether input < other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.lt(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True, False, False])
    """
    return elementwise("lt", *promote(input, other))


@op("Le")
def le(input: Operand, other: Operand) -> Node:
    """Compare elementwise: return whether input <= other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.le(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True,  True, False])
    """
    return elementwise("le", *promote(input, other))


@op("Gt")
def gt(input: Operand, other: Operand) -> Node:
    """Compare elementwise: return whether input > other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.gt(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False, False,  True])
    """
    x, y = promote(input, other)
    return x > y


@op("Ge")
def ge(input: Operand, other: Operand) -> Node:
    """Compare elementwise: return whether input >= other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.ge(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False,  True,  True])
    """
    x, y = promote(input, other)
    return x >= y


@op("Isnan")
def isnan(input: Operand) -> Node:
    """Test which elements are NaN.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isnan(graphc.tensor([1.0, float("nan")]))
        tensor([False,  True])
    """
    return elementwise("ne", input, input)


@op("Isinf")
def isinf(input: Operand) -> Node:
    """Test which elements are infinite, of either sign.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isinf(graphc.tensor([1.0, -float("inf")]))
        tensor([False,  True])
    """
    if not input.dtype.is_float:
        return constant(False, BOOL, input.shape)
    return elementwise("eq", elementwise("abs", input), INFINITY)


@op("Isposinf")
def isposinf(input: Operand) -> Node:
    """Test which elements are inf.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isposinf(graphc.tensor([float("inf"), -float("inf")]))
        tensor([ True, False])
    """
    return elementwise("eq", input, INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isneginf")
def isneginf(input: Operand) -> Node:
    """Test which elements are -inf.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isneginf(graphc.tensor([float("inf"), -float("inf")]))
        tensor([False,  True])
    """
    return elementwise("eq", input, -INFINITY) if input.dtype.is_float else constant(False, BOOL, input.shape)


@op("Isfinite")
def isfinite(input: Operand) -> Node:
    """Test which elements are finite, neither infinite nor NaN.

    Args:
        input: tensor; elements of integer tensors are finite.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.isfinite(graphc.tensor([1.0, float("inf"), float("nan")]))
        tensor([ True, False, False])
    """
    if not input.dtype.is_float:
        return constant(True, BOOL, input.shape)
    return elementwise("abs", input) < INFINITY


@op("Signbit")
def signbit(input: Operand) -> Node:
    """Test which elements have a negative sign, -0.0 included.

    Args:
        input: tensor; for bools the result is False.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.signbit(graphc.tensor([-1.0, -0.0, 0.0]))
        tensor([ True,  True, False])
    """
    return sign_bit(input)


@op("Isclose")
def isclose(input: Operand, other: Operand, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Node:
    """Test which elements are close: return abs(input - other) <= atol + rtol * abs(other).

    Infinities of one sign are close to each other; bools have to be equal.

    Args:
        input: tensor.
        other: tensor or number, the reference; its shape broadcasts with that of input.
        rtol: relative tolerance, a factor of the magnitude of other.
        atol: absolute tolerance.
        equal_nan: whether two NaN are close.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast, or a tolerance is negative or NaN.

    Example:
        >>> graphc.isclose(graphc.tensor([1.0, 2.0]), graphc.tensor([1.000001, 2.1]))
        tensor([ True, False])
    """
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
    """Test whether all elements of two tensors are close, as `graphc.isclose` defines it.

    The result is a Python bool: the call computes the tensors.

    Args:
        input: tensor.
        other: tensor or number, the reference; its shape broadcasts with that of input.
        rtol: relative tolerance, a factor of the magnitude of other.
        atol: absolute tolerance.
        equal_nan: whether two NaN are close.

    Returns:
        A Python bool.

    Raises:
        RuntimeError: if the shapes do not broadcast, or a tolerance is negative or NaN.

    Example:
        >>> graphc.allclose(graphc.tensor([1.0, 2.0]), graphc.tensor([1.000001, 2.0]))
        True
    """
    return bool(_allclose(input, other, rtol, atol, equal_nan))


@op("Equal")
def _equal(input: Operand, other: Operand) -> Node:
    same = elementwise("eq", *promote(input, other))
    return reduce("all", same, all_axes(same))


def equal(input: Operand, other: Operand) -> bool:
    """Test whether two tensors have the same shape and equal elements.

    The dtypes may differ. NaN is not equal to itself. The result is a Python bool: the call computes the tensors.

    Args:
        input: tensor.
        other: tensor.

    Returns:
        A Python bool; False for different shapes, which are not broadcast.

    Raises:
        TypeError: if an operand is not a tensor.

    Example:
        >>> graphc.equal(graphc.tensor([1, 2]), graphc.tensor([1.0, 2.0]))
        True
    """
    return tuple(input.shape) == tuple(other.shape) and bool(_equal(input, other))


@op("Heaviside")
def heaviside(input: Operand, values: Operand) -> Node:
    """Return the Heaviside step function: 0 below zero, 1 above, and values at zero.

    NaN gives 0. The gradient with respect to input is 0.

    Args:
        input: tensor.
        values: tensor or number, the result at zero; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.heaviside(graphc.tensor([-1.0, 0.0, 2.0]), 0.5)
        tensor([0.0000, 0.5000, 1.0000])
    """
    x, v = promote(input, values)
    return select(elementwise("eq", x, 0), v, cast(x > 0, x.dtype))


# -- logic and bits -------------------------------------------------------------------------------------


def _truth(*operands: Operand) -> list[Node]:
    return [cast(x, BOOL) for x in promote(*operands)]


@op("LogicalAnd")
def logical_and(input: Operand, other: Operand) -> Node:
    """Test which elements are true in both operands.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_and(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False, False, False,  True])
    """
    x, y = _truth(input, other)
    return x & y


@op("LogicalOr")
def logical_or(input: Operand, other: Operand) -> Node:
    """Test which elements are true in at least one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_or(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True,  True])
    """
    x, y = _truth(input, other)
    return x | y


@op("LogicalXor")
def logical_xor(input: Operand, other: Operand) -> Node:
    """Test which elements are true in exactly one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_xor(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True, False])
    """
    x, y = _truth(input, other)
    return x ^ y


@op("LogicalNot")
def logical_not(input: Operand) -> Node:
    """Test which elements are 0.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.

    Returns:
        Bool tensor of the shape of input.

    Example:
        >>> graphc.logical_not(graphc.tensor([0.0, 0.5, 1.0]))
        tensor([ True, False, False])
    """
    return ~cast(input, BOOL)


def _bits(name: str, symbol: str, *operands: Operand) -> Node:
    x, y = promote(*operands)
    if x.dtype.is_float:
        raise NotImplementedError(f"\"{symbol}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    return elementwise(name, x, y)


@op("BitwiseAnd")
def bitwise_and(input: Operand, other: Operand) -> Node:
    """Return the bits set in both operands; for bools, their logical and.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_and(graphc.tensor([12, 10]), 6)
        tensor([4, 2])
    """
    return _bits("and", "bitwise_and", input, other)


@op("BitwiseOr")
def bitwise_or(input: Operand, other: Operand) -> Node:
    """Return the bits set in at least one operand; for bools, their logical or.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_or(graphc.tensor([12, 10]), 6)
        tensor([14, 14])
    """
    return _bits("or", "bitwise_or", input, other)


@op("BitwiseXor")
def bitwise_xor(input: Operand, other: Operand) -> Node:
    """Return the bits set in exactly one operand; for bools, their exclusive or.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_xor(graphc.tensor([12, 10]), 6)
        tensor([10, 12])
    """
    return _bits("xor", "bitwise_xor", input, other)


@op("BitwiseNot")
def bitwise_not(input: Operand) -> Node:
    """Invert every bit of input: return -input - 1 for signed integers, the negation for bools.

    Args:
        input: tensor of integers or bools.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        TypeError: if input is floating-point.

    Example:
        >>> graphc.bitwise_not(graphc.tensor([0, 5]))
        tensor([-1, -6])
        >>> graphc.bitwise_not(graphc.tensor([True, False]))
        tensor([False,  True])
    """
    if input.dtype.is_float:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return ~input  # type: ignore[no-any-return]


@op("BitwiseLeftShift")
def bitwise_left_shift(input: Operand, other: Operand) -> Node:
    """Shift bits to the left: return input * 2**other, wrapped to the dtype.

    Shifts that are negative, or at least as wide as the dtype, give 0.

    Args:
        input: tensor of integers, or a number.
        other: tensor of integers, or a number: bits to shift by; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_left_shift(graphc.tensor([1, 3]), 2)
        tensor([ 4, 12])
    """
    x, y, outside = _shifted("lshift", input, other)
    return select(outside, 0, elementwise("shift_left", x, y))


@op("BitwiseRightShift")
def bitwise_right_shift(input: Operand, other: Operand) -> Node:
    """Shift bits to the right, keeping the sign: return floor(input / 2**other).

    Shifts that are negative, or at least as wide as the dtype, give 0, or -1 for negative elements.

    Args:
        input: tensor of integers, or a number.
        other: tensor of integers, or a number: bits to shift by; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_right_shift(graphc.tensor([8, -7]), 1)
        tensor([ 4, -4])
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
