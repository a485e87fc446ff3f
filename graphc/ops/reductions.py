"""Reductions (sums, means, extrema, norms) and cumulative reductions, under torch's names.

`dim` is an axis, several, or None for all; `keepdim` keeps the reduced axes with extent 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod as product
from typing import Any, NamedTuple

from graphc.ir.core.build import (
    apply,
    cast,
    constant,
    elementwise,
    expand_axes,
    full_like,
    pad,
    reduce,
    reshape,
    select,
    slice_,
    sum_,
    zeros_like,
)
from graphc.ir.core.build import cumsum as running_sum
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64
from graphc.ops import pointwise
from graphc.ops.common import (
    Dims,
    Operand,
    axes_of,
    axis_of,
    dtype_or,
    float_operand,
    kept,
    positions,
    squeeze_axis,
    torch_name,
    unsqueeze_axis,
)
from graphc.tensors.dispatch import numpy_names, op

__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "logcumsumexp",
    "logsumexp", "max", "mean", "min", "nanmean", "nansum", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean",
]  # fmt: skip


class ValuesIndices(NamedTuple):
    """The extremes along an axis, and where they are."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


def reduced(name: str, x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Reduce and keep axes of extent 1 if asked; node level."""
    result = reduce(name, x, axes)
    return kept(result, x.shape, axes) if keepdim and x.type.rank else result


def count(x: Node, axes: tuple[int, ...]) -> int:
    """Return how many elements a reduction of `x` over `axes` folds into one."""
    return product(x.shape[a] for a in axes)


def _accumulable(x: Node, dtype: Any) -> Node:
    """Convert to the dtype a sum has: integers and bools add up in int64."""
    return cast(x, dtype_or(dtype, x.dtype if x.dtype.is_float else I64))


def _overload(name: str) -> Callable[..., str]:
    """Return a function that names the step of a reduction as torch does: another overload where `dim` is given."""
    return lambda input, dim=None, *args, **kwargs: f"{name}Backward{0 if dim is None else 1}"


@op(_overload("Sum"))
def sum(input: Operand, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Node:
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
    return reduced("sum", _accumulable(input, dtype), axes_of(dim, input.type.rank), keepdim)


@op(_overload("Prod"))
def prod(input: Operand, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Node:
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
    return reduced("prod", _accumulable(input, dtype), axes_of(dim, input.type.rank), keepdim)


def mean_nodes(x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return the sum divided by the number of elements; node level."""
    return reduced("sum", x, axes, keepdim) / count(x, axes)


@op(_overload("Mean"))
def mean(input: Operand, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Node:
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


def _centred(x: Node, axes: tuple[int, ...]) -> tuple[Node, Node]:
    """Return the mean, axes taken away, and what is left after subtracting it."""
    middle = mean_nodes(x, axes, False)
    return middle, x - expand_axes(middle, x.shape, axes)


def variance(x: Node, axes: tuple[int, ...], correction: float, keepdim: bool) -> tuple[Node, Node]:
    """Return variance and mean in two passes: the mean of squared distances from the mean; node level."""
    middle, rest = _centred(x, axes)
    freedom = count(x, axes) - correction
    total = reduced("sum", rest * rest, axes, keepdim)
    scaled = total / (freedom if freedom > 0 else 0.0)
    return scaled, kept(middle, x.shape, axes) if keepdim else middle


def _moments(input: Node, dim: Any, unbiased: bool, correction: float | None, keepdim: bool) -> tuple[Node, Node]:
    if not input.dtype.is_float:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    freedom = correction if correction is not None else int(unbiased)
    return variance(input, axes_of(dim, input.type.rank), freedom, keepdim)


@op("Var")
def var(
    input: Operand, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
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
    input: Operand, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
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
    input: Operand, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
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
    input: Operand, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
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
    spread, middle = _moments(input, dim, unbiased, correction, keepdim)
    return root(spread), middle


def root(x: Node) -> Node:
    """Return the square root with derivative 0 at 0; node level."""
    zero = elementwise("eq", x, 0)
    return select(zero, zeros_like(x), elementwise("sqrt", select(zero, full_like(x, 1), x)))


# -- extremes -------------------------------------------------------------------------------------------


def _check_not_empty(name: str, x: Node, axes: tuple[int, ...]) -> None:
    for a in axes:
        if x.shape[a] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")


@op("Amax")
def amax(input: Operand, dim: Dims = (), keepdim: bool = False) -> Node:
    """Return the largest element, of all of them or along axes; NaN where one of them is.

    The gradient is shared equally by elements that tie.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.amax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([5, 7])
    """
    axes = axes_of(dim, input.type.rank)
    _check_not_empty("amax", input, axes)
    return reduced("max", input, axes, keepdim)


@op("Amin")
def amin(input: Operand, dim: Dims = (), keepdim: bool = False) -> Node:
    """Return the smallest element, of all of them or along axes; NaN where one of them is.

    The gradient is shared equally by elements that tie.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.amin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([1, 3])
    """
    axes = axes_of(dim, input.type.rank)
    _check_not_empty("amin", input, axes)
    return reduced("min", input, axes, keepdim)


@op("Aminmax")
def aminmax(input: Operand, *, dim: int | None = None, keepdim: bool = False) -> tuple[Node, Node]:
    """Return the smallest and the largest element, of all of them or along an axis.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all axes.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Tuple (smallest, largest) of tensors of the shape of input without the reduced axis, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.

    Example:
        >>> graphc.aminmax(graphc.tensor([3, 1, 2]))
        (tensor(1), tensor(3))
    """
    return amin.nodes(input, dim, keepdim), amax.nodes(input, dim, keepdim)


def extreme_at(name: str, x: Node, dim: int, keepdim: bool) -> tuple[Node, Node]:
    """Return the extreme along an axis and its place; the gradient goes to that one place."""
    axis = axis_of(dim, x.type.rank)
    if x.type.rank == 0:
        return x, constant(0, I64)
    _check_not_empty(name, x, (axis,))
    index = unsqueeze_axis(apply(f"arg{name}", x, axis=axis), axis)
    values = apply("gather", x, *positions(x, axis, index))
    return (values, index) if keepdim else (squeeze_axis(values, axis), squeeze_axis(index, axis))


@op("Max")
def _max_at(input: Operand, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    return extreme_at("max", input, dim, keepdim)


@op("Min")
def _min_at(input: Operand, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    return extreme_at("min", input, dim, keepdim)


@op("MaxBackward1")
def _max_all(input: Operand) -> Node:
    return _extreme_of_all("max", input)


@op("MinBackward1")
def _min_all(input: Operand) -> Node:
    return _extreme_of_all("min", input)


def _extreme_of_all(name: str, x: Node) -> Node:
    if x.type.size == 0:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    return reduce(name, x, axes_of(None, x.type.rank))


_MAX = type("max", (ValuesIndices,), {})
_MIN = type("min", (ValuesIndices,), {})


@numpy_names
def max(input: Operand, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the largest element, the largest elements along an axis and their indices, or the elementwise maximum.

    NaN where one of the elements is. Without dim the gradient is shared equally by elements that tie; with dim it goes
    to the element at the returned index.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all. A tensor in its place is taken for other.
        keepdim: whether the reduced axis stays with extent 1.
        other: tensor or number; if given, the result is `graphc.maximum(input, other)`.

    Returns:
        Tensor; with dim a named tuple (values, indices) of the shape of input without the axis, indices being int64 and
        those of the first of elements that tie.

    Raises:
        IndexError: if the axis is empty or out of range.
        RuntimeError: if input is empty and dim is None.

    Example:
        >>> x = graphc.tensor([[1, 5], [7, 3]])
        >>> graphc.max(x)
        tensor(7)
        >>> values, indices = graphc.max(x, dim=1)
        >>> indices
        tensor([1, 0])
    """
    other = other if other is not None or dim is None or isinstance(dim, int) else dim
    if other is not None:
        return pointwise.maximum(input, other)
    return _max_all(input) if dim is None else _MAX(*_max_at(input, dim, keepdim))


@numpy_names
def min(input: Operand, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the smallest element, the smallest elements along an axis and their indices, or the elementwise minimum.

    NaN where one of the elements is. Without dim the gradient is shared equally by elements that tie; with dim it goes
    to the element at the returned index.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all. A tensor in its place is taken for other.
        keepdim: whether the reduced axis stays with extent 1.
        other: tensor or number; if given, the result is `graphc.minimum(input, other)`.

    Returns:
        Tensor; with dim a named tuple (values, indices) of the shape of input without the axis, indices being int64 and
        those of the first of elements that tie.

    Raises:
        IndexError: if the axis is empty or out of range.
        RuntimeError: if input is empty and dim is None.

    Example:
        >>> x = graphc.tensor([[1, 5], [7, 3]])
        >>> graphc.min(x)
        tensor(1)
        >>> values, indices = graphc.min(x, dim=1)
        >>> indices
        tensor([0, 1])
    """
    other = other if other is not None or dim is None or isinstance(dim, int) else dim
    if other is not None:
        return pointwise.minimum(input, other)
    return _min_all(input) if dim is None else _MIN(*_min_at(input, dim, keepdim))


def _place(name: str, x: Node, dim: int | None, keepdim: bool) -> Node:
    if dim is None and x.type.size == 0:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    if dim is not None:
        axis_of(dim, x.type.rank)
    if x.type.rank == 0:
        return constant(0, I64)
    if dim is None:
        flat = apply(name, reshape(x, (x.type.size,)), axis=0)
        return reshape(flat, (1,) * x.type.rank) if keepdim else flat
    axis = axis_of(dim, x.type.rank)
    _check_not_empty(name, x, (axis,))
    index = apply(name, x, axis=axis)
    return unsqueeze_axis(index, axis) if keepdim else index


@op("Argmax")
def argmax(input: Operand, dim: int | None = None, keepdim: bool = False) -> Node:
    """Return the index of the largest element, the first of those that tie; NaN counts as the largest.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None gives the index in the flattened tensor.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        int64 tensor of the shape of input without the axis, of shape () if dim is None.

    Raises:
        IndexError: if the axis, or for dim None the tensor, is empty, or the axis is out of range.

    Example:
        >>> graphc.argmax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([1, 0])
    """
    return _place("argmax", input, dim, keepdim)


@op("Argmin")
def argmin(input: Operand, dim: int | None = None, keepdim: bool = False) -> Node:
    """Return the index of the smallest element, the first of those that tie; NaN counts as the smallest.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None gives the index in the flattened tensor.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        int64 tensor of the shape of input without the axis, of shape () if dim is None.

    Raises:
        IndexError: if the axis, or for dim None the tensor, is empty, or the axis is out of range.

    Example:
        >>> graphc.argmin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([0, 1])
    """
    return _place("argmin", input, dim, keepdim)


def _decided(name: str, x: Node, dim: Dims, keepdim: bool) -> Node:
    result = reduced(name, cast(x, BOOL), axes_of(dim, x.type.rank), keepdim)
    return cast(result, x.dtype) if x.dtype.name == "u8" else result


@op("All")
def all(input: Operand, dim: Dims = None, keepdim: bool = False) -> Node:
    """Return whether all elements are nonzero, of the tensor or along axes; NaN counts as nonzero.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; bool, or uint8 for uint8 inputs. True for no elements.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.all(graphc.tensor([[1, 1], [0, 1]]), dim=1)
        tensor([ True, False])
    """
    return _decided("all", input, dim, keepdim)


@op("Any")
def any(input: Operand, dim: Dims = None, keepdim: bool = False) -> Node:
    """Return whether any element is nonzero, of the tensor or along axes; NaN counts as nonzero.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; bool, or uint8 for uint8 inputs. False for no elements.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.any(graphc.tensor([[0, 1], [0, 0]]), dim=1)
        tensor([ True, False])
    """
    return _decided("any", input, dim, keepdim)


@op("CountNonzero")
def count_nonzero(input: Operand, dim: Dims = None) -> Node:
    """Return the number of nonzero elements, of the tensor or along axes.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.

    Returns:
        int64 tensor of the shape of input without the reduced axes.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.count_nonzero(graphc.tensor([[0, 1], [2, 3]]), dim=1)
        tensor([1, 2])
    """
    return sum_(cast(cast(input, BOOL), I64), axes_of(dim, input.type.rank))


# -- norms and logarithms of sums -----------------------------------------------------------------------


@op("Nansum")
def nansum(input: Operand, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Node:
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
    return sum.nodes(select(elementwise("ne", input, input), zeros_like(input), input), dim, keepdim, dtype=dtype)  # type: ignore[no-any-return]


@op("Nanmean")
def nanmean(input: Operand, dim: Dims = None, keepdim: bool = False) -> Node:
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
    return nansum.nodes(input, dim, keepdim) / reduced("sum", number, axes_of(dim, input.type.rank), keepdim)  # type: ignore[no-any-return]


def log_sum_exp(x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return log(sum(exp(x))) without overflow; node level.

    The largest element is subtracted as a constant: the derivative is softmax either way.  Where it is
    infinite, 0 is subtracted, so that a row of -inf gives -inf.
    """
    if count(x, axes) == 0:
        return elementwise("log", reduced("sum", x, axes, keepdim))
    top = apply("stop_gradient", reduce("max", x, axes))
    top = select(elementwise("abs", top) < float("inf"), top, zeros_like(top))
    shifted = elementwise("exp", x - expand_axes(top, x.shape, axes))
    result = elementwise("log", reduce("sum", shifted, axes)) + top
    return kept(result, x.shape, axes) if keepdim and x.type.rank else result


@op("Logsumexp")
def logsumexp(input: Operand, dim: Dims, keepdim: bool = False) -> Node:
    """Return log(sum(exp(input))) over axes, without overflow: the largest element is subtracted before exp.

    Its gradient is the softmax of input over these axes.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.
        dim: int or tuple of ints, the axes to reduce.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; -inf where all elements are -inf.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.logsumexp(graphc.tensor([1000.0, 1000.0]), dim=0)
        tensor(1000.6932)
    """
    x = float_operand(input)
    return log_sum_exp(x, axes_of(dim, x.type.rank), keepdim)


def norm_nodes(x: Node, order: float, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return the `order`-norm over axes, with derivative 0 at 0; node level."""
    if order == 2:
        return root(reduced("sum", x * x, axes, keepdim))
    a = elementwise("abs", x)
    if order == 1:
        return reduced("sum", a, axes, keepdim)
    if order == 0:
        return reduced("sum", cast(cast(x, BOOL), x.dtype), axes, keepdim)
    if order in (float("inf"), float("-inf")):
        return reduced("max" if order > 0 else "min", a, axes, keepdim)
    zero = elementwise("eq", a, 0) if order < 2 else None
    safe = a if zero is None else select(zero, full_like(a, 1), a)
    powers = elementwise("pow", safe, order)
    powers = powers if zero is None else select(zero, full_like(a, 0 if order > 0 else float("inf")), powers)
    total = reduced("sum", powers, axes, keepdim)
    empty = elementwise("eq", total, 0)
    return select(empty, zeros_like(total), elementwise("pow", select(empty, full_like(total, 1), total), 1 / order))


@op("LinalgVectorNorm")
def vector_norm(input: Operand, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Node:
    """Return the ord-norm of the elements over axes, `sum(|x|**ord)**(1 / ord)`.

    For ord inf it is the largest absolute value, for -inf the smallest, for 0 the number of nonzero elements. The
    derivative at a vector of zeros is 0.

    Args:
        input: tensor of a float dtype, or of any dtype if dtype is given.
        ord: number, the order of the norm; 2 is the Euclidean norm.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: float dtype to which input is converted first; that of input if None.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if the dtype is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.vector_norm(graphc.tensor([3.0, -4.0]))
        tensor(5.)
        >>> graphc.linalg.vector_norm(graphc.tensor([3.0, -4.0]), ord=1)
        tensor(7.)
    """
    x = cast(input, dtype_or(dtype, input.dtype))
    if not x.dtype.is_float:
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {torch_name(x.dtype)}"
        )
    return norm_nodes(x, float(ord), axes_of(dim, x.type.rank), keepdim)


def norm(input: Operand, p: Any = "fro", dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Return the p-norm of the elements over axes, `sum(|x|**p)**(1 / p)`.

    Args:
        input: tensor of a float dtype, or of any dtype if dtype is given.
        p: number, the order as in `graphc.linalg.vector_norm`; "fro" and None mean 2, the Euclidean or Frobenius norm.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: float dtype to which input is converted first; that of input if None.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if the dtype is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.norm(graphc.tensor([[3.0, 4.0], [0.0, 0.0]]), dim=1)
        tensor([5., 0.])
    """
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


# -- running reductions ---------------------------------------------------------------------------------


@op("Cumsum")
def cumsum(input: Operand, dim: int, *, dtype: Any = None) -> Node:
    """Return the cumulative sums along an axis: element i is the sum of the elements 0 to i.

    Args:
        input: tensor.
        dim: int, the axis.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are summed in
            int64.

    Returns:
        Tensor of the shape of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.cumsum(graphc.tensor([1, 2, 3]), dim=0)
        tensor([1, 3, 6])
    """
    x = _accumulable(input, dtype)
    axis = axis_of(dim, x.type.rank)
    return running_sum(x, axis) if x.type.rank else x


def scan(x: Node, axis: int, fill: float, combine: Callable[[Node, Node], Node]) -> Node:
    """Combine each element with all before it along an axis, in log2(n) doubling steps; node level."""
    step = 1
    while step < x.shape[axis]:
        stop = [n - step if a == axis else n for a, n in enumerate(x.shape)]
        low = [step if a == axis else 0 for a in range(x.type.rank)]
        x = combine(x, pad(slice_(x, [0] * len(stop), stop), low, [0] * len(low), fill=fill))
        step *= 2
    return x


@op("Cumprod")
def cumprod(input: Operand, dim: int, *, dtype: Any = None) -> Node:
    """Return the cumulative products along an axis: element i is the product of the elements 0 to i.

    Args:
        input: tensor.
        dim: int, the axis.
        dtype: dtype to which input is converted first; if None, floats keep theirs, and integers and bools are multiplied
            in int64.

    Returns:
        Tensor of the shape of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.cumprod(graphc.tensor([1, 2, 3, 4]), dim=0)
        tensor([ 1,  2,  6, 24])
    """
    x = _accumulable(input, dtype)
    axis = axis_of(dim, x.type.rank)
    return scan(x, axis, 1, lambda a, b: a * b) if x.type.rank else x


@op("Logcumsumexp")
def logcumsumexp(input: Operand, dim: int) -> Node:
    """Return the logarithms of the cumulative sums of exponentials along an axis, without overflow.

    Args:
        input: tensor of a float dtype.
        dim: int, the axis.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.logcumsumexp(graphc.tensor([0.0, 0.0, 0.0]), dim=0)
        tensor([0.0000, 0.6931, 1.0986])
    """
    axis = axis_of(dim, input.type.rank)
    return scan(input, axis, float("-inf"), pointwise.logaddexp.nodes) if input.type.rank else input
