"""Creation of tensors from sizes, numbers, sequences and arrays, under torch's names.

`dtype=None` is the default float dtype, or is inferred from the arguments; `requires_grad=True` makes a leaf. The only
device is "cpu"; `layout`, `pin_memory` and `memory_format` are accepted and ignored.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import as_dtype, exact_number, get_default_dtype, number_dtype, of_ir
from graphc.core.errors import located
from graphc.core.promotion import result_dtype
from graphc.ir.core.build import cast, constant, elementwise, iota, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F64, I64, DType
from graphc.ops.common import check_counts, default_float, dtype_or, flatten_sizes
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
    check_counts(shape)
    return constant(exact_number(value, dtype), dtype, shape)


def full(size: Any, fill_value: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of the given size in which every element is fill_value.

    Args:
        size: int or tuple of ints, the shape of the result.
        fill_value: number, the value of every element.
        dtype: dtype of the result; by default int64, bool or the default float dtype, after the type of fill_value.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, fill_value does not fit dtype, the device is not the CPU, or requires_grad is
            given for a dtype that is not floating point.
        TypeError: if a size is not an integer or a keyword is unknown.

    Example:
        >>> graphc.full((2, 2), 7)
        tensor([[7, 7],
                [7, 7]])
    """
    return finished(_filled(flatten_sizes((size,)), fill_value, dtype_or(dtype, number_dtype(fill_value))), **keywords)


def zeros(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of zeros.

    Args:
        *size: the shape of the result, as ints or as one tuple of ints; `size=` is accepted as a keyword.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, the device is not the CPU, or requires_grad is given for a dtype that is not
            floating point.
        TypeError: if a size is not an integer or a keyword is unknown.

    Example:
        >>> graphc.zeros(2, 3)
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """
    return finished(_filled(flatten_sizes(size, keywords.pop("size", None)), 0, dtype_or(dtype, default_float())), **keywords)


def ones(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of ones.

    Args:
        *size: the shape of the result, as ints or as one tuple of ints; `size=` is accepted as a keyword.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, the device is not the CPU, or requires_grad is given for a dtype that is not
            floating point.
        TypeError: if a size is not an integer or a keyword is unknown.

    Example:
        >>> graphc.ones(3, dtype=graphc.int64)
        tensor([1, 1, 1])
    """
    return finished(_filled(flatten_sizes(size, keywords.pop("size", None)), 1, dtype_or(dtype, default_float())), **keywords)


def empty(*size: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor whose values are unspecified.

    In this implementation they are zeros, but programs should not rely on it.

    Args:
        *size: the shape of the result, as ints or as one tuple of ints; `size=` is accepted as a keyword.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, the device is not the CPU, or requires_grad is given for a dtype that is not
            floating point.
        TypeError: if a size is not an integer or a keyword is unknown.

    Example:
        >>> graphc.empty(2, 3).shape
        torch.Size([2, 3])
    """
    return zeros(*size, dtype=dtype, **keywords)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of the shape and dtype of input in which every element is fill_value.

    Args:
        input: tensor that gives the shape and the dtype.
        fill_value: number, the value of every element.
        dtype: dtype of the result, that of input if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if fill_value does not fit the dtype, the device is not the CPU, or requires_grad is given for a dtype
            that is not floating point.
        TypeError: if a keyword is unknown.

    Example:
        >>> graphc.full_like(graphc.ones(2, 2), 3)
        tensor([[3., 3.],
                [3., 3.]])
    """
    return finished(_filled(tuple(input.shape), fill_value, dtype_or(dtype, input.dtype.ir)), **keywords)


def zeros_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of zeros of the shape and dtype of input.

    Args:
        input: tensor that gives the shape and the dtype.
        dtype: dtype of the result, that of input if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the device is not the CPU, or requires_grad is given for a dtype that is not floating point.
        TypeError: if a keyword is unknown.

    Example:
        >>> graphc.zeros_like(graphc.tensor([1, 2, 3]))
        tensor([0, 0, 0])
    """
    return full_like(input, 0, dtype=dtype, **keywords)


def ones_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of ones of the shape and dtype of input.

    Args:
        input: tensor that gives the shape and the dtype.
        dtype: dtype of the result, that of input if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the device is not the CPU, or requires_grad is given for a dtype that is not floating point.
        TypeError: if a keyword is unknown.

    Example:
        >>> graphc.ones_like(graphc.tensor([1, 2, 3]), dtype=graphc.float32)
        tensor([1., 1., 1.])
    """
    return full_like(input, 1, dtype=dtype, **keywords)


def empty_like(input: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor of the shape and dtype of input whose values are unspecified.

    In this implementation they are zeros, but programs should not rely on it.

    Args:
        input: tensor that gives the shape and the dtype.
        dtype: dtype of the result, that of input if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the device is not the CPU, or requires_grad is given for a dtype that is not floating point.
        TypeError: if a keyword is unknown.

    Example:
        >>> graphc.empty_like(graphc.ones(2, 3)).shape
        torch.Size([2, 3])
    """
    return full_like(input, 0, dtype=dtype, **keywords)


def arange(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, **keywords: Any) -> Any:
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
    elif chosen.is_int:  # counted in floats, made in integers, as torch does
        return finished(_progression(int(start), int(step), ceil((end - start) / step), chosen), **keywords)
    if step == 0:
        raise located(RuntimeError("step must be nonzero"))
    return finished(_progression(start, step, ceil((end - start) / step), chosen), **keywords)


@op("Arange")
def _progression(start: float, step: float, n: int, dtype: DType) -> Node:
    if all(isinstance(v, int) for v in (start, step)) and not dtype.is_float:
        return cast(iota((n,), 0) * step + start, dtype)
    return cast(iota((n,), 0, F64) * step + start, dtype)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, **keywords: Any) -> Any:
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
    whole = select(index < steps // 2, from_start, from_end) if steps > 1 else constant(start, work, (steps,))
    return cast(whole, dtype)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, **keywords: Any) -> Any:
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


def eye(n: int, m: int | None = None, *, dtype: Any = None, **keywords: Any) -> Any:
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


# -- from data ------------------------------------------------------------------------------------------


def _holding(array: np.ndarray[Any, Any]) -> Tensor:
    return Tensor._of(Storage(from_array(array)))


def tensor(data: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a tensor with a copy of the data.

    Args:
        data: number, nested sequences of numbers, NumPy array or tensor.
        dtype: dtype of the result; if None, that of an array or tensor, int64 for integers, bool for bools, the default
            float dtype for Python floats.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of the data, without a history: a leaf.

    Raises:
        ValueError: if nested sequences differ in length.
        TypeError: if the data holds anything but numbers, or a keyword is unknown.
        RuntimeError: if a number does not fit an integer dtype, the device is not the CPU, or requires_grad is given for a
            dtype that is not floating point.

    Example:
        >>> graphc.tensor([[1, 2], [3, 4]])
        tensor([[1, 2],
                [3, 4]])
        >>> graphc.tensor(2.5, requires_grad=True)
        tensor(2.5000, requires_grad=True)
    """
    return finished(_holding(array_of(data, dtype)), **keywords)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """Return data as a tensor; a tensor of the requested dtype is returned itself, anything else is copied.

    The conversion of a tensor to another dtype is differentiable.

    Args:
        data: tensor, number, nested sequences of numbers or NumPy array.
        dtype: dtype of the result; if None, that of the data as in `graphc.tensor`.
        device: None or "cpu".

    Returns:
        Tensor of the shape of the data.

    Raises:
        ValueError: if nested sequences differ in length.
        TypeError: if the data holds anything but numbers.
        RuntimeError: if a number does not fit an integer dtype or the device is not the CPU.

    Example:
        >>> x = graphc.ones(2)
        >>> graphc.as_tensor(x) is x
        True
        >>> graphc.as_tensor([1, 2], dtype=graphc.float64)
        tensor([1., 2.], dtype=torch.float64)
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None or as_dtype(dtype).ir is data.dtype.ir else converted(data, as_dtype(dtype).ir)
    return _holding(array_of(data, dtype))


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False) -> Any:
    """Return data as a tensor; whether it is copied is decided by copy.

    Args:
        obj: tensor, number, nested sequences of numbers or NumPy array.
        dtype: dtype of the result; if None, that of the data as in `graphc.tensor`.
        device: None or "cpu".
        copy: True always copies; False never does; None copies everything but a tensor of the requested dtype.
        requires_grad: whether the result records operations for gradients.

    Returns:
        Tensor of the shape of the data.

    Raises:
        ValueError: if copy is False and obj is not a tensor of the requested dtype, or nested sequences differ in length.
        TypeError: if the data holds anything but numbers.
        RuntimeError: if a number does not fit an integer dtype or the device is not the CPU.

    Example:
        >>> x = graphc.ones(2)
        >>> graphc.asarray(x) is x, graphc.asarray(x, copy=True) is x
        (True, False)
    """
    found = as_tensor(obj, dtype, device)
    if copy is False and found is not obj:
        raise ValueError("can't alias data of another kind or dtype: only a tensor of the dtype asked for is taken as it is")
    found = found.clone() if copy and found is obj else found
    return found.requires_grad_() if requires_grad else found


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Any:
    """Return a tensor with a copy of a NumPy array.

    Unlike PyTorch's, the tensor shares no memory with the array: writing to one does not change the other.

    Args:
        ndarray: NumPy array of dtype float32, float64, int32, int64, uint8 or bool.

    Returns:
        Tensor of the shape and dtype of the array.

    Raises:
        TypeError: if the argument is not an array, or of a dtype that tensors cannot have.

    Example:
        >>> graphc.from_numpy(np.array([1.0, 2.0]))
        tensor([1., 2.], dtype=torch.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return _holding(ndarray)


def scalar_tensor(s: Any, *, dtype: Any = None, **keywords: Any) -> Any:
    """Return a number as a 0-d tensor.

    Args:
        s: number.
        dtype: dtype of the result, the default float dtype if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape ().

    Raises:
        RuntimeError: if s does not fit an integer dtype, the device is not the CPU, or requires_grad is given for a dtype
            that is not floating point.
        TypeError: if a keyword is unknown.

    Example:
        >>> graphc.scalar_tensor(3)
        tensor(3.)
    """
    return tensor(s, dtype=get_default_dtype() if dtype is None else dtype, **keywords)


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """Return the dtype that an arithmetic operation on the two arguments has.

    The order is bool, uint8, int32, int64, float32, float64. A Python number, and a 0-d tensor beside one with axes,
    raises the dtype only if it is of a higher kind (bool, integer, float).

    Args:
        tensor1: tensor or number.
        tensor2: tensor or number.

    Returns:
        graphc.dtype.

    Example:
        >>> graphc.result_type(graphc.tensor([1, 2]), 1.5)
        torch.float32
        >>> graphc.result_type(graphc.tensor([1.0, 2.0]), graphc.tensor(3, dtype=graphc.int64))
        torch.float32
    """
    return of_ir(result_dtype([x._node() if isinstance(x, Tensor) else x for x in (tensor1, tensor2)]))


@op("ToCopy")
def converted(input: Node, dtype: DType) -> Node:
    """Return input in another dtype, given as the ir's; the gradient comes back in its own."""
    return cast(input, dtype)
