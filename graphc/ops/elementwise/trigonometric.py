"""Trigonometric functions, their inverses, and angles."""

from __future__ import annotations

from math import pi

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import derived, elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, float_function
from graphc.ops.elementwise.signs import sign_bit

__all__ = [
    "acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2", "cos", "deg2rad", "hypot", "rad2deg",
    "sin", "tan",
]  # fmt: skip


@op("Sin")
def sin(input: Node) -> Node:
    """Return the sine of an angle in radians.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sin(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8415])
    """
    return float_function("sin", input)


@op("Cos")
def cos(input: Node) -> Node:
    """Return the cosine of an angle in radians.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.cos(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 0.5403])
    """
    return float_function("cos", input)


@op("Tan")
def tan(input: Node) -> Node:
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


@op("Asin")
def asin(input: Node) -> Node:
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
def acos(input: Node) -> Node:
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
def atan(input: Node) -> Node:
    """Return the arc tangent in radians, in [-pi/2, pi/2].

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.atan(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7854])
    """
    return float_function("atan", input)


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


@op("Deg2Rad", saves=False)
def deg2rad(input: Node) -> Node:
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


@op("Rad2Deg", saves=False)
def rad2deg(input: Node) -> Node:
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
    result = select(elementwise("eq", high, 0), low, result)  # zeros and NaN, which do not compare as larger
    return derived("hypot", select(infinite, full_like(x, float("inf")), result), x, y)


arcsin = asin

arccos = acos

arctan = atan

arctan2 = atan2
