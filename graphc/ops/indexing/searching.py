"""Positions of values in sorted sequences."""

from __future__ import annotations

from typing import Any

from graphc.core.dtypes import combine
from graphc.core.errors import located
from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import argsort, cast, constant, elementwise, reduce, reshape
from graphc.ir.core.build import gather as gather_at
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, DType
from graphc.ops.common import Operand, unsqueeze_axis
from graphc.ops.create.data import as_tensor
from graphc.ops.create.fill import zeros
from graphc.ops.indexing.gather import gather
from graphc.ops.indexing.masks import where
from graphc.tensors.tensor import Tensor

__all__ = ["bucketize", "isin", "searchsorted"]


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


SCANNED = 32
"""The number of elements up to which each value is compared with all; more are sorted and searched."""


@op("Isin", differentiable=False)
def _among(values: Operand, tests: Operand) -> Node:
    """Return which elements equal one of the tests."""
    if isinstance(tests, Node):
        if not tests.type.size:
            return constant(False, BOOL, values.shape if isinstance(values, Node) else ())
        tests = reshape(tests, (tests.type.size,))
        values = unsqueeze_axis(values, values.type.rank) if isinstance(values, Node) else values
    x, y = promote(values, tests)
    equal = elementwise("eq", x, y)
    return reduce("any", equal, (equal.type.rank - 1,)) if isinstance(tests, Node) else equal


@op("Sort", differentiable=False)
def _in_order(values: Node, dtype: DType) -> Node:
    flat = cast(reshape(values, (values.type.size,)), dtype)
    return gather_at(flat, argsort(flat, 0))


@op("To", differentiable=False)
def _as(values: Node, dtype: DType) -> Node:
    return cast(reshape(values, (values.type.size,)), dtype)


def _searched(values: Tensor, many: Tensor) -> Tensor:
    dtype = combine(values.dtype.ir, many.dtype.ir)
    ordered, flat = _in_order(many, dtype), _as(values, dtype)
    at = position(ordered, flat, False).clamp(max=many.numel() - 1)
    return (gather(ordered, 0, at) == flat).reshape(tuple(values.shape))


def isin(
    elements: Tensor | float, test_elements: Tensor | float, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Test which elements occur among others; NaN does not.

    Args:
        elements: tensor or number.
        test_elements: tensor or number, the others; one of the two is a tensor.
        assume_unique: accepted; the result does not depend on it.
        invert: whether the result says which elements do not occur.

    Returns:
        Bool tensor of the shape of elements.

    Raises:
        TypeError: if neither argument is a tensor.

    Example:
        >>> graphc.isin(graphc.tensor([1, 2, 3]), graphc.tensor([3, 1]))
        tensor([ True, False,  True])
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        got = f"{type(elements).__name__} and {type(test_elements).__name__}"
        raise located(TypeError(f"isin() expected a tensor among its arguments, got {got}"))
    if isinstance(elements, Tensor) and isinstance(test_elements, Tensor) and test_elements.numel() > SCANNED:
        member = _searched(elements, test_elements)
    else:
        member = _among(elements, test_elements)
    return ~member if invert else member
