"""Elements reduced at the entries of an index tensor: sums, products, means and extremes.

Products and extremes sort the updates by their place and combine those of one place in log2(n) doubling steps; sums are
scattered.  All are composed of differentiable primitives, but the gradient of an extreme is shared by elements that tie.
"""

from __future__ import annotations

import numpy as np

from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    argsort,
    broadcast,
    cast,
    concatenate,
    constant,
    derived,
    elementwise,
    full_like,
    gather,
    iota,
    reshape,
    scatter,
    scatter_add,
    select,
    slice_,
    zeros_like,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64, DType
from graphc.ops.common import axis_of, positions, torch_name
from graphc.ops.indexing.gather import check_index
from graphc.ops.indexing.nodes import scatter_add_at
from graphc.ops.indexing.scatter import check_source

__all__ = ["index_reduce", "scatter_reduce"]

PRIMITIVES = {"prod": "mul", "amax": "maximum", "amin": "minimum"}


def _identity(kind: str, dtype: DType) -> float:
    """Return the number that a reduction leaves out."""
    if kind == "prod":
        return 1
    if dtype.is_bool:
        return kind == "amin"
    limits = (float("-inf"), float("inf")) if dtype.is_float else (np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max)
    return limits[kind == "amin"]


def _combine(kind: str, a: Node, b: Node) -> Node:
    return elementwise("and" if a.dtype.is_bool and kind == "prod" else PRIMITIVES[kind], a, b)


def _by_place(updates: Node, place: Node, size: int, kind: str) -> Node:
    """Return for each place of a vector the reduction of its updates, the identity where there are none."""
    n = place.type.size
    order = argsort(place, 0)
    keys, values, step = gather(place, order), gather(updates, order), 1
    while step < n:
        same = elementwise("eq", slice_(keys, (step,), (n,)), slice_(keys, (0,), (n - step,)))
        late, early = slice_(values, (step,), (n,)), slice_(values, (0,), (n - step,))
        joined = select(same, _combine(kind, late, early), late)
        values = concatenate([slice_(values, (0,), (step,)), joined], 0)
        step *= 2
    following = concatenate([slice_(keys, (1,), (n,)), constant(-1, I64, (1,))], 0)
    at = select(elementwise("ne", keys, following), keys, size)  # all but the last of a place go behind the end
    filled = scatter(constant(_identity(kind, updates.dtype), updates.dtype, (size + 1,)), values, at)
    return slice_(filled, (0,), (size,))


def _shared(result: Node, x: Node, updates: Node, place: Node, included: Node) -> Node:
    """Return an extreme whose gradient is shared equally by the elements that are equal to it."""
    wins = included & elementwise("eq", x, result)
    equal = elementwise("eq", updates, gather(result, place))
    total = scatter_add(select(wins, x, 0), select(equal, updates, 0), place)
    count = scatter_add(cast(wins, x.dtype), cast(equal, x.dtype), place)
    return derived("checked", result, total / elementwise("maximum", count, 1), full_like(result, 1))


def reduced_at(x: Node, updates: Node, indices: list[Node], kind: str, include_self: bool) -> Node:
    """Return `x` with updates combined at one index node for each of its axes; node level."""
    size, shape = x.type.size, x.shape
    place = gather(reshape(iota((size,), 0), shape), *indices)  # fails for an index out of range
    x, n = reshape(x, (size,)), updates.type.size
    updates, place = reshape(updates, (n,)), reshape(place, (n,))
    if not n:
        return reshape(x, shape)
    count = scatter_add(constant(0, I64, (size,)), full_like(place, 1), place)
    included = constant(True, BOOL, count.shape) if include_self else elementwise("eq", count, 0)
    if kind in ("sum", "mean"):
        total = scatter_add_at(select(included, x, zeros_like(x)), updates, place)
        if kind == "sum":
            return reshape(total, shape)
        parts = cast(elementwise("maximum", count + cast(included, I64), 1), x.dtype)
        return reshape(total / parts if x.dtype.is_float else elementwise("floordiv", total, parts), shape)
    base = select(included, x, full_like(x, _identity(kind, x.dtype)))
    if kind == "prod" or not x.dtype.is_float:
        return reshape(_combine(kind, base, _by_place(updates, place, size, kind)), shape)
    result = _combine(kind, base, _by_place(updates, place, size, kind))
    return reshape(_shared(result, x, updates, place, included), shape)


@op("ScatterReduce")
def scatter_reduce(input: Node, dim: int, index: Node, src: Node, reduce: str, *, include_self: bool = True) -> Node:
    """Return input with the elements of src combined at an index along an axis: out[index[i][j]][j] from src[i][j] for dim 0.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        src: tensor of the dtype of input, at least as long as index along each axis.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether the elements of input are combined too; those without updates stay in any case.

    Returns:
        Tensor of the shape and dtype of input. The gradient of an extreme is shared equally by elements that tie.

    Raises:
        RuntimeError: if ranks, lengths or dtypes do not fit, or reduce is another word.
        NotImplementedError: for the mean of bools.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> index, src = graphc.tensor([0, 2, 2]), graphc.tensor([1.0, 2.0, 5.0])
        >>> graphc.scatter_reduce(graphc.zeros(3), 0, index, src, "amax")
        tensor([1., 0., 5.])
    """
    if input.type.rank == 0 and index.type.rank == 1 and src.type.rank == 1:
        vector = reshape(input, (1,))
        return reshape(scatter_reduce.nodes(vector, dim, index, src, reduce, include_self=include_self), ())
    if input.type.rank == 0:
        one, places, updates = (reshape(x, (1,)) for x in (input, index, src))
        return reshape(scatter_reduce.nodes(one, dim, places, updates, reduce, include_self=include_self), ())
    axis = axis_of(dim, input.type.rank)
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    check_index("scatter", input, index, axis)
    updates = check_source(input, index, src)
    if reduce == "mean" and input.dtype.is_bool:
        raise NotImplementedError("\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'")
    return reduced_at(input, updates, positions(input, axis, cast(index, I64)), reduce, include_self)


def _check_slices(x: Node, axis: int, index: Node, source: Node) -> None:
    """Raise unless slices at an index vector fit `x`."""
    if index.type.rank > 1:
        raise IndexError(f"index_reduce_(): Index is supposed to be a vector, but got dim: {index.type.rank}")
    if source.dtype is not x.dtype:
        names = f"{torch_name(x.dtype)}) and source ({torch_name(source.dtype)}"
        raise RuntimeError(f"index_reduce_(): self ({names}) must have the same scalar type")
    rests = [tuple(n for a, n in enumerate(y.shape) if a != axis) for y in (x, source)]
    if rests[0] != rests[1] or x.type.rank != source.type.rank:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(x.shape)} source.shape = {list(source.shape)}"
        )
    extent = source.shape[axis] if source.type.rank else 1
    if extent != index.type.size:
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({index.type.size}) should be equal to "
            f"source.size(dim): ({extent}), for dim: {axis}"
        )


@op("IndexReduce")
def index_reduce(input: Node, dim: int, index: Node, source: Node, reduce: str, *, include_self: bool = True) -> Node:
    """Return input with the slices of source combined at the given indices of an axis.

    Args:
        input: tensor of integers or floats.
        dim: int, the axis.
        index: int32 or int64 vector or 0-d tensor, of entries in [0, input.shape[dim]).
        source: tensor of the dtype and shape of input but along dim, where it is as long as index.
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether the slices of input are combined too; those without an index stay in any case.

    Returns:
        Tensor of the shape and dtype of input. The gradient of an extreme is shared equally by elements that tie.

    Raises:
        RuntimeError: if the shape or the dtype of source does not fit, or reduce is another word.
        NotImplementedError: if input is bool.
        IndexError: if index has more than one axis, or the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.index_reduce(graphc.ones(2), 0, graphc.tensor([1, 1]), graphc.tensor([3.0, 4.0]), "prod")
        tensor([ 1., 12.])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    axis = axis_of(dim, input.type.rank)
    if input.dtype.is_bool:
        raise NotImplementedError("\"index_func_\" not implemented for 'Bool'")
    _check_slices(input, axis, index, source)
    x, updates = (y if y.type.rank else reshape(y, (1,)) for y in (input, source))
    along = broadcast(reshape(cast(index, I64), (index.type.size,)), updates.shape, (axis,))
    return reshape(reduced_at(x, updates, positions(updates, axis, along), reduce, include_self), input.shape)
