"""Comparisons, exact and within a tolerance."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, reduce
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, all_axes
from graphc.ops.elementwise.predicates import INFINITY
from graphc.ops.templates import template
from graphc.tensors.tensor import Tensor

__all__ = [
    "allclose", "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "le", "less", "less_equal", "lt",
    "ne", "not_equal",
]  # fmt: skip


def _comparison(
    name: str, symbol: str, relation: Callable[[Node, Node], Node], example: str, note: str = "Comparisons with NaN are false."
) -> Any:
    @op(name.capitalize(), varying=("other",))
    @template(name, example, symbol=symbol, note=note)
    def compare(input: Operand, other: Operand) -> Node:
        """Compare elementwise: return whether input {symbol} other.

        {note}

        Args:
            input: tensor or number.
            other: tensor or number; its shape broadcasts with that of input.

        Returns:
            Bool tensor of the broadcast shape.

        Raises:
            RuntimeError: if the shapes do not broadcast.
        """
        return relation(*promote(input, other))

    return compare


eq = _comparison(
    "eq",
    "==",
    partial(elementwise, "eq"),
    """
    >>> graphc.eq(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([False,  True, False])
    """,
)
ne = _comparison(
    "ne",
    "!=",
    partial(elementwise, "ne"),
    """
    >>> graphc.ne(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([ True, False,  True])
    """,
    note="NaN is not equal to anything, itself included.",
)
lt = _comparison(
    "lt",
    "<",
    operator.lt,
    """
    >>> graphc.lt(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([ True, False, False])
    """,
)
le = _comparison(
    "le",
    "<=",
    operator.le,
    """
    >>> graphc.le(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([ True,  True, False])
    """,
)
gt = _comparison(
    "gt",
    ">",
    operator.gt,
    """
    >>> graphc.gt(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([False, False,  True])
    """,
)
ge = _comparison(
    "ge",
    ">=",
    operator.ge,
    """
    >>> graphc.ge(graphc.tensor([1.0, 2.0, 3.0]), 2)
    tensor([False,  True,  True])
    """,
)


@op("Isclose")
def isclose(input: Node, other: Operand, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Node:
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
    distance = elementwise("abs", a - b)
    return close | ((distance < INFINITY) & (distance <= elementwise("abs", b) * rtol + atol))


@op("Allclose")
def _allclose(input: Operand, other: Operand, rtol: float, atol: float, equal_nan: bool) -> Node:
    close = isclose.nodes(input, other, rtol, atol, equal_nan)
    return reduce("all", close, all_axes(close))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
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


def equal(input: Tensor, other: Tensor) -> bool:
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


greater = gt

greater_equal = ge

less = lt

less_equal = le

not_equal = ne
