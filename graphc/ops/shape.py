"""Operations that change shape or order without arithmetic: reshape, permute, slice, concatenate, pad, under torch's names."""

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
from graphc.ops.common import (
    Operand,
    axes_of,
    axis_of,
    check_counts,
    expand_to,
    flatten_sizes,
    resolve_sizes,
    squeeze_axis,
    unsqueeze_axis,
)
from graphc.tensors.context import state
from graphc.tensors.dispatch import op
from graphc.tensors.lazy import realize
from graphc.tensors.views import At, Diagonal, ViewSteps, Window, Windows, chain, read

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
    """Return the elements in row-major order under another shape.

    The result shares the storage of input where its strides permit, and is a copy otherwise.

    Args:
        input: tensor.
        *sizes: the new shape, as ints or as one tuple of ints; one of them may be -1 and is inferred.
        shape: the new shape as a keyword.

    Returns:
        Tensor of the given shape and the dtype of input.

    Raises:
        RuntimeError: if the shape has another number of elements, or more than one -1.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.reshape(graphc.arange(6), (2, -1))
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    return reshape_node(input, resolve_sizes(input, flatten_sizes(sizes, shape)))


@op("View")
def view(input: Operand, *shape: Any) -> Node:
    """Return the elements under another shape, as `graphc.reshape` does.

    Args:
        input: tensor.
        *shape: the new shape, as ints or as one tuple of ints; one of them may be -1 and is inferred.

    Returns:
        Tensor of the given shape and the dtype of input.

    Raises:
        RuntimeError: if the shape has another number of elements, or more than one -1.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.arange(6).view(3, 2)
        tensor([[0, 1],
                [2, 3],
                [4, 5]])
    """
    return reshape.nodes(input, *shape)  # type: ignore[no-any-return]


@op("View")
def reshape_as(input: Operand, other: Operand) -> Node:
    """Return input in the shape of other.

    Args:
        input: tensor.
        other: tensor with as many elements, whose shape is taken.

    Returns:
        Tensor of the shape of other and the dtype of input.

    Raises:
        RuntimeError: if the numbers of elements differ.

    Example:
        >>> graphc.arange(4).reshape_as(graphc.ones(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return reshape.nodes(input, other.shape)  # type: ignore[no-any-return]


view_as = reshape_as


@op("View")
def flatten(input: Operand, start_dim: int = 0, end_dim: int = -1) -> Node:
    """Return a tensor in which the axes from start_dim to end_dim are merged into one.

    Args:
        input: tensor.
        start_dim: int, the first of the merged axes.
        end_dim: int, the last of the merged axes, included.

    Returns:
        Tensor with the elements in row-major order.

    Raises:
        RuntimeError: if start_dim comes after end_dim.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.flatten(graphc.ones(2, 3, 4), start_dim=1).shape
        torch.Size([2, 12])
    """
    first, last = axis_of(start_dim, input.type.rank), axis_of(end_dim, input.type.rank)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return reshape_node(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Any) -> Any:
    """Return the elements in row-major order as a vector, copied only if they do not lie in memory so.

    Args:
        input: tensor.

    Returns:
        Tensor of shape (number of elements,).

    Example:
        >>> graphc.ravel(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 2, 3, 4])
    """
    return reshape(contiguous(input), -1)


@op("View")
def unflatten(input: Operand, dim: int, sizes: Sequence[int]) -> Node:
    """Return a tensor in which one axis is split into several.

    Args:
        input: tensor.
        dim: int, the axis.
        sizes: sequence of ints, the extents that replace it; one of them may be -1 and is inferred.

    Returns:
        Tensor of shape `(*input.shape[:dim], *sizes, *input.shape[dim + 1:])`.

    Raises:
        RuntimeError: if the product of sizes is not the extent of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.unflatten(graphc.ones(6, 5), 0, (2, -1)).shape
        torch.Size([2, 3, 5])
    """
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
    """Insert an axis of extent 1.

    Args:
        input: tensor of n axes.
        dim: int in [-(n + 1), n], the index of the new axis.

    Returns:
        Tensor of n + 1 axes.

    Raises:
        IndexError: if dim is out of range.

    Example:
        >>> graphc.unsqueeze(graphc.ones(2, 3), 1).shape
        torch.Size([2, 1, 3])
    """
    return unsqueeze_axis(input, axis_of(dim, input.type.rank + 1))


@op("Squeeze")
def squeeze(input: Operand, dim: int | Sequence[int] | None = None) -> Node:
    """Remove axes of extent 1.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to remove if their extent is 1; None means all axes.

    Returns:
        Tensor with the elements of input.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.squeeze(graphc.ones(1, 3, 1)).shape
        torch.Size([3])
        >>> graphc.squeeze(graphc.ones(1, 3, 1), 0).shape
        torch.Size([3, 1])
    """
    away: Sequence[int] = range(input.type.rank)
    if dim is not None:
        away = axes_of(dim, input.type.rank) if dim != () else ()
    return reshape_node(input, [n for a, n in enumerate(input.shape) if n != 1 or a not in away])


@op("Expand")
def expand(input: Operand, *sizes: Any, size: Any = None, implicit: bool = False) -> Node:
    """Broadcast axes of extent 1 to larger extents without copying; new axes are added in front.

    Args:
        input: tensor.
        *sizes: the new shape, as ints or as one tuple of ints; -1 keeps the extent of an axis.
        size: the new shape as a keyword.
        implicit: accepted and ignored.

    Returns:
        Tensor of the given shape.

    Raises:
        RuntimeError: if an axis whose extent is not 1 would change, or sizes has fewer entries than input has axes.
        TypeError: if a size is not an integer.

    Example:
        >>> graphc.tensor([[1], [2]]).expand(-1, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """
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
    """Broadcast input to a shape: axes of extent 1 are repeated, and new axes are added in front.

    Args:
        input: tensor.
        size: sequence of ints, the new shape; -1 keeps the extent of an axis.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if input does not broadcast to the shape.

    Example:
        >>> graphc.broadcast_to(graphc.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand.nodes(input, size)  # type: ignore[no-any-return]


@op("Expand")
def expand_as(input: Operand, other: Operand) -> Node:
    """Broadcast input to the shape of other.

    Args:
        input: tensor.
        other: tensor whose shape is taken.

    Returns:
        Tensor of the shape of other and the dtype of input.

    Raises:
        RuntimeError: if input does not broadcast to the shape of other.

    Example:
        >>> graphc.tensor([1, 2]).expand_as(graphc.ones(2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand.nodes(input, other.shape)  # type: ignore[no-any-return]


@op("BroadcastTensors")
def broadcast_tensors(*tensors: Operand) -> tuple[Node, ...]:
    """Broadcast tensors to their common shape.

    Args:
        *tensors: tensors.

    Returns:
        Tuple of tensors of the common shape, each of its own dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> a, b = graphc.broadcast_tensors(graphc.ones(3, 1), graphc.ones(2))
        >>> a.shape, b.shape
        (torch.Size([3, 2]), torch.Size([3, 2]))
    """
    shape = broadcast_shapes([x.shape for x in tensors])
    return tuple(expand_to(x, shape) for x in tensors)


# -- axes in another order ------------------------------------------------------------------------------


@op("Permute")
def permute(input: Operand, *order: Any, dims: Any = None) -> Node:
    """Reorder the axes: axis i of the result is axis dims[i] of input.

    Args:
        input: tensor.
        *order: the axes in their new order, as ints or as one tuple of ints; each occurs once.
        dims: the same as a keyword.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if there are not as many entries as axes, or one occurs twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.permute(graphc.ones(2, 3, 5), (2, 0, 1)).shape
        torch.Size([5, 2, 3])
    """
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
    """Swap two axes.

    Args:
        input: tensor.
        dim0: int, the first axis.
        dim1: int, the second axis.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.transpose(graphc.tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
        tensor([[1, 4],
                [2, 5],
                [3, 6]])
    """
    axes = list(range(input.type.rank))
    a, b = axis_of(dim0, len(axes)), axis_of(dim1, len(axes))
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return permute_axes(input, axes)


swapaxes = swapdims = transpose


@op("T")
def t(input: Operand) -> Node:
    """Transpose a matrix; a vector and a 0-d tensor are returned as they are.

    Args:
        input: tensor of at most two axes.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if input has more than two axes.

    Example:
        >>> graphc.t(graphc.tensor([[1, 2], [3, 4]]))
        tensor([[1, 3],
                [2, 4]])
    """
    if input.type.rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.type.rank}D")
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Permute")
def matrix_transpose(input: Operand) -> Node:
    """Transpose matrices: swap the last two axes.

    Args:
        input: tensor of shape `(*, m, n)`.

    Returns:
        Tensor of shape `(*, n, m)` that shares the storage of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.ones(5, 2, 3).mT.shape
        torch.Size([5, 3, 2])
    """
    rank = input.type.rank
    if rank < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {rank}-D tensor.")
    return permute_axes(input, (*range(rank - 2), rank - 1, rank - 2))


@op("Permute")
def reverse_axes(input: Operand) -> Node:
    """Return the axes in reverse order.

    Args:
        input: tensor.

    Returns:
        Tensor that shares the storage of input.

    Example:
        >>> graphc.ones(5, 2, 3).T.shape
        torch.Size([3, 2, 5])
    """
    return permute_axes(input, range(input.type.rank)[::-1])


@op("Movedim")
def movedim(input: Operand, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Move axes to new positions; the other axes keep their order.

    Args:
        input: tensor.
        source: int or sequence of ints, the axes to move.
        destination: int or sequence of as many ints, their positions in the result.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        RuntimeError: if source and destination differ in length, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.movedim(graphc.ones(2, 3, 5), 0, -1).shape
        torch.Size([3, 5, 2])
    """
    rank = input.type.rank
    sources = [axis_of(d, rank) for d in ([source] if isinstance(source, int) else source)]
    targets = [axis_of(d, rank) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain the same number of dims as "
            f"destination ({targets} dims)"
        )
    for what, dims, given in (("source", sources, source), ("destination", targets, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({list(given) if not isinstance(given, int) else given})")
    order = [a for a in range(rank) if a not in sources]
    for target, a in sorted(zip(targets, sources, strict=True)):
        order.insert(target, a)
    return permute_axes(input, order)


moveaxis = movedim


@op("Flip")
def flip(input: Operand, *along: Any, dims: Any = None) -> Node:
    """Reverse the order of the elements along axes.

    Args:
        input: tensor.
        *along: the axes, as ints or as one tuple of ints.
        dims: the axes as a keyword.

    Returns:
        Tensor of the shape of input.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.flip(graphc.tensor([[1, 2], [3, 4]]), (0,))
        tensor([[3, 4],
                [1, 2]])
    """
    wanted = flatten_sizes(along, dims)
    return flip_axes(input, axes_of(wanted, input.type.rank) if wanted else ())


@op("Flip")
def fliplr(input: Operand) -> Node:
    """Reverse the order of the columns: flip the second axis.

    Args:
        input: tensor of at least two axes.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.fliplr(graphc.tensor([[1, 2], [3, 4]]))
        tensor([[2, 1],
                [4, 3]])
    """
    if input.type.rank < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip_axes(input, (1,))


@op("Flip")
def flipud(input: Operand) -> Node:
    """Reverse the order of the rows: flip the first axis.

    Args:
        input: tensor of at least one axis.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if input is 0-d.

    Example:
        >>> graphc.flipud(graphc.tensor([[1, 2], [3, 4]]))
        tensor([[3, 4],
                [1, 2]])
    """
    if input.type.rank < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip_axes(input, (0,))


@op("Rot90")
def rot90(input: Operand, k: int = 1, dims: Sequence[int] = (0, 1)) -> Node:
    """Rotate by 90 degrees, k times, in the plane of two axes.

    Args:
        input: tensor of at least two axes.
        k: int, the number of quarter turns; negative ones go the other way.
        dims: two ints, the axes of the plane; the rotation is from the first towards the second.

    Returns:
        Tensor of the shape of input, the two axes swapped if k is odd.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if input has fewer than two axes, or the axes are not two different ones.

    Example:
        >>> graphc.rot90(graphc.tensor([[1, 2], [3, 4]]))
        tensor([[2, 4],
                [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.type.rank < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.type.rank}")
    a, b = (axis_of(d, input.type.rank) for d in dims)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    turned = input
    if k % 4 in (1, 3):
        turned = transpose.nodes(turned, a, b)
    reversed_axes = {0: (), 1: (a,), 2: (a, b), 3: (b,)}[k % 4]
    return flip_axes(turned, tuple(sorted(reversed_axes)))


@op("Roll")
def roll(input: Operand, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Node:
    """Shift the elements along axes cyclically: those that leave at one end enter at the other.

    Args:
        input: tensor.
        shifts: int or sequence of ints, by how many places, positive towards larger indices.
        dims: int or sequence of as many ints, the axes; None shifts the flattened tensor and restores its shape.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if shifts and dims differ in length.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.roll(graphc.tensor([1, 2, 3, 4]), 1)
        tensor([4, 1, 2, 3])
    """
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or dims == ():
        if len(by) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:0")
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


def _narrowed(input: Operand, dim: int, start: Any, length: int) -> ViewSteps:
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
    """Return the elements start to start + length - 1 along an axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.
        start: int, or integer tensor of shape () whose value may be unknown while a function is traced; negative counts
            from the end.
        length: int, the extent of the axis in the result.

    Returns:
        Tensor that shares the storage of input.

    Raises:
        IndexError: if start or the axis is out of range.
        RuntimeError: if length is negative or start + length exceeds the axis.

    Example:
        >>> graphc.narrow(graphc.tensor([1, 2, 3, 4]), 0, 1, 2)
        tensor([2, 3])
    """
    return read(input, _narrowed(input, dim, start, length))


def _selected(input: Operand, dim: int, index: Any) -> ViewSteps:
    axis, place = axis_of(dim, input.type.rank), known_integer(index)
    if isinstance(place, Node):
        return (At(axis, _place(place, input, axis)),)
    return chain(select_axis(input, axis, place), input) or ()


@op("Select", view=_selected)
def select(input: Operand, dim: int, index: Any) -> Node:
    """Return the slice at one index of an axis, without that axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.
        index: int, or integer tensor of shape () whose value may be unknown while a function is traced; negative counts
            from the end.

    Returns:
        Tensor of one axis less that shares the storage of input.

    Raises:
        IndexError: if the index or the axis is out of range, or input is 0-d.

    Example:
        >>> graphc.select(graphc.tensor([[1, 2], [3, 4]]), 1, 0)
        tensor([1, 3])
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
    """Split a tensor along an axis into parts of the given extents.

    Args:
        input: tensor.
        split_sizes: sequence of ints, the extents of the parts.
        dim: int, the axis.

    Returns:
        Tuple of tensors.

    Raises:
        RuntimeError: if the extents do not sum to that of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.split_with_sizes(graphc.arange(5), [2, 3])
        (tensor([0, 1]), tensor([2, 3, 4]))
    """
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
    """Split a tensor along an axis into parts of one extent, or of the given extents.

    Args:
        tensor: tensor.
        split_size_or_sections: int, the extent of each part but the last, which may be smaller; or sequence of ints, the
            extent of each part.
        dim: int, the axis.

    Returns:
        Tuple of tensors.

    Raises:
        RuntimeError: if the extent is 0 for an axis that is not empty, or the extents do not sum to that of the axis.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.split(graphc.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
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
    """Split a tensor along an axis into at most `chunks` parts of equal extent; the last one may be smaller.

    Args:
        input: tensor.
        chunks: int, the largest number of parts.
        dim: int, the axis.

    Returns:
        Tuple of tensors, of extent ceil(n / chunks) each but the last.

    Raises:
        RuntimeError: if chunks is less than 1.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.chunk(graphc.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[axis_of(dim, input.type.rank)]
    if n == 0:
        return (input,) * chunks
    return split.nodes(input, -(-n // chunks), dim)  # type: ignore[no-any-return]


@op("Unbind")
def unbind(input: Operand, dim: int = 0) -> tuple[Node, ...]:
    """Return the slices at all indices of an axis, without that axis.

    Args:
        input: tensor of at least one axis.
        dim: int, the axis.

    Returns:
        Tuple of as many tensors as the extent of the axis.

    Raises:
        IndexError: if input is 0-d or the axis is out of range.

    Example:
        >>> graphc.unbind(graphc.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """
    if input.type.rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    axis = axis_of(dim, input.type.rank)
    return tuple(select_axis(input, axis, i) for i in range(input.shape[axis]))


def _unfolding(input: Operand, dimension: int, size: int, step: int) -> ViewSteps:
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
    """Return all windows of `size` elements along an axis, `step` apart; the window is the last axis of the result.

    Args:
        input: tensor.
        dimension: int, the axis.
        size: int, the extent of a window.
        step: int, the distance between the starts of neighbouring windows.

    Returns:
        Tensor that shares the storage of input, of shape (…, (n - size) // step + 1, …, size), n being the extent of the
        axis.

    Raises:
        RuntimeError: if size is negative or larger than the axis, or step is not positive.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.arange(5).unfold(0, 3, 1)
        tensor([[0, 1, 2],
                [1, 2, 3],
                [2, 3, 4]])
    """
    return read(input, _unfolding(input, dimension, size, step))


# -- joining and repeating ------------------------------------------------------------------------------


@op("Cat")
def cat(tensors: Sequence[Operand], dim: int = 0) -> Node:
    """Concatenate tensors along an axis.

    Args:
        tensors: sequence of tensors of equal shape except along dim; tensors of shape (0,) are skipped.
        dim: int, the axis.

    Returns:
        Tensor of the promoted dtype.

    Raises:
        ValueError: if the sequence is empty.
        RuntimeError: if a tensor is 0-d, or ranks or other axes differ.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.cat([graphc.tensor([1, 2]), graphc.tensor([3])])
        tensor([1, 2, 3])
    """
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
    """Stack tensors of one shape along a new axis.

    Args:
        tensors: sequence of tensors of equal shape.
        dim: int, the index of the new axis.

    Returns:
        Tensor of the promoted dtype with one axis more.

    Raises:
        RuntimeError: if the sequence is empty or shapes differ.
        IndexError: if dim is out of range.

    Example:
        >>> graphc.stack([graphc.tensor([1, 2]), graphc.tensor([3, 4])], dim=1)
        tensor([[1, 3],
                [2, 4]])
    """
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
    """Return input with at least one axis: shape () becomes (1,).

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_1d(graphc.tensor(2))
        tensor([2])
    """
    return _at_least(input, 1)


@op("AtLeast2D")
def atleast_2d(input: Operand) -> Node:
    """Return input with at least two axes: axes of extent 1 are added in front.

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_2d(graphc.ones(3)).shape
        torch.Size([1, 3])
    """
    return _at_least(input, 2)


@op("AtLeast3D")
def atleast_3d(input: Operand) -> Node:
    """Return input with at least three axes: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1).

    Args:
        input: tensor.

    Returns:
        Tensor with the elements of input.

    Example:
        >>> graphc.atleast_3d(graphc.ones(3)).shape
        torch.Size([1, 3, 1])
    """
    return _at_least(input, 3)


@op("Cat")
def hstack(tensors: Sequence[Operand]) -> Node:
    """Concatenate tensors horizontally: along the second axis, or the first for vectors.

    Args:
        tensors: sequence of tensors; 0-d tensors are taken for vectors of one element.

    Returns:
        Tensor of the promoted dtype.

    Raises:
        ValueError: if the sequence is empty.
        RuntimeError: if ranks or other axes differ.

    Example:
        >>> graphc.hstack([graphc.ones(2, 1), graphc.zeros(2, 2)])
        tensor([[1., 0., 0.],
                [1., 0., 0.]])
    """
    xs = [_at_least(x, 1) for x in tensors]
    return cat.nodes(xs, 0 if xs and xs[0].type.rank == 1 else 1)  # type: ignore[no-any-return]


@op("Cat")
def vstack(tensors: Sequence[Operand]) -> Node:
    """Concatenate tensors vertically: along the first axis, vectors being rows.

    Args:
        tensors: sequence of tensors.

    Returns:
        Tensor of the promoted dtype and of at least two axes.

    Raises:
        ValueError: if the sequence is empty.
        RuntimeError: if ranks or other axes differ.

    Example:
        >>> graphc.vstack([graphc.tensor([1, 2]), graphc.tensor([3, 4])])
        tensor([[1, 2],
                [3, 4]])
    """
    return cat.nodes([_at_least(x, 2) for x in tensors], 0)  # type: ignore[no-any-return]


@op("Cat")
def dstack(tensors: Sequence[Operand]) -> Node:
    """Concatenate tensors along the third axis, after `graphc.atleast_3d`.

    Args:
        tensors: sequence of tensors.

    Returns:
        Tensor of the promoted dtype and of at least three axes.

    Raises:
        ValueError: if the sequence is empty.
        RuntimeError: if ranks or other axes differ.

    Example:
        >>> graphc.dstack([graphc.tensor([1, 2]), graphc.tensor([3, 4])])
        tensor([[[1, 3],
                 [2, 4]]])
    """
    return cat.nodes([_at_least(x, 3) for x in tensors], 2)  # type: ignore[no-any-return]


@op("Repeat")
def repeat(input: Operand, *sizes: Any, repeats: Any = None) -> Node:
    """Repeat the whole tensor along each axis; new axes are added in front.

    Args:
        input: tensor.
        *sizes: the number of copies along each axis, as ints or as one tuple of ints.
        repeats: the same as a keyword.

    Returns:
        Tensor whose extents are those of input times the numbers of copies.

    Raises:
        RuntimeError: if there are fewer numbers than axes.
        TypeError: if a number is not an integer.
        RuntimeError: if a number is negative.

    Example:
        >>> graphc.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    times = flatten_sizes(sizes, repeats)
    if len(times) < input.type.rank:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return _repeated(input, times)


def _repeated(x: Node, times: Sequence[int]) -> Node:
    check_counts(times)
    shape = (1,) * (len(times) - x.type.rank) + x.shape
    inner = [m for pair in zip(times, shape, strict=True) for m in pair]
    lead = len(times) - x.type.rank
    whole = broadcast(x, inner, [2 * (lead + a) + 1 for a in range(x.type.rank)])
    return reshape_node(whole, [k * n for k, n in zip(times, shape, strict=True)])


@op("Repeat")
def tile(input: Operand, *sizes: Any, dims: Any = None) -> Node:
    """Repeat the whole tensor along its last axes; missing axes are added in front.

    Args:
        input: tensor.
        *sizes: the number of copies along each of the last axes, as ints or as one tuple of ints.
        dims: the same as a keyword.

    Returns:
        Tensor whose extents are those of input times the numbers of copies.

    Raises:
        TypeError: if a number is not an integer.
        RuntimeError: if a number is negative.

    Example:
        >>> graphc.tile(graphc.tensor([1, 2]), (2,))
        tensor([1, 2, 1, 2])
    """
    times = flatten_sizes(sizes, dims)
    return _repeated(input, (1,) * (input.type.rank - len(times)) + times)


@op("RepeatInterleave")
def repeat_interleave(input: Operand, repeats: int, dim: int | None = None) -> Node:
    """Repeat each element, or each slice along an axis, `repeats` times in a row.

    Args:
        input: tensor.
        repeats: int, the number of copies of each.
        dim: int, the axis; None repeats the elements of the flattened tensor.

    Returns:
        Tensor in which the extent of the axis is multiplied by repeats.

    Raises:
        TypeError: if repeats is not an int: with a tensor of counts the shape would depend on values.
        RuntimeError: if repeats is negative.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.repeat_interleave(graphc.tensor([1, 2]), 2)
        tensor([1, 1, 2, 2])
    """
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
    """Return a copy with its own storage; gradients flow through it.

    Args:
        input: tensor.
        memory_format: accepted and ignored.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> x = graphc.zeros(2)
        >>> y = graphc.clone(x).add_(1)
        >>> x, y
        (tensor([0., 0.]), tensor([1., 1.]))
    """
    return input  # type: ignore[no-any-return]


def contiguous(input: Any, *, memory_format: Any = None) -> Any:
    """Return input itself if its elements lie in memory in row-major order, else a copy in which they do.

    Args:
        input: tensor.
        memory_format: accepted and ignored.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.ones(2, 3).t().contiguous().stride()
        (2, 1)
    """
    return input if input.is_contiguous() else clone(input)


@op("Meshgrid")
def _meshgrid(tensors: Sequence[Operand], swap: bool) -> tuple[Node, ...]:
    xs = [_at_least(x, 1) for x in tensors]
    shape = [x.shape[0] for x in xs]
    grids = [broadcast(x, shape, (a,)) for a, x in enumerate(xs)]
    return tuple(permute_axes(g, (1, 0, *range(2, len(xs)))) if swap else g for g in grids)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """Return the coordinates of the grid that vectors span: result k holds the values of vector k along axis k.

    Args:
        *tensors: vectors or 0-d tensors, or one sequence of them.
        indexing: "ij" (matrix order) or "xy" (Cartesian order), which swaps the first two axes.

    Returns:
        Tuple of as many tensors of the shape (n_0, n_1, …), the first two extents swapped for "xy".

    Raises:
        RuntimeError: if indexing is neither "ij" nor "xy".

    Example:
        >>> graphc.meshgrid(graphc.tensor([1, 2]), graphc.tensor([3, 4, 5]))
        (tensor([[1, 1, 1],
                [2, 2, 2]]), tensor([[3, 4, 5],
                [3, 4, 5]]))
    """
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return _meshgrid(list(vectors), indexing == "xy" and len(vectors) > 1)


# -- diagonals and padding ------------------------------------------------------------------------------


def _diagonal(input: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> ViewSteps:
    a, b = axis_of(dim1, input.type.rank), axis_of(dim2, input.type.rank)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return (Diagonal(offset, a, b),)


@op("Diagonal", view=_diagonal)
def diagonal(input: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """Return the diagonal of the plane of two axes as the last axis.

    Args:
        input: tensor of at least two axes.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.
        dim1: int, the axis of the rows.
        dim2: int, the axis of the columns.

    Returns:
        Tensor of one axis less that shares the storage of input.

    Raises:
        RuntimeError: if the two axes are the same.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.diagonal(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
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
    """Return matrices with the last axis of input on a diagonal, and zeros elsewhere.

    Args:
        input: tensor of shape `(*, n)`.
        offset: int, which diagonal: 0 the main one, positive above it, negative below.
        dim1: int, the axis of the rows in the result.
        dim2: int, the axis of the columns in the result.

    Returns:
        Tensor of shape `(*, m, m)` with m = n + |offset|, the last two axes moved to dim1 and dim2.

    Raises:
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.diag_embed(graphc.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """
    axis_of(-2, input.type.rank + 1)
    x = diag_matrix(input, offset)
    rank = x.type.rank
    return movedim.nodes(x, (rank - 2, rank - 1), (axis_of(dim1, rank), axis_of(dim2, rank)))  # type: ignore[no-any-return]


_diagonal_of = diagonal.nodes


@op("Diag")
def diag(input: Operand, diagonal: int = 0) -> Node:
    """Return the square matrix with a vector on its diagonal, or the diagonal of a matrix.

    Args:
        input: vector or matrix.
        diagonal: int, which diagonal: 0 the main one, positive above it, negative below.

    Returns:
        Tensor: a matrix for a vector, a vector for a matrix.

    Raises:
        RuntimeError: if input is neither a vector nor a matrix.

    Example:
        >>> graphc.diag(graphc.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
        >>> graphc.diag(graphc.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
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
    """Return the lower triangle of matrices; the elements above the diagonal are set to 0.

    Args:
        input: tensor of shape `(*, m, n)`.
        diagonal: int, the last diagonal that is kept: 0 the main one, positive above it, negative below.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.tril(graphc.ones(2, 2))
        tensor([[1., 0.],
                [1., 1.]])
    """
    row, column = _triangle(input, "tril")
    return choose(column <= row + diagonal, input, zeros_like(input))


@op("Triu")
def triu(input: Operand, diagonal: int = 0) -> Node:
    """Return the upper triangle of matrices; the elements below the diagonal are set to 0.

    Args:
        input: tensor of shape `(*, m, n)`.
        diagonal: int, the first diagonal that is kept: 0 the main one, positive above it, negative below.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if input has fewer than two axes.

    Example:
        >>> graphc.triu(graphc.ones(2, 2))
        tensor([[1., 1.],
                [0., 1.]])
    """
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
    """Pad a tensor with a constant at both ends of its axes.

    Args:
        input: tensor.
        pad: sequence of an even number of ints: how many elements to add before and after the last axis, then the one
            before it, and so on; negative numbers remove elements.
        value: number, the value of the new elements.

    Returns:
        Tensor of the dtype of input.

    Raises:
        RuntimeError: if the number of entries is odd or larger than twice the number of axes, more elements are removed
            than there are, or value does not fit the dtype.

    Example:
        >>> graphc.constant_pad_nd(graphc.tensor([1, 2]), (1, 2))
        tensor([0, 1, 2, 0, 0])
    """
    return _padded(input, *padding_of(input, pad), value)


def _padded(x: Node, low: list[int], high: list[int], value: float) -> Node:
    starts = [max(-n, 0) for n in low]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, high, strict=True)]
    if any(start > stop for start, stop in zip(starts, stops, strict=True)):
        raise RuntimeError("narrow(): length must be non-negative.")
    return pad(slice_(x, starts, stops), [max(n, 0) for n in low], [max(n, 0) for n in high], fill=exact_number(value, x.dtype))


concat = cat
