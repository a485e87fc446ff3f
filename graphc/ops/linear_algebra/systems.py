"""Helpers of operations on dense matrices, on nodes: torch's rules for operands, failures, broadcast solutions."""

from __future__ import annotations

from collections.abc import Callable

from graphc.core.promotion import broadcast_shapes
from graphc.ir.core.build import (
    apply,
    cast,
    concatenate,
    constant,
    elementwise,
    full_like,
    iota,
    permute,
    reduce,
    reshape,
    select,
    swap_last,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I32, DType
from graphc.ir.transforms.matrix_rules import block, rows_at
from graphc.ops.common import expand_to, torch_name, unsqueeze_axis
from graphc.ops.reduce.cumulative import cumprod
from graphc.ops.shape.diagonals import diagonal
from graphc.ops.shape.slices import narrow_axis

__all__ = [
    "check_float_matrices", "check_rank", "check_square", "expand_batch", "first_failure", "identity", "matrix_diagonal",
    "nonzero", "permuted", "powers", "same_dtype", "solution", "solved",
]  # fmt: skip


# -- rules for operands -----------------------------------------------------------------------------------------------


def check_rank(name: str, x: Node, label: str = "A") -> None:
    """Raise RuntimeError unless a node is a matrix or a batch of matrices."""
    if x.type.rank < 2:
        raise RuntimeError(f"{name}: The input tensor {label} must have at least 2 dimensions.")


def check_square(name: str, x: Node, label: str = "A") -> None:
    """Raise RuntimeError unless a node is a square matrix or a batch of square matrices."""
    check_rank(name, x, label)
    rows, columns = x.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"{name}: {label} must be batches of square matrices, but they are {rows} by {columns} matrices")


def check_float_matrices(name: str, x: Node, *, square: bool = True) -> None:
    """Raise RuntimeError unless a node is floating-point and a matrix, or a batch of matrices, square ones if `square`."""
    (check_square if square else check_rank)(name, x)
    if not x.dtype.is_float:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {torch_name(x.dtype)}")


def same_dtype(name: str, a: Node, b: Node, labels: tuple[str, str] = ("A", "B")) -> None:
    """Raise RuntimeError unless two nodes have one dtype."""
    if a.dtype is not b.dtype:
        one, other = labels
        raise RuntimeError(
            f"{name}: Expected {one} and {other} to have the same dtype, but found {one} of type {torch_name(a.dtype)}"
            f" and {other} of type {torch_name(b.dtype)} instead"
        )


# -- parts ------------------------------------------------------------------------------------------------------------


def identity(dtype: DType, shape: tuple[int, ...]) -> Node:
    """Return matrices with ones on the diagonal."""
    rank = len(shape)
    return cast(elementwise("eq", iota(shape, rank - 2), iota(shape, rank - 1)), dtype)


def matrix_diagonal(x: Node) -> Node:
    """Return the diagonal of the square part at the upper left of matrices, as the last axis."""
    n = min(x.shape[-2:])
    return diagonal.nodes(block(x, (0, n), (0, n)), 0, -2, -1)


def nonzero(x: Node) -> Node:
    """Return which elements are not zero; NaN is not."""
    return ~elementwise("eq", x, 0)


def first_failure(holds: Node) -> Node:
    """Return, as int32, the number of the first element of the last axis that does not hold, counted from 1, or 0."""
    axis = holds.type.rank - 1
    if not holds.shape[axis]:
        return constant(0, I32, holds.shape[:axis])
    first = cast(apply("argmax", cast(~holds, I32), axis=axis), I32) + 1
    return select(reduce("all", holds, (axis,)), 0, first)


def expand_batch(x: Node, batch: tuple[int, ...]) -> Node:
    """Repeat matrices along leading axes."""
    return expand_to(x, batch + x.shape[-2:])


def permuted(x: Node, order: Node, *, back: bool = False) -> Node:
    """Return the rows of matrices in an order, or put them back from it."""
    axis = order.type.rank - 1
    return rows_at(x, apply("argsort", order, axis=axis, descending=False) if back else order)


def powers(x: Node, count: int) -> Node:
    """Return the powers 0, 1, … below `count` along a new last axis; node level."""
    rank = x.type.rank
    column = unsqueeze_axis(x, rank)
    one = full_like(column, 1)
    if count <= 1:
        return narrow_axis(one, rank, 0, count)
    repeated = expand_to(column, (*x.shape, count - 1))
    return concatenate([one, cumprod.nodes(repeated, rank)], rank)


# -- solutions --------------------------------------------------------------------------------------------------------


def solution(matrices: tuple[Node, ...], b: Node, solve: Callable[..., Node]) -> Node:
    """Return `solve(*matrices, b)` for operands whose leading axes broadcast; one matrix solves for all columns at once."""
    batch = broadcast_shapes([matrices[0].shape[:-2], b.shape[:-2]])
    if matrices[0].type.rank == 2 and b.type.rank > 2:
        rank, n = b.type.rank, b.shape[-2]
        beside = permute(b, (rank - 2, *range(rank - 2), rank - 1))
        together = solve(*matrices, reshape(beside, (n, b.type.size // n if n else 0)))
        return permute(reshape(together, beside.shape), (*range(1, rank - 1), 0, rank - 1)) if n else b
    return solve(*[expand_batch(x, batch) for x in matrices], expand_batch(b, batch))


def solved(a: Node, b: Node, *, left: bool = True) -> tuple[Node, Node]:
    """Return X with A X = b, or X A = b unless `left`, and which pivots are not zero; leading axes broadcast."""
    factors = apply("lu", a)
    holds = nonzero(matrix_diagonal(factors))
    right = b if left else swap_last(b)
    x = solution((a, factors), right, lambda *xs: apply("lu_solve", *xs, transposed=not left))
    return (x if left else swap_last(x)), holds
