"""Calls of operations as events: their keys, and tensors for their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.core.dtypes import DEFAULT, Size
from graphc.dispatch.arguments import Slots
from graphc.dispatch.results import is_number
from graphc.ir.core.graph import Node
from graphc.recording.recording import Recording
from graphc.recording.trie import HISTORY, MADE, Entry, Slot
from graphc.storage.operands import EXACT, KEYED, TENSORS, key_of, slot_of
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["key_of_call", "made_slot", "names_line", "recorded_tensor", "recorded_tensors", "template", "view_key"]

new_object = object.__new__


def key_of_call(recording: Recording, body: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what the structure of a call's results depends on; None if it cannot be recorded."""
    key: list[Any] = [body, recording.grad, DEFAULT.ir]
    append = key.append
    for value in args:
        kind = type(value)
        if kind in TENSORS:
            storage = value._storage
            if storage.recording is recording and value._base is None:
                append(storage.slot)
                continue
            found: Any = slot_of(recording, value)
            if found < 0:
                return None
            append(found)
        elif kind is float:
            append(float)
            append(value if value and value == value else value.hex())
        elif kind is int:
            append(int)
            append(value)
        else:
            found = key_of(recording, value)
            if found is None:
                return None
            append(found)
    for word, value in kwargs.items():
        found = key_of(recording, value)
        if found is None:
            return None
        append(word)
        append(found)
    return tuple(key)


def recorded_tensor(recording: Recording, entry: Entry) -> Tensor:
    """Return a tensor for the one result of an event."""
    storage: Storage = new_object(Storage)
    storage._node = storage.value = storage.aliases = storage.trace = None
    storage.recording = recording
    storage.slot = entry.slot
    storage.requires_grad = entry.requires
    storage._fn = entry.fn
    storage.pending = storage.version = 0
    made: Tensor = new_object(Tensor)
    made._storage = storage
    made._base = made._grad = made._hooks = made._view_fn = made._viewed = None
    made._view_steps = ()
    made._type = entry.type
    made._retains = False
    made._view_version = 0
    return made


def recorded_tensors(recording: Recording, entry: Entry) -> list[Tensor]:
    """Return tensors for the results of an event."""
    made = []
    for number, slot in enumerate(entry.slots):
        fn = HISTORY if slot.requires else None
        storage = Storage.recorded(recording, entry.slot + number, slot.requires, fn)
        made.append(Tensor._recorded(storage, slot.node.types[0]))
    return made


def made_slot(node: Node, operands: Slots, name: str, *, saves: bool) -> Slot:
    """Return what is known of the result of an operation."""
    recording = operands.recording
    if operands.requires and not recording.grad:
        return Slot(MADE, stopped(node))
    if operands.requires and node.dtype.is_float and not is_number(node):
        known = recording.known()
        edges = tuple([s if known[s].requires else None for s in operands.slots])
        return Slot(MADE, node, True, name, edges, saves=saves)
    return Slot(MADE, node)


def template(found: Any, nodes: list[Node]) -> Callable[[Sequence[Any]], Any] | None:
    """Collect the nodes that a body has returned; return how results are built of tensors for them, None for one tensor."""
    if isinstance(found, Node):
        nodes.append(found)
        return None
    parts: list[Any] = []
    for part in found if isinstance(found, (tuple, list)) else ():
        first = len(nodes)
        build = template(part, nodes)
        parts.append((build, first, len(nodes)))
    if not isinstance(found, (tuple, list)):
        return lambda tensors: found
    kind = type(found)

    def made(tensors: Sequence[Any]) -> Any:
        items = [tensors[i] if build is None else build(tensors[i:j]) for build, i, j in parts]
        return kind(*items) if hasattr(kind, "_fields") else kind(items)

    return made


def view_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what the views that a call makes depend on; None if there is no key for it."""
    found = _Places()
    key = [found.key(a) for a in args]
    for word, value in kwargs.items():
        key += (word, found.key(value))
    return None if found.failed else tuple(key)


class _Places:
    """Makes keys of arguments, with their place in memory for tensors."""

    failed = False

    def key(self, value: Any) -> Any:
        """Return the key of an argument; `failed` says that one has none."""
        kind = type(value)
        if kind in TENSORS:
            source, steps = value._place()
            if value._storage.trace is not None:
                self.failed = True
                return None
            return (value._type.dtype, value._type.shape, source.shape if steps else None, steps)
        if kind is tuple or kind is list or kind is Size:
            return (kind, tuple([self.key(v) for v in value]))
        if kind in EXACT or kind in KEYED:
            return (kind, value)
        self.failed = True
        return None


def names_line(node: Node) -> bool:
    """Tell whether an error of an operation names the line of the user's."""
    return node.op.may_fail or bool(node.regions)
