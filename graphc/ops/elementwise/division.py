"""Quotients and remainders."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import derived, elementwise, reduce, select
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.regions.builders import while_loop
from graphc.ops.common import Operand, all_axes, torch_name
from graphc.ops.elementwise.signs import sign_bit

__all__ = ["div", "divide", "floor_divide", "fmod", "gcd", "lcm", "reciprocal", "remainder", "true_divide"]


@op("Div", varying=("input", "other"))
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


@op(lambda input, other: "Div" if isinstance(other, Node) else "Mul", varying=("other",))
def rdiv(input: Operand, other: Operand) -> Node:
    """Return other / input: division with swapped operands.

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
    return div.nodes(other, input)


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


@op("Remainder", saves="others")
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


@op("Fmod", saves="others")
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


@op("Reciprocal")
def reciprocal(input: Node) -> Node:
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


def _divisor(name: str, input: Node, other: Node) -> tuple[Node, Node, Node]:
    """Return the operands and their greatest common divisors, by Euclid's algorithm for all elements at once."""
    x, y = promote(input, other)
    if not x.dtype.is_int:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{torch_name(x.dtype)}'")
    a, b = parameter(x.type), parameter(x.type)
    goes_on = elementwise("ne", b, 0)
    test = Region((a, b), (reduce("any", goes_on, all_axes(b)),))
    rest = elementwise("remainder", a, select(goes_on, b, 1))
    body = Region((a, b), (select(goes_on, b, a), select(goes_on, rest, b)))
    return x, y, elementwise("abs", while_loop(test, body, [x, y])[0])


@op("Gcd", differentiable=False)
def gcd(input: Node, other: Node) -> Node:
    """Return the greatest common divisors, which are not negative; that of 0 and 0 is 0.

    Args:
        input: integer tensor.
        other: integer tensor; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is not an integer one.

    Example:
        >>> graphc.gcd(graphc.tensor([12, -5, 0]), graphc.tensor([8, 10, 3]))
        tensor([4, 5, 3])
    """
    return _divisor("gcd", input, other)[2]


@op("Lcm", differentiable=False)
def lcm(input: Node, other: Node) -> Node:
    """Return the least common multiples, which are not negative; 0 where an operand is 0.

    Args:
        input: integer tensor.
        other: integer tensor; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is not an integer one.

    Example:
        >>> graphc.lcm(graphc.tensor([4, 0]), graphc.tensor([6, 3]))
        tensor([12,  0])
    """
    x, y, divisor = _divisor("lcm", input, other)
    return elementwise("abs", elementwise("floordiv", x, divisor) * y)


divide = div

true_divide = div
