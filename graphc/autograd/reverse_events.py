"""Reverse passes as events: from slots of the recording to gradients that are slots too, without creating nodes.

The first time, the gradients are built as nodes on the entry of the trie; from then on the event is looked up.  Under
`create_graph` the gradients have a history, whose edges are ends of that of the outputs.  Hooks, and histories that leave
the recording, take the path over nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.autograd.closed_recordings import Way, backward_over_recordings, way_from
from graphc.autograd.engine import reached_ends, step_name, step_saves
from graphc.ir.core.build import cast, full_like, zeros_like
from graphc.ir.core.graph import Node, TypeRuleError
from graphc.ir.transforms.vjp import gradients
from graphc.recording.context import state
from graphc.recording.recording import Recording
from graphc.recording.trie import HISTORY, LEAF, MADE, Entry, Slot
from graphc.storage.operands import TENSORS, slot_of
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["record_backward", "record_grad"]

REVERSE = "reverse pass"

Targets = tuple[tuple[int, ...], ...]
"""For each gradient the slots it is taken with respect to: a leaf that was written to has several."""


@dataclass(frozen=True)
class _Pass:
    """A requested reverse pass: its outputs, their cotangents (None for ones), and whether gradients get a history."""

    recording: Recording
    roots: tuple[int, ...]
    cotangents: tuple[int | None, ...]
    create: bool
    way: Way
    """The history of the outputs."""
    ends: tuple[int, ...]
    """Where the history of gradients ends: that of the outputs, and under `create_graph` that of their cotangents."""


def record_backward(outputs: Sequence[Any], grad_outputs: Any, keep: bool, create: bool, inputs: Sequence[Any] | None) -> bool:
    """Accumulate gradients in the leaves that tensors depend on; return False if that needs nodes."""
    usual = grad_outputs is None and not keep and not create and inputs is None and len(outputs) == 1
    if usual and _was_closed(outputs[0]):
        return backward_over_recordings(outputs[0]._storage)
    asked = _pass(outputs, grad_outputs, create)
    if asked is None:
        return False
    if asked.way.leads_out:
        return usual and backward_over_recordings(outputs[0]._storage)
    recording, way = asked.recording, asked.way
    slots = [s for s in way.leaves if inputs is None or any(recording.tensors[s] is x for x in inputs)]
    leaves = [recording.tensors[s] for s in slots]
    if not leaves or len(set(leaves)) < len({*leaves, *(inputs or ())}) or len(set(leaves)) < len(leaves):
        return False  # gradients are added up, or requested with respect to something else than a leaf
    grads = [leaf._grad for leaf in leaves if leaf._grad is not None]
    if len({g._storage for g in grads}) < len(grads):
        return False
    olds = [_old(recording, leaf, create) for leaf in leaves]
    if -1 in olds:
        return False
    storages = _record(asked, tuple([(s,) for s in slots]), tuple(olds), keep, way.used if inputs is None else None)
    if storages is None:
        return False
    for leaf, storage in zip(leaves, storages, strict=True):
        assert storage is not None, "a leaf on the way has a gradient"
        if leaf._grad is None or create:
            leaf._grad = Tensor._recorded(storage, leaf._type)
        else:
            leaf._grad._storage.become(storage)
    _end(recording, keep)
    return True


def record_grad(
    outputs: Sequence[Any], inputs: Sequence[Any], grad_outputs: Any, keep: bool, create: bool
) -> list[Tensor | None] | None:
    """Return gradients with respect to tensors, None for one that no output depends on; None for all if that needs nodes."""
    asked = _pass(outputs, grad_outputs, create)
    if asked is None or asked.way.leads_out:
        return None
    targets = tuple([_targets(asked, x) for x in inputs])
    if any(t is None for t in targets):
        return None
    storages = _record(asked, targets, (None,) * len(targets), keep, None)  # type: ignore[arg-type]
    if storages is None:
        return None
    grads = [None if s is None else Tensor._recorded(s, x._type) for s, x in zip(storages, inputs, strict=True)]
    _end(asked.recording, keep)
    return grads


def _was_closed(output: Any) -> bool:
    """Return whether a scalar is the result of a closed recording without nodes."""
    if state.fast is None or type(output) is not Tensor or output._base is not None or output._type.size != 1:
        return False
    storage = output._storage
    known = type(storage) is Storage and storage._fn is HISTORY and storage.requires_grad
    return known and storage.recording is not state.fast


def _end(recording: Recording, keep: bool) -> None:
    """Compute gradients at the end of a reverse pass, unless its history may be used again."""
    if not keep:
        recording.freed = recording.entry.freed if recording.entry is not None else recording.freed
        recording.flush()


def _pass(outputs: Sequence[Any], grad_outputs: Any, create: bool) -> _Pass | None:
    """Return the requested pass in slots; None if anything is not a plain slot, which the node path handles."""
    recording: Recording | None = state.fast
    weights = (
        [None] * len(outputs)
        if grad_outputs is None
        else [grad_outputs]
        if isinstance(grad_outputs, Tensor)
        else list(grad_outputs)
    )
    if recording is None or len(weights) != len(outputs):
        return None
    if not all(_has_history(recording, o) and _fits(o, w) for o, w in zip(outputs, weights, strict=True)):
        return None
    roots = tuple([slot_of(recording, o) for o in outputs])
    cotangents = tuple([None if w is None else slot_of(recording, w) for w in weights])
    entry = recording.entry
    if entry is None or -1 in roots or -1 in cotangents:
        return None
    known_pass = entry.backward.get((roots, cotangents, create))
    if known_pass is None:
        way = way_from(recording.known(), roots)
        others = tuple([w for w in cotangents if w is not None and recording.known()[w].requires])
        whole = way_from(recording.known(), roots + others) if create and others else way
        known_pass = entry.backward[roots, cotangents, create] = (way, (*whole.leaves, *whole.past), whole.leads_out)
    way, ends, leads_out = known_pass
    if leads_out and not way.leads_out:
        return None
    leaves = [recording.tensors.get(slot) for slot in way.leaves]
    if any(leaf is None or not leaf.requires_grad or (leaf._hooks and any(leaf._hooks.values())) for leaf in leaves):
        return None
    return _Pass(recording, roots, cotangents, create, way, ends)


def _has_history(recording: Recording, output: Any) -> bool:
    storage = output._storage
    known = type(output) in TENSORS and type(storage) is Storage and storage.recording is recording
    return known and storage._fn is HISTORY and output.requires_grad


def _fits(output: Tensor, cotangent: Any) -> bool:
    if cotangent is None:
        return output._type.size == 1
    return type(cotangent) in TENSORS and cotangent._type.shape == output._type.shape


def _old(recording: Recording, leaf: Tensor, create: bool) -> int | None:
    """Return the slot of a leaf's `.grad`, None if it has none; -1 if the gradient cannot be added to it here."""
    grad = leaf._grad
    if grad is None:
        return None
    storage = grad._storage
    if not create and (type(storage) is not Storage or storage.requires_grad or grad._base is not None):
        return -1
    return slot_of(recording, grad)


def _targets(asked: _Pass, tensor: Any) -> tuple[int, ...] | None:
    """Return the slots of a tensor that gradients are taken with respect to; None if that needs nodes."""
    if type(tensor) not in TENSORS or not tensor.requires_grad or (tensor._hooks and any(tensor._hooks.values())):
        return None
    recording = asked.recording
    leaves = tuple([s for s in asked.way.leaves if recording.tensors[s] is tensor])
    if leaves or tensor.is_leaf:
        return leaves
    storage = tensor._storage
    if type(storage) is not Storage or storage.recording is not recording or storage._fn is not HISTORY:
        return None
    slot = slot_of(recording, tensor)
    return None if slot < 0 else (slot,)


# -- the event --------------------------------------------------------------------------------------------------------


def _record(
    asked: _Pass, targets: Targets, olds: tuple[int | None, ...], keep: bool, used: frozenset[int] | None
) -> list[Storage | None] | None:
    """Record the event; return the storages of the gradients, None for a missing one, and None for all if it needs nodes.

    `used` are the slots that the pass runs through; None stands for those on the path to the targets.
    """
    recording = asked.recording
    entry = recording.entry
    if entry is None:
        return None
    key = (REVERSE, asked.roots, asked.cotangents, targets, olds, asked.create, keep)
    child = entry.children.get(key)
    known = child is not None
    if child is None:
        recording.follow(key)
        try:
            child = _learn(asked, entry, targets, olds)
        except TypeRuleError:
            return None
        child.freed = frozenset() if keep else _on_the_way(asked, targets) if used is None else used
    storages = [
        Storage.recorded(recording, child.slot + i, slot.requires, HISTORY if slot.requires else None)
        for i, slot in enumerate(child.slots)
    ]
    if not recording.advance(entry, child, storages):
        return None
    if not known:
        entry.children[key] = child
    return [None if i is None else storages[i] for i in child.build]


def _learn(asked: _Pass, before: Entry, targets: Targets, olds: tuple[int | None, ...]) -> Entry:
    """Build the gradients as nodes.  Raises TypeRuleError for operations without a derivative."""
    known = asked.recording.known()
    grads = _gradients(known, asked, targets)
    sums = [_added(known, old, g, asked.create) for old, g in zip(olds, grads, strict=True)]
    slots: list[Slot] = []
    build: list[int | None] = []
    forked = _forks(known, asked)
    slot_by_node = {known[s].node: s for s in asked.ends} if asked.create else {}
    reached = reached_ends([n for n in sums if n is not None], list(slot_by_node))
    for node, old in zip(sums, olds, strict=True):
        build.append(None if node is None else len(slots))
        if node is None:
            continue
        edges = tuple([slot_by_node[end] for end in reached[node]])
        if asked.create and old is not None and known[old].requires:
            edges = (*edges, old)
        if edges:
            slots.append(Slot(MADE, node, True, step_name(node, forked), edges, saves=step_saves(node, forked)))
        else:
            slots.append(Slot(MADE, stopped(node)))
    entry = Entry(before, tuple(slots))
    entry.build = build
    return entry


def _gradients(known: list[Slot], asked: _Pass, targets: Targets) -> list[Node | None]:
    roots = [known[s].node for s in asked.roots]
    weights = [
        full_like(root, 1) if w is None else cast(known[w].node, root.dtype)
        for root, w in zip(roots, asked.cotangents, strict=True)
    ]
    reached = {*asked.way.leaves, *asked.way.used}
    flat = [s for slots in targets for s in slots]
    grads = gradients(roots, weights, [known[s].node for s in flat])
    parts = iter([zeros_like(known[s].node) if g is None and s in reached else g for s, g in zip(flat, grads, strict=True)])
    return [_total([next(parts) for _ in slots]) for slots in targets]


def _total(parts: Iterable[Node | None]) -> Node | None:
    total = None
    for part in parts:
        total = part if total is None else total if part is None else total + part
    return total


def _added(known: list[Slot], old: int | None, gradient: Node | None, create: bool) -> Node | None:
    if old is None or gradient is None:
        return gradient
    return known[old].node + (gradient if create else stopped(gradient))


def _forks(known: list[Slot], asked: _Pass) -> bool:
    """Return whether the history of the outputs has more than one path to its end."""
    ends = sum(e is not None and known[e].kind == LEAF for s in asked.way.used for e in known[s].edges)
    return len(asked.ends) != 1 or ends > 1


def _on_the_way(asked: _Pass, targets: Targets) -> frozenset[int]:
    """Return the slots between the outputs and targets."""
    ends = {s for slots in targets for s in slots}
    known = asked.recording.known()
    used: set[int] = set()
    for slot in sorted(asked.way.used):  # operands first
        if any(e in ends or e in used for e in known[slot].edges):
            used.add(slot)
    return frozenset(used)
