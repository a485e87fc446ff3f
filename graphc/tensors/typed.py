"""`FloatTensor` and the like: constructors of tensors of one dtype, and classes for isinstance."""

from __future__ import annotations

from typing import Any

from graphc.core import dtypes
from graphc.tensors.constructors import legacy
from graphc.tensors.tensor import Tensor

__all__ = ["BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "TensorType"]


class TensorType(type):
    """The class of constructors; calling one makes a Tensor of its dtype."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, **keywords: Any) -> Tensor:
        return legacy(Tensor, cls.dtype, args, keywords, strict=True)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


class FloatTensor(metaclass=TensorType):
    """Constructor of float32 tensors, and a class for isinstance: any tensor of dtype float32 is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype float32.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.FloatTensor([1.5, 2])
        tensor([1.5000, 2.0000])
        >>> isinstance(graphc.ones(2), graphc.FloatTensor)
        True
    """

    dtype = dtypes.float32


class DoubleTensor(metaclass=TensorType):
    """Constructor of float64 tensors, and a class for isinstance: any tensor of dtype float64 is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype float64.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.DoubleTensor([1.5, 2])
        tensor([1.5000, 2.0000], dtype=torch.float64)
        >>> isinstance(graphc.ones(2, dtype=graphc.float64), graphc.DoubleTensor)
        True
    """

    dtype = dtypes.float64


class IntTensor(metaclass=TensorType):
    """Constructor of int32 tensors, and a class for isinstance: any tensor of dtype int32 is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype int32.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.IntTensor([1, 2])
        tensor([1, 2], dtype=torch.int32)
        >>> isinstance(graphc.ones(2, dtype=graphc.int32), graphc.IntTensor)
        True
    """

    dtype = dtypes.int32


class LongTensor(metaclass=TensorType):
    """Constructor of int64 tensors, and a class for isinstance: any tensor of dtype int64 is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype int64.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.LongTensor([1, 2])
        tensor([1, 2])
        >>> isinstance(graphc.ones(2, dtype=graphc.int64), graphc.LongTensor)
        True
    """

    dtype = dtypes.int64


class ByteTensor(metaclass=TensorType):
    """Constructor of uint8 tensors, and a class for isinstance: any tensor of dtype uint8 is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype uint8.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.ByteTensor([1, 2])
        tensor([1, 2], dtype=torch.uint8)
        >>> isinstance(graphc.ones(2, dtype=graphc.uint8), graphc.ByteTensor)
        True
    """

    dtype = dtypes.uint8


class BoolTensor(metaclass=TensorType):
    """Constructor of bool tensors, and a class for isinstance: any tensor of dtype bool is an instance.

    Args:
        *args: the shape, as ints (the values are unspecified); or data: one sequence, array or tensor of dtype bool.
        **keywords: size or data by name; device, which is the CPU.

    Raises:
        TypeError: if the arguments are neither sizes nor data, or a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.BoolTensor([True, False])
        tensor([ True, False])
        >>> isinstance(graphc.ones(2, dtype=graphc.bool), graphc.BoolTensor)
        True
    """

    dtype = dtypes.bool
