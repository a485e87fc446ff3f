"""Activations that limit or shrink their input."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.graph import Node
from graphc.ops.common import check_float, number_like

__all__ = ["hardshrink", "hardtanh", "softshrink", "softsign", "tanhshrink"]


@op("Softsign")
def softsign(input: Node) -> Node:
    """Return input / (1 + |input|).

    Args:
        input: tensor of numbers.

    Returns:
        Tensor of the shape of input and its dtype, the default floating-point dtype for integers.

    Raises:
        NotImplementedError: if input is a tensor of bools.

    Example:
        >>> F.softsign(graphc.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.5000,  0.0000,  0.7500])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
    (x,) = promote(input, float=True)
    return x / (elementwise("abs", x) + 1)


@op("Tanhshrink")
def tanhshrink(input: Node) -> Node:
    """Return input - tanh(input).

    Args:
        input: tensor of numbers.

    Returns:
        Tensor of the shape of input and its dtype, the default floating-point dtype for integers.

    Raises:
        NotImplementedError: if input is a tensor of bools.

    Example:
        >>> F.tanhshrink(graphc.tensor([-1.0, 0.0, 3.0]))
        tensor([-0.2384,  0.0000,  2.0049])
    """
    if input.dtype.is_bool:
        raise NotImplementedError("\"tanhshrink\" not implemented for 'Bool'")
    (x,) = promote(input, float=True)
    return x - elementwise("tanh", x)


@op("Hardtanh")
def hardtanh(input: Node, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Node:
    """Clamp input to [min_val, max_val].

    Its derivative at both bounds is 0, unlike that of `graphc.clamp`.

    Args:
        input: tensor of numbers.
        min_val: lower bound.
        max_val: upper bound.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if min_val is greater than max_val.
        RuntimeError: if input is a tensor of bools, or a bound is out of the range of its integer dtype.

    Example:
        >>> F.hardtanh(graphc.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.0000,  0.5000,  1.0000])
    """
    if input.dtype.is_bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.name == "u8" and min(min_val, max_val) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    low, high = (number_like(v, input) for v in (min_val, max_val))
    if min_val != min_val or max_val != max_val:
        return low if min_val != min_val else high
    return select(input <= low, low, select(input >= high, high, input))


@op("Hardshrink")
def hardshrink(input: Node, lambd: float = 0.5) -> Node:
    """Return input with the elements within [-lambd, lambd] set to 0.

    Args:
        input: floating-point tensor.
        lambd: half the width of the interval.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.hardshrink(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-2.,  0.,  1.])
    """
    check_float("hardshrink_cpu", input)
    return select((input <= lambd) & (input >= -lambd), 0, input)


@op("Softshrink")
def softshrink(input: Node, lambd: float = 0.5) -> Node:
    """Move every element by lambd towards 0, and to 0 if it is within [-lambd, lambd].

    Args:
        input: floating-point tensor.
        lambd: distance to move, not negative.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if lambd is negative.
        NotImplementedError: if input is not floating-point.

    Example:
        >>> F.softshrink(graphc.tensor([-2.0, 0.25, 1.0]))
        tensor([-1.5000,  0.0000,  0.5000])
    """
    check_float("softshrink_check", input)
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return select((input <= lambd) & (input >= -lambd), 0, select(input < 0, input + lambd, input - lambd))
