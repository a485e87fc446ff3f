"""Type promotion by torch's rules, and broadcasting of operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.core.dtypes import DEFAULT, combine, exact_number, number_dtype
from graphc.ir.core.build import broadcast, cast, constant, reshape
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType

__all__ = ["broadcast_shapes", "broadcast_to", "exact", "promote", "result_dtype"]


def promote(*operands: Any, float: bool = False) -> list[Node]:
    """Return the operands, nodes or Python numbers, with one dtype and one shape.

    `float=True` promotes integers and bools to the default float dtype.  Raises RuntimeError for shapes that do not broadcast,
    and TypeError for operands that are neither nodes nor numbers.
    """
    first = operands[0]
    alike = isinstance(first, Node) and all(isinstance(o, Node) and o.types == first.types for o in operands)
    if alike and (not float or first.dtype.is_float):
        return list(operands)
    dtype = result_dtype(operands)
    if float and not dtype.is_float:
        dtype = DEFAULT.ir
    shape = broadcast_shapes([o.shape for o in operands if isinstance(o, Node)])
    return [_fit(o, dtype, shape) for o in operands]


def _fit(operand: Any, dtype: DType, shape: tuple[int, ...]) -> Node:
    if not isinstance(operand, Node):
        return constant(operand, dtype, shape)
    return broadcast_to(cast(operand, dtype), shape)


def result_dtype(operands: Sequence[Any]) -> DType:
    """Return torch's result type: tensors with axes have priority over 0-d tensors, these over numbers, by category."""
    by_rank: list[DType | None] = [None, None, None]
    for operand in operands:
        is_node = isinstance(operand, Node)
        dtype = operand.dtype if is_node else number_dtype(operand)
        level = 2 if not is_node else 0 if operand.shape else 1
        known = by_rank[level]
        by_rank[level] = dtype if known is None else combine(known, dtype)
    promoted = _over(by_rank[0], _over(by_rank[1], by_rank[2]))
    assert promoted is not None, "an operation needs an operand"
    return promoted


def _over(higher: DType | None, lower: DType | None) -> DType | None:
    """Let the lower priority decide only if it has a higher category."""
    if higher is None or lower is None:
        return lower if higher is None else higher
    if higher.is_float:
        return higher
    return combine(higher, lower) if higher.is_bool or lower.is_float else higher


def exact(operand: Any, dtype: DType) -> Any:
    """Convert a number to a dtype; return a node as it is.  Raises RuntimeError for a number out of range."""
    return operand if isinstance(operand, Node) else exact_number(operand, dtype)


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape that all shapes broadcast to.  Raises RuntimeError."""
    if not shapes:
        return ()
    result = shapes[0]
    for shape in shapes[1:]:
        if shape != result:
            result = _broadcast_two(result, shape)
    return result


def _broadcast_two(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(len(a), len(b))
    wide_a, wide_b = ((1,) * (rank - len(s)) + s for s in (a, b))
    for axis in reversed(range(rank)):
        m, n = wide_a[axis], wide_b[axis]
        if m != n and m != 1 and n != 1:
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {axis}"
            )
    return tuple(n if m == 1 else m for m, n in zip(wide_a, wide_b, strict=True))


def broadcast_to(x: Node, shape: tuple[int, ...]) -> Node:
    """Broadcast a node to a shape that it fits, axes aligned at the right; return it as it is if it has the shape."""
    if x.shape == shape:
        return x
    lead = len(shape) - len(x.shape)
    equal_axes = [a for a, n in enumerate(x.shape) if n == shape[lead + a]]
    return broadcast(reshape(x, [x.shape[a] for a in equal_axes]), shape, [lead + a for a in equal_axes])
