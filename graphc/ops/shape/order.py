"""Elements in another order along an axis: flips, rotations, shifts."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dispatch.operation import op
from graphc.ir.core.build import concatenate
from graphc.ir.core.build import flip as flip_axes
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node
from graphc.ops.common import axes_of, axis_of, flatten_sizes
from graphc.ops.shape.axes import transpose
from graphc.ops.shape.slices import narrow_axis

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90"]


@op("Flip", saves=False)
def flip(input: Node, *along: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Node:
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
    axes = flatten_sizes(along, dims)
    return flip_axes(input, axes_of(axes, input.type.rank) if axes else ())


@op("Flip", saves=False)
def fliplr(input: Node) -> Node:
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


@op("Flip", saves=False)
def flipud(input: Node) -> Node:
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


@op("Rot90", saves=False)
def rot90(input: Node, k: int = 1, dims: Sequence[int] = (0, 1)) -> Node:
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
    rotated = input
    if k % 4 in (1, 3):
        rotated = transpose.nodes(rotated, a, b)
    reversed_axes = {0: (), 1: (a,), 2: (a, b), 3: (b,)}[k % 4]
    return flip_axes(rotated, tuple(sorted(reversed_axes)))


@op("Roll", saves=False)
def roll(input: Node, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Node:
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
    return result


def rolled(x: Node, shift: int, axis: int) -> Node:
    """Shift elements along an axis, around the end; node level."""
    n = x.shape[axis] if x.type.rank else 1
    if n == 0 or shift % n == 0:
        return x
    cut = n - shift % n
    return concatenate([narrow_axis(x, axis, cut, n), narrow_axis(x, axis, 0, cut)], axis)
