"""Operands of recorded operations: the slots of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.core.build import broadcast
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import TensorType
from graphc.recording.lazy import realize
from graphc.recording.numbers import NUMBER, arrays, may_vary, varies
from graphc.recording.recording import UNREAD, Recording
from graphc.recording.trie import INPUT, LEAF, MADE, PAST, Entry, Slot
from graphc.storage import views
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage, stopped

__all__ = ["NO_SLOT", "TENSORS", "slot_of", "storage_slot"]

NO_SLOT = -1
"""Marks tensors that cannot be operands of recorded operations."""

CONSTANT, DETACHED = "constant", "detached"
SMALL = 1 << 16
"""The most bytes of a non-contiguous view that is copied; a larger one is read in place."""

TENSORS: set[type] = set()
"""The class of tensors, and its subclasses."""


def slot_of(recording: Recording, tensor: Any) -> int:
    """Return the slot of a tensor's current value; NO_SLOT if it cannot be recorded."""
    if tensor._base is not None:
        return _view_slot(recording, tensor)
    storage = tensor._storage
    if type(storage) is Storage and storage.trace is None and storage.recording is not recording:
        return _given_slot(recording, tensor, storage)
    return storage_slot(recording, tensor, storage)


def storage_slot(recording: Recording, tensor: Any, storage: Storage) -> int:
    """Return the slot of a storage; `tensor` shows all of it."""
    if storage.recording is recording:
        return storage.slot
    if storage.trace is not None:
        return NO_SLOT
    if type(storage) is Shared and not (storage.requires_grad and storage.alone()):
        return NO_SLOT if storage.requires_grad or storage._fn is not None else _shared_slot(recording, storage)
    return _given_slot(recording, tensor, storage)


def _given_slot(recording: Recording, tensor: Any, storage: Storage) -> int:
    """Record the first use of a storage with a value, or of a constant."""
    past = storage.recording
    if past is not None and past.entry is not None:  # another thread records there
        past.flush()
    seen = recording.pasts.get(storage)
    if seen is not None and seen[1] == storage.version:
        return seen[0]
    node = storage._node
    if node is not None and node.value is None:
        if node.op.kind != "leaf" and _computed(storage, node):
            return _given_slot(recording, tensor, storage)
        if node.op.kind != "leaf" or node.operands or "value" not in node.params or storage.requires_grad:
            return NO_SLOT
        slot = _constant_slot(recording, node)
        recording.pasts[storage] = (slot, storage.version)
        return slot
    array = storage.value if node is None else node.value
    if array is None:
        return NO_SLOT
    kind = INPUT if not storage.requires_grad else LEAF if storage._fn is None else PAST
    source = (past, storage.slot) if node is None else storage._fn
    slot = recording.external_value(kind, tensor._type, array, node, tensor if kind == LEAF else source)
    if slot < 0:
        return NO_SLOT
    if kind == PAST:
        recording.pasts[storage] = (slot, storage.version)
        return slot
    recording.storages.append(storage)
    storage.recording, storage.slot = recording, slot
    return slot


def _constant_slot(recording: Recording, node: Node) -> int:
    """Record the first use of a constant; one that changes becomes an input."""
    value, key = node.params["value"], (CONSTANT, node)
    while (entry := recording.entry) is not None:
        child = entry.children.get(key)
        if child is None and type(value) in (float, int) and may_vary(value):
            generic = (CONSTANT, NUMBER, node.dtype, node.shape)
            child = entry.children.get(generic)
            if child is None and varies(recording, entry, key, generic):
                number = parameter(TensorType(node.type.dtype), where="")
                child = Entry(entry, (Slot(MADE, broadcast(number, node.type.shape, ())),))
                child.numbers = (number,)
                entry.children[generic] = child
            elif child is None:
                child = entry.children[key] = Entry(entry, (Slot(MADE, node),))
            entry.numbered[generic] = child
        elif child is None:
            recording.follow(key)
            child = entry.children[key] = Entry(entry, (Slot(MADE, node),))
        if recording.advance(entry, child, (None,), arrays(child, [value]) if child.numbers else ()):
            slot: int = child.slot
            return slot
    return NO_SLOT


def _computed(storage: Storage, node: Node) -> bool:
    """Compute a value that is pending on nodes, unless it has a history; return whether it is known now."""
    if storage._fn is not None:
        return False
    try:
        realize([node])
    except (IndexError, RuntimeError):
        return False
    storage.settle()
    return True


def _shared_slot(recording: Recording, storage: Shared) -> int:
    source, steps = storage.source, storage.view_steps
    version = (storage.version, source.version)
    seen = recording.pasts.get(storage)
    if seen is not None and seen[1] == version:
        return seen[0]
    if not views.is_static(steps) or source.trace is not None:
        return NO_SLOT
    array = _known(source)
    if array is not None:
        shown = views.shown(array, steps)
        slot = recording.external_value(INPUT, views.type_of(shown), shown)
    elif source.recording is recording:
        base = source.slot
        slot = recording.event(
            (DETACHED, base, steps),
            lambda known: Slot(MADE, _detached(views.read(known[base].node, steps), known[base].requires)),
        )
    else:
        return NO_SLOT
    recording.pasts[storage] = (slot, version)
    return slot


def _detached(node: Node, requires: bool) -> Node:
    return stopped(node) if requires else node


def _known(storage: Storage) -> Any:
    """Return the value of a storage without computing anything; None if it is not known."""
    if type(storage) is not Storage or storage.trace is not None:
        return None
    return storage.value if storage._node is None else storage._node.value


def _view_slot(recording: Recording, view: Any) -> int:
    storage, steps = view._storage, view._view_steps
    if view._retains:
        return NO_SLOT  # the gradient has to pass through its own grad_fn
    viewed = view._viewed
    if viewed is not None and viewed[0] == recording.serial and viewed[1] == storage.version:
        slot: int = viewed[2]
        return slot
    if type(storage) is Shared and storage.requires_grad:
        storage.alone()
    if type(storage) is not Storage or storage.trace is not None or not views.is_static(steps):
        return NO_SLOT
    node = storage._node
    array = None if storage.requires_grad else storage.value if node is None else node.value
    if array is not None:
        array = views.shown(array, steps)
        if not array.flags.c_contiguous:
            array = np.ascontiguousarray(array) if array.nbytes < SMALL else None
    if array is not None:
        slot = recording.external_value(INPUT, view._type, array)
    else:
        assert view._base is not None
        base = storage_slot(recording, view._base, storage)
        if base < 0:
            return NO_SLOT
        entry = recording.entry
        child = None if entry is None else entry.children.get((_view_slot, base, steps))
        if child is not None and recording.advance(entry, child, UNREAD):
            slot = child.slot
        else:
            slot = recording.event((_view_slot, base, steps), lambda known: _view(known, base, view))
    view._viewed = (recording.serial, storage.version, slot)
    return slot


def _view(known: list[Slot], base: int, view: Any) -> Slot:
    node = views.read(known[base].node, view._view_steps)
    fn = view._view_fn
    name = fn[0] if isinstance(fn, tuple) else "AsStridedBackward0" if fn is None else fn.name()
    return Slot(MADE, node, known[base].requires, name, (base,))
