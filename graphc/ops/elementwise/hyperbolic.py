"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core import build
from graphc.ir.core.build import derived, elementwise, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import float_function
from graphc.ops.elementwise.exponential import LOG_2

__all__ = ["acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "cosh", "sinh", "tanh"]


@op("Sinh")
def sinh(input: Node) -> Node:
    """Return the hyperbolic sine, finite wherever the result is representable.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sinh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 1.1752])
    """
    return build.sinh(*promote(input, float=True))


@op("Cosh")
def cosh(input: Node) -> Node:
    """Return the hyperbolic cosine, finite wherever the result is representable.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.cosh(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 1.5431])
    """
    return build.cosh(*promote(input, float=True))


@op("Tanh")
def tanh(input: Node) -> Node:
    """Return the hyperbolic tangent.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.tanh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    return float_function("tanh", input)


@op("Asinh")
def asinh(input: Node) -> Node:
    """Return the inverse hyperbolic sine.

    Computed as log1p(x + x² / (1 + sqrt(x² + 1))), and log(2x) for large x.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.asinh(graphc.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8814])
    """
    (x,) = promote(input, float=True)
    a = elementwise("abs", x)
    large = a > 1e9
    b = select(large, zeros_like(a), a)
    square_ = b * b
    small = elementwise("log1p", b + square_ / (1 + elementwise("sqrt", square_ + 1)))
    result = select(large, elementwise("log", select(large, a, full_like(a, 1))) + LOG_2, small)
    return derived("asinh", select(x < 0, -result, result), x)


@op("Acosh")
def acosh(input: Node) -> Node:
    """Return the inverse hyperbolic cosine; NaN below 1.

    Computed as log1p(t + sqrt(2t + t²)) with t = x - 1, and log(2x) for large x. The derivative at 1 is infinite.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.acosh(graphc.tensor([1.0, 2.0]))
        tensor([0.0000, 1.3170])
    """
    (x,) = promote(input, float=True)
    large = x > 1e9
    t = select(large | (x < 1), full_like(x, 2), x) - 1
    small = elementwise("log1p", t + elementwise("sqrt", 2 * t + t * t))
    result = select(large, elementwise("log", select(large, x, full_like(x, 1))) + LOG_2, small)
    return derived("acosh", select(x < 1, float("nan"), result), x)


@op("Atanh")
def atanh(input: Node) -> Node:
    """Return the inverse hyperbolic tangent; infinite at -1 and 1, NaN outside.

    Computed as (log1p(x) - log1p(-x)) / 2.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.atanh(graphc.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5493])
    """
    (x,) = promote(input, float=True)
    return derived("atanh", (elementwise("log1p", x) - elementwise("log1p", -x)) * 0.5, x)


arcsinh = asinh

arccosh = acosh

arctanh = atanh
