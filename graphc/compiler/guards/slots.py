"""Attributes of functions, cells and objects as bindings: where CPython stores them."""

from __future__ import annotations

import ctypes
import gc
import struct
import sys
from types import FunctionType, MemberDescriptorType
from typing import Any

from graphc.codegen.runtime.bindings import ABSENT, SlotBinding
from graphc.tensors.tensor import Tensor

__all__ = ["OFFSETS", "class_table", "function_slot", "hooks_slot", "slot_value", "table_of"]


def _offsets() -> dict[str, int]:
    """Find the offsets of the assignable attributes of functions."""

    def sample(x: int = 0, *, y: int = 1) -> None: ...

    words = ctypes.string_at(id(sample), FunctionType.__basicsize__)
    offsets = {}
    for name in ("__defaults__", "__kwdefaults__", "__code__"):
        at = words.find(struct.pack("n", id(getattr(sample, name))))
        if at > 0:
            offsets[name] = at
    return offsets


def function_slot(x: FunctionType, name: str, offset: int) -> SlotBinding:
    """Bind an assignable attribute of a function; None is a null pointer there."""

    def get() -> Any:
        value = getattr(x, name)
        return ABSENT if value is None else value

    return SlotBinding(x, offset, get, get())


OFFSETS = _offsets() if sys.implementation.name == "cpython" else {}


def table_of(x: Any) -> dict[str, Any] | None:
    """Return the `__dict__` of an object; None if it has none, or one of another class."""
    table = getattr(x, "__dict__", None)
    return table if type(table) is dict else None


def class_table(cls: type) -> dict[str, Any]:
    """Return the dict behind the read-only `__dict__` of a class."""
    (table,) = gc.get_referents(cls.__dict__)
    assert isinstance(table, dict)
    return table


def slot_value(descriptor: MemberDescriptorType, x: Any) -> Any:
    """Return the value of a slot of an object, or ABSENT."""
    try:
        return descriptor.__get__(x)
    except AttributeError:
        return ABSENT


def _hooks_offset() -> int:
    """Find the offset of the hooks of tensors."""
    sample, marker = object.__new__(Tensor), dict[str, Any]()
    sample._hooks = marker
    return ctypes.string_at(id(sample), Tensor.__basicsize__).find(struct.pack("n", id(marker)))


_HOOKS = _hooks_offset() if sys.implementation.name == "cpython" else 0


def hooks_slot(x: Tensor) -> SlotBinding:
    """Bind the hooks of a tensor: None until one is registered."""
    return SlotBinding(x, _HOOKS, lambda: x._hooks, x._hooks)
