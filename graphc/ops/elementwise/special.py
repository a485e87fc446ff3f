"""Special functions: sigmoid and logit, the error function, sinc, the step function, x log y."""

from __future__ import annotations

from math import pi

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, derived, elementwise, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, float_function

__all__ = ["erf", "heaviside", "logit", "sigmoid", "sinc", "xlogy"]


@op("Logit")
def logit(input: Node, eps: float | None = None) -> Node:
    """Return the log-odds, log(input / (1 - input)), the inverse of `graphc.sigmoid`.

    NaN outside of [0, 1], unless eps is given.

    Args:
        input: tensor of probabilities; integers are converted to the default float dtype.
        eps: input is limited to [eps, 1 - eps] before, with gradient 0 outside; None: it is not.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.logit(graphc.tensor([0.5, 0.75]))
        tensor([0.0000, 1.0986])
    """
    (x,) = promote(input, float=True)
    if eps is not None:
        x = select(x < eps, eps, select(x > 1 - eps, 1 - eps, x))
    return derived("logit", elementwise("log", x / (1 - x)), x)


@op("Xlogy")
def xlogy(input: Operand, other: Operand) -> Node:
    """Return input * log(other), with value 0 where input is 0 and other is not NaN.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.xlogy(graphc.tensor([0.0, 2.0]), graphc.tensor([0.0, 1.0]))
        tensor([0., 0.])
    """
    x, y = promote(input, other, float=True)
    zero = elementwise("eq", x, 0) & elementwise("eq", y, y)
    product = select(zero, zeros_like(x), x * elementwise("log", select(zero, full_like(y, 1), y)))
    return derived("xlogy", product, x, y)


@op("Sigmoid")
def sigmoid(input: Node) -> Node:
    """Return the logistic function 1 / (1 + exp(-input)), without overflow.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sigmoid(graphc.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """
    return float_function("sigmoid", input)


@op("Erf")
def erf(input: Node) -> Node:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to input.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.erf(graphc.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5205])
    """
    return float_function("erf", input)


@op("Sinc")
def sinc(input: Node) -> Node:
    """Return the normalized sinc, sin(pi x) / (pi x), with value 1 and derivative 0 at 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.sinc(graphc.tensor([0.0, 0.5]))
        tensor([1.0000, 0.6366])
    """
    (x,) = promote(input, float=True)
    zero = elementwise("eq", x, 0)
    angle = select(zero, full_like(x, 1), x) * pi
    zero = zero | elementwise("eq", angle, 0)  # smaller than any number
    return derived("sinc", select(zero, 1, elementwise("sin", angle) / select(zero, 1, angle)), x)


@op("Heaviside")
def heaviside(input: Node, values: Operand) -> Node:
    """Return the Heaviside step function: 0 below zero, 1 above, and values at zero.

    NaN gives 0. The gradient with respect to input is 0.

    Args:
        input: tensor.
        values: tensor or number, the result at zero; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.heaviside(graphc.tensor([-1.0, 0.0, 2.0]), 0.5)
        tensor([0.0000, 0.5000, 1.0000])
    """
    x, v = promote(input, values)
    return select(elementwise("eq", x, 0), v, cast(x > 0, x.dtype))
