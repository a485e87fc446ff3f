"""Masks, and results whose shape depends on values.

These values are read when the result is created: a traced function that does so raises TracingError.
"""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from graphc.core.errors import located
from graphc.core.promotion import broadcast_shapes, exact, promote, result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, constant, elementwise, iota, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64
from graphc.ops.common import Operand, expand_to, number_like, torch_name
from graphc.ops.indexing.items import getitem
from graphc.ops.indexing.nodes import append_axes
from graphc.tensors.tensor import Tensor

__all__ = ["argwhere", "masked_fill", "masked_select", "nonzero", "one_hot", "where"]


@op("MaskedFill", varying=("value",))
def masked_fill(input: Node, mask: Node, value: Operand) -> Node:
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


@op("Nonzero")
def _constant(places: Node) -> Node:
    return places


@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Tensor | tuple[Tensor, ...]:
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
    indices = np.nonzero(np.atleast_1d(np.asarray(input.detach())))
    if as_tuple:
        return tuple(_constant(a.astype(np.int64)) for a in indices)
    return _constant(np.stack(indices, 1).astype(np.int64)[:, : max(input.dim(), 0)])


def argwhere(input: Tensor) -> Tensor:
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


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Tensor | float, other: Tensor | float) -> Tensor: ...
def where(
    condition: Tensor, input: Tensor | float | None = None, other: Tensor | float | None = None
) -> Tensor | tuple[Tensor, ...]:
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


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
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


@op("Expand", view=True)
def _expanded(input: Operand, shape: tuple[int, ...]) -> Node:
    return expand_to(input, shape)


@op("OneHot")
def _one_hot(tensor: Operand, num_classes: int) -> Node:
    shape, known = (*tensor.shape, num_classes), cast(tensor, I64)
    broken = f"Class values must be non-negative and smaller than num_classes, which is {num_classes}."
    if not num_classes and known.type.size:
        raise RuntimeError(broken)
    where = apply("gather", constant(0, I64, (1,)), cast((known < 0) | (known >= num_classes), I64), check=broken)
    return cast(elementwise("eq", append_axes(known + where, shape), iota(shape, len(shape) - 1)), I64)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
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


@op("Where", varying=("input", "other"))
def choose(condition: Node, input: Operand, other: Operand) -> Node:
    """Select elements: return input where condition holds, else other.

    Args:
        condition: tensor of bools (or uint8, true where not 0).
        input: tensor or number.
        other: tensor or number. All shapes broadcast.

    Returns:
        Tensor of the broadcast shape and the promoted dtype of input and other.

    Raises:
        RuntimeError: if the shapes do not broadcast, or condition has another dtype.

    Example:
        >>> graphc.where(graphc.tensor([True, False]), graphc.tensor([1.0, 2.0]), 0.0)
        tensor([1., 0.])
    """
    if condition.dtype.name not in ("bool", "u8"):
        name = torch_name(condition.dtype)
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {name}")
    dtype = result_dtype([input, other])
    x, y = promote(exact(input, dtype), exact(other, dtype))
    cond, _ = promote(cast(condition, BOOL), cast(x, BOOL))
    return select(cond, expand_to(x, cond.shape), expand_to(y, cond.shape))
