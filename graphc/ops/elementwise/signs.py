"""Signs and magnitudes; replacement of non-finite values."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import derived, elementwise, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand

__all__ = ["abs", "absolute", "copysign", "nan_to_num", "sgn", "sign", "signbit"]


def sign_bit(x: Node) -> Node:
    """Return where a float node is negative, -0.0 included, or an integer one is below 0; node level."""
    if x.dtype.is_bool:
        return zeros_like(x)
    return (x < 0) | (elementwise("eq", x, 0) & (1 / x < 0)) if x.dtype.is_float else x < 0


@op("Abs")
def abs(input: Node) -> Node:
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


@op("Sign", saves=False)
def sign(input: Node) -> Node:
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
def nan_to_num(input: Node, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Node:
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
        return input
    big = _LARGEST[input.dtype.name]
    x = select(elementwise("eq", input, float("inf")), big if posinf is None else posinf, input)
    x = select(elementwise("eq", input, float("-inf")), full_like(x, -big if neginf is None else neginf), x)
    return select(elementwise("ne", input, input), full_like(x, nan or 0), x)


_LARGEST = {"f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}

absolute = abs

sgn = sign


@op("Signbit")
def signbit(input: Node) -> Node:
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
