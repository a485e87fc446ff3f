"""Rounding to integers and decimal places."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise
from graphc.ir.core.graph import Node
from graphc.ops.common import check_float
from graphc.ops.templates import template

__all__ = ["ceil", "fix", "floor", "frac", "round", "trunc"]


def _rounding(name: str, x: Node) -> Node:
    return elementwise(name, x) if x.dtype.is_float else x


def _to_integers(name: str, what: str, example: str) -> Any:
    @op(name.capitalize(), saves=False)
    @template(name, example, what=what)
    def rounded(input: Node) -> Node:
        """{what}.

        Integers and bools are returned unchanged; the gradient is 0.

        Args:
            input: tensor.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return _rounding(name, input)

    return rounded


floor = _to_integers(
    "floor",
    "Return the largest integer that is at most input",
    """
    >>> graphc.floor(graphc.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """,
)
ceil = _to_integers(
    "ceil",
    "Return the smallest integer that is at least input",
    """
    >>> graphc.ceil(graphc.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """,
)
trunc = _to_integers(
    "trunc",
    "Round input towards zero",
    """
    >>> graphc.trunc(graphc.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """,
)


@op("Round", saves=False)
def round(input: Node, *, decimals: int = 0) -> Node:
    """Round input to the nearest integer or decimal place, halves to even.

    Without decimals, integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.
        decimals: decimal places to keep; negative ones round to tens, hundreds and so on.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if decimals is not 0 and input is not floating-point.

    Example:
        >>> graphc.round(graphc.tensor([0.5, 1.5, 2.4]))
        tensor([0., 2., 2.])
        >>> graphc.round(graphc.tensor([1234.567]), decimals=1)
        tensor([1234.6000])
    """
    if decimals:
        check_float("round_cpu", input)
    else:
        return _rounding("round", input)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return elementwise("round", input * scale) / scale
    return elementwise("round", input / scale) * scale


@op("Frac", saves=False)
def frac(input: Node) -> Node:
    """Return the fractional part, input - trunc(input), with the sign of input.

    The derivative is 1.

    Args:
        input: floating-point tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating-point.

    Example:
        >>> graphc.frac(graphc.tensor([1.5, -1.25]))
        tensor([ 0.5000, -0.2500])
    """
    return input - elementwise("trunc", input)


fix = trunc
