"""Tensors made of nothing but sizes and numbers, under torch's names.

`dtype` None is the default float dtype, or what the arguments say; `requires_grad=True` gives a leaf.  The
only device is "cpu"; `layout`, `pin_memory` and `memory_format` are accepted and mean nothing.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import as_dtype, exact_number, get_default_dtype, number_dtype, of_ir
from graphc.core.errors import placed
from graphc.core.promotion import result_dtype
from graphc.ir.core.build import cast, constant, elementwise, iota, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F64, I64, DType
from graphc.ops.common import default_float, dtype_or, flatten_sizes
from graphc.tensors.dispatch import from_array, op
from graphc.tensors.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "logspace",
    "ones", "ones_like", "result_type", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def check_device(device: Any) -> None:
    """Accept the CPU by any of its names.  Raises RuntimeError for another device."""
    if device is not None and str(device).partition(":")[0] != "cpu":
        raise RuntimeError(f"Expected the device to be cpu, which is the only one, but got {device}")


def finished(x: Any, requires_grad: bool = False, device: Any = None, **unused: Any) -> Any:
    """Apply the keywords that all creation functions share to a new tensor.  Raises TypeError, RuntimeError."""
    check_device(device)
    for name in unused:
        if name not in ("layout", "pin_memory", "memory_format"):
            raise TypeError(f"unexpected keyword argument '{name}'")
    if requires_grad and not x.dtype.is_floating_point:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return x.requires_grad_() if requires_grad else x


@op("Full")
def _filled(shape: tuple[int, ...], value: float, dtype: DType) -> Node:
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return constant(exact_number(value, dtype), dtype, shape)


def full(size: Any, fill_value: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of one number; its dtype is the number's unless given."""
    return finished(_filled(flatten_sizes((size,)), fill_value, dtype_or(dtype, number_dtype(fill_value))), **keywords)


def zeros(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of zeros."""
    return finished(_filled(flatten_sizes(size, keywords.pop("size", None)), 0, dtype_or(dtype, default_float())), **keywords)


def ones(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of ones."""
    return finished(_filled(flatten_sizes(size, keywords.pop("size", None)), 1, dtype_or(dtype, default_float())), **keywords)


def empty(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor whose elements nobody should rely on: they are zeros."""
    return zeros(*size, dtype=dtype, **keywords)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of one number in the shape and dtype of input."""
    return finished(_filled(tuple(input.shape), fill_value, dtype_or(dtype, input.dtype.ir)), **keywords)


def zeros_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return zeros in the shape and dtype of input."""
    return full_like(input, 0, dtype=dtype, **keywords)


def ones_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return ones in the shape and dtype of input."""
    return full_like(input, 1, dtype=dtype, **keywords)


def empty_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor in the shape and dtype of input, whose elements nobody should rely on: they are zeros."""
    return full_like(input, 0, dtype=dtype, **keywords)


def arange(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return start, start + step, … below end; int64 if all are integers.  Raises RuntimeError."""
    start, end = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    natural = I64 if all(isinstance(v, int) for v in (start, end, step)) else default_float()
    chosen = dtype_or(dtype, natural)
    if chosen.is_bool:
        raise placed(NotImplementedError("\"arange_cpu\" not implemented for 'Bool'"))
    if chosen is I64:
        start, end, step = int(start), int(end), int(step)
    elif chosen.is_int:  # counted in floats, made in integers, as torch does
        return finished(_progression(int(start), int(step), ceil((end - start) / step), chosen), **keywords)
    if step == 0:
        raise placed(RuntimeError("step must be nonzero"))
    return finished(_progression(start, step, ceil((end - start) / step), chosen), **keywords)


@op("Arange")
def _progression(start: float, step: float, n: int, dtype: DType) -> Node:
    if all(isinstance(v, int) for v in (start, step)) and not dtype.is_float:
        return cast(iota((n,), 0) * step + start, dtype)
    return cast(iota((n,), 0, F64) * step + start, dtype)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return `steps` numbers from start to end, both included, equally far apart.  Raises RuntimeError."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return finished(_linspace(float(start), float(end), steps, dtype_or(dtype, default_float())), **keywords)


@op("Linspace")
def _linspace(start: float, end: float, steps: int, dtype: DType) -> Node:
    """Count from the nearer end, so that both ends are exact."""
    work = dtype if dtype.is_float else F64
    index = iota((steps,), 0, work)
    step = (end - start) / max(steps - 1, 1)
    from_start, from_end = index * step + start, end - (steps - 1 - index) * step
    whole = select(index < steps // 2, from_start, from_end) if steps > 1 else constant(start, work, (steps,))
    return cast(whole, dtype)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return `steps` powers of `base`, their exponents from start to end equally far apart."""
    return finished(_powers(float(start), float(end), steps, base, dtype_or(dtype, default_float())), **keywords)


@op("Logspace")
def _powers(start: float, end: float, steps: int, base: float, dtype: DType) -> Node:
    exponents = _linspace.nodes(start, end, steps, F64)
    return cast(elementwise("pow", base, exponents), dtype)


def eye(n: int, m: int | None = None, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a matrix with ones on its diagonal and zeros elsewhere.  Raises RuntimeError for a negative size."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {n if m is None else m}")
    return finished(_identity((n, n if m is None else m), dtype_or(dtype, default_float())), **keywords)


@op("Eye")
def _identity(shape: tuple[int, int], dtype: DType) -> Node:
    return cast(elementwise("eq", iota(shape, 0), iota(shape, 1)), dtype)


# -- from data ------------------------------------------------------------------------------------------


def _holding(array: np.ndarray[Any, Any]) -> Tensor:
    return Tensor._of(Storage(from_array(array)))


def tensor(data: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor with a copy of the data: a number, nested sequences, an array.  Raises ValueError, TypeError.

    The dtype is that of the data; Python floats get the default one.
    """
    return finished(_holding(array_of(data, dtype)), **keywords)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """Return data as a tensor: a tensor of the right dtype itself, of anything else a copy."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None or as_dtype(dtype).ir is data.dtype.ir else converted(data, as_dtype(dtype).ir)
    return _holding(array_of(data, dtype))


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False) -> Any:
    """Return data as a tensor: one of the right dtype itself unless `copy`.  Raises ValueError for `copy=False` of others."""
    found = as_tensor(obj, dtype, device)
    if copy is False and found is not obj:
        raise ValueError("can't alias data of another kind or dtype: only a tensor of the dtype asked for is taken as it is")
    found = found.clone() if copy and found is obj else found
    return found.requires_grad_() if requires_grad else found


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Any:
    """Return a tensor with a copy of the array; unlike torch's, it shares no memory with it (docs/decisions.md).

    Raises TypeError for a dtype that tensors cannot have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return _holding(ndarray)


def scalar_tensor(s: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a number as a 0-d tensor, of the default float dtype unless given."""
    return tensor(s, dtype=get_default_dtype() if dtype is None else dtype, **keywords)


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """Return the dtype that an operation on two tensors or numbers gives."""
    return of_ir(result_dtype([x._node() if isinstance(x, Tensor) else x for x in (tensor1, tensor2)]))


@op("ToCopy")
def converted(input: Node, dtype: DType) -> Node:
    """Return input in another dtype, given as the ir's; the gradient comes back in its own."""
    return cast(input, dtype)
