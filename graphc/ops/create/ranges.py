"""Arithmetic and geometric progressions, identity matrices."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, concatenate, constant, elementwise, iota, reshape, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F64, I64, DType
from graphc.ops.common import DTypeLike, default_float, dtype_or, torch_name
from graphc.ops.create.fill import finished
from graphc.ops.create.options import Options
from graphc.tensors.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["arange", "eye", "linspace", "logspace", "range", "tril_indices", "triu_indices"]


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return the numbers start, start + step, start + 2 * step, … up to but excluding end.

    Args:
        start: number, the first element; with one positional argument, it is end, and start is 0.
        end: number, excluded.
        step: number, positive or negative, but not 0.
        dtype: dtype of the result; if None, int64 where all three are integers, else the default float dtype.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (ceil((end - start) / step),).

    Raises:
        RuntimeError: if step is 0, or end cannot be reached from start in the direction of step.
        NotImplementedError: if dtype is bool.

    Example:
        >>> graphc.arange(5)
        tensor([0, 1, 2, 3, 4])
        >>> graphc.arange(1, 2, 0.25)
        tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    start, end = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    natural = I64 if all(isinstance(v, int) for v in (start, end, step)) else default_float()
    chosen = dtype_or(dtype, natural)
    if chosen.is_bool:
        raise located(NotImplementedError("\"arange_cpu\" not implemented for 'Bool'"))
    if chosen is I64:
        start, end, step = int(start), int(end), int(step)
    elif chosen.is_int:  # the count in floats, the values in integers, as in torch
        return finished(_progression(int(start), int(step), ceil((end - start) / step), chosen), **keywords)
    if step == 0:
        raise located(RuntimeError("step must be nonzero"))
    return finished(_progression(start, step, ceil((end - start) / step), chosen), **keywords)


@op("Arange")
def _progression(start: float, step: float, n: int, dtype: DType) -> Node:
    if all(isinstance(v, int) for v in (start, step)) and not dtype.is_float:
        return cast(iota((n,), 0) * step + start, dtype)
    return cast(iota((n,), 0, F64) * step + start, dtype)


def linspace(start: float, end: float, steps: int, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
    """Return `steps` evenly spaced numbers from start to end, both included.

    Element i is start + i * (end - start) / (steps - 1), counted from the nearer end, so that both ends are exact.

    Args:
        start: number, the first element.
        end: number, the last element; left out if steps is 1.
        steps: int, the number of elements.
        dtype: dtype of the result, the default float dtype if None; integers are truncated.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (steps,).

    Raises:
        RuntimeError: if steps is negative.

    Example:
        >>> graphc.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if steps < 0:
        raise located(RuntimeError("number of steps must be non-negative"))
    return finished(_linspace(float(start), float(end), steps, dtype_or(dtype, default_float())), **keywords)


@op("Linspace")
def _linspace(start: float, end: float, steps: int, dtype: DType) -> Node:
    """Count from the nearer end, so that both ends are exact."""
    work = dtype if dtype.is_float else F64
    index = iota((steps,), 0, work)
    step = (end - start) / max(steps - 1, 1)
    from_start, from_end = index * step + start, end - (steps - 1 - index) * step
    values = select(index < steps // 2, from_start, from_end) if steps > 1 else constant(start, work, (steps,))
    return cast(values, dtype)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return `steps` numbers evenly spaced on a logarithmic scale, from base**start to base**end.

    Args:
        start: number, the exponent of the first element.
        end: number, the exponent of the last element.
        steps: int, the number of elements.
        base: number, the base of the powers.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (steps,).

    Raises:
        RuntimeError: if steps is negative.

    Example:
        >>> graphc.logspace(0, 3, 4, base=2)
        tensor([1., 2., 4., 8.])
    """
    if steps < 0:
        raise located(RuntimeError("number of steps must be non-negative"))
    return finished(_powers(float(start), float(end), steps, base, dtype_or(dtype, default_float())), **keywords)


@op("Logspace")
def _powers(start: float, end: float, steps: int, base: float, dtype: DType) -> Node:
    exponents = _linspace.nodes(start, end, steps, F64)
    return cast(elementwise("pow", base, exponents), dtype)


def eye(n: int, m: int | None = None, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
    """Return a matrix with ones on the main diagonal and zeros elsewhere.

    Args:
        n: int, the number of rows.
        m: int, the number of columns, n if None.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (n, m).

    Raises:
        RuntimeError: if n or m is negative.

    Example:
        >>> graphc.eye(2, 3)
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {n if m is None else m}")
    return finished(_identity((n, n if m is None else m), dtype_or(dtype, default_float())), **keywords)


@op("Eye")
def _identity(shape: tuple[int, int], dtype: DType) -> Node:
    return cast(elementwise("eq", iota(shape, 0), iota(shape, 1)), dtype)


def range(
    start: float = 0, end: float | None = None, step: float = 1, *, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return the numbers start, start + step, start + 2 * step, … up to and including end; `graphc.arange` excludes it.

    Args:
        start: number, the first element.
        end: number, included.
        step: number, positive or negative, but not 0.
        dtype: dtype of the result; the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (floor((end - start) / step) + 1,).

    Raises:
        TypeError: if end is not given.
        RuntimeError: if step is 0, or end cannot be reached from start in the direction of step.

    Example:
        >>> graphc.range(1, 2, 0.5)
        tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        raise located(TypeError('range() missing 1 required positional arguments: "end"'))
    if step == 0:
        raise located(RuntimeError("step must be nonzero"))
    if (end - start) * step < 0:
        raise located(RuntimeError("upper bound and lower bound inconsistent with step sign"))
    count = floor((end - start) / step) + 1
    return finished(_progression(start, step, count, dtype_or(dtype, default_float())), **keywords)


@op("TrilIndices")
def _pairs(rows: Any, columns: Any, dtype: DType) -> Node:
    n = rows.type.size
    return cast(concatenate([reshape(rows, (1, n)), reshape(columns, (1, n))], 0), dtype)


def _triangle(name: str, row: int, col: int, offset: int, dtype: DTypeLike) -> Tensor:
    for what, n in (("row", row), ("col", col)):
        if n < 0:
            raise located(RuntimeError(f"{what} must be non-negative, got {n}"))
    chosen = dtype_or(dtype, I64)
    if not chosen.is_int:
        raise located(NotImplementedError(f"\"{name}\" not implemented for '{torch_name(chosen)}'"))
    places = np.tril_indices(row, offset, col) if name == "tril_indices" else np.triu_indices(row, offset, col)
    return _pairs(*places, chosen)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
    """Return the indices of the lower triangle of a matrix: the rows, and the columns.

    Args:
        row: int, the number of rows.
        col: int, the number of columns.
        offset: int, the last diagonal that belongs to the triangle: 0 the main one, positive above it, negative below.
        dtype: integer dtype of the result; int64 if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (2, number of elements), in row-major order.

    Raises:
        RuntimeError: if row or col is negative.
        NotImplementedError: if dtype is not an integer one.

    Example:
        >>> graphc.tril_indices(2, 3)
        tensor([[0, 1, 1],
                [0, 0, 1]])
    """
    return finished(_triangle("tril_indices", row, col, offset, dtype), **keywords)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
    """Return the indices of the upper triangle of a matrix: the rows, and the columns.

    Args:
        row: int, the number of rows.
        col: int, the number of columns.
        offset: int, the first diagonal that belongs to the triangle: 0 the main one, positive above it, negative below.
        dtype: integer dtype of the result; int64 if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (2, number of elements), in row-major order.

    Raises:
        RuntimeError: if row or col is negative.
        NotImplementedError: if dtype is not an integer one.

    Example:
        >>> graphc.triu_indices(2, 3)
        tensor([[0, 0, 0, 1, 1],
                [0, 1, 2, 1, 2]])
    """
    return finished(_triangle("triu_indices", row, col, offset, dtype), **keywords)
