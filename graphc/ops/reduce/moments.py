"""Variances and standard deviations."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, expand_axes, full_like, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import Dims, axes_of, keep_axes
from graphc.ops.reduce.sums import count, mean_nodes, reduced

__all__ = ["std", "std_mean", "var", "var_mean"]


def _centred(x: Node, axes: tuple[int, ...]) -> tuple[Node, Node]:
    """Return the mean over axes, which are removed, and the deviations from it."""
    mean = mean_nodes(x, axes, False)
    return mean, x - expand_axes(mean, x.shape, axes)


def variance(x: Node, axes: tuple[int, ...], correction: float, keepdim: bool) -> tuple[Node, Node]:
    """Return variance and mean in two passes: the mean of squared deviations from the mean; node level."""
    mean, deviation = _centred(x, axes)
    freedom = count(x, axes) - correction
    total = reduced("sum", deviation * deviation, axes, keepdim)
    scaled = total / (freedom if freedom > 0 else 0.0)
    return scaled, keep_axes(mean, x.shape, axes) if keepdim else mean


def _moments(input: Node, dim: Any, unbiased: bool, correction: float | None, keepdim: bool) -> tuple[Node, Node]:
    if not input.dtype.is_float:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    freedom = correction if correction is not None else int(unbiased)
    return variance(input, axes_of(dim, input.type.rank), freedom, keepdim)


@op("Var")
def var(
    input: Node, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Node:
    """Return the variance of the elements, of all of them or along axes.

    The sum of squared deviations from the mean, computed in two passes, divided by max(0, n - correction), where n is
    the number of elements reduced.

    Args:
        input: tensor of a float dtype.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        unbiased: whether correction is 1 (Bessel's correction) or 0 where correction is None.
        keepdim: whether the reduced axes stay with extent 1.
        correction: number subtracted from n; takes precedence over unbiased.

    Returns:
        Tensor of the shape of input without the reduced axes; NaN where n is 1 and correction is 1.

    Raises:
        RuntimeError: if input is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> x = graphc.tensor([[1.0, 3.0], [2.0, 6.0]])
        >>> graphc.var(x, dim=1)
        tensor([2., 8.])
        >>> graphc.var(x, dim=1, correction=0)
        tensor([1., 4.])
    """
    return _moments(input, dim, unbiased, correction, keepdim)[0]


@op("Std")
def std(
    input: Node, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Node:
    """Return the standard deviation of the elements, of all of them or along axes.

    The square root of `graphc.var`; its derivative is 0 where it is 0.

    Args:
        input: tensor of a float dtype.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        unbiased: whether correction is 1 (Bessel's correction) or 0 where correction is None.
        keepdim: whether the reduced axes stay with extent 1.
        correction: number subtracted from the number of elements; takes precedence over unbiased.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if input is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.std(graphc.tensor([1.0, 2.0, 3.0]))
        tensor(1.)
    """
    return root(_moments(input, dim, unbiased, correction, keepdim)[0])


@op("VarMean")
def var_mean(
    input: Node, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Node, Node]:
    """Return the variance and the mean of the elements, of all of them or along axes.

    Args:
        input: tensor of a float dtype.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        unbiased: whether correction is 1 (Bessel's correction) or 0 where correction is None.
        keepdim: whether the reduced axes stay with extent 1.
        correction: number subtracted from the number of elements; takes precedence over unbiased.

    Returns:
        Tuple (variance, mean) of tensors of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if input is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.var_mean(graphc.tensor([1.0, 2.0, 3.0]))
        (tensor(1.), tensor(2.))
    """
    return _moments(input, dim, unbiased, correction, keepdim)


@op("StdMean")
def std_mean(
    input: Node, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Node, Node]:
    """Return the standard deviation and the mean of the elements, of all of them or along axes.

    Args:
        input: tensor of a float dtype.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        unbiased: whether correction is 1 (Bessel's correction) or 0 where correction is None.
        keepdim: whether the reduced axes stay with extent 1.
        correction: number subtracted from the number of elements; takes precedence over unbiased.

    Returns:
        Tuple (standard deviation, mean) of tensors of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if input is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.std_mean(graphc.tensor([2.0, 6.0]), correction=0)
        (tensor(2.), tensor(4.))
    """
    var_, mean = _moments(input, dim, unbiased, correction, keepdim)
    return root(var_), mean


def root(x: Node) -> Node:
    """Return the square root with derivative 0 at 0; node level."""
    zero = elementwise("eq", x, 0)
    return select(zero, zeros_like(x), elementwise("sqrt", select(zero, full_like(x, 1), x)))
