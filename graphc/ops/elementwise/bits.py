"""Bitwise operations and shifts."""

from __future__ import annotations

from typing import Any

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import U8
from graphc.ops.common import Operand, torch_name
from graphc.ops.templates import template

__all__ = ["bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor"]


def _on_bits(name: str, symbol: str, *operands: Operand) -> Node:
    x, y = promote(*operands)
    if x.dtype.is_float:
        raise NotImplementedError(f"\"{symbol}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    return elementwise(name, x, y)


def _bitwise(name: str, where: str, bools: str, example: str) -> Any:
    @op(f"Bitwise{name.capitalize()}")
    @template(f"bitwise_{name}", example, where=where, bools=bools)
    def bitwise(input: Operand, other: Operand) -> Node:
        """Return the bits set {where}; for bools, their {bools}.

        Args:
            input: tensor of integers or bools, or a number.
            other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

        Returns:
            Tensor of the broadcast shape and the promoted dtype.

        Raises:
            RuntimeError: if the shapes do not broadcast.
            NotImplementedError: if the promoted dtype is a float dtype.
        """
        return _on_bits(name, f"bitwise_{name}", input, other)

    return bitwise


bitwise_and = _bitwise(
    "and",
    "in both operands",
    "logical and",
    """
    >>> graphc.bitwise_and(graphc.tensor([12, 10]), 6)
    tensor([4, 2])
    """,
)
bitwise_or = _bitwise(
    "or",
    "in at least one operand",
    "logical or",
    """
    >>> graphc.bitwise_or(graphc.tensor([12, 10]), 6)
    tensor([14, 14])
    """,
)
bitwise_xor = _bitwise(
    "xor",
    "in exactly one operand",
    "exclusive or",
    """
    >>> graphc.bitwise_xor(graphc.tensor([12, 10]), 6)
    tensor([10, 12])
    """,
)


@op("BitwiseNot")
def bitwise_not(input: Node) -> Node:
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
    return ~input


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
    x, y, out_of_range = _shifted("lshift", input, other)
    return select(out_of_range, 0, elementwise("shift_left", x, y))


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
    x, y, out_of_range = _shifted("rshift", input, other)
    if x.dtype is U8:
        return select(out_of_range, 0, elementwise("shift_right", x, y))
    return elementwise("shift_right", x, select(out_of_range, 8 * x.dtype.bytes - 1, y))


def _shifted(symbol: str, *operands: Operand) -> tuple[Node, Node, Node]:
    """Return the shifted operand, the shift count, and where the count is negative or too large."""
    x, y = promote(*operands)
    if x.dtype.is_float:
        raise NotImplementedError(f"\"{symbol}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    out_of_range = elementwise("or", elementwise("lt", y, 0), elementwise("le", full_like(y, 8 * x.dtype.bytes), y))
    return x, y, out_of_range
