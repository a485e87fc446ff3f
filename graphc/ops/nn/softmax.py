"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, elementwise, expand_axes, reduce
from graphc.ir.core.graph import Node
from graphc.ops.common import DTypeLike, axis_of, dtype_or, torch_name

__all__ = ["log_softmax", "softmax", "softmin"]


def shifted(x: Node, axis: int) -> Node:
    """Return x minus its largest element along an axis, which counts as a constant; node level.

    Softmax and its logarithm do not change with the shift, so their derivatives are exact without it.
    """
    top = apply("stop_gradient", reduce("max", x, (axis,)))
    return x - expand_axes(top, x.shape, (axis,))


def softmax_nodes(x: Node, axis: int) -> Node:
    """Return exp(x) / sum(exp(x)) along an axis, without overflow; node level."""
    if x.type.rank == 0 or x.type.size == 0:
        return x if x.type.size == 0 else x - x + 1
    e = elementwise("exp", shifted(x, axis))
    return e / expand_axes(reduce("sum", e, (axis,)), x.shape, (axis,))


def log_softmax_nodes(x: Node, axis: int) -> Node:
    """Return the logarithm of softmax along an axis; node level."""
    if x.type.rank == 0 or x.type.size == 0:
        return x - x
    low = shifted(x, axis)
    total = elementwise("log", reduce("sum", elementwise("exp", low), (axis,)))
    return low - expand_axes(total, x.shape, (axis,))


def _softmax_operand(name: str, input: Node, dim: int | None, dtype: Any) -> tuple[Node, int]:
    x = cast(input, dtype_or(dtype, input.dtype))
    axis = axis_of(_implicit_dim(x) if dim is None else dim, x.type.rank)
    if not x.dtype.is_float:
        raise NotImplementedError(f"\"{name}_lastdim_kernel_impl\" not implemented for '{torch_name(x.dtype)}'")
    return x, axis


def _implicit_dim(x: Node) -> int:
    return 0 if x.type.rank in (0, 1, 3) else 1


@op("Softmax")
def softmax(input: Node, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None) -> Node:
    """Return exp(input) / sum(exp(input)) along an axis.

    The maximum along the axis is subtracted first, so exp does not overflow.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in torch.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.softmax(graphc.tensor([1000.0, 1000.0, 0.0]), 0)
        tensor([0.5000, 0.5000, 0.0000])
    """
    return softmax_nodes(*_softmax_operand("softmax", input, dim, dtype))


@op("Softmax")
def softmin(input: Node, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None) -> Node:
    """Return softmax(-input) along an axis.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the results sum to 1; None means 0 for tensors of 0, 1 or 3 axes and 1 for others, as in torch.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.softmin(graphc.tensor([0.0, 0.0, 1000.0]), 0)
        tensor([0.5000, 0.5000, 0.0000])
    """
    return softmax_nodes(*_softmax_operand("softmax", -input, dim, dtype))


@op("LogSoftmax")
def log_softmax(input: Node, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None) -> Node:
    """Return log(softmax(input)) along an axis, computed as input - log(sum(exp(input))) without overflow.

    Args:
        input: floating-point tensor, or one of any dtype if dtype is given.
        dim: axis along which the exponentials of the results sum to 1; None as for `softmax`.
        dtype: floating-point dtype that input is converted to first.

    Returns:
        Tensor of the shape of input and its dtype, or of the given one.

    Raises:
        NotImplementedError: if the tensor is not floating-point.
        IndexError: if dim is out of range.

    Example:
        >>> F.log_softmax(graphc.tensor([0.0, 0.0]), 0)
        tensor([-0.6931, -0.6931])
    """
    return log_softmax_nodes(*_softmax_operand("log_softmax", input, dim, dtype))
