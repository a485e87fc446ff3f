"""Operations that move elements about without computing: shapes, axes, joining, splitting, under torch's names."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index as as_integer
from typing import Any

from graphc.core.dtypes import exact_number
from graphc.core.promotion import broadcast_shapes, result_dtype
from graphc.ir.core.build import broadcast, cast, concatenate, elementwise, iota, pad, slice_, zeros_like
from graphc.ir.core.build import flip as flip_axes
from graphc.ir.core.build import permute as permute_axes
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.build import select as choose
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axes_of, axis_of, expand_to, flatten_sizes, resolve_sizes, squeeze_axis, unsqueeze_axis
from graphc.tensors.context import state
from graphc.tensors.dispatch import op
from graphc.tensors.lazy import realize
from graphc.tensors.views import At, Diagonal, Moves, Window, Windows, chain, read

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to", "cat", "chunk", "clone", "concat",
    "constant_pad_nd", "contiguous", "diag", "diag_embed", "diagonal", "dstack", "expand", "expand_as", "flatten", "flip",
    "fliplr", "flipud", "hstack", "meshgrid", "moveaxis", "movedim", "narrow", "permute", "ravel", "repeat",
    "repeat_interleave", "reshape", "reshape_as", "roll", "rot90", "select", "split", "split_with_sizes", "squeeze",
    "stack", "swapaxes", "swapdims", "t", "tile", "transpose", "tril", "triu", "unbind", "unflatten", "unfold", "unsqueeze",
    "view", "view_as", "vstack",
]  # fmt: skip


# -- one shape for another ------------------------------------------------------------------------------


@op("View")
def reshape(input: Operand, *sizes: Any, shape: Any = None) -> Node:
    """Return the elements in row-major order under another shape; one size may be -1.  Raises RuntimeError."""
    return reshape_node(input, resolve_sizes(input, flatten_sizes(sizes, shape)))


@op("View")
def view(input: Operand, *shape: Any) -> Node:
    """Return the elements under another shape, as `reshape`: every tensor counts as contiguous here."""
    return reshape.nodes(input, *shape)  # type: ignore[no-any-return]


@op("View")
def reshape_as(input: Operand, other: Operand) -> Node:
    """Return input in the shape of other."""
    return reshape.nodes(input, other.shape)  # type: ignore[no-any-return]


view_as = reshape_as


@op("View")
def flatten(input: Operand, start_dim: int = 0, end_dim: int = -1) -> Node:
    """Return the axes from `start_dim` to `end_dim` as one.  Raises RuntimeError if they are in the wrong order."""
    first, last = axis_of(start_dim, input.type.rank), axis_of(end_dim, input.type.rank)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return reshape_node(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Any) -> Any:
    """Return input as one axis, a copy unless its elements lie in row-major order."""
    return reshape(contiguous(input), -1)


@op("View")
def unflatten(input: Operand, dim: int, sizes: Sequence[int]) -> Node:
    """Return one axis as several; one size may be -1.  Raises RuntimeError if they do not multiply up to it."""
    axis, shape = axis_of(dim, input.type.rank), input.shape
    rest = prod(n for n in sizes if n != -1)
    sizes = [shape[axis] // rest if n == -1 and rest else n for n in sizes]
    if prod(sizes) != shape[axis]:
        raise RuntimeError(
            f"unflatten: Provided sizes {sizes} don't multiply up to the size of dim {axis} ({shape[axis]}) in the input tensor"
        )
    return reshape_node(input, (*shape[:axis], *sizes, *shape[axis + 1 :]))


@op("Unsqueeze")
def unsqueeze(input: Operand, dim: int) -> Node:
    """Insert an axis of extent 1 before `dim`."""
    return unsqueeze_axis(input, axis_of(dim, input.type.rank + 1))


@op("Squeeze")
def squeeze(input: Operand, dim: int | Sequence[int] | None = None) -> Node:
    """Take away axes of extent 1: all, or those of `dim` that are."""
    away: Sequence[int] = range(input.type.rank)
    if dim is not None:
        away = axes_of(dim, input.type.rank) if dim != () else ()
    return reshape_node(input, [n for a, n in enumerate(input.shape) if n != 1 or a not in away])


@op("Expand")
def expand(input: Operand, *sizes: Any, size: Any = None, implicit: bool = False) -> Node:
    """Repeat axes of extent 1, and new ones at the left, to the given sizes; -1 keeps one.  Raises RuntimeError."""
    wanted = flatten_sizes(sizes, size)
    return expand_to(input, expanded_shape(input, wanted))


def expanded_shape(x: Node, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return `wanted` with every -1 replaced by the axis of `x`.  Raises RuntimeError if `x` does not fit."""
    shape, lead = x.shape, len(wanted) - x.type.rank
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{list(shape)}}}, size={list(wanted)}): the number of sizes provided ({len(wanted)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    for a, n in enumerate(wanted):
        if a < lead and n < 0:
            raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {a}")
        if a >= lead and n != -1 and shape[a - lead] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({shape[a - lead]}) at non-singleton dimension {a}.  "
                f"Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
            )
    return tuple(shape[a - lead] if n == -1 else n for a, n in enumerate(wanted))


@op("Expand")
def broadcast_to(input: Operand, size: Sequence[int]) -> Node:
    """Repeat input to a shape by the rule of broadcasting.  Raises RuntimeError."""
    return expand.nodes(input, size)  # type: ignore[no-any-return]


@op("Expand")
def expand_as(input: Operand, other: Operand) -> Node:
    """Repeat input to the shape of other.  Raises RuntimeError."""
    return expand.nodes(input, other.shape)  # type: ignore[no-any-return]


@op("BroadcastTensors")
def broadcast_tensors(*tensors: Operand) -> tuple[Node, ...]:
    """Return all tensors in their common shape.  Raises RuntimeError if there is none."""
    shape = broadcast_shapes([x.shape for x in tensors])
    return tuple(expand_to(x, shape) for x in tensors)


# -- axes in another order ------------------------------------------------------------------------------


@op("Permute")
def permute(input: Operand, *order: Any, dims: Any = None) -> Node:
    """Return the axes in another order.  Raises RuntimeError unless each is named once."""
    wanted = flatten_sizes(order, dims)
    rank = input.type.rank
    if len(wanted) != rank:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does "
            "not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(wanted)}"
        )
    axes = [axis_of(d, rank) for d in wanted]
    if len(set(axes)) != len(axes):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return permute_axes(input, axes)


@op("Transpose")
def transpose(input: Operand, dim0: int, dim1: int) -> Node:
    """Swap two axes."""
    axes = list(range(input.type.rank))
    a, b = axis_of(dim0, len(axes)), axis_of(dim1, len(axes))
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return permute_axes(input, axes)


swapaxes = swapdims = transpose


@op("T")
def t(input: Operand) -> Node:
    """Transpose a matrix; fewer axes stay.  Raises RuntimeError for more than two."""
    if input.type.rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.type.rank}D")
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Permute")
def matrix_transpose(input: Operand) -> Node:
    """Swap the last two axes.  Raises RuntimeError for fewer."""
    rank = input.type.rank
    if rank < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {rank}-D tensor.")
    return permute_axes(input, (*range(rank - 2), rank - 1, rank - 2))


@op("Permute")
def reverse_axes(input: Operand) -> Node:
    """Return all axes in reverse order."""
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Movedim")
def movedim(input: Operand, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Move axes to new places; the others keep their order.  Raises RuntimeError."""
    rank = input.type.rank
    sources = [axis_of(d, rank) for d in ([source] if isinstance(source, int) else source)]
    targets = [axis_of(d, rank) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain the same number of dims as "
            f"destination ({targets} dims)"
        )
    order = [a for a in range(rank) if a not in sources]
    for target, a in sorted(zip(targets, sources, strict=True)):
        order.insert(target, a)
    return permute_axes(input, order)


moveaxis = movedim


@op("Flip")
def flip(input: Operand, *along: Any, dims: Any = None) -> Node:
    """Reverse the order of elements along axes."""
    wanted = flatten_sizes(along, dims)
    return flip_axes(input, axes_of(wanted, input.type.rank) if wanted else ())


@op("Flip")
def fliplr(input: Operand) -> Node:
    """Reverse the second axis."""
    return flip_axes(input, (1,))


@op("Flip")
def flipud(input: Operand) -> Node:
    """Reverse the first axis."""
    return flip_axes(input, (0,))


@op("Rot90")
def rot90(input: Operand, k: int = 1, dims: Sequence[int] = (0, 1)) -> Node:
    """Turn the plane of two axes by `k` quarter turns, from the first towards the second."""
    a, b = (axis_of(d, input.type.rank) for d in dims)
    turned = input
    if k % 4 in (1, 3):
        turned = transpose.nodes(turned, a, b)
    reversed_axes = {0: (), 1: (a,), 2: (a, b), 3: (b,)}[k % 4]
    return flip_axes(turned, tuple(sorted(reversed_axes)))


@op("Roll")
def roll(input: Operand, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Node:
    """Shift elements along axes, around the end; without `dims`, in the flattened tensor.  Raises RuntimeError."""
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or dims == ():
        return reshape_node(rolled(reshape_node(input, (input.type.size,)), by[0], 0), input.shape)
    along = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(by) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}")
    result = input
    for shift, dim in zip(by, along, strict=True):
        result = rolled(result, shift, axis_of(dim, input.type.rank))
    return result  # type: ignore[no-any-return]


def rolled(x: Node, shift: int, axis: int) -> Node:
    """Shift elements along an axis, around the end; node level."""
    n = x.shape[axis] if x.type.rank else 1
    if n == 0 or shift % n == 0:
        return x
    cut = n - shift % n
    return concatenate([narrow_axis(x, axis, cut, n), narrow_axis(x, axis, 0, cut)], axis)


# -- parts ----------------------------------------------------------------------------------------------


def narrow_axis(x: Node, axis: int, start: int, stop: int, step: int = 1) -> Node:
    """Return x[start:stop:step] along one axis; node level."""
    starts = [start if a == axis else 0 for a in range(x.type.rank)]
    stops = [stop if a == axis else n for a, n in enumerate(x.shape)]
    return slice_(x, starts, stops, [step if a == axis else 1 for a in range(x.type.rank)])


def _narrowed(input: Operand, dim: int, start: Any, length: int) -> Moves:
    if input.type.rank == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, input.type.rank)
    n = input.shape[axis]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    start = known_integer(start, "start")
    if isinstance(start, Node):
        if length > n:
            raise RuntimeError(f"narrow(): length must be between 0 and the dimension size ({n}), got {length}")
        return (Window(axis, _place(start, input, axis), length),)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return chain(narrow_axis(input, axis, start, start + length), input) or ()


@op("Slice", view=_narrowed)
def narrow(input: Operand, dim: int, start: Any, length: int) -> Node:
    """Return `length` elements from `start`, an int or an integer tensor of 0 dims, along an axis.

    Raises IndexError, RuntimeError; for a tensor whose value is not known, when values are computed.
    """
    return read(input, _narrowed(input, dim, start, length))


def _selected(input: Operand, dim: int, index: Any) -> Moves:
    axis, place = axis_of(dim, input.type.rank), known_integer(index)
    if isinstance(place, Node):
        return (At(axis, _place(place, input, axis)),)
    return chain(select_axis(input, axis, place), input) or ()


@op("Select", view=_selected)
def select(input: Operand, dim: int, index: Any) -> Node:
    """Return the part at an index of an axis, an int or an integer tensor of 0 dims, the axis taken away.

    Raises IndexError; for a tensor whose value is not known, when values are computed.
    """
    return read(input, _selected(input, dim, index))


def known_integer(index: Any, what: str = "index") -> Any:
    """Return an index as an int, looking at a tensor's value where nothing is traced; else a node."""
    if not isinstance(index, Node):
        return as_integer(index)
    if index.type.rank or not index.dtype.is_int:
        raise RuntimeError(f"{what} must be an 0-dim integral Tensor. Got {index.type}")
    return index if state.trace is not None else int(realize([index])[0])


def _place(index: Node, x: Node, axis: int) -> Node:
    """Return a 0-d index of an axis counted from the front."""
    if x.type.rank == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    wide = cast(index, I64)
    return choose(wide < 0, wide + x.shape[axis], wide)


def select_axis(x: Node, axis: int, index: int) -> Node:
    """Return the part at one index of an axis; node level.  Raises IndexError."""
    if x.type.rank == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    n = x.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {axis}")
    return squeeze_axis(narrow_axis(x, axis, index % n, index % n + 1), axis)


def parts(x: Node, axis: int, sizes: Sequence[int]) -> tuple[Node, ...]:
    """Return consecutive parts of the given sizes along an axis; node level."""
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return tuple(narrow_axis(x, axis, end - n, end) for n, end in zip(sizes, ends, strict=True))


@op("SplitWithSizes")
def split_with_sizes(input: Operand, split_sizes: Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """Return consecutive parts of the given sizes.  Raises RuntimeError unless they sum up to the axis."""
    axis, sizes = axis_of(dim, input.type.rank), [int(n) for n in split_sizes]
    n = input.shape[axis]
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's "
            f"size at dimension {axis}), but got split_sizes={sizes}"
        )
    return parts(input, axis, sizes)


@op("Split")
def split(tensor: Operand, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """Return parts of one size, the last one smaller if need be; or parts of the listed sizes.  Raises RuntimeError."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes.nodes(tensor, split_size_or_sections, dim)  # type: ignore[no-any-return]
    axis, size = axis_of(dim, tensor.type.rank), split_size_or_sections
    n = tensor.shape[axis]
    if size == 0 and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    if n == 0:
        return (tensor,)
    return parts(tensor, axis, [min(size, n - start) for start in range(0, n, size)])


@op("Split")
def chunk(input: Operand, chunks: int, dim: int = 0) -> tuple[Node, ...]:
    """Return at most `chunks` parts of one size, the last one smaller if need be.  Raises RuntimeError."""
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[axis_of(dim, input.type.rank)]
    if n == 0:
        return (input,) * chunks
    return split.nodes(input, -(-n // chunks), dim)  # type: ignore[no-any-return]


@op("Unbind")
def unbind(input: Operand, dim: int = 0) -> tuple[Node, ...]:
    """Return the parts at each index of an axis.  Raises IndexError for a 0-d tensor."""
    if input.type.rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    axis = axis_of(dim, input.type.rank)
    return tuple(select_axis(input, axis, i) for i in range(input.shape[axis]))


def _unfolding(input: Operand, dimension: int, size: int, step: int) -> Moves:
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    axis = axis_of(dimension, input.type.rank)
    n = input.shape[axis] if input.type.rank else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if input.type.rank == 0:
        vector = reshape_node(input, (1,))
        return chain(slice_(vector, (0,), (size,)), input) or ()
    return (Windows(axis, size, step),)


@op("Unfold", view=_unfolding)
def unfold(input: Operand, dimension: int, size: int, step: int) -> Node:
    """Return all windows of `size` elements, `step` apart, along an axis; the window is the last axis."""
    return read(input, _unfolding(input, dimension, size, step))


# -- joining and repeating ------------------------------------------------------------------------------


@op("Cat")
def cat(tensors: Sequence[Operand], dim: int = 0) -> Node:
    """Join tensors along an axis; dtypes promote.  Raises RuntimeError if other axes differ, ValueError for an empty list."""
    if len(tensors) == 0:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if x.type.rank == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    dtype = result_dtype(tensors)
    xs = [x for x in tensors if x.shape != (0,)] or [tensors[0]]
    axis = axis_of(dim, xs[0].type.rank)
    _check_joinable(xs, axis)
    return concatenate([cast(x, dtype) for x in xs], axis)


def _check_joinable(xs: Sequence[Node], axis: int) -> None:
    first = xs[0]
    for i, x in enumerate(xs):
        if x.type.rank != first.type.rank:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.type.rank} and {x.type.rank}")
        for a, (n, m) in enumerate(zip(first.shape, x.shape, strict=True)):
            if a != axis and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {n} "
                    f"but got size {m} for tensor number {i} in the list."
                )


@op("Stack")
def stack(tensors: Sequence[Operand], dim: int = 0) -> Node:
    """Join tensors of one shape along a new axis.  Raises RuntimeError."""
    if len(tensors) == 0:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(x.shape)} at entry {i}"
            )
    axis = axis_of(dim, tensors[0].type.rank + 1)
    return cat.nodes([unsqueeze_axis(x, axis) for x in tensors], axis)  # type: ignore[no-any-return]


def _at_least(x: Node, rank: int) -> Node:
    shape = x.shape
    if len(shape) >= rank:
        return x
    if rank == 3 and len(shape) == 2:
        return reshape_node(x, (*shape, 1))
    if rank == 3 and len(shape) == 1:
        return reshape_node(x, (1, *shape, 1))
    return reshape_node(x, (1,) * (rank - len(shape)) + shape)


@op("AtLeast1D")
def atleast_1d(input: Operand) -> Node:
    """Return input with one axis or more."""
    return _at_least(input, 1)


@op("AtLeast2D")
def atleast_2d(input: Operand) -> Node:
    """Return input with two axes or more."""
    return _at_least(input, 2)


@op("AtLeast3D")
def atleast_3d(input: Operand) -> Node:
    """Return input with three axes or more."""
    return _at_least(input, 3)


@op("Cat")
def hstack(tensors: Sequence[Operand]) -> Node:
    """Join tensors along the second axis; vectors along their only one."""
    xs = [_at_least(x, 1) for x in tensors]
    return cat.nodes(xs, 0 if xs and xs[0].type.rank == 1 else 1)  # type: ignore[no-any-return]


@op("Cat")
def vstack(tensors: Sequence[Operand]) -> Node:
    """Join tensors along the first axis; vectors as rows."""
    return cat.nodes([_at_least(x, 2) for x in tensors], 0)  # type: ignore[no-any-return]


@op("Cat")
def dstack(tensors: Sequence[Operand]) -> Node:
    """Join tensors along the third axis."""
    return cat.nodes([_at_least(x, 3) for x in tensors], 2)  # type: ignore[no-any-return]


@op("Repeat")
def repeat(input: Operand, *sizes: Any, repeats: Any = None) -> Node:
    """Repeat the whole tensor along each axis; new axes come at the left.  Raises RuntimeError."""
    times = flatten_sizes(sizes, repeats)
    if len(times) < input.type.rank:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return _repeated(input, times)


def _repeated(x: Node, times: Sequence[int]) -> Node:
    shape = (1,) * (len(times) - x.type.rank) + x.shape
    inner = [m for pair in zip(times, shape, strict=True) for m in pair]
    lead = len(times) - x.type.rank
    whole = broadcast(x, inner, [2 * (lead + a) + 1 for a in range(x.type.rank)])
    return reshape_node(whole, [k * n for k, n in zip(times, shape, strict=True)])


@op("Repeat")
def tile(input: Operand, *sizes: Any, dims: Any = None) -> Node:
    """Repeat the whole tensor along the last axes."""
    times = flatten_sizes(sizes, dims)
    return _repeated(input, (1,) * (input.type.rank - len(times)) + times)


@op("RepeatInterleave")
def repeat_interleave(input: Operand, repeats: int, dim: int | None = None) -> Node:
    """Repeat each element `repeats` times along an axis; without `dim`, in the flattened tensor.  Raises RuntimeError."""
    if not isinstance(repeats, int):
        raise TypeError("repeat_interleave(): repeats must be an int; a tensor of counts would make the shape depend on values")
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    x = reshape_node(input, (input.type.size,)) if dim is None else input
    axis = 0 if dim is None else axis_of(dim, x.type.rank)
    shape = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    whole = broadcast(x, shape, [a for a in range(len(shape)) if a != axis + 1])
    return reshape_node(whole, (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :]))


@op("Clone")
def clone(input: Operand, *, memory_format: Any = None) -> Node:
    """Return a tensor of its own with the same elements; the gradient flows through."""
    return input  # type: ignore[no-any-return]


def contiguous(input: Any, *, memory_format: Any = None) -> Any:
    """Return input if its elements lie in row-major order, else a copy in which they do."""
    return input if input.is_contiguous() else clone(input)


@op("Meshgrid")
def _meshgrid(tensors: Sequence[Operand], swap: bool) -> tuple[Node, ...]:
    xs = [_at_least(x, 1) for x in tensors]
    shape = [x.shape[0] for x in xs]
    grids = [broadcast(x, shape, (a,)) for a, x in enumerate(xs)]
    return tuple(permute_axes(g, (1, 0, *range(2, len(xs)))) if swap else g for g in grids)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """Return for vectors the coordinates of the grid they span; `indexing` "xy" swaps the first two axes."""
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return _meshgrid(list(vectors), indexing == "xy" and len(vectors) > 1)


# -- diagonals and padding ------------------------------------------------------------------------------


def _diagonal(input: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Moves:
    a, b = axis_of(dim1, input.type.rank), axis_of(dim2, input.type.rank)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return (Diagonal(offset, a, b),)


@op("Diagonal", view=_diagonal)
def diagonal(input: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """Return the diagonal of the plane of two axes, as the last axis.  Raises RuntimeError."""
    return read(input, _diagonal(input, offset, dim1, dim2))


def diag_matrix(x: Node, offset: int) -> Node:
    """Return matrices with the last axis on their diagonal; node level."""
    n = x.shape[-1] + abs(offset)
    low, high = max(-offset, 0), max(offset, 0)
    rows = pad(x, (0,) * (x.type.rank - 1) + (low,), (0,) * (x.type.rank - 1) + (high,))
    shape = (*x.shape[:-1], n, n)
    spread = broadcast(rows, shape, [*range(x.type.rank - 1), x.type.rank - 1])
    row, column = iota(shape, len(shape) - 2), iota(shape, len(shape) - 1)
    return choose(elementwise("eq", column, row + offset), spread, zeros_like(spread))


@op("DiagEmbed")
def diag_embed(input: Operand, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Node:
    """Return matrices with the last axis of input on their diagonal."""
    x = diag_matrix(input, offset)
    rank = x.type.rank
    return movedim.nodes(x, (rank - 2, rank - 1), (axis_of(dim1, rank), axis_of(dim2, rank)))  # type: ignore[no-any-return]


_diagonal_of = diagonal.nodes


@op("Diag")
def diag(input: Operand, diagonal: int = 0) -> Node:
    """Return the matrix of a diagonal, or the diagonal of a matrix.  Raises RuntimeError for other ranks."""
    if input.type.rank == 1:
        return diag_matrix(input, diagonal)
    if input.type.rank == 2:
        return _diagonal_of(input, diagonal)  # type: ignore[no-any-return]
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.type.rank}D")


def _triangle(x: Node, name: str) -> tuple[Node, Node]:
    if x.type.rank < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return iota(x.shape, x.type.rank - 2), iota(x.shape, x.type.rank - 1)


@op("Tril")
def tril(input: Operand, diagonal: int = 0) -> Node:
    """Return matrices with what is above a diagonal set to 0.  Raises RuntimeError for fewer than two axes."""
    row, column = _triangle(input, "tril")
    return choose(column <= row + diagonal, input, zeros_like(input))


@op("Triu")
def triu(input: Operand, diagonal: int = 0) -> Node:
    """Return matrices with what is below a diagonal set to 0.  Raises RuntimeError for fewer than two axes."""
    row, column = _triangle(input, "triu")
    return choose(column >= row + diagonal, input, zeros_like(input))


def padding_of(x: Node, padding: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return how much to add before and after each axis, from torch's list of pairs, last axis first."""
    if len(padding) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(padding) > 2 * x.type.rank:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(padding)} "
            f"and input of dimension {x.type.rank}"
        )
    rest = [0] * (x.type.rank - len(padding) // 2)
    return rest + list(padding[-2::-2]), rest + list(padding[:0:-2])


@op("ConstantPadNd")
def constant_pad_nd(input: Operand, pad: Sequence[int], value: float = 0) -> Node:
    """Surround input with `value`; `pad` lists before and after for the last axis first; negative sizes cut."""
    return _padded(input, *padding_of(input, pad), value)


def _padded(x: Node, low: list[int], high: list[int], value: float) -> Node:
    starts = [max(-n, 0) for n in low]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, high, strict=True)]
    if any(start > stop for start, stop in zip(starts, stops, strict=True)):
        raise RuntimeError("narrow(): length must be non-negative.")
    return pad(slice_(x, starts, stops), [max(n, 0) for n in low], [max(n, 0) for n in high], fill=exact_number(value, x.dtype))


concat = cat
