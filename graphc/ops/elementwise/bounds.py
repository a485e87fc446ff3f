"""The larger and the smaller of two values, and limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from graphc.core.promotion import exact, promote, result_dtype
from graphc.dispatch.operation import Operation, op
from graphc.ir.core.build import derived, elementwise, select
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_constant
from graphc.ops.common import Operand
from graphc.ops.templates import template
from graphc.tensors.tensor import Tensor

__all__ = ["clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "maximum", "minimum"]


def _chosen(
    name: str, which: str, nan: str, note: str, choice: Callable[[Node, Node], Node], example: str
) -> Operation[..., Node, Tensor]:
    @op(name.capitalize())
    @template(name, example, which=which, nan=nan, note=note)
    def chosen(input: Operand, other: Operand) -> Node:
        """Return the {which} of two values, elementwise; {nan}.

        {note}

        Args:
            input: tensor or number.
            other: tensor or number; its shape broadcasts with that of input.

        Returns:
            Tensor of the broadcast shape and the promoted dtype.

        Raises:
            RuntimeError: if the shapes do not broadcast.
        """
        return choice(*promote(input, other))

    return chosen


NAN_WINS = ("NaN if either is NaN", "Each of two equal operands gets half of the gradient.")
NAN_LOSES = ("if one is NaN, the other one", "The gradient of equal operands goes to input.")

maximum = _chosen(
    "maximum",
    "larger",
    *NAN_WINS,
    partial(elementwise, "maximum"),
    """
    >>> graphc.maximum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """,
)
minimum = _chosen(
    "minimum",
    "smaller",
    *NAN_WINS,
    partial(elementwise, "minimum"),
    """
    >>> graphc.minimum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """,
)
fmax = _chosen(
    "fmax",
    "larger",
    *NAN_LOSES,
    lambda x, y: select((x >= y) | elementwise("ne", y, y), x, y),
    """
    >>> graphc.fmax(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """,
)
fmin = _chosen(
    "fmin",
    "smaller",
    *NAN_LOSES,
    lambda x, y: select((x <= y) | elementwise("ne", y, y), x, y),
    """
    >>> graphc.fmin(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """,
)


@op(lambda input, min=None, max=None: "ClampBackward0" if any(isinstance(b, Node) for b in (min, max)) else "ClampBackward1")
def clamp(input: Node, min: Operand | None = None, max: Operand | None = None) -> Node:
    """Limit input to the interval [min, max].

    The derivative is 1 inside of the interval and at its bounds, else 0. A NaN bound gives NaN; if min is larger than max,
    the result is max.

    Args:
        input: tensor.
        min: tensor or number, the lower bound; None: no lower bound.
        max: tensor or number, the upper bound; None: no upper bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype of input and the bounds.

    Raises:
        RuntimeError: if both bounds are None, the shapes do not broadcast, or a bound is out of the range of the dtype.

    Example:
        >>> graphc.clamp(graphc.tensor([-1.0, 0.5, 2.0]), 0, 1)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    limits = [b for b in (min, max) if b is not None]
    dtype = result_dtype([input, *limits])
    x, *bounds = promote(input, *(exact(b, dtype) for b in limits))
    if min is not None:
        x = _bounded("at-least", x < bounds[0], x, bounds[0])
    if max is not None:
        x = _bounded("at-most", x > bounds[-1], x, bounds[-1])
    return x


def _bounded(rule: str, beyond: Node, x: Node, bound: Node) -> Node:
    """Return the bound where `x` is beyond it, and where the bound is NaN and `x` is not."""
    if not bound.dtype.is_float:
        return select(beyond, bound, x)
    if not _is_number(bound):
        beyond = beyond | (elementwise("ne", bound, bound) & elementwise("eq", x, x))
    return derived(rule, select(beyond, bound, x), x, bound)


def _is_number(x: Node) -> bool:
    """Return whether a node is a constant other than NaN."""
    return is_constant(x) and x.params["value"] == x.params["value"]


@op("ClampMin")
def clamp_min(input: Node, min: Operand) -> Node:
    """Limit input to values of at least min.

    The same as `graphc.clamp` with a lower bound only.

    Args:
        input: tensor.
        min: tensor or number, the lower bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.clamp_min(graphc.tensor([-1.0, 0.5, 2.0]), 0)
        tensor([0.0000, 0.5000, 2.0000])
    """
    return clamp.nodes(input, min)


@op("ClampMax")
def clamp_max(input: Node, max: Operand) -> Node:
    """Limit input to values of at most max.

    The same as `graphc.clamp` with an upper bound only.

    Args:
        input: tensor.
        max: tensor or number, the upper bound.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.clamp_max(graphc.tensor([-1.0, 0.5, 2.0]), 1)
        tensor([-1.0000,  0.5000,  1.0000])
    """
    return clamp.nodes(input, None, max)


clip = clamp
