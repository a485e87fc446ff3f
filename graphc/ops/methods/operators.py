"""Operators of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ops.elementwise import arithmetic, bits, comparison, division, powers
from graphc.ops.linear_algebra import matrices

__all__ = ["IN_PLACE_OPERATORS", "OPERATORS"]

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "radd": arithmetic.add,
    "sub": arithmetic.sub,
    "rsub": arithmetic.rsub,
    "mul": arithmetic.mul,
    "rmul": arithmetic.mul,
    "truediv": division.div,
    "rtruediv": division.rdiv,
    "floordiv": division.floor_divide,
    "mod": division.remainder,
    "pow": powers.pow,
    "rpow": powers.rpow,
    "matmul": matrices.matmul,
    "eq": comparison.eq,
    "ne": comparison.ne,
    "lt": comparison.lt,
    "le": comparison.le,
    "gt": comparison.gt,
    "ge": comparison.ge,
    "and": bits.bitwise_and,
    "rand": bits.bitwise_and,
    "or": bits.bitwise_or,
    "ror": bits.bitwise_or,
    "xor": bits.bitwise_xor,
    "rxor": bits.bitwise_xor,
    "lshift": bits.bitwise_left_shift,
    "rshift": bits.bitwise_right_shift,
    "rfloordiv": lambda x, y: division.floor_divide(y, x),
    "rmod": lambda x, y: division.remainder(y, x),
    "rmatmul": lambda x, y: matrices.matmul(y, x),
    "rlshift": lambda x, y: bits.bitwise_left_shift(y, x),
    "rrshift": lambda x, y: bits.bitwise_right_shift(y, x),
}
"""Binary operators; those with a leading r have swapped operands."""

IN_PLACE_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")
