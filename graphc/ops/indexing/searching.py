"""Positions of values in sorted sequences."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.ops.create.data import as_tensor
from graphc.ops.create.fill import zeros
from graphc.ops.indexing.gather import gather
from graphc.ops.indexing.masks import where
from graphc.tensors.tensor import Tensor

__all__ = ["bucketize", "searchsorted"]


def position(sequence: Tensor, values: Tensor, right: bool) -> Tensor:
    """Return how many elements of ascending rows (…, n) are below each value (…, m); with `right` also those equal to it.

    NaN counts as larger than every number.  A bisection in about log2(n) steps, each for all values at once.
    """
    n = int(sequence.shape[-1])
    count = zeros(tuple(values.shape)).long()
    bit = 1 << n.bit_length() >> 1
    while bit:
        further = count + bit
        here = gather(sequence, -1, further.clamp(max=n) - 1)
        below = ~(here > values) if right else ~(here >= values)
        count = where(below & (further <= n), further, count)
        bit >>= 1
    return count


def _right(right: bool, side: str | None) -> bool:
    """Return whether equal elements are passed.  Raises RuntimeError."""
    if side not in (None, "left", "right"):
        raise located(RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"))
    if right and side == "left":
        raise located(RuntimeError("torch.searchsorted(): side and right can't be set to opposites"))
    return right or side == "right"


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return where values would be inserted in ascending sequences to keep their order.

    Args:
        sorted_sequence: tensor (*, n) whose rows ascend, or one vector for all values.
        input: tensor (*, m) with the same leading extents, any tensor for a vector, or a number for a vector.
        out_int32: whether the result is int32.
        right: whether to insert after equal elements.
        side: "left" or "right", the same as right in words.
        sorter: int64 tensor of the shape of sorted_sequence: indices that sort its rows, if they do not ascend.

    Returns:
        int64 or int32 tensor of the shape of input.

    Raises:
        RuntimeError: if the shapes do not fit, side is another word or the opposite of right, or sorter has another shape or
            dtype.

    Example:
        >>> graphc.searchsorted(graphc.tensor([1, 3, 5]), graphc.tensor([3, 6, 0]))
        tensor([1, 3, 0])
    """
    after, values = _right(right, side), as_tensor(input)
    if not sorted_sequence.dim():
        raise located(RuntimeError("torch.searchsorted(): boundaries tensor should have at least one dimension"))
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape or sorter.is_floating_point():
            got = f"{list(sorter.shape)} and {list(sorted_sequence.shape)}"
            raise located(RuntimeError(f"torch.searchsorted(): boundary and sorter must have the same size, got {got}"))
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    if sorted_sequence.dim() == 1:
        index = position(sorted_sequence, values.reshape(-1), after).reshape(tuple(values.shape))
    elif sorted_sequence.shape[:-1] != values.shape[:-1] or values.dim() != sorted_sequence.dim():
        rule = "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input must match"
        got = f"{list(sorted_sequence.shape)} and {list(values.shape)}"
        raise located(RuntimeError(f"torch.searchsorted(): {rule}, got {got}"))
    else:
        index = position(sorted_sequence, values, after)
    return index.int() if out_int32 else index


def bucketize(input: Tensor | float, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Return the index of the interval between boundaries that holds each value.

    Args:
        input: tensor of any shape, or a number.
        boundaries: ascending vector.
        out_int32: whether the result is int32.
        right: whether intervals are closed on the left, boundaries[i - 1] <= x < boundaries[i], instead of on the right.

    Returns:
        int64 or int32 tensor of the shape of input.

    Raises:
        RuntimeError: if boundaries is no vector.

    Example:
        >>> graphc.bucketize(graphc.tensor([0.5, 1.0, 7.0]), graphc.tensor([1.0, 3.0]))
        tensor([0, 0, 2])
    """
    if boundaries.dim() != 1:
        raise located(RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.dim()})"))
    options: Any = {"out_int32": out_int32, "right": right}
    return searchsorted(boundaries, input, **options)
