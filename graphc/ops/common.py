"""Helpers shared by the operations: torch's rules for axes, sizes and dtypes, and broadcasting of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import prod
from operator import index
from typing import Any

from graphc.core.dtypes import DEFAULT, as_dtype, dtype, exact_number, torch_name
from graphc.core.errors import located
from graphc.core.promotion import broadcast_to as expand_to
from graphc.core.promotion import promote
from graphc.ir.core.build import apply, cast, constant, derived, elementwise, full_like, iota, reduce, reshape
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64, DType

__all__ = [
    "DTypeLike", "Dims", "Operand", "all_axes", "axes_of", "axis_of", "check_counts", "check_float", "checked", "default_float",
    "dtype_or", "expand_to", "flatten_sizes", "float_function", "float_operand", "keep_axes", "number_like", "positions",
    "resolve_sizes", "squeeze_axis", "torch_name", "unsqueeze_axis",
]  # fmt: skip

Operand = Any
"""The type of a tensor argument in the body of an operation: a Node, or a Python number where torch accepts one."""

Dims = int | Sequence[int] | None

DTypeLike = dtype | DType | type | None
"""The type of `dtype` arguments: a dtype, a Python or NumPy type, None for the default."""


def default_float() -> DType:
    """Return the default float dtype, to which integers are converted."""
    return DEFAULT.ir


def dtype_or(dtype: DTypeLike, fallback: DType) -> DType:
    """Return the ir dtype of a public `dtype` argument, or `fallback` for None."""
    return fallback if dtype is None else as_dtype(dtype).ir


def float_operand(x: Node) -> Node:
    """Convert an integer or bool node to the default float dtype."""
    return x if x.dtype.is_float else cast(x, default_float())


def float_function(name: str, x: Operand) -> Node:
    """Apply a primitive of floats; integers and bools are converted to the default float dtype."""
    return elementwise(name, *promote(x, float=True))


def number_like(x: Operand, model: Node) -> Node:
    """Return `x`, a number or a 0-d node, as a node of the dtype and shape of `model`.  Raises RuntimeError out of range."""
    if not isinstance(x, Node):
        return full_like(model, exact_number(x, model.dtype))
    return expand_to(cast(x, model.dtype), model.shape)


def check_counts(shape: Sequence[int]) -> None:
    """Raise RuntimeError for a negative extent."""
    for n in shape:
        if n < 0:
            raise located(RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}"))


def check_float(name: str, x: Node) -> None:
    """Raise NotImplementedError unless a node is floating-point."""
    if not x.dtype.is_float:
        raise NotImplementedError(f"\"{name}\" not implemented for '{torch_name(x.dtype)}'")


def axis_of(dim: int, rank: int) -> int:
    """Return `dim` counted from the front; a 0-d tensor counts as one axis.  Raises IndexError."""
    n = max(rank, 1)
    if not -n <= dim < n:
        raise located(IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"))
    return dim % n


def axes_of(dim: Dims, rank: int) -> tuple[int, ...]:
    """Return ascending axes for a `dim` argument; None and () mean all axes.  Raises IndexError, RuntimeError."""
    if dim is None or dim == () or dim == []:
        return tuple(range(rank))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    axes = sorted(axis_of(int(d), rank) for d in dims)
    for a, b in pairwise(axes):
        if a == b:
            raise RuntimeError(f"dim {a} appears multiple times in the list of dims")
    return tuple(axes) if rank else ()


def all_axes(x: Node) -> tuple[int, ...]:
    """Return every axis of a node."""
    return tuple(range(x.type.rank))


def keep_axes(x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
    """Insert axes of extent 1 where a reduction of an operand of `shape` removed `axes`."""
    return reshape(x, [1 if a in axes else n for a, n in enumerate(shape)])


def unsqueeze_axis(x: Node, axis: int) -> Node:
    """Insert an axis of extent 1."""
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def squeeze_axis(x: Node, axis: int) -> Node:
    """Remove an axis of extent 1."""
    return reshape(x, (*x.shape[:axis], *x.shape[axis + 1 :]))


def flatten_sizes(sizes: Iterable[Any], named: Any = None) -> tuple[int, ...]:
    """Accept sizes as torch does: `f(2, 3)`, `f((2, 3))` or by name.  Raises TypeError for sizes that are not integers."""
    sizes = tuple(sizes) if named is None else (named,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for s in sizes:
        if isinstance(s, float) or not hasattr(s, "__index__"):
            raise TypeError(f"expected sizes or axes as integers, got {s!r} of type {type(s).__name__}")
    return tuple(index(s) for s in sizes)


def resolve_sizes(x: Node, sizes: Sequence[int]) -> tuple[int, ...]:
    """Replace a -1 among sizes by the extent that preserves the number of elements.  Raises RuntimeError."""
    size = x.type.size
    if list(sizes).count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for n in sizes:
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n}")
    rest = prod(n for n in sizes if n != -1)
    if -1 in sizes and rest == 0 and size == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the "
            "unspecified dimension size -1 can be any value and is ambiguous"
        )
    if (-1 in sizes and (rest == 0 or size % rest)) or (-1 not in sizes and rest != size):
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {size}")
    return tuple(size // rest if n == -1 else n for n in sizes)


def checked(x: Node, holds: Node, broken: str) -> Node:
    """Return a float node; computing it, or its gradient, raises CheckError with the text `broken` unless all hold."""
    total = holds if holds.shape == x.shape else reduce("all", holds, tuple(range(holds.type.rank)))
    index = cast(~total, I64)  # 1 is out of range for an axis of extent 1
    one = expand_to(apply("gather", constant(1, x.dtype, (1,)), index, check=broken), x.shape)
    return derived("checked", x * one, x, one)


def positions(x: Node, axis: int, index: Node) -> list[Node]:
    """Return one index node for each axis of `x`: each element's own position, but `index` along `axis`."""
    return [index if a == axis else iota(index.shape, a) for a in range(x.type.rank)]
