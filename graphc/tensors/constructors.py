"""torch's legacy constructors of tensors: of sizes, or of data."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import Size, dtype
from graphc.core.errors import located
from graphc.ir.core.build import constant
from graphc.ir.core.graph import parameter
from graphc.ir.core.types import TensorType
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage
from graphc.tensors.devices import CPU
from graphc.tensors.values import Values

__all__ = ["legacy"]

T = TypeVar("T", bound=Values)


def legacy(cls: type[T], dtype: dtype, args: tuple[Any, ...], keywords: dict[str, Any], *, strict: bool = False) -> T:
    """Return a tensor of sizes or of data, as torch's constructors of tensor types do.

    Raises TypeError, with `strict` also for a tensor of another dtype, and RuntimeError.
    """
    name = f"{cls.__name__}()"
    if keywords.pop("device", "cpu") not in ("cpu", CPU, None) or keywords.keys() - {"size", "data"}:
        got = ", ".join(keywords) or "another device"
        raise located(TypeError(f"{name} takes sizes or data and the CPU as device, got {got}"))
    args = (*args, *keywords.values())
    first = args[0] if len(args) == 1 else ()
    if isinstance(first, Values):
        if strict and first.dtype is not dtype:
            raise located(TypeError(f"{name} takes tensors of {dtype}, got one of {first.dtype}"))
        return cls._recorded(Shared(first._storage, first._view_steps), first._type)
    if isinstance(first, Size) or "size" in keywords:
        args = tuple(first)
    elif len(args) == 1 and (isinstance(first, np.ndarray) or not hasattr(first, "__index__")):
        return _of_data(cls, dtype, first, name)
    if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in args):
        raise located(TypeError(f"{name} takes sizes as integers, or one sequence of data, got {args!r:.60}"))
    if any(n < 0 for n in args):
        raise located(RuntimeError(f"Trying to create tensor with negative dimension {min(args)}: {[*args]}"))
    shape = tuple(n.__index__() for n in args)
    return cls._of(Storage(constant(0, dtype.ir, shape or (() if args else (0,)))))


def _of_data(cls: type[T], dtype: dtype, data: Any, name: str) -> T:
    if not hasattr(data, "__len__") or isinstance(data, str):
        raise located(TypeError(f"{name}: data must be a sequence (got {type(data).__name__})"))
    array = array_of(data if hasattr(data, "__array__") or isinstance(data, (list, tuple)) else [*data], dtype)
    node = parameter(TensorType(dtype.ir, array.shape))
    node.value = np.array(array)
    return cls._of(Storage(node))
