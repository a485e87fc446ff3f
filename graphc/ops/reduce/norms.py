"""Norms, and logarithms of sums of exponentials."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, elementwise, expand_axes, full_like, reduce, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL
from graphc.ops.common import Dims, DTypeLike, axes_of, dtype_or, float_operand, keep_axes, torch_name
from graphc.ops.reduce.moments import root
from graphc.ops.reduce.sums import count, reduced
from graphc.tensors.tensor import Tensor

__all__ = ["logsumexp", "norm"]


def log_sum_exp(x: Node, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return log(sum(exp(x))) without overflow; node level.

    The largest element is subtracted as a constant: the derivative is softmax either way.  If it is infinite, 0 is subtracted,
    so that a row of -inf gives -inf.
    """
    if count(x, axes) == 0:
        return elementwise("log", reduced("sum", x, axes, keepdim))
    top = apply("stop_gradient", reduce("max", x, axes))
    top = select(elementwise("abs", top) < float("inf"), top, zeros_like(top))
    shifted = elementwise("exp", x - expand_axes(top, x.shape, axes))
    result = elementwise("log", reduce("sum", shifted, axes)) + top
    return keep_axes(result, x.shape, axes) if keepdim and x.type.rank else result


@op("Logsumexp")
def logsumexp(input: Node, dim: Dims, keepdim: bool = False) -> Node:
    """Return log(sum(exp(input))) over axes, without overflow: the largest element is subtracted before exp.

    Its gradient is the softmax of input over these axes.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.
        dim: int or tuple of ints, the axes to reduce.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes; -inf where all elements are -inf.

    Raises:
        IndexError: if an axis is out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.logsumexp(graphc.tensor([1000.0, 1000.0]), dim=0)
        tensor(1000.6932)
    """
    x = float_operand(input)
    return log_sum_exp(x, axes_of(dim, x.type.rank), keepdim)


def norm_nodes(x: Node, order: float, axes: tuple[int, ...], keepdim: bool) -> Node:
    """Return the `order`-norm over axes, with derivative 0 at 0; node level."""
    if order == 2:
        return root(reduced("sum", x * x, axes, keepdim))
    a = elementwise("abs", x)
    if order == 1:
        return reduced("sum", a, axes, keepdim)
    if order == 0:
        return reduced("sum", cast(cast(x, BOOL), x.dtype), axes, keepdim)
    if order in (float("inf"), float("-inf")):
        return reduced("max" if order > 0 else "min", a, axes, keepdim)
    zero = elementwise("eq", a, 0) if order < 1 else None
    safe = a if zero is None else select(zero, full_like(a, 1), a)
    powers = elementwise("pow", safe, order)
    powers = powers if zero is None else select(zero, full_like(a, 0 if order > 0 else float("inf")), powers)
    total = reduced("sum", powers, axes, keepdim)
    empty = elementwise("eq", total, 0)
    return select(empty, zeros_like(total), elementwise("pow", select(empty, full_like(total, 1), total), 1 / order))


@op("LinalgVectorNorm")
def vector_norm(input: Node, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Node:
    """Return the ord-norm of the elements over axes, `sum(|x|**ord)**(1 / ord)`.

    For ord inf it is the largest absolute value, for -inf the smallest, for 0 the number of nonzero elements. The
    derivative at a vector of zeros is 0.

    Args:
        input: tensor of a float dtype, or of any dtype if dtype is given.
        ord: number, the order of the norm; 2 is the Euclidean norm.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: float dtype to which input is converted first; that of input if None.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if the dtype is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.linalg.vector_norm(graphc.tensor([3.0, -4.0]))
        tensor(5.)
        >>> graphc.linalg.vector_norm(graphc.tensor([3.0, -4.0]), ord=1)
        tensor(7.)
    """
    x = cast(input, dtype_or(dtype, input.dtype))
    if not x.dtype.is_float:
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {torch_name(x.dtype)}"
        )
    return norm_nodes(x, float(ord), axes_of(dim, x.type.rank), keepdim)


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: DTypeLike = None,
) -> Tensor:
    """Return the p-norm of the elements over axes, `sum(|x|**p)**(1 / p)`.

    Args:
        input: tensor of a float dtype, or of any dtype if dtype is given.
        p: number, the order as in `graphc.linalg.vector_norm`; "fro" and None mean 2, the Euclidean or Frobenius norm.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.
        dtype: float dtype to which input is converted first; that of input if None.

    Returns:
        Tensor of the shape of input without the reduced axes.

    Raises:
        RuntimeError: if the dtype is not floating point, or an axis is given twice.
        IndexError: if an axis is out of range.

    Example:
        >>> graphc.norm(graphc.tensor([[3.0, 4.0], [0.0, 0.0]]), dim=1)
        tensor([5., 0.])
    """
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)
