"""The usual backward as an event: from a scalar of the recording to the `.grad` of its leaves, without making a node.

The first time, the gradients are made as nodes on the entry of the trie; from then on the event is found, and the gradients
are slots.  Hooks, histories that lead out of the recording, and every option take the way over nodes.
"""

from __future__ import annotations

from typing import Any

from graphc.autograd.segments import Way, backward_over_recordings, way_from
from graphc.ir.core.build import full_like, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.transforms.vjp import gradients
from graphc.recording.context import state
from graphc.recording.recording import Recording
from graphc.recording.trie import HISTORY, MADE, Entry, Slot
from graphc.storage.operands import slot_of
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["record_backward"]

BACKWARD = "backward"


def record_backward(output: Any) -> bool:
    """Accumulate the gradients of a scalar in the leaves that it depends on; return False where that needs nodes."""
    recording: Recording | None = state.fast
    if recording is None or type(output) is not Tensor or output._base is not None or output._type.size != 1:
        return False
    storage, entry = output._storage, recording.entry
    if type(storage) is not Storage or storage._fn is not HISTORY or not storage.requires_grad:
        return False
    if storage.recording is not recording or entry is None:
        return backward_over_recordings(storage)
    root = storage.slot
    plan = entry.backward.get(root)
    if plan is None:
        plan = entry.backward[root] = way_from(recording.known(), (root,))
    if plan.leads_out:
        return backward_over_recordings(storage)
    leaves = [recording.tensors.get(slot) for slot in plan.leaves]
    if not leaves or any(leaf is None or (leaf._hooks and any(leaf._hooks.values())) for leaf in leaves):
        return False
    grads = [leaf._grad for leaf in leaves if leaf._grad is not None]
    if len(set(leaves)) < len(leaves) or len({g._storage for g in grads}) < len(grads):
        return False  # gradients are added up
    olds = [_old(recording, leaf) for leaf in leaves]
    if -1 in olds:
        return False
    made = _event(recording, root, plan, tuple(olds))
    if made is None:
        return False
    for leaf, storage in zip(leaves, made, strict=True):
        if leaf._grad is None:
            leaf._grad = Tensor._recorded(storage, leaf._type)
        else:
            leaf._grad._storage.become(storage)
    recording.freed = plan.used
    recording.flush()
    return True


def _old(recording: Recording, leaf: Tensor) -> int | None:
    """Return the slot of a leaf's `.grad`, None if it has none; -1 if it is not to be added to here."""
    grad = leaf._grad
    if grad is None:
        return None
    storage = grad._storage
    if type(storage) is not Storage or storage.requires_grad or grad._base is not None:
        return -1
    return slot_of(recording, grad)


def _event(recording: Recording, root: int, plan: Way, olds: tuple[int | None, ...]) -> list[Storage] | None:
    """Record the event; return the storages of the gradients, None if the recording is closed."""
    entry = recording.entry
    if entry is None:
        return None
    key = (BACKWARD, root, olds)
    child = entry.children.get(key)
    known = child is not None
    child = child or Entry(entry, tuple(_gradients(recording.known(), root, plan, olds)))
    storages = [Storage.recorded(recording, child.slot + i, False, None) for i in range(len(plan.leaves))]
    if recording.entry is not entry:
        return None
    recording.entry = child
    recording.slots.extend(storages)
    if not known:
        entry.children[key] = child
    return storages


def _gradients(known: list[Slot], root: int, plan: Way, olds: tuple[int | None, ...]) -> list[Slot]:
    node = known[root].node
    wrt = [known[s].node for s in plan.leaves]
    found = gradients([node], [full_like(node, 1)], wrt)
    filled = [zeros_like(n) if g is None else g for n, g in zip(wrt, found, strict=True)]
    return [Slot(MADE, _added(known, old, g)) for g, old in zip(filled, olds, strict=True)]


def _added(known: list[Slot], old: int | None, gradient: Node) -> Node:
    return gradient if old is None else known[old].node + stopped(gradient)
