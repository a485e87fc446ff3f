"""Concatenation and stacking."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.promotion import result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, pad, reshape
from graphc.ir.core.build import concatenate as join
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of, default_float, unsqueeze_axis
from graphc.ops.shape.ranks import at_least_rank

__all__ = [
    "block_diag", "cat", "column_stack", "concat", "concatenate", "dstack", "hstack", "row_stack", "stack", "vstack",
]  # fmt: skip


@op("Cat", saves=False)
def cat(tensors: Sequence[Node], dim: int = 0) -> Node:
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
    return join([cast(x, dtype) for x in xs], axis)


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


@op("Stack", saves=False)
def stack(tensors: Sequence[Node], dim: int = 0) -> Node:
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
    return cat.nodes([unsqueeze_axis(x, axis) for x in tensors], axis)


@op("Cat", saves=False)
def hstack(tensors: Sequence[Node]) -> Node:
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
    xs = [at_least_rank(x, 1) for x in tensors]
    return cat.nodes(xs, 0 if xs and xs[0].type.rank == 1 else 1)


@op("Cat", saves=False)
def vstack(tensors: Sequence[Node]) -> Node:
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
    return cat.nodes([at_least_rank(x, 2) for x in tensors], 0)


@op("Cat", saves=False)
def dstack(tensors: Sequence[Node]) -> Node:
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
    return cat.nodes([at_least_rank(x, 3) for x in tensors], 2)


@op("Cat", saves=False)
def column_stack(tensors: Sequence[Node]) -> Node:
    """Concatenate tensors along the second axis, vectors being columns.

    Args:
        tensors: sequence of tensors; 0-d tensors are taken for vectors of one element.

    Returns:
        Tensor of the promoted dtype and of at least two axes.

    Raises:
        RuntimeError: if the sequence is empty, or ranks or other axes differ.

    Example:
        >>> graphc.column_stack([graphc.tensor([1, 2]), graphc.tensor([3, 4])])
        tensor([[1, 3],
                [2, 4]])
    """
    if len(tensors) == 0:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat.nodes([x if x.type.rank > 1 else reshape(x, (x.type.size, 1)) for x in tensors], 1)


@op("BlockDiag", saves=False)
def block_diag(*tensors: Node) -> Node:
    """Return the matrix with the given matrices on its diagonal, and zeros elsewhere.

    Args:
        *tensors: tensors of at most two axes; vectors are rows.

    Returns:
        Matrix of the promoted dtype, of shape (sum of the rows, sum of the columns); of shape (1, 0) without tensors.

    Raises:
        RuntimeError: if a tensor has more than two axes.

    Example:
        >>> graphc.block_diag(graphc.tensor([[1, 2], [3, 4]]), graphc.tensor([5]))
        tensor([[1, 2, 0],
                [3, 4, 0],
                [0, 0, 5]])
    """
    for i, x in enumerate(tensors):
        if x.type.rank > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.type.rank} dimensions"
            )
    if not tensors:
        return constant(0, default_float(), (1, 0))
    dtype = result_dtype(tensors)
    blocks = [cast(at_least_rank(x, 2), dtype) for x in tensors]
    columns, begin, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        rows.append(pad(x, (0, begin), (0, columns - begin - x.shape[1])))
        begin += x.shape[1]
    return join(rows, 0)


concat = concatenate = cat

row_stack = vstack
