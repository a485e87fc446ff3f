"""Cartesian products, combinations, and matrices of powers."""

from __future__ import annotations

from itertools import combinations as combined
from itertools import combinations_with_replacement

import numpy as np

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, concatenate, constant, full_like, gather
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, unsqueeze_axis
from graphc.ops.shape.joining import stack
from graphc.ops.shape.repetition import meshgrid
from graphc.tensors.tensor import Tensor

__all__ = ["cartesian_prod", "combinations", "vander"]


MOST_POWERS = 10_000
"""The largest number of columns of a matrix of powers."""


def _check_vector(x: Tensor) -> None:
    if x.dim() != 1:
        raise located(RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}"))


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all tuples of one element of each vector, one row each; the last element changes fastest.

    Args:
        *tensors: vectors of one dtype.

    Returns:
        Tensor of shape (product of the lengths, number of vectors); a single vector is returned as it is.

    Raises:
        RuntimeError: if there are no tensors, one is not a vector, or dtypes differ.

    Example:
        >>> graphc.cartesian_prod(graphc.tensor([1, 2]), graphc.tensor([3, 4]))
        tensor([[1, 3],
                [1, 4],
                [2, 3],
                [2, 4]])
    """
    if not tensors:
        raise located(RuntimeError("meshgrid expects a non-empty TensorList"))
    for x in tensors:
        _check_vector(x)
        if x.dtype != tensors[0].dtype:
            raise located(RuntimeError(f"meshgrid expects all tensors to have the same dtype, got {x.dtype}"))
    if len(tensors) == 1:
        return tensors[0]
    return stack([x.reshape(-1) for x in meshgrid(*tensors, indexing="ij")], 1)


@op("Stack")
def _rows(input: Node, index: Operand) -> Node:
    return gather(input, index)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all combinations of r elements of a vector, one row each, in the order of `itertools.combinations`.

    Args:
        input: vector.
        r: int, the number of elements of each combination.
        with_replacement: whether an element may occur more than once.

    Returns:
        Tensor of shape (number of combinations, r) and of the dtype of input; of shape (0,) if r is 0.

    Raises:
        RuntimeError: if input is not a vector, or r is negative.

    Example:
        >>> graphc.combinations(graphc.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    _check_vector(input)
    if r < 0:
        raise located(RuntimeError(f"Expect a non-negative number, but got {r}"))
    if r == 0:
        return input[:0].detach()
    choose = combinations_with_replacement if with_replacement else combined
    index = np.array([*choose(range(input.shape[0]), r)], np.int64).reshape(-1, r)
    return _rows(input, index)


@op("Cat")
def vander(x: Node, N: int | None = None, increasing: bool = False) -> Node:
    """Return the Vandermonde matrix of a vector: each column is a power of it.

    Args:
        x: vector.
        N: int, the number of columns; None: as many as rows.
        increasing: whether powers grow from the left to the right, from 0 on.

    Returns:
        Tensor of shape (length of x, N); integers and bools give int64.

    Raises:
        RuntimeError: if x is not a vector, or N is negative or larger than 10,000.

    Example:
        >>> graphc.vander(graphc.tensor([1, 2, 3]))
        tensor([[1, 1, 1],
                [4, 2, 1],
                [9, 3, 1]])
    """
    if x.type.rank != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.type.size if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count > MOST_POWERS:
        raise RuntimeError(f"vander() has at most {MOST_POWERS} columns, got {count}")
    base = x if x.dtype.is_float else cast(x, I64)
    columns = [full_like(base, 1)]
    while len(columns) < count:
        columns.append(columns[-1] * base)
    wide = [unsqueeze_axis(c, 1) for c in columns]
    return concatenate(wide if increasing else wide[::-1], 1) if count else constant(0, base.dtype, (x.type.size, 0))
