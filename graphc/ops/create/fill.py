"""Tensors filled with one value, of a size or like another tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphc.core.dtypes import exact_number, number_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import constant
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType
from graphc.ops.common import DTypeLike, check_counts, default_float, dtype_or, flatten_sizes
from graphc.ops.create.options import Options
from graphc.recording.context import state
from graphc.recording.numbers import number_key
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["empty", "empty_like", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"]


def check_device(device: Any) -> None:
    """Accept the CPU by any of its names.  Raises RuntimeError for another device."""
    if device is not None and str(device).partition(":")[0] != "cpu":
        raise RuntimeError(f"Expected the device to be cpu, which is the only one, but got {device}")


def finished(x: Tensor, requires_grad: bool = False, device: Any = None, **unused: Any) -> Tensor:
    """Apply the keywords that all creation functions share to a new tensor.  Raises TypeError, RuntimeError."""
    check_device(device)
    for name in unused:
        if name not in ("layout", "pin_memory", "memory_format"):
            raise TypeError(f"unexpected keyword argument '{name}'")
    if requires_grad and not x.dtype.is_floating_point:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return x.requires_grad_() if requires_grad else x


KNOWN_SIZE, KNOWN = 1 << 12, 1000
"""How many elements a constant has at most that is remembered, and how many are."""

_constants: dict[Any, Node] = {}


def _filled(shape: tuple[int, ...], value: float, dtype: DType) -> Tensor:
    """Return a constant, without a call of the operation if it has been made before."""
    if state.fast is None or type(value) not in (int, float, bool):
        return _full(shape, value, dtype)
    key = (shape, number_key(value), dtype)
    node = _constants.get(key)
    if node is None or node.value is not None:  # once it has been looked at it is an array
        try:
            node = _full.nodes(shape, value, dtype)
        except (RuntimeError, TypeError, ValueError, OverflowError):
            return _full(shape, value, dtype)  # which says where
        if node.type.size <= KNOWN_SIZE:
            if len(_constants) > KNOWN:
                _constants.clear()
            _constants[key] = node
    return Tensor._of(Storage(node))


@op("Full")
def _full(shape: tuple[int, ...], value: float, dtype: DType) -> Node:
    check_counts(shape)
    return constant(exact_number(value, dtype), dtype, shape)


def full(size: int | Sequence[int], fill_value: float, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def zeros(
    *sizes: int | Sequence[int], size: int | Sequence[int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return a tensor of zeros.

    Args:
        *sizes: the shape of the result, as ints or as one tuple of ints.
        size: the same as a keyword.
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
    return finished(_filled(flatten_sizes(sizes, size), 0, dtype_or(dtype, default_float())), **keywords)


def ones(
    *sizes: int | Sequence[int], size: int | Sequence[int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return a tensor of ones.

    Args:
        *sizes: the shape of the result, as ints or as one tuple of ints.
        size: the same as a keyword.
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
    return finished(_filled(flatten_sizes(sizes, size), 1, dtype_or(dtype, default_float())), **keywords)


def empty(
    *sizes: int | Sequence[int], size: int | Sequence[int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return a tensor whose values are unspecified.

    In this implementation they are zeros, but programs should not rely on it.

    Args:
        *sizes: the shape of the result, as ints or as one tuple of ints.
        size: the same as a keyword.
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
    return zeros(*sizes, size=size, dtype=dtype, **keywords)


def full_like(input: Tensor, fill_value: float, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def zeros_like(input: Tensor, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def ones_like(input: Tensor, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def empty_like(input: Tensor, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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
