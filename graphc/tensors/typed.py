"""`FloatTensor` and the like: constructors of tensors of one dtype, which `isinstance` knows too."""

from __future__ import annotations

from typing import Any

from graphc.core import dtypes
from graphc.tensors.tensor import Tensor, legacy

__all__ = ["BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "TensorType"]


class TensorType(type):
    """The class of constructors; calling one makes a Tensor of its dtype."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, **keywords: Any) -> Tensor:
        return legacy(Tensor, cls.dtype, args, keywords, strict=True)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


class FloatTensor(metaclass=TensorType):
    """A tensor of float32: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.float32


class DoubleTensor(metaclass=TensorType):
    """A tensor of float64: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.float64


class IntTensor(metaclass=TensorType):
    """A tensor of int32: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.int32


class LongTensor(metaclass=TensorType):
    """A tensor of int64: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.int64


class ByteTensor(metaclass=TensorType):
    """A tensor of uint8: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.uint8


class BoolTensor(metaclass=TensorType):
    """A tensor of bool: of sizes, with values that are not to be relied on, or of data."""

    dtype = dtypes.bool
