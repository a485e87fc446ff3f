"""Writes as events: an in-place write creates a new slot, which then belongs to the storage."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from graphc.core.promotion import broadcast_to
from graphc.ir.core.build import cast
from graphc.ir.core.graph import Node
from graphc.ir.core.types import BOOL, I32, I64, U8, DType, TensorType
from graphc.recording.context import state
from graphc.recording.lazy import realize
from graphc.recording.recording import Recording
from graphc.recording.trie import HISTORY, LEAF, MADE, PAST, Entry, Slot
from graphc.storage import views
from graphc.storage.operands import TENSORS, slot_of, storage_slot
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage, stopped, unique
from graphc.storage.views import ViewSteps

__all__ = ["record_leaf", "record_write", "take_result", "write_in_place"]

WRITE, REQUIRED = "write", "requires a gradient"

LARGEST = 1e38
"""Larger numbers are written through nodes, which raise the errors of dtypes that cannot hold them."""

INDICES = (BOOL, I32, I64)
"""The dtypes of index tensors that mean the same in NumPy."""

EXACT = 1 << 24
"""The integers up to here are exact in all dtypes but those of bytes."""

LARGE = 1 << 14
"""The least bytes of a known value of which a part is written at once rather than recorded as a new value."""


def record_write(tensor: Any, result: Any, check: Any, *, copy: bool) -> bool:
    """Write a tensor to another one in place, as an event; return False if that must be done on nodes.

    `check` raises errors the first time.  With `copy` the result is converted and broadcast.
    """
    recording: Recording | None = state.fast
    if recording is None or recording.entry is None:
        return False
    storage, steps = tensor._storage, tensor._view_steps
    target, owner = storage, None
    if type(storage) is Shared:
        target, steps = storage.source, storage.view_steps + steps
        owner = _leaf_behind(storage) if target.requires_grad else None
        if storage.requires_grad or storage._fn is not None or (target.requires_grad and owner is None):
            return False
    if target.trace is not None or not views.is_static(steps):
        return False
    history = recording.grad and ((target.requires_grad and owner is None) or result._storage.requires_grad)
    if history and (target is not storage or (target.requires_grad and target._fn is None)):
        return False
    if target._fn is not None and not history:
        return False
    if steps and not target.requires_grad and not history and _write_part(target, steps, tensor, result, check):
        storage.version += target is not storage
        return True
    written = _event(recording, tensor if owner is None else owner, tensor._type, target, steps, result, check, history, copy)
    recording.flush_if_full()
    if written and target is not storage:
        storage.version += 1
    if written and history and steps:
        tensor._view_fn = None  # it reads the written base from now on
    return written


def _leaf_behind(storage: Shared) -> Any:
    """Return the leaf of which a storage is the `.data`, whose gradients go on being accumulated; None if it is not known."""
    leaf = None if storage.leaf is None else storage.leaf()
    source = storage.source
    return leaf if leaf is not None and leaf._storage is source and source._fn is None and leaf._base is None else None


def take_result(tensor: Any, result: Any) -> bool:
    """Move a pending, unshared result to a tensor of its type, which it reads then; return False if it must be written."""
    recording, storage, new = state.fast, tensor._storage, result._storage
    if recording is None or type(storage) is not Storage or type(new) is not Storage or new.recording is not recording:
        return False
    if storage.requires_grad or storage.trace is not None or tensor._base is not None or result._base is not None:
        return False
    if new.requires_grad or new._node is not None or new.value is not None or tensor._type != result._type:
        return False
    storage.become(new)
    result._storage = storage  # the recording computes its slots for the storages that it knows
    return True


def record_leaf(tensor: Any) -> bool:
    """Make a pending result of the recording a leaf that requires a gradient; return False if it is not pending there."""
    recording, storage = state.fast, tensor._storage
    if recording is None or recording.entry is None or storage.recording is not recording:
        return False
    if type(storage) is not Storage or storage._node is not None or storage.value is not None or storage.requires_grad:
        return False
    source = storage.slot
    leaf = Storage.recorded(recording, -1, True, None)

    def note(slot: int) -> None:
        leaf.slot = slot
        recording.tensors[slot] = tensor

    learn = lambda known: Slot(LEAF, unique(known[source].node), True)  # noqa: E731
    if recording.event((REQUIRED, source), learn, leaf, note) < 0:
        return False
    version = storage.version
    storage.become(leaf)
    storage.version = version
    return True


def _event(
    recording: Recording, tensor: Any, type: TensorType, target: Storage, steps: ViewSteps, result: Any, check: Any,
    history: bool, copy: bool,
) -> bool:  # fmt: skip
    source = slot_of(recording, result)
    whole = tensor if tensor._base is None else tensor._base
    if target is not whole._storage and target.recording is not recording:
        whole = whole._of(target)  # the storage it shares with may have another shape
    base = storage_slot(recording, whole, target) if steps or history else None
    if source < 0 or (base is not None and base < 0):
        return False
    if history and not copy and recording.slot(source).kind in (LEAF, PAST):
        return False  # the target takes over the history of the result, which only nodes tell here
    leaf = target.requires_grad and not history

    def learn(known: list[Slot]) -> Slot:
        node = cast(broadcast_to(known[source].node, type.shape) if copy else known[source].node, type.dtype)
        if steps:
            assert base is not None
            node = views.write(known[base].node, steps, node)
        if leaf:
            return Slot(LEAF, unique(node), True)
        if history:
            assert base is not None
            return _with_history(known, node, base, source, "CopySlices" if steps else "CopyBackwards" if copy else "")
        return Slot(MADE, node if not known[source].requires else stopped(node))

    key = (WRITE, source, base, steps, type.dtype, type.shape, leaf, history, copy)
    entry = recording.entry
    child = None if entry is None else entry.children.get(key)
    if child is None:
        check()
    elif not leaf:
        written = Storage.recorded(recording, child.slot, history, HISTORY if history else None)
        if recording.advance(entry, child, (written,)):
            target.become(written)
            return True
    if steps and entry is not None and not leaf and not history and _moves(entry, key):
        return _write_part(target, steps, tensor, result, check, small=True)  # an index that changes is no new structure
    written = Storage.recorded(recording, -1, leaf or history, HISTORY if history else None)

    def note(slot: int) -> None:
        written.slot = slot
        if leaf:
            recording.tensors[slot] = whole

    if recording.event(key, learn, written, note) < 0:
        return False
    target.become(written)
    return True


def _moves(entry: Entry, key: tuple[Any, ...]) -> bool:
    """Return whether an unseen event writes to another part than a seen one at the same position."""
    if key in entry.children:
        return False
    elsewhere = (*key[:3], None, *key[4:])
    if elsewhere in entry.numbered:
        return True
    entry.numbered[elsewhere] = entry
    return False


def _with_history(known: list[Slot], node: Node, base: int, source: int, name: str) -> Slot:
    """Return the properties of a value that was written while gradients are recorded; unnamed, it has the source's history."""
    edges = tuple([s if known[s].requires else None for s in (base, source)])
    if name or not known[source].requires:
        return Slot(MADE, node, True, name or "CopyBackwards", edges)
    return Slot(MADE, node, True, known[source].name, known[source].edges, saves=known[source].saves)


def _write_part(
    target: Storage, steps: ViewSteps, tensor: Any, result: Any, check: Any, *, small: bool = False
) -> bool:  # fmt: skip
    """Write to a part of a large known value, in the array itself; return False if that is not possible."""
    whole = tensor if tensor._base is None else tensor._base
    if (whole._type.bytes < LARGE and not small) or result._type.dtype is not tensor._type.dtype or target._fn is not None:
        return False
    if _value_of(target) is None:
        return False
    check()
    values = result._array()
    known = target.value if target._node is None else target._node.value
    if target._node is not None or getrefcount(known) > HELD or not known.flags.owndata or not known.flags.writeable:
        known = np.array(known)
    part = views.shown(known, steps)
    if part.size and not np.may_share_memory(part, known):
        return False
    part[...] = values
    target._node, target.value, target.recording = None, known, None
    target.version += 1
    target.pending = 0
    return True


def write_in_place(tensor: Any, index: Any, value: Any) -> bool:
    """Write to the elements at an index in the array of a tensor; return False if that is an event, or an error.

    The array is known or large, and no gradient involves it.  `index` is one that NumPy accepts, or a known index tensor.
    """
    recording, storage = state.fast, tensor._storage
    if recording is None or tensor._base is not None or type(storage) is not Storage or storage.trace is not None:
        return False
    if storage.requires_grad or storage._fn is not None or not _may_be_written(tensor, value, recording.grad):
        return False
    if tensor._type.bytes < LARGE and (_pending(storage) or (type(value) in TENSORS and _pending(value._storage))):
        return False
    if type(index) in TENSORS:
        at = index._storage
        if not index._type.shape or index._type.dtype not in INDICES or at.trace is not None or _pending(at):
            return False
        index = index._array()
    values = value._array() if type(value) in TENSORS else value
    node = storage._node
    if (storage.value if node is None else node.value) is None and _value_of(storage) is None:
        return False
    known = storage.value if storage._node is None else storage._node.value
    if storage._node is not None or getrefcount(known) > HELD or not known.flags.owndata or not known.flags.writeable:
        known = np.array(known)
    try:
        known[index] = values
    except (IndexError, ValueError):
        return False  # the path through nodes raises it
    storage._node, storage.value, storage.recording = None, known, None
    storage.version += 1
    storage.pending = 0
    return True


def _may_be_written(tensor: Any, value: Any, grad: bool) -> bool:
    """Return whether a value has the tensor's dtype, and takes no part in a gradient."""
    dtype = tensor._type.dtype
    if type(value) not in TENSORS:
        return _holds(dtype, value)
    return value._type.dtype is dtype and value._storage.trace is None and not (grad and value._storage.requires_grad)


def _holds(dtype: DType, value: Any) -> bool:
    """Return whether NumPy writes a number as it is meant: exactly, or rounded from a float to the nearest."""
    kind = type(value)
    if kind is float:
        return dtype.is_float and -LARGEST <= value <= LARGEST
    return kind is int and not dtype.is_bool and dtype is not U8 and -EXACT <= value <= EXACT


def _pending(storage: Storage) -> bool:
    return storage.value is None if storage._node is None else storage._node.value is None


def _value_of(storage: Storage) -> Any:
    """Return the value of a storage, computed if necessary; None if that fails."""
    value = storage.array()
    if value is None and storage._node is not None:
        try:
            realize([storage._node])
        except (IndexError, RuntimeError):
            return None
        value = storage._node.value
    return value


class _Value:
    __slots__ = ("_node", "value")

    _node: Any
    value: Any


def _held() -> int:
    """Return the result of getrefcount for an array that one slot and a local variable hold."""
    holder = _Value()
    holder._node, holder.value = None, np.zeros(1)
    known = holder.value if holder._node is None else None
    return getrefcount(known)


HELD = _held()
