"""Floats by their parts: mantissas and exponents, scaling by powers of two, and neighbouring numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, elementwise, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32
from graphc.ops.common import torch_name
from graphc.tensors.tensor import Tensor

__all__ = ["frexp", "ldexp", "nextafter"]

INFINITY = float("inf")


class Frexp(NamedTuple):
    """The parts of floats: input = mantissa * 2 ** exponent."""

    mantissa: Tensor
    exponent: Tensor

    def __repr__(self) -> str:
        return f"torch.return_types.frexp(\nmantissa={self.mantissa!r},\nexponent={self.exponent!r})"


def _scale(x: Node) -> tuple[Node, Node]:
    """Return exact factors and exponents that bring |x| to [0.5, 1): x * factor, with factor 2 ** -exponent in two steps."""
    size = apply("stop_gradient", elementwise("abs", x))
    plain = elementwise("eq", size, 0) | ~(size < INFINITY)
    size, exponent = select(plain, 0.5, size), zeros_like(cast(x, I32))
    bits = 9 if x.dtype.name == "f64" else 6
    for k in (bits, *range(bits, -1, -1)):  # small numbers up to [1, 2)
        small, step = size < 2.0 ** (1 - 2**k), 2**k
        size, exponent = select(small, size * 2.0**step, size), select(small, exponent - step, exponent)
    for k in range(bits, -1, -1):  # large numbers down to [1, 2)
        large, step = size >= 2.0 ** (2**k), 2**k
        size, exponent = select(large, size * 2.0**-step, size), select(large, exponent + step, exponent)
    return select(plain, 0, exponent + 1), plain


def powers_of_two(exponent: Node, like: Node) -> Node:
    """Return exact powers of two of an int32 node, within the range of normal numbers, in the dtype of `like`."""
    size, power = elementwise("abs", exponent), full_like(like, 1)
    bits = 10 if like.dtype.name == "f64" else 7
    for k in range(bits):
        has = elementwise("ne", size & (1 << k), 0)
        factor = select(exponent < 0, full_like(like, 2.0 ** -(2**k)), full_like(like, 2.0 ** (2**k)))
        power = select(has, power * factor, power)
    return power


@op("Frexp")
def _parts(input: Node) -> tuple[Node, Node]:
    if not input.dtype.is_float:
        raise RuntimeError(f"torch.frexp() only supports floating-point dtypes, got {torch_name(input.dtype)}")
    exponent, plain = _scale(input)
    half = elementwise("floordiv", exponent, 2)
    mantissa = input * powers_of_two(-half, input) * powers_of_two(half - exponent, input)
    return select(plain, input, mantissa), exponent


def frexp(input: Tensor) -> Frexp:
    """Split floats into mantissas, in [0.5, 1) in magnitude, and exponents of 2.

    Args:
        input: tensor of a float dtype; zeros, infinities and NaN are returned with exponent 0.

    Returns:
        Named tuple (mantissa, exponent) of tensors of the shape of input; the exponents are int32.

    Raises:
        RuntimeError: if input is not floating point.

    Example:
        >>> mantissa, exponent = graphc.frexp(graphc.tensor([1.5, -8.0]))
        >>> mantissa, exponent
        (tensor([ 0.7500, -0.5000]), tensor([1, 4], dtype=torch.int32))
    """
    return Frexp(*_parts(input))


@op("Mul")
def ldexp(input: Node, other: Node) -> Node:
    """Return input * 2 ** other, as torch does: infinite where the power is.

    Args:
        input: tensor.
        other: tensor, the exponents; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.ldexp(graphc.tensor([1.0, 3.0]), graphc.tensor([2, -1]))
        tensor([4.0000, 1.5000])
    """
    x, y = promote(input, other, float=True)
    return x * elementwise("pow", 2.0, y)


def _step_up(x: Node) -> Node:
    """Return the next larger float.  Source: Rump, Zimmermann, Boldo, Melquiond, Computing predecessor and successor, 2009."""
    info = np.finfo(x.dtype.numpy)
    unit, tiny, least = float(info.eps) / 2, float(info.tiny), float(info.smallest_subnormal)
    size = elementwise("abs", x)
    up = 2.0 ** (100 if x.dtype.name == "f64" else 50)
    small, smallest = size < tiny * up, size < 2 * tiny
    y = select(small, x * up, x)  # away from the numbers whose unit is lost to underflow
    far = y + elementwise("abs", y) * (unit * (1 + 2 * unit))
    near = select(smallest, x + least, far * (1 / up))
    return select(elementwise("eq", x, -INFINITY), -float(info.max), select(small, near, far))


@op("Nextafter", differentiable=False)
def nextafter(input: Node, other: Node) -> Node:
    """Return the float next to input in the direction of other; input where both are equal. There is no gradient.

    Args:
        input: tensor of a float dtype.
        other: tensor of a float dtype; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is not floating point.

    Example:
        >>> one = graphc.tensor(1.0)
        >>> (graphc.nextafter(one, one + 1) - 1).item()
        1.1920928955078125e-07
    """
    x, y = promote(input, other)
    if not x.dtype.is_float:
        raise NotImplementedError(f"\"nextafter_cpu\" not implemented for '{torch_name(x.dtype)}'")
    result = select(x < y, _step_up(x), -_step_up(-x))
    result = select(elementwise("eq", result, 0), x * 0, result)  # of the sign of x
    return select(elementwise("eq", x, y), y, select(elementwise("eq", x, x), select(elementwise("eq", y, y), result, y), x))
