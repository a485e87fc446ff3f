"""Logical reductions."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, sum_
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I64
from graphc.ops.common import Dims, axes_of
from graphc.ops.reduce.sums import reduced

__all__ = ["all", "any", "count_nonzero"]


def _decided(name: str, x: Node, dim: Dims, keepdim: bool) -> Node:
    result = reduced(name, cast(x, BOOL), axes_of(dim, x.type.rank), keepdim)
    return cast(result, x.dtype) if x.dtype.name == "u8" else result


@op("All")
def all(input: Node, dim: Dims = None, keepdim: bool = False) -> Node:
    """Return whether all elements are nonzero, of the tensor or along axes; NaN counts as nonzero.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; bool, or uint8 for uint8 inputs. True for no elements.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.all(graphc.tensor([[1, 1], [0, 1]]), dim=1)
        tensor([ True, False])
    """
    return _decided("all", input, dim, keepdim)


@op("Any")
def any(input: Node, dim: Dims = None, keepdim: bool = False) -> Node:
    """Return whether any element is nonzero, of the tensor or along axes; NaN counts as nonzero.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; bool, or uint8 for uint8 inputs. False for no elements.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.any(graphc.tensor([[0, 1], [0, 0]]), dim=1)
        tensor([ True, False])
    """
    return _decided("any", input, dim, keepdim)


@op("CountNonzero")
def count_nonzero(input: Node, dim: Dims = None) -> Node:
    """Return the number of nonzero elements, of the tensor or along axes.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.

    Returns:
        int64 tensor of the shape of input without the reduced axes.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.count_nonzero(graphc.tensor([[0, 1], [2, 3]]), dim=1)
        tensor([1, 2])
    """
    return sum_(cast(cast(input, BOOL), I64), axes_of(dim, input.type.rank))
