"""Sums, products and means."""

from __future__ import annotations

from collections.abc import Callable
from math import prod as product

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, elementwise, reduce, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Dims, DTypeLike, axes_of, dtype_or, keep_axes, torch_name

__all__ = ["mean", "nanmean", "nansum", "prod", "sum"]


def reduced(name: str, x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Reduce and keep axes of extent 1 if asked; node level."""
    result = reduce(name, x, axes)
    return keep_axes(result, x.shape, axes) if keepdim and x.type.rank else result


def count(x: Node, axes: tuple[int, ...]) -> int:
    """Return how many elements of `x` a reduction over `axes` reduces to one."""
    return product(x.shape[a] for a in axes)


def accumulable(x: Node, dtype: DTypeLike) -> Node:
    """Convert to the dtype of a sum: integers and bools accumulate in int64."""
    return cast(x, dtype_or(dtype, x.dtype if x.dtype.is_float else I64))


def _overload(name: str) -> Callable[..., str]:
    """Return a function that names the grad_fn of a reduction as torch does: another overload if `dim` is given."""
    return lambda input, dim=None, *args, **kwargs: f"{name}Backward{0 if dim is None else 1}"


@op(_overload("Sum"), saves=False)
def sum(input: Node, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Node:
    """Return the sum of the elements, of all of them or along axes.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are summed in
            int64.

    Returns:
        Tensor of the shape of input without the reduced axes; the sum of no elements is 0.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.sum(graphc.tensor([[1, 2], [3, 4]]), dim=1)
        tensor([3, 7])
    """
    return reduced("sum", accumulable(input, dtype), axes_of(dim, input.type.rank), keepdim)


@op(_overload("Prod"))
def prod(input: Node, dim: int | None = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Node:
    """Return the product of the elements, of all of them or along axes.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are multiplied
            in int64.

    Returns:
        Tensor of the shape of input without the reduced axes; the product of no elements is 1.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.prod(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
        tensor([3., 8.])
    """
    return reduced("prod", accumulable(input, dtype), axes_of(dim, input.type.rank), keepdim)


def mean_nodes(x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return the sum divided by the number of elements; node level."""
    return reduced("sum", x, axes, keepdim) / count(x, axes)


@op(_overload("Mean"), saves=False)
def mean(input: Node, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Node:
    """Return the arithmetic mean of the elements, of all of them or along axes.

    Args:
        input: tensor of a float dtype, or of any dtype if dtype is given.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: float dtype to which input is converted first; that of input if None.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if the dtype is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.mean(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
        tensor([2., 3.])
    """
    x = cast(input, dtype_or(dtype, input.dtype))
    if not x.dtype.is_float:
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {torch_name(x.dtype)}"
        )
    return mean_nodes(x, axes_of(dim, x.type.rank), keepdim)


@op("Nansum")
def nansum(input: Node, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Node:
    """Return the sum of the elements that are not NaN, of all of them or along axes.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: dtype in which the elements are summed; if None, floats keep theirs, and integers and bools are summed in
            int64.

    Returns:
        Tensor of the shape of input without the reduced axes; 0 where all elements are NaN.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.nansum(graphc.tensor([1.0, graphc.nan, 2.0]))
        tensor(3.)
    """
    return sum.nodes(select(elementwise("ne", input, input), zeros_like(input), input), dim, keepdim, dtype=dtype)


@op("Nanmean")
def nanmean(input: Node, dim: Dims = None, keepdim: bool = False) -> Node:
    """Return the mean of the elements that are not NaN, of all of them or along axes.

    Args:
        input: tensor of a float dtype.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; NaN where all elements are NaN.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if input is not floating point, or an axis is given twice.

    Example:
        >>> graphc.nanmean(graphc.tensor([1.0, graphc.nan, 2.0]))
        tensor(1.5000)
    """
    if not input.dtype.is_float:
        kind = torch_name(input.dtype)
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {kind}")
    number = cast(elementwise("eq", input, input), input.dtype)
    return nansum.nodes(input, dim, keepdim) / reduced("sum", number, axes_of(dim, input.type.rank), keepdim)
