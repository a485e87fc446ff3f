"""Keys of calls: everything that the structure of their results depends on."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

from graphc.core.dtypes import DEFAULT, Size, dtype
from graphc.ir.core.types import DType
from graphc.recording.numbers import number_key
from graphc.recording.recording import Recording
from graphc.storage.operands import TENSORS, slot_of
from graphc.storage.storage import Storage

__all__ = ["KEYED", "key_of_call", "view_key"]

NO_KEY = None
"""Marks arguments that have no key."""

EXACT = frozenset((int, bool, str, type(None), EllipsisType, dtype, DType))
"""Types whose objects are hashed and compared by value, including all their parts."""
KEYED: set[type] = set()
"""Other such types; `graphc.ops` adds its own."""


def key_of_call(recording: Recording, body: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the key of a call; None if it cannot be recorded."""
    key: list[Any] = [body, recording.grad, DEFAULT.ir]
    append = key.append
    for value in args:
        kind = type(value)
        if kind in TENSORS:
            storage = value._storage
            if storage.recording is recording and value._base is None:
                append(storage.slot)
                continue
            part: Any = slot_of(recording, value)
            if part < 0:
                return None
            append(part)
        elif kind is float:
            append(float)
            append(value if value and value == value else value.hex())
        elif kind is int:
            append(int)
            append(value)
        elif kind in EXACT:
            append((kind, value))
        else:
            part = _key_of(recording, value)
            if part is None:
                return None
            append(part)
    for word, value in kwargs.items() if kwargs else ():
        part = _key_of(recording, value)
        if part is None:
            return None
        append(word)
        append(part)
    return tuple(key)


def _key_of(recording: Recording, value: Any) -> Any:
    """Return the key of an argument, with slots for tensors; NO_KEY if it has none."""
    kind = type(value)
    if kind in TENSORS:
        slot = slot_of(recording, value)
        return NO_KEY if slot < 0 else ("tensor", slot)
    if kind is float:
        return number_key(value)
    if kind in EXACT or kind in KEYED:
        return (kind, value)
    if kind is tuple or kind is list or kind is Size:
        parts = [_key_of(recording, v) for v in value]
        return NO_KEY if NO_KEY in parts else (kind, tuple(parts))
    return NO_KEY


def view_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the key of a call that creates views, with the memory layout of tensors; None if there is no key."""
    key: list[Any] = []
    append = key.append
    for value in args if not kwargs else (*args, Ellipsis, Ellipsis, *kwargs, *kwargs.values()):
        kind = type(value)
        if kind in TENSORS:
            part: Any = _layout(value)
            if part is None:
                return None
            append(part)
        elif kind in EXACT or kind in KEYED:
            append(kind)
            append(value)
        elif kind is tuple or kind is list or kind is Size:
            part = view_key(tuple(value), {})
            if part is None:
                return None
            append(kind)
            append(part)
        else:
            return None
    return tuple(key)


def _layout(tensor: Any) -> Any:
    """Return the type of a tensor, and what it shows of the memory of which shape; None in a trace."""
    storage, shown = tensor._storage, tensor._type
    if storage.trace is not None:
        return None
    if type(storage) is Storage and not tensor._view_steps:
        return (shown.dtype, shown.shape)
    source, steps = tensor._place()
    return (shown.dtype, shown.shape, source.shape, steps) if steps else (shown.dtype, shown.shape)
