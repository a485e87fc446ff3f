"""Sums, differences, products and their combinations, elementwise."""

from __future__ import annotations

from graphc.core.dtypes import exact_number
from graphc.core.errors import located
from graphc.core.promotion import promote, result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL
from graphc.ops.common import Operand, number_like, torch_name
from graphc.tensors.tensor import Tensor

__all__ = ["add", "addcdiv", "addcmul", "lerp", "mul", "multiply", "neg", "negative", "positive", "rsub", "sub", "subtract"]


def _check_alpha(alpha: Operand, x: Node) -> None:
    if isinstance(alpha, Node):
        return
    if isinstance(alpha, float) and not x.dtype.is_float:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and not x.dtype.is_bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    _check_holds(alpha, x)


def _check_holds(number: Operand, x: Node) -> None:
    if not isinstance(number, Node):
        exact_number(number, x.dtype)


def _scaled(x: Node, factor: Operand) -> Node:
    return x if factor == 1 else x * number_like(factor, x) if isinstance(factor, Node) else x * factor


@op("Add", saves=False, varying=("input", "other", "alpha"))
def add(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return input + alpha * other; for bools, their logical or.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of other; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or alpha is a float and the inputs are integers, or alpha is a bool
            and the inputs are not.

    Example:
        >>> graphc.add(graphc.tensor([1.0, 2.0]), graphc.tensor([10.0, 20.0]), alpha=2)
        tensor([21., 42.])
    """
    x, y = promote(input, other)
    _check_alpha(alpha, x)
    if x.dtype.is_bool:
        return x | y
    return x + _scaled(y, alpha)


@op("Sub", saves=False, varying=("input", "other", "alpha"))
def sub(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return input - alpha * other.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of other; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, an operand is bool, or alpha is a float and the inputs are integers.

    Example:
        >>> graphc.sub(graphc.tensor([10, 20]), graphc.tensor([1, 2]), alpha=3)
        tensor([ 7, 14])
    """
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
    return x - _scaled(y, alpha)


@op(
    lambda input, other, **options: "RsubBackward0" if isinstance(other, Node) else "RsubBackward1",
    saves=False,
    varying=("other", "alpha"),
)
def rsub(input: Operand, other: Operand, *, alpha: float = 1) -> Node:
    """Return other - alpha * input: subtraction with swapped operands.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.
        alpha: factor of input; an int for integer inputs.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, an operand is bool, or alpha is a float and the inputs are integers.

    Example:
        >>> graphc.rsub(graphc.tensor([1, 2]), 10)
        tensor([9, 8])
    """
    return sub.nodes(other, input, alpha=alpha)


@op("Mul", varying=("input", "other"))
def mul(input: Operand, other: Operand) -> Node:
    """Return input * other; for bools, their logical and.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.mul(graphc.tensor([[1.0], [2.0]]), graphc.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    x, y = promote(input, other)
    return x & y if x.dtype.is_bool else x * y


@op("Neg", saves=False)
def neg(input: Node) -> Node:
    """Return -input.

    Args:
        input: tensor of integers or floats.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input is bool.

    Example:
        >>> graphc.neg(graphc.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """
    if input.dtype.is_bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return -input


def positive(input: Tensor) -> Tensor:
    """Return input itself.

    Args:
        input: tensor of integers or floats, of any shape.

    Returns:
        The same tensor.

    Raises:
        RuntimeError: if input is bool.

    Example:
        >>> graphc.positive(graphc.tensor([1.0, -2.0]))
        tensor([ 1., -2.])
    """
    if input.dtype.ir is BOOL:
        raise located(RuntimeError("The `+` operator, on a bool tensor is not supported."))
    return input


@op("Addcmul", saves="others", varying=("value",))
def addcmul(input: Node, tensor1: Node, tensor2: Node, *, value: float = 1) -> Node:
    """Return input + value * tensor1 * tensor2.

    Args:
        input: tensor.
        tensor1: tensor; first factor.
        tensor2: tensor; second factor. All three shapes broadcast.
        value: factor of the product; for integer inputs its fraction is dropped.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or value is out of the range of the dtype.
        NotImplementedError: if all operands are bool.

    Example:
        >>> graphc.addcmul(graphc.tensor([1.0, 1.0]), graphc.tensor([2.0, 3.0]), graphc.tensor([4.0, 5.0]), value=0.5)
        tensor([5.0000, 8.5000])
    """
    x, a, b = promote(input, tensor1, tensor2)
    if x.dtype.is_bool:
        raise NotImplementedError("\"addcmul_cpu_out\" not implemented for 'Bool'")
    _check_holds(value, x)
    return x + _scaled(a, value) * b


@op("Addcdiv", varying=("value",))
def addcdiv(input: Node, tensor1: Node, tensor2: Node, *, value: float = 1) -> Node:
    """Return input + value * tensor1 / tensor2.

    Args:
        input: tensor.
        tensor1: tensor; the numerator.
        tensor2: tensor; the denominator. All three shapes broadcast.
        value: factor of the quotient.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or tensor1 and tensor2 are integers.

    Example:
        >>> graphc.addcdiv(graphc.tensor([1.0, 1.0]), graphc.tensor([2.0, 3.0]), graphc.tensor([4.0, 6.0]), value=2)
        tensor([2., 2.])
    """
    x, a, b = promote(input, tensor1, tensor2)
    if not (tensor1.dtype.is_float or tensor2.dtype.is_float):
        raise RuntimeError("Integer division with addcdiv is no longer supported, use addcmul or true division instead.")
    _check_holds(value, x)
    return x + _scaled(a, value) / b


@op("Lerp", saves=lambda input, end, weight: isinstance(weight, Node))
def lerp(input: Node, end: Node, weight: Operand) -> Node:
    """Interpolate linearly: return input + weight * (end - input).

    For weights of 0.5 and more the formula end - (end - input) * (1 - weight) is used, so that both ends are exact.

    Args:
        input: floating-point tensor; the result at weight 0.
        end: tensor; the result at weight 1.
        weight: tensor or number; values outside of [0, 1] extrapolate.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> graphc.lerp(graphc.tensor([0.0, 10.0]), graphc.tensor([4.0, 20.0]), 0.25)
        tensor([ 1.0000, 12.5000])
    """
    x, y, w = promote(input, end, weight)
    if not (isinstance(input, Node) and input.dtype.is_float):
        name = torch_name(input.dtype)
        raise NotImplementedError(f"\"lerp_kernel_scalar\" not implemented for '{name}'")
    near, far = x + w * (y - x), y - (y - x) * (1 - w)
    if not isinstance(weight, Node):
        return near if weight < 0.5 else far
    return select(elementwise("abs", w) < 0.5, near, far)


negative = neg

multiply = mul

subtract = sub
