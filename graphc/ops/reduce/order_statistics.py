"""Order statistics: the k-th smallest element, the mode, quantiles, and the median without NaN."""

from __future__ import annotations

from typing import overload

from graphc.core.errors import located
from graphc.dispatch.arguments import numpy_names
from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    apply,
    argsort,
    broadcast,
    cast,
    constant,
    derived,
    elementwise,
    full_like,
    gather,
    iota,
    permute,
    reduce,
    reshape,
    select,
    zeros_like,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import axis_of, checked, positions, torch_name, unsqueeze_axis
from graphc.ops.reduce.cumulative import scan
from graphc.ops.reduce.extremes import ValuesIndices
from graphc.ops.reduce.sums import sum
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.tensor import Tensor

__all__ = ["kthvalue", "mode", "nanmedian", "nanquantile", "quantile"]

_KTHVALUE: type[ValuesIndices] = type("kthvalue", (ValuesIndices,), {})
_MODE: type[ValuesIndices] = type("mode", (ValuesIndices,), {})
_NANMEDIAN: type[ValuesIndices] = type("nanmedian", (ValuesIndices,), {})

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _named(kind: type[ValuesIndices], pair: tuple[Tensor, Tensor], input: Tensor, axis: int, keepdim: bool) -> ValuesIndices:
    """Return values and indices along a kept axis as a named tuple, without the axis unless `keepdim`."""
    if keepdim or not input.dim():
        return kind(*pair)
    return kind(pair[0].squeeze(axis), pair[1].squeeze(axis))


def _axis_with_elements(name: str, input: Tensor, dim: int) -> int:
    axis = axis_of(dim, input.dim())
    if input.dim() and input.shape[axis] == 0:
        raise located(IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size."))
    return axis


@op("Kthvalue")
def _kth(input: Node, k: int, axis: int) -> tuple[Node, Node]:
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    index = narrow_axis(argsort(input, axis), axis, k - 1, k)
    return gather(input, *positions(input, axis, index)), index


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """Return the k-th smallest element along an axis, and its index.

    NaN counts as the largest. Of equal elements, the first one in order counts first. The gradient flows through the values.

    Args:
        input: tensor of integers or floats.
        k: int, from 1 to the extent of the axis.
        dim: int, the axis.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input without the axis; indices are int64.

    Raises:
        RuntimeError: if k is out of range.
        IndexError: if the axis is empty or out of range.
        NotImplementedError: if input is bool.

    Example:
        >>> values, indices = graphc.kthvalue(graphc.tensor([3.0, 1.0, 2.0]), 2)
        >>> values, indices
        (tensor(2.), tensor(2))
    """
    axis = _axis_with_elements("kthvalue", input, dim)
    if not 1 <= k <= (input.shape[axis] if input.dim() else 1):
        raise located(RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}, got {k}"))
    if input.dtype.ir.is_bool:
        raise located(NotImplementedError("\"kthvalue_cpu\" not implemented for 'Bool'"))
    return _named(_KTHVALUE, _kth(input, k, axis), input, axis, keepdim)


@op("Mode")
def _most_frequent(input: Node, axis: int) -> tuple[Node, Node]:
    """Return the smallest of the most frequent elements along an axis, and the last of its indices; the axis is kept."""
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    order = argsort(input, axis)
    ordered = gather(input, *positions(input, axis, order))
    n = input.shape[axis]
    before = narrow_axis(ordered, axis, 0, n - 1)
    begins = elementwise("ne", narrow_axis(ordered, axis, 1, n), before)
    first = constant(True, begins.dtype, tuple(1 if a == axis else m for a, m in enumerate(input.shape)))
    begins = apply("concatenate", first, begins, axis=axis)
    place = iota(input.shape, axis)
    start = scan(select(begins, place, 0), axis, 0, lambda a, b: elementwise("maximum", a, b))
    at = unsqueeze_axis(apply("argmax", place - start, axis=axis), axis)
    index = gather(order, *positions(order, axis, at))
    return gather(input, *positions(input, axis, index)), index


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """Return the most frequent element along an axis, the smallest of several, and the last of its indices.

    No NaN equals another one. The gradient flows to the element at the index.

    Args:
        input: tensor.
        dim: int, the axis.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Named tuple (values, indices) of tensors of the shape of input without the axis; indices are int64.

    Raises:
        IndexError: if the axis is empty or out of range.

    Example:
        >>> values, indices = graphc.mode(graphc.tensor([2, 1, 3, 1]))
        >>> values, indices
        (tensor(1), tensor(3))
    """
    axis = _axis_with_elements("mode", input, dim)
    return _named(_MODE, _most_frequent(input, axis), input, axis, keepdim)


def _numbers(x: Node, axis: int) -> Node:
    """Return how many elements along an axis are not NaN; the axis is kept."""
    return unsqueeze_axis(reduce("sum", cast(elementwise("eq", x, x), I64), (axis,)), axis)


@op("Nanmedian")
def _middle_number(input: Node, axis: int) -> tuple[Node, Node]:
    if input.type.rank == 0:
        return input, zeros_like(cast(input, I64))
    order, count = argsort(input, axis), _numbers(input, axis)
    at = elementwise("floordiv", elementwise("maximum", count - 1, 0), 2)
    index = gather(order, *positions(order, axis, at))
    return gather(input, *positions(input, axis, index)), index


@op("NanmedianBackward0")
def _middle_number_of_all(x: Node) -> Node:
    """Return the median of the numbers of a vector; elements that are equal to it share its gradient, as in torch."""
    value = reshape(_middle_number.nodes(x, 0)[0], ())
    if not x.dtype.is_float:
        return value
    wide = broadcast(value, x.shape, ())
    equal = elementwise("eq", x, wide) | (elementwise("ne", x, x) & elementwise("ne", wide, wide))
    share = reduce("sum", select(equal, x, 0), (0,)) / reduce("sum", cast(equal, x.dtype), (0,))
    return derived("checked", value, share, full_like(value, 1))


@overload
def nanmedian(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def nanmedian(input: Tensor, dim: int, keepdim: bool = False) -> ValuesIndices: ...
@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | ValuesIndices:
    """Return the median of all elements that are not NaN, or the medians along an axis and their indices.

    Of an even number of elements it is the lower of the middle two; NaN where all elements are. The gradient of the median of
    all elements is shared by those that are equal to it; with dim, that of indices has all of it.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all elements.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Tensor of shape (); with dim a named tuple (values, indices) of the shape of input without the axis, indices being
        int64.

    Raises:
        IndexError: if the axis is empty or out of range.

    Example:
        >>> graphc.nanmedian(graphc.tensor([4.0, float("nan"), 1.0, 3.0]))
        tensor(3.)
    """
    if dim is None:
        return _middle_number_of_all(input.reshape(-1)) if input.numel() else sum(input) * float("nan")
    axis = _axis_with_elements("median", input, dim)
    return _named(_NANMEDIAN, _middle_number(input, axis), input, axis, keepdim)


@op("Squeeze")
def _quantiles(input: Node, q: Node, axis: int, keepdim: bool, interpolation: str, skips: bool) -> Node:
    """Return the quantiles along an axis; a vector of them becomes the first axis."""
    x = input if input.type.rank else reshape(input, (1,))
    rows = permute(x, (*(a for a in range(x.type.rank) if a != axis), axis))
    last = rows.type.rank - 1
    ordered = gather(rows, *positions(rows, last, argsort(rows, last)))
    count = _numbers(rows, last)
    top = elementwise("maximum", count - 1, 0) if skips else full_like(count, rows.shape[last] - 1)
    broken = "quantile() q values must be in the range [0, 1]"
    known = checked(q, (q >= 0) & (q <= 1), broken)
    shape = (*rows.shape[:last], q.type.size)
    top = broadcast(reshape(top, rows.shape[:last]), shape, range(last))
    rank = broadcast(reshape(known, (q.type.size,)), shape, (last,)) * cast(top, x.dtype)
    if not skips:  # a row with NaN gives NaN, which is its last element
        whole = elementwise("eq", count, rows.shape[last])
        rank = select(
            broadcast(reshape(whole, rows.shape[:last]), shape, range(last)), rank, full_like(rank, rows.shape[last] - 1)
        )
    result = _interpolated(ordered, rank, last, interpolation)
    kept = tuple(1 if a == axis else n for a, n in enumerate(input.shape)) if keepdim else shape[:last]
    kept = kept if input.type.rank else ()
    return reshape(permute(result, (last, *range(last))), (*q.shape, *kept))


def _interpolated(ordered: Node, rank: Node, axis: int, how: str) -> Node:
    """Return the values at ranks between those of ordered elements."""
    if how in ("lower", "higher", "nearest"):
        rank = elementwise({"lower": "floor", "higher": "ceil", "nearest": "round"}[how], rank)
        return gather(ordered, *positions(ordered, axis, cast(rank, I64)))
    floor = elementwise("floor", rank)
    below, above = (gather(ordered, *positions(ordered, axis, cast(r, I64))) for r in (floor, elementwise("ceil", rank)))
    weight = full_like(rank, 0.5) if how == "midpoint" else rank - floor
    gap = above - below
    near = weight < 0.5
    return select(near, below + weight * gap, above - gap * (1 - weight))


def _check_quantile(name: str, input: Tensor, q: Tensor | float, interpolation: str) -> None:
    if not input.dtype.is_floating_point:
        rule = f"{name}() input tensor must be either float or double dtype, got {torch_name(input.dtype.ir)}"
        raise located(RuntimeError(rule))
    if input.numel() == 0:
        raise located(RuntimeError(f"{name}() input tensor must be non-empty"))
    if isinstance(q, Tensor):
        if q.dim() > 1:
            raise located(RuntimeError(f"{name}() q must be a scalar or 1D tensor, got {q.dim()} axes"))
        if q.dtype != input.dtype:
            rule = f"{name}() q tensor must be same dtype as the input tensor"
            raise located(RuntimeError(f"{rule}, got {q.dtype} and {input.dtype}"))
    elif isinstance(q, bool) or not isinstance(q, (int, float)):
        raise located(TypeError(f"{name}() expected q to be a number or a tensor, got {type(q).__name__}"))
    elif not 0 <= q <= 1:
        raise located(RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}"))
    if interpolation not in INTERPOLATIONS:
        rule = f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest"
        raise located(RuntimeError(f"{rule}, but got {interpolation}"))


@op("Stack")
def _fraction(input: Node, q: float) -> Node:
    return constant(q, input.dtype)


def _of(name: str, input: Tensor, q: Tensor | float, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    _check_quantile(name, input, q, interpolation)
    fractions = q if isinstance(q, Tensor) else _fraction(input, float(q))
    skips = name == "nanquantile"
    if dim is not None:
        return _quantiles(input, fractions, axis_of(dim, input.dim()), keepdim, interpolation, skips)
    result = _quantiles(input.reshape(-1), fractions, 0, False, interpolation, skips)
    return result.reshape(*fractions.shape, *[1] * input.dim()) if keepdim else result


@numpy_names
def quantile(
    input: Tensor, q: Tensor | float, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the q-quantiles of all elements, or along an axis: the values at rank q * (n - 1) of n elements in order.

    NaN where one of the elements is.

    Args:
        input: tensor of a float dtype, not empty.
        q: number in [0, 1], or tensor of such, of at most one axis and of the dtype of input.
        dim: int, the axis to reduce; None means all elements.
        keepdim: whether the reduced axes stay with extent 1.
        interpolation: how a rank between two elements is treated: "linear", "lower", "higher", "midpoint" or "nearest".

    Returns:
        Tensor of the shape of input without the axis; a vector q adds an axis of its length in front.

    Raises:
        RuntimeError: if input is empty or not floating point, or q or interpolation is none of these.
        TypeError: if q is neither a number nor a tensor.
        IndexError: if the axis is out of range.
        CheckError: if an element of a tensor q is out of range, when values are computed.

    Example:
        >>> graphc.quantile(graphc.tensor([0.0, 1.0, 2.0, 4.0]), graphc.tensor([0.25, 0.5]))
        tensor([0.7500, 1.5000])
    """
    return _of("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor, q: Tensor | float, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the q-quantiles of the elements that are not NaN, of all of them or along an axis.

    NaN where all elements are.

    Args:
        input: tensor of a float dtype, not empty.
        q: number in [0, 1], or tensor of such, of at most one axis and of the dtype of input.
        dim: int, the axis to reduce; None means all elements.
        keepdim: whether the reduced axes stay with extent 1.
        interpolation: how a rank between two elements is treated: "linear", "lower", "higher", "midpoint" or "nearest".

    Returns:
        Tensor of the shape of input without the axis; a vector q adds an axis of its length in front.

    Raises:
        RuntimeError: if input is empty or not floating point, or q or interpolation is none of these.
        TypeError: if q is neither a number nor a tensor.
        IndexError: if the axis is out of range.
        CheckError: if an element of a tensor q is out of range, when values are computed.

    Example:
        >>> graphc.nanquantile(graphc.tensor([0.0, float("nan"), 2.0]), 0.5)
        tensor(1.)
    """
    return _of("nanquantile", input, q, dim, keepdim, interpolation)
