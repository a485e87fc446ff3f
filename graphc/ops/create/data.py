"""Tensors from Python and NumPy data; conversion of dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import as_dtype, dtype, get_default_dtype, of_ir
from graphc.core.promotion import result_dtype
from graphc.dispatch.arguments import from_array
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType
from graphc.ops.common import DTypeLike
from graphc.ops.create.fill import check_device, finished
from graphc.ops.create.options import Options
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["as_tensor", "asarray", "from_numpy", "result_type", "scalar_tensor", "tensor"]


def _holding(array: np.ndarray[Any, Any]) -> Tensor:
    return Tensor._of(Storage(from_array(array)))


def tensor(data: Any, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def as_tensor(data: Any, dtype: DTypeLike = None, device: Any = None) -> Tensor:
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


def asarray(
    obj: Any, *, dtype: DTypeLike = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
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
    result = as_tensor(obj, dtype, device)
    if copy is False and result is not obj:
        raise ValueError("can't alias data of another kind or dtype: only a tensor of the dtype asked for is taken as it is")
    result = result.clone() if copy and result is obj else result
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
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


def scalar_tensor(s: float, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
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


def result_type(tensor1: Tensor | float, tensor2: Tensor | float) -> dtype:
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


@op("ToCopy", saves=False)
def converted(input: Node, dtype: DType) -> Node:
    """Convert input to another dtype, given as the ir's; the gradient is converted back."""
    return cast(input, dtype)
