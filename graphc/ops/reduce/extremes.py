"""Maxima and minima, and their indices."""

from __future__ import annotations

from typing import Any, NamedTuple, overload

from graphc.dispatch.arguments import numpy_names
from graphc.dispatch.operation import Operation, op
from graphc.ir.core.build import apply, constant, reduce, reshape
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Dims, Operand, axes_of, axis_of, positions, squeeze_axis, unsqueeze_axis
from graphc.ops.elementwise.bounds import maximum, minimum
from graphc.ops.reduce.sums import reduced
from graphc.ops.templates import template
from graphc.tensors.tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]


class ValuesIndices(NamedTuple):
    """The extremes along an axis, and their indices."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


def _check_not_empty(name: str, x: Node, axes: tuple[int, ...]) -> None:
    for a in axes:
        if x.shape[a] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")


def _extreme(name: str, which: str, example: str) -> Operation[..., Node, Tensor]:
    @op(f"A{name}")
    @template(f"a{name}", example, which=which)
    def extreme(input: Node, dim: Dims = (), keepdim: bool = False) -> Node:
        """Return the {which} element, of all of them or along axes; NaN where one of them is.

        The gradient is shared equally by elements that tie.

        Args:
            input: tensor.
            dim: int or tuple of ints, the axes to reduce; None or () means all.
            keepdim: whether the reduced axes stay with extent 1.

        Returns:
            Tensor of the shape of input without the reduced axes, and of its dtype.

        Raises:
            IndexError: if an axis is empty or out of range.
            RuntimeError: if an axis is given twice.
        """
        axes = axes_of(dim, input.type.rank)
        _check_not_empty(f"a{name}", input, axes)
        return reduced(name, input, axes, keepdim)

    return extreme


amax = _extreme(
    "max",
    "largest",
    """
    >>> graphc.amax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
    tensor([5, 7])
    """,
)
amin = _extreme(
    "min",
    "smallest",
    """
    >>> graphc.amin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
    tensor([1, 3])
    """,
)


@op("Aminmax")
def aminmax(input: Node, *, dim: int | None = None, keepdim: bool = False) -> tuple[Node, Node]:
    """Return the smallest and the largest element, of all of them or along an axis.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all axes.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        Tuple (smallest, largest) of tensors of the shape of input without the reduced axis, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.

    Example:
        >>> graphc.aminmax(graphc.tensor([3, 1, 2]))
        (tensor(1), tensor(3))
    """
    return amin.nodes(input, dim, keepdim), amax.nodes(input, dim, keepdim)


def extreme_at(name: str, x: Node, dim: int, keepdim: bool) -> tuple[Node, Node]:
    """Return the extreme along an axis and its index; the gradient goes to that element."""
    axis = axis_of(dim, x.type.rank)
    if x.type.rank == 0:
        return x, constant(0, I64)
    _check_not_empty(name, x, (axis,))
    index = unsqueeze_axis(apply(f"arg{name}", x, axis=axis), axis)
    values = apply("gather", x, *positions(x, axis, index))
    return (values, index) if keepdim else (squeeze_axis(values, axis), squeeze_axis(index, axis))


@op("Max")
def _max_at(input: Operand, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    return extreme_at("max", input, dim, keepdim)


@op("Min")
def _min_at(input: Operand, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    return extreme_at("min", input, dim, keepdim)


@op("MaxBackward1")
def _max_all(input: Operand) -> Node:
    return _extreme_of_all("max", input)


@op("MinBackward1")
def _min_all(input: Operand) -> Node:
    return _extreme_of_all("min", input)


def _extreme_of_all(name: str, x: Node) -> Node:
    if x.type.size == 0:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    return reduce(name, x, axes_of(None, x.type.rank))


_MAX: type[ValuesIndices] = type("max", (ValuesIndices,), {})
_MIN: type[ValuesIndices] = type("min", (ValuesIndices,), {})


@overload
def max(input: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(input: Tensor, dim: int, keepdim: bool = False) -> ValuesIndices: ...
@overload
def max(input: Tensor, *, other: Tensor | float) -> Tensor: ...
@numpy_names
def max(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | float | None = None
) -> Tensor | ValuesIndices:
    """Return the largest element, the largest elements along an axis and their indices, or the elementwise maximum.

    NaN where one of the elements is. Without dim the gradient is shared equally by elements that tie; with dim it goes
    to the element at the returned index.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all. A tensor in its place is taken for other.
        keepdim: whether the reduced axis stays with extent 1.
        other: tensor or number; if given, the result is `graphc.maximum(input, other)`.

    Returns:
        Tensor; with dim a named tuple (values, indices) of the shape of input without the axis, indices being int64 and
        those of the first of elements that tie.

    Raises:
        IndexError: if the axis is empty or out of range.
        RuntimeError: if input is empty and dim is None.

    Example:
        >>> x = graphc.tensor([[1, 5], [7, 3]])
        >>> graphc.max(x)
        tensor(7)
        >>> values, indices = graphc.max(x, dim=1)
        >>> indices
        tensor([1, 0])
    """
    other = other if other is not None or dim is None or isinstance(dim, int) else dim
    if other is not None:
        return maximum(input, other)
    return _max_all(input) if dim is None else _MAX(*_max_at(input, dim, keepdim))


@overload
def min(input: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(input: Tensor, dim: int, keepdim: bool = False) -> ValuesIndices: ...
@overload
def min(input: Tensor, *, other: Tensor | float) -> Tensor: ...
@numpy_names
def min(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | float | None = None
) -> Tensor | ValuesIndices:
    """Return the smallest element, the smallest elements along an axis and their indices, or the elementwise minimum.

    NaN where one of the elements is. Without dim the gradient is shared equally by elements that tie; with dim it goes
    to the element at the returned index.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None means all. A tensor in its place is taken for other.
        keepdim: whether the reduced axis stays with extent 1.
        other: tensor or number; if given, the result is `graphc.minimum(input, other)`.

    Returns:
        Tensor; with dim a named tuple (values, indices) of the shape of input without the axis, indices being int64 and
        those of the first of elements that tie.

    Raises:
        IndexError: if the axis is empty or out of range.
        RuntimeError: if input is empty and dim is None.

    Example:
        >>> x = graphc.tensor([[1, 5], [7, 3]])
        >>> graphc.min(x)
        tensor(1)
        >>> values, indices = graphc.min(x, dim=1)
        >>> indices
        tensor([0, 1])
    """
    other = other if other is not None or dim is None or isinstance(dim, int) else dim
    if other is not None:
        return minimum(input, other)
    return _min_all(input) if dim is None else _MIN(*_min_at(input, dim, keepdim))


def _place(name: str, x: Node, dim: int | None, keepdim: bool) -> Node:
    if dim is None and x.type.size == 0:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    if dim is not None:
        axis_of(dim, x.type.rank)
    if x.type.rank == 0:
        return constant(0, I64)
    if dim is None:
        flat = apply(name, reshape(x, (x.type.size,)), axis=0)
        return reshape(flat, (1,) * x.type.rank) if keepdim else flat
    axis = axis_of(dim, x.type.rank)
    _check_not_empty(name, x, (axis,))
    index = apply(name, x, axis=axis)
    return unsqueeze_axis(index, axis) if keepdim else index


def _index_of_extreme(name: str, which: str, example: str) -> Any:
    @op(f"Arg{name}")
    @template(f"arg{name}", example, which=which)
    def index_of_extreme(input: Node, dim: int | None = None, keepdim: bool = False) -> Node:
        """Return the index of the {which} element, the first of those that tie; NaN counts as the {which}.

        Args:
            input: tensor.
            dim: int, the axis to reduce; None gives the index in the flattened tensor.
            keepdim: whether the reduced axis stays with extent 1.

        Returns:
            int64 tensor of the shape of input without the axis, of shape () if dim is None.

        Raises:
            IndexError: if the axis, or for dim None the tensor, is empty, or the axis is out of range.
        """
        return _place(f"arg{name}", input, dim, keepdim)

    return index_of_extreme


argmax = _index_of_extreme(
    "max",
    "largest",
    """
    >>> graphc.argmax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
    tensor([1, 0])
    """,
)
argmin = _index_of_extreme(
    "min",
    "smallest",
    """
    >>> graphc.argmin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
    tensor([0, 1])
    """,
)
