"""Reads and writes of selections, on nodes."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.dtypes import exact_number
from graphc.core.promotion import broadcast_shapes
from graphc.ir.core.build import cast, constant, pad, permute, reshape, select, slice_
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.build import scatter_add as add_at
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_iota
from graphc.ir.core.types import BOOL, I32, I64
from graphc.ops.common import Operand, expand_to, number_like
from graphc.ops.indexing.selection import Selection
from graphc.ops.shape.repetition import expanded_shape

__all__ = []


def read_box(x: Node, selection: Selection) -> Node:
    """Return the box of a selection; node level."""
    return reshape(slice_(x, selection.start, selection.stop, selection.step), selection.shape)


def index_nodes(x: Node, axes: Sequence[int], tensors: Sequence[Node]) -> list[Node]:
    """Return index tensors of one shape, negative ones counted from the end, for axes of `x`; node level."""
    for i in tensors:
        if i.dtype.is_float:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    try:
        shape = broadcast_shapes([i.shape for i in tensors])
    except RuntimeError:
        shapes = ", ".join(str(list(i.shape)) for i in tensors)
        raise IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}") from None
    return [from_end(expand_to(cast(i, I64), shape), x.shape[a]) for a, i in zip(axes, tensors, strict=True)]


def from_end(index: Node, n: int) -> Node:
    """Count negative indices from the end of an axis of extent `n`; node level."""
    return index if is_iota(index) else select(index < 0, index + n, index)


def axes_first(x: Node, axes: Sequence[int]) -> Node:
    """Move axes to the front, in the order given; node level."""
    return permute(x, (*axes, *(a for a in range(x.type.rank) if a not in axes)))


def result_order(x: Node, axes: Sequence[int], rank: int) -> list[int]:
    """Return the order that moves the index axes to the indexed axes' position if these are adjacent, else to the front."""
    total = rank + x.type.rank - len(axes)
    adjacent = list(axes) == list(range(axes[0], axes[0] + len(axes)))
    lead = axes[0] if adjacent else 0
    rest = list(range(rank, total))
    return [*rest[:lead], *range(rank), *rest[lead:]]


def append_axes(x: Node, shape: tuple[int, ...]) -> Node:
    """Add axes of extent 1 at the end, and broadcast to a shape; node level."""
    return expand_to(reshape(x, x.shape + (1,) * (len(shape) - x.type.rank)), shape)


def scatter_add_at(x: Node, updates: Node, *indices: Node) -> Node:
    """Return `x` with updates added at index nodes; bools are combined by `or`; node level."""
    if not x.dtype.is_bool:
        return add_at(x, updates, *indices)
    return cast(add_at(cast(x, I32), cast(updates, I32), *indices), BOOL)


def scatter_fill(x: Node, value: Node, *indices: Node) -> Node:
    """Return `x` with one value at each index of its leading axes; node level."""
    shape = indices[0].shape + x.shape[len(indices) :]
    return scatter_at(x, expand_to(number_like(value, constant(0, x.dtype)), shape), *indices)


def write_box(x: Node, selection: Selection, value: Node) -> Node:
    """Return `x` with `value`, of the shape of the selection, in its box; node level."""
    inner = reshape(value, selection.box)
    if selection.box == x.shape:
        return inner
    low, interior = selection.start, [p - 1 if n else 0 for n, p in zip(selection.box, selection.step, strict=True)]
    ends = [s + max(0, (n - 1) * p + 1) for s, n, p in zip(low, selection.box, selection.step, strict=True)]
    high = [m - e for m, e in zip(x.shape, ends, strict=True)]
    inside = pad(constant(True, BOOL, selection.box), low, high, interior, fill=False)
    return select(inside, pad(inner, low, high, interior, fill=x.dtype.scalar(0)), x)


def fit_value(value: Operand, x: Node, shape: tuple[int, ...]) -> Node:
    """Convert the value to write to the dtype of `x` and broadcast it to `shape`; leading axes of extent 1 may be dropped."""
    if not isinstance(value, Node):
        return constant(exact_number(value, x.dtype), x.dtype, shape)
    while value.type.rank > len(shape) and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    return expand_to(cast(value, x.dtype), expanded_shape(value, shape))
