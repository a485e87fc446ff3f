"""Indexing and indexed writes, with slices, integers, masks and index tensors, under torch's names.

The shape of a result indexed by a bool mask depends on the values of the mask, which are read when it is made: a traced
function that does so raises TracingError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.core.dtypes import exact_number
from graphc.core.errors import located
from graphc.core.promotion import broadcast_shapes, promote
from graphc.ir.core.build import apply, cast, constant, elementwise, iota, pad, permute, reshape, select, slice_
from graphc.ir.core.build import gather as gather_at
from graphc.ir.core.build import scatter as scatter_at
from graphc.ir.core.build import scatter_add as add_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I32, I64
from graphc.ops.common import Operand, axis_of, expand_to, number_like, positions, torch_name
from graphc.ops.pointwise import choose
from graphc.ops.shape import expanded_shape, known_integer
from graphc.ops.shape import select as select_at
from graphc.tensors.dispatch import op
from graphc.tensors.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = [
    "argwhere", "gather", "getitem", "index_add", "index_copy", "index_fill", "index_put", "index_select", "masked_fill",
    "masked_select", "nonzero", "one_hot", "put_item", "scatter", "scatter_add", "take", "take_along_dim", "where",
]  # fmt: skip


# -- what an index says ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """An index split in a part that is a box of the tensor and a part that reads index tensors.

    `start`, `stop`, `step` cut the box; `shape` is the box without the axes that integers take away and with
    those that None adds; `advanced` are the axes of `shape` that index tensors read.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]
    shape: tuple[int, ...]
    advanced: tuple[int, ...]

    @property
    def box(self) -> tuple[int, ...]:
        """The extents of the cut, before axes are taken away or added."""
        return tuple(-(-(e - s) // p) for s, e, p in zip(self.start, self.stop, self.step, strict=True))


def _items(index: Any) -> list[Any]:
    """Return the entries of an index; a list of numbers, a NumPy array or a bool sequence is one entry."""
    return [_item(i) for i in (index if isinstance(index, tuple) else (index,))]


def _item(entry: Any) -> Any:
    if isinstance(entry, (list, tuple, range)):
        return np.asarray(entry if len(entry) else np.zeros(0, np.int64))
    if isinstance(entry, np.generic) or (isinstance(entry, np.ndarray) and not entry.ndim and entry.dtype.kind in "iu"):
        return entry.item()
    if entry is None or entry is Ellipsis or isinstance(entry, (bool, int, slice)) or hasattr(entry, "shape"):
        return entry
    if hasattr(entry, "__index__"):
        return entry.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {type(entry).__name__})"
    )


def _is_mask(entry: Any) -> bool:
    return hasattr(entry, "shape") and str(entry.dtype).removeprefix("torch.") in ("bool", "uint8")


def _takes(entry: Any) -> int:
    """Return how many axes of the tensor an entry of an index consumes."""
    if entry is None or isinstance(entry, bool):
        return 0
    return len(entry.shape) if _is_mask(entry) else 1


def _spread(items: list[Any], rank: int) -> list[Any]:
    """Replace the ellipsis by whole slices, and add them at the end.  Raises IndexError for too many entries."""
    room = rank - sum(_takes(i) for i in items if i is not Ellipsis)
    if room < 0:
        raise IndexError(_too_many(rank))
    places = [n for n, i in enumerate(items) if i is Ellipsis]
    at = places[0] if places else len(items)
    after = [i for i in items[at + 1 :] if i is not Ellipsis]
    return [*items[:at], *[slice(None)] * room, *after]


def _too_many(rank: int) -> str:
    if rank == 0:
        return (
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
            "to convert a 0-dim tensor to a number"
        )
    return f"too many indices for tensor of dimension {rank}"


def _mask_places(mask: Any, shape: tuple[int, ...], axis: int, first: int) -> list[Any]:
    """Look at a mask and return the indices of its true elements, one array an axis.  Raises IndexError."""
    if tuple(mask.shape) != shape[axis : axis + len(mask.shape)]:
        bad = next(a for a, n in enumerate(mask.shape) if n != shape[axis + a])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {bad} does not match the shape of the indexed tensor "
            f"{list(shape)} at index {first + bad}"
        )
    return list(np.nonzero(np.asarray(mask)))


def parse_index(shape: tuple[int, ...], index: Any) -> tuple[Selection, list[Any]]:
    """Return what an index of a tensor of `shape` selects, and its index tensors.  Raises IndexError, ValueError."""
    start, stop, step = [0] * len(shape), list(shape), [1] * len(shape)
    kept: list[int] = []
    advanced: list[int] = []
    tensors: list[Any] = []
    axis = 0
    entries = [bool(i) if _is_mask(i) and not len(i.shape) else i for i in _items(index)]
    for entry in _spread(entries, len(shape)):
        if entry is None or entry is True:
            kept.append(1)
        elif entry is False:
            kept.append(1)
            advanced.append(len(kept) - 1)
            tensors.append(np.zeros(0, np.int64))
        elif isinstance(entry, slice):
            start[axis], stop[axis], step[axis] = _bounds(entry, shape[axis])
            kept.append(-(-(stop[axis] - start[axis]) // step[axis]))
        elif isinstance(entry, int):
            start[axis] = _place(entry, axis, shape[axis])
            stop[axis] = start[axis] + 1
        else:
            found = _mask_places(entry, shape, axis, axis) if _is_mask(entry) else [entry]
            for a, places in enumerate(found):
                advanced.append(len(kept))
                kept.append(shape[axis + a])
                tensors.append(places)
        axis += _takes(entry)
    return Selection(tuple(start), tuple(stop), tuple(step), tuple(kept), tuple(advanced)), tensors


def _bounds(entry: slice, n: int) -> tuple[int, int, int]:
    if entry.step is not None and int(entry.step) == 0:
        raise ValueError("slice step cannot be zero")
    if entry.step is not None and int(entry.step) < 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = entry.indices(n)
    return start, max(start, stop), step


def _place(index: int, axis: int, n: int) -> int:
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of bounds for dimension {axis} with size {n}")
    return index % n


# -- reading --------------------------------------------------------------------------------------------


def _is_place(entry: Any) -> bool:
    """Tell whether an entry is an integer tensor of 0 dims, which selects as an int does."""
    return isinstance(entry, Tensor) and not entry.ndim and entry.dtype.ir in (I32, I64)


def at_places(input: Any, index: Any) -> tuple[Any, Any]:
    """Return the parts that 0-d integer tensors of an index select, and the other entries.

    A tensor whose value is known, or looked at where nothing is traced, becomes an int.
    """
    entries = [*index] if isinstance(index, tuple) else [index]
    if not any(map(_is_place, entries)):
        return input, index
    entries = [known_integer(e._node()) if _is_place(e) else _item(e) for e in entries]
    axis, rest = 0, []
    for entry in _spread(entries, input.ndim) if any(isinstance(e, Node) for e in entries) else entries:
        if isinstance(entry, Node):
            input = select_at(input, axis, Tensor._of(Storage(entry)))
        else:
            rest.append(entry)
            axis += _takes(entry)
    return input, tuple(rest)


def getitem(input: Any, index: Any) -> Any:
    """Return input[index]: integers, slices, None, Ellipsis, bool masks and index tensors.  Raises IndexError."""
    input, index = at_places(input, index)
    selection, tensors = parse_index(tuple(input.shape), index)
    if not tensors:
        whole = selection.box == selection.shape
        return _slice(input, selection) if whole else _select(input, selection)
    return _index(input, selection, tensors)


@op("Slice")
def _slice(input: Operand, selection: Selection) -> Node:
    return read_box(input, selection)


@op(lambda input, selection: "Unsqueeze" if selection.box == input.shape else "Select", view=True)
def _select(input: Operand, selection: Selection) -> Node:
    return read_box(input, selection)


@op("Index")
def _index(input: Operand, selection: Selection, tensors: Sequence[Operand]) -> Node:
    x = read_box(input, selection)
    indices = index_nodes(x, selection.advanced, tensors)
    taken = gather_at(_front(x, selection.advanced), *indices)
    return permute(taken, _result_order(x, selection.advanced, indices[0].type.rank))


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
    return index if index.op.name == "iota" else select(index < 0, index + n, index)


def _front(x: Node, axes: Sequence[int]) -> Node:
    return permute(x, (*axes, *(a for a in range(x.type.rank) if a not in axes)))


def _result_order(x: Node, axes: Sequence[int], rank: int) -> list[int]:
    """Return the order that puts the index axes where the indexed axes stood if these are adjacent, else first."""
    total = rank + x.type.rank - len(axes)
    adjacent = list(axes) == list(range(axes[0], axes[0] + len(axes)))
    lead = axes[0] if adjacent else 0
    rest = list(range(rank, total))
    return [*rest[:lead], *range(rank), *rest[lead:]]


@op("Gather")
def gather(input: Operand, dim: int, index: Operand, *, sparse_grad: bool = False) -> Node:
    """Return the elements of input at an index along an axis: out[i][j] = input[index[i][j]][j] for dim 0.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        sparse_grad: accepted and ignored.

    Returns:
        Tensor of the shape of index and the dtype of input.

    Raises:
        RuntimeError: if index has another dtype or rank, or is too long.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.gather(graphc.tensor([[1, 2], [3, 4]]), 1, graphc.tensor([[0, 0], [1, 0]]))
        tensor([[1, 1],
                [4, 3]])
    """
    if input.type.rank == 0:
        return expand_to(input, index.shape)
    axis = axis_of(dim, input.type.rank)
    _check_index("gather", input, index, axis)
    return gather_at(input, *positions(input, axis, cast(index, I64)))


def _check_index(name: str, x: Node, index: Node, axis: int) -> None:
    if index.dtype.name not in ("i32", "i64"):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.type.rank != x.type.rank:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if any(n > m for a, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)) if a != axis):
        raise RuntimeError(
            "Size does not match at dimension "
            f"{next(a for a in range(x.type.rank) if a != axis and index.shape[a] > x.shape[a])} expected index "
            f"{list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension {axis}"
        )


@op("TakeAlongDim")
def take_along_dim(input: Operand, indices: Operand, dim: int | None = None) -> Node:
    """Return the elements of input at indices along an axis; the other axes broadcast.

    Args:
        input: tensor.
        indices: integer tensor; negative entries count from the end.
        dim: int, the axis; None takes from the flattened tensor.

    Returns:
        Tensor of the dtype of input and of the broadcast shape, its extent at dim being that of indices.

    Raises:
        RuntimeError: if the shapes do not broadcast or differ in rank, or indices are not int32 or int64.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> x = graphc.tensor([[10, 30, 20], [60, 40, 50]])
        >>> graphc.take_along_dim(x, graphc.argmax(x, dim=1, keepdim=True), dim=1)
        tensor([[30],
                [60]])
    """
    if indices.dtype.name not in ("i32", "i64"):
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    if dim is None:
        return take.nodes(input, cast(reshape(indices, (indices.type.size,)), I64))  # type: ignore[no-any-return]
    if input.type.rank != indices.type.rank:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.type.rank} dimensions for input, and {indices.type.rank} dimensions for indices"
        )
    axis = axis_of(dim, input.type.rank)
    shape = list(broadcast_shapes([tuple(1 if a == axis else n for a, n in enumerate(x.shape)) for x in (input, indices)]))
    wide = [n if a != axis else input.shape[axis] for a, n in enumerate(shape)]
    shape[axis] = indices.shape[axis]
    x = expand_to(input, tuple(wide))
    return gather_at(x, *positions(x, axis, from_end(expand_to(indices, tuple(shape)), wide[axis])))


def take_axis(x: Node, axis: int, index: Node) -> Node:
    """Return the parts of `x` at the places of a vector of indices along an axis; node level."""
    taken = gather_at(_front(x, (axis,)), index)
    return permute(taken, _result_order(x, (axis,), 1))


@op("IndexSelect")
def index_select(input: Operand, dim: int, index: Operand) -> Node:
    """Return the slices of input at the given indices of an axis.

    Args:
        input: tensor.
        dim: int, the axis.
        index: int32 or int64 vector or 0-d tensor, of entries in [0, input.shape[dim]).

    Returns:
        Tensor of the dtype of input whose extent at dim is the length of index.

    Raises:
        IndexError: if index has more than one axis, or the axis, or an entry when values are computed, is out of range.
        RuntimeError: if index has another dtype.

    Example:
        >>> graphc.index_select(graphc.tensor([[1, 2], [3, 4]]), 0, graphc.tensor([1, 1]))
        tensor([[3, 4],
                [3, 4]])
    """
    if index.type.rank > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype.name not in ("i32", "i64"):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    vector = reshape(cast(index, I64), (index.type.size,))
    if input.type.rank == 0:
        return reshape(gather_at(reshape(input, (1,)), vector), ())
    return take_axis(input, axis_of(dim, input.type.rank), vector)


@op("Take")
def take(input: Operand, index: Operand) -> Node:
    """Return the elements of the flattened input at the given indices.

    Args:
        input: tensor.
        index: integer tensor; negative entries count from the end.

    Returns:
        Tensor of the shape of index and the dtype of input.

    Raises:
        RuntimeError: if index is not int64.
        IndexError: if an entry is out of range, when values are computed.

    Example:
        >>> graphc.take(graphc.tensor([[4, 3], [2, 1]]), graphc.tensor([0, 3]))
        tensor([4, 1])
    """
    if index.dtype.name != "i64":
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {torch_name(index.dtype)}")
    flat = reshape(input, (input.type.size,))
    return gather_at(flat, from_end(cast(index, I64), input.type.size))


@op("MaskedFill")
def masked_fill(input: Operand, mask: Operand, value: Operand) -> Node:
    """Return input with the elements where the mask holds replaced by value.

    Args:
        input: tensor.
        mask: bool tensor whose shape broadcasts with that of input.
        value: number or 0-d tensor.

    Returns:
        Tensor of the broadcast shape and the dtype of input.

    Raises:
        RuntimeError: if mask is not bool, the shapes do not broadcast, value has axes, or value does not fit the dtype.

    Example:
        >>> graphc.masked_fill(graphc.tensor([1, 2, 3]), graphc.tensor([True, False, True]), 0)
        tensor([0, 2, 0])
    """
    if not mask.dtype.is_bool:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {torch_name(mask.dtype, lower=True)}"
        )
    if isinstance(value, Node) and value.type.rank:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.type.rank} dimension(s)."
        )
    where, _ = promote(mask, cast(input, BOOL))
    x = expand_to(input, where.shape)
    return select(where, number_like(value, x), x)


# -- writing --------------------------------------------------------------------------------------------


def _trailing(x: Node, shape: tuple[int, ...]) -> Node:
    return expand_to(reshape(x, x.shape + (1,) * (len(shape) - x.type.rank)), shape)


def scatter_add_at(x: Node, updates: Node, *indices: Node) -> Node:
    """Return `x` with updates added at index nodes; bools are added as by `or`; node level."""
    if not x.dtype.is_bool:
        return add_at(x, updates, *indices)
    return cast(add_at(cast(x, I32), cast(updates, I32), *indices), BOOL)


def scatter_fill(x: Node, value: Node, *indices: Node) -> Node:
    """Return `x` with one value at each place of its leading axes; node level."""
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


def put_item(input: Any, index: Any, value: Any, accumulate: bool = False) -> Any:
    """Return input with `value` at an index, for integers, slices, None, Ellipsis, masks and index tensors.

    Repeated index tensors: the last value wins, or all add up with `accumulate`.  Raises IndexError, RuntimeError.
    """
    entries = _items(index)
    if len(entries) == 1 and _is_mask(entries[0]) and not accumulate and _is_single(value):
        return _put_mask(input, entries[0], value)
    selection, tensors = parse_index(tuple(input.shape), index)
    if not tensors:
        return _put_box(input, selection, value)
    return _put_index(input, selection, tensors, value, accumulate)


def _is_single(value: Any) -> bool:
    return not hasattr(value, "shape") or int(np.prod(tuple(value.shape))) == 1


def _value_like(value: Operand, x: Node, shape: tuple[int, ...]) -> Node:
    """Return the value to write, in the dtype of `x` and broadcast to `shape`; leading axes of 1 may go."""
    if not isinstance(value, Node):
        return constant(exact_number(value, x.dtype), x.dtype, shape)
    while value.type.rank > len(shape) and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    return expand_to(cast(value, x.dtype), expanded_shape(value, shape))


@op("MaskedFill")
def _put_mask(input: Operand, mask: Operand, value: Operand) -> Node:
    if mask.shape != input.shape[: mask.type.rank]:
        bad = next(a for a, n in enumerate(mask.shape) if a >= input.type.rank or n != input.shape[a])
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {bad} does not match the shape of the indexed tensor "
            f"{list(input.shape)} at index {bad}"
        )
    single = reshape(value, ()) if isinstance(value, Node) else value
    return select(_trailing(cast(mask, BOOL), input.shape), number_like(single, input), input)


@op("CopySlices")
def _put_box(input: Operand, selection: Selection, value: Operand) -> Node:
    return write_box(input, selection, _value_like(value, input, selection.shape))


@op("IndexPut")
def _put_index(input: Operand, selection: Selection, tensors: Sequence[Operand], value: Operand, accumulate: bool) -> Node:
    x = read_box(input, selection)
    axes = selection.advanced
    indices = index_nodes(x, axes, tensors)
    order = _result_order(x, axes, indices[0].type.rank)
    front = _front(x, axes)
    natural = indices[0].shape + front.shape[len(axes) :]
    updates = permute(_value_like(value, x, tuple(natural[a] for a in order)), np.argsort(order).tolist())
    written = scatter_add_at(front, updates, *indices) if accumulate else scatter_at(front, updates, *indices)
    back = np.argsort((*axes, *(a for a in range(x.type.rank) if a not in axes))).tolist()
    return write_box(input, selection, permute(written, back))


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """Return input with values written, or added, at the places that index tensors give.

    Args:
        input: tensor.
        indices: sequence of integer or bool tensors, one for each of the leading axes, as in `input[indices]`.
        values: tensor or number that broadcasts to the shape of `input[indices]`.
        accumulate: whether to add to the elements rather than replace them; where a place occurs more than once, all values
            are added, and without accumulate the last one stays.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if there are too many indices, they do not broadcast, or an entry is out of range.
        RuntimeError: if values does not broadcast to the indexed shape.

    Example:
        >>> graphc.index_put(graphc.zeros(3), [graphc.tensor([0, 2, 2])], graphc.tensor(1.0), accumulate=True)
        tensor([1., 0., 2.])
    """
    return put_item(input, tuple(indices), values, accumulate)


def _check_source(x: Node, index: Node, src: Node) -> Node:
    if index.type.rank != src.type.rank:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if src.dtype is not x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than src {list(src.shape)}")
    return slice_(src, [0] * src.type.rank, index.shape)


@op("ScatterAdd")
def scatter_add(input: Operand, dim: int, index: Operand, src: Operand) -> Node:
    """Return input with the elements of src added at an index along an axis: out[index[i][j]][j] += src[i][j] for dim 0.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        src: tensor of the dtype of input, at least as long as index along each axis.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if ranks, lengths or dtypes do not fit.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.scatter_add(graphc.zeros(3), 0, graphc.tensor([0, 2, 2]), graphc.tensor([1.0, 2.0, 3.0]))
        tensor([1., 0., 5.])
    """
    return scatter.nodes(input, dim, index, src, reduce="add")  # type: ignore[no-any-return]


@op("Scatter")
def scatter(
    input: Operand, dim: int, index: Operand, src: Operand = None, *, value: Operand = None, reduce: str | None = None
) -> Node:
    """Return input with elements written at an index along an axis: out[index[i][j]][j] = src[i][j] for dim 0.

    Where a place occurs more than once, the last element stays.

    Args:
        input: tensor.
        dim: int, the axis along which index counts.
        index: int32 or int64 tensor of as many axes, no longer than input along the other axes; entries are in [0,
            input.shape[dim]).
        src: number, or tensor of the dtype of input, at least as long as index along each axis.
        value: number or 0-d tensor, used instead of src.
        reduce: None, or "add", which adds to the elements rather than replace them.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if ranks, lengths or dtypes do not fit, or reduce is neither None nor "add".
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.scatter(graphc.zeros(2, 3), 1, graphc.tensor([[2], [0]]), value=1.0)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
    """
    update = src if value is None else value
    if input.type.rank == 0:
        vectors = [reshape(v, (1,)) if isinstance(v, Node) else v for v in (input, index, update)]
        return reshape(scatter.nodes(vectors[0], dim, *vectors[1:], reduce=reduce), ())
    axis = axis_of(dim, input.type.rank)
    _check_index("scatter", input, index, axis)
    places = positions(input, axis, cast(index, I64))
    if reduce == "add":
        updates = (
            _check_source(input, index, update)
            if isinstance(update, Node)
            else constant(exact_number(update, input.dtype), input.dtype, index.shape)
        )
        return scatter_add_at(input, updates, *places)
    if reduce is not None:
        raise RuntimeError(f"reduce argument must be add, got {reduce}")
    if not isinstance(update, Node) or update.type.rank == 0:
        return scatter_fill(input, number_like(update, constant(0, input.dtype)), *places)
    return scatter_at(input, _check_source(input, index, update), *places)


def _leading(x: Node, dim: int, index: Node) -> tuple[int, Node, Node]:
    """Return an axis, `x` with it first, and the indices along it as a vector; a 0-d tensor counts as one element."""
    axis = axis_of(dim, x.type.rank)
    front = _front(x, (axis,)) if x.type.rank else reshape(x, (1,))
    return axis, front, reshape(cast(index, I64), (index.type.size,))


def _restored(written: Node, x: Node, axis: int) -> Node:
    """Undo `_leading`: put the first axis back to its place."""
    return permute(written, _result_order(x, (axis,), 1)) if x.type.rank else reshape(written, ())


def _updates(source: Node, axis: int) -> Node:
    return _front(source, (axis,)) if source.type.rank else reshape(source, (1,))


@op("IndexAdd")
def index_add(input: Operand, dim: int, index: Operand, source: Operand, *, alpha: float = 1) -> Node:
    """Return input with alpha times the slices of source added at the given indices of an axis.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor, of entries in [0, input.shape[dim]); repeated entries add up.
        source: tensor of the shape of input but along dim, where it is as long as index.
        alpha: number, the factor of source.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if the shape or the dtype of source does not fit.
        IndexError: if the axis, or an entry when values are computed, is out of range.

    Example:
        >>> graphc.index_add(graphc.zeros(3), 0, graphc.tensor([0, 2, 2]), graphc.tensor([1.0, 2.0, 3.0]))
        tensor([1., 0., 5.])
    """
    if input.dtype is not source.dtype:
        ours, theirs = torch_name(input.dtype), torch_name(source.dtype)
        raise RuntimeError(f"index_add_(): self ({ours}) and source ({theirs}) must have the same scalar type")
    axis, front, vector = _leading(input, dim, index)
    if input.type.rank and source.shape[axis] != vector.type.size:
        raise RuntimeError(
            f"index_add_(): Number of indices ({vector.type.size}) should be equal to "
            f"source.size(dim): ({source.shape[axis]}), for dim: {axis}"
        )
    if source.shape[:axis] + source.shape[axis + 1 :] != input.shape[:axis] + input.shape[axis + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )
    updates = _updates(source, axis)
    added = scatter_add_at(front, updates if alpha == 1 else updates * alpha, vector)
    return _restored(added, input, axis)


@op("IndexCopy")
def index_copy(input: Operand, dim: int, index: Operand, source: Operand) -> Node:
    """Return input with the slices of source written at the given indices of an axis; the last of repeated ones stays.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor, of entries in [0, input.shape[dim]).
        source: tensor of the dtype and shape of input but along dim, where it is as long as index.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if source is not as long as index along dim, or the axis, or an entry when values are computed, is out
            of range.
        RuntimeError: if source has another dtype or shape.

    Example:
        >>> graphc.index_copy(graphc.zeros(3), 0, graphc.tensor([2, 0]), graphc.tensor([1.0, 2.0]))
        tensor([2., 0., 1.])
    """
    if input.dtype is not source.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{torch_name(input.dtype)} and (source) {torch_name(source.dtype)}"
        )
    axis, front, vector = _leading(input, dim, index)
    if source.type.rank and source.shape[axis] != vector.type.size:
        raise IndexError(
            f"index_copy_(): Number of indices ({vector.type.size}) should be equal to source.size(dim) ({source.shape[axis]})"
        )
    return _restored(scatter_at(front, _updates(source, axis), vector), input, axis)


@op("IndexFill")
def index_fill(input: Operand, dim: int, index: Operand, value: Operand) -> Node:
    """Return input with the slices at the given indices of an axis filled with one value.

    Args:
        input: tensor.
        dim: int, the axis.
        index: integer vector or 0-d tensor; negative entries count from the end.
        value: number or 0-d tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if the axis, or an entry when values are computed, is out of range.
        RuntimeError: if value is not 0-d or does not fit the dtype.

    Example:
        >>> graphc.index_fill(graphc.zeros(2, 2), 1, graphc.tensor([0]), 5)
        tensor([[5., 0.],
                [5., 0.]])
    """
    if isinstance(value, Node) and value.type.rank:
        rank = value.type.rank
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {rank} dimension(s).")
    axis, front, vector = _leading(input, dim, index)
    filled = scatter_fill(front, number_like(value, constant(0, input.dtype)), from_end(vector, front.shape[0]))
    return _restored(filled, input, axis)


# -- sizes that depend on values ------------------------------------------------------------------------


@op("Nonzero")
def _places(places: Operand) -> Node:
    return places  # type: ignore[no-any-return]


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Return the indices of the nonzero elements in row-major order.

    Args:
        input: tensor of n axes.
        as_tuple: whether to return one vector for each axis rather than one matrix.

    Returns:
        int64 tensor of shape (number of nonzero elements, n), or a tuple of n vectors.

    Raises:
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.nonzero(graphc.tensor([[0, 1], [2, 0]]))
        tensor([[0, 1],
                [1, 0]])
    """
    found = np.nonzero(np.atleast_1d(np.asarray(input.detach())))
    if as_tuple:
        return tuple(_places(a.astype(np.int64)) for a in found)
    return _places(np.stack(found, 1).astype(np.int64)[:, : max(input.dim(), 0)])


def argwhere(input: Any) -> Any:
    """Return the indices of the nonzero elements in row-major order, one row each.

    Args:
        input: tensor of n axes.

    Returns:
        int64 tensor of shape (number of nonzero elements, n).

    Raises:
        TracingError: if the values are not known because a function is being traced.

    Example:
        >>> graphc.argwhere(graphc.tensor([0, 1, 1]))
        tensor([[1],
                [2]])
    """
    return nonzero(input)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Return the elements of input where the condition holds, and those of other elsewhere.

    The gradient reaches only the chosen elements. `where(condition)` is `graphc.nonzero(condition, as_tuple=True)`.

    Args:
        condition: bool tensor.
        input: tensor or number.
        other: tensor or number; the three shapes broadcast.

    Returns:
        Tensor of the broadcast shape and the promoted dtype of input and other.

    Raises:
        RuntimeError: if condition is not bool, or the shapes do not broadcast.
        TypeError: if only one of input and other is given.
        TracingError: if only condition is given and its values are not known because a function is being traced.

    Example:
        >>> x = graphc.tensor([-1.0, 2.0])
        >>> graphc.where(x > 0, x, 0.1 * x)
        tensor([-0.1000,  2.0000])
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if input is None or other is None:
        raise TypeError("where() takes a condition and either both input and other, or neither")
    return choose(condition, input, other)


def masked_select(input: Any, mask: Any) -> Any:
    """Return the elements where the mask holds as a vector, in row-major order.

    Args:
        input: tensor.
        mask: bool tensor; the two shapes broadcast.

    Returns:
        Vector of the dtype of input.

    Raises:
        RuntimeError: if the shapes do not broadcast, or mask is not bool.
        TracingError: if the mask is not known because a function is being traced.

    Example:
        >>> graphc.masked_select(graphc.tensor([1, 2, 3]), graphc.tensor([True, False, True]))
        tensor([1, 3])
    """
    shape, values = broadcast_shapes([tuple(input.shape), tuple(mask.shape)]), np.asarray(mask)
    if values.dtype != np.bool_:
        raise located(RuntimeError("masked_select: expected BoolTensor for mask"))
    return getitem(_expanded(input, shape), np.broadcast_to(values, shape))


@op("Expand")
def _expanded(input: Operand, shape: tuple[int, ...]) -> Node:
    return expand_to(input, shape)


@op("OneHot")
def _one_hot(tensor: Operand, num_classes: int) -> Node:
    shape, known = (*tensor.shape, num_classes), cast(tensor, I64)
    broken = f"Class values must be non-negative and smaller than num_classes, which is {num_classes}."
    if not num_classes and known.type.size:
        raise RuntimeError(broken)
    where = apply("gather", constant(0, I64, (1,)), cast((known < 0) | (known >= num_classes), I64), check=broken)
    return cast(elementwise("eq", _trailing(known + where, shape), iota(shape, len(shape) - 1)), I64)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Return one-hot vectors: 1 at the index of the class and 0 elsewhere.

    Args:
        tensor: integer tensor of classes in [0, num_classes).
        num_classes: int, the number of classes; -1 means the largest class of the tensor plus 1.

    Returns:
        int64 tensor of shape `(*tensor.shape, num_classes)`.

    Raises:
        RuntimeError: if the tensor is not of integers, or num_classes is -1 and the tensor is empty or holds a negative class.
        CheckError: if a class is out of range, when values are computed.
        TracingError: if num_classes is -1 and the values are not known because a function is being traced.

    Example:
        >>> F.one_hot(graphc.tensor([0, 2]), 3)
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    if not isinstance(tensor, Tensor) or not tensor.dtype.ir.is_int:
        raise located(RuntimeError("one_hot is only applicable to index tensor of type LongTensor."))
    if num_classes >= 0:
        return _one_hot(tensor, num_classes)
    classes = np.asarray(tensor)
    if classes.size == 0 or classes.min() < 0:
        raise RuntimeError("one_hot() finds the number of classes only among non-negative ones; give num_classes")
    return _one_hot(tensor, int(classes.max()) + 1)


def is_basic(index: Any) -> bool:
    """Return whether an index reads a box: slices, integers, None and Ellipsis alone."""
    return all(i is None or i is Ellipsis or (isinstance(i, (int, slice)) and not isinstance(i, bool)) for i in _items(index))


@op("Expand")
def fitted(value: Operand, shape: tuple[int, ...]) -> Node:
    """Return a value broadcast to the shape of the place it is written to; leading axes of 1 may go.  Raises RuntimeError."""
    return _value_like(value, value, shape)
