"""Calls of compiled functions whose results take part in gradients, as events of the recording.

`model = compile(model)`, with the loss, `backward` and the optimizer outside: a call is one event, whose nodes are those of the
trace.  So what comes after it is computed in one program with it, and `backward` is found as in eager code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.compiler.results.protocol import Result
from graphc.compiler.signature import Call
from graphc.compiler.variant import CapturedStorage, Variant
from graphc.dispatch.results import recorded_tensors
from graphc.ir.core.graph import Node
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, CustomGradFn, TransformInput, history
from graphc.recording.recording import Recording
from graphc.recording.structures import substitute
from graphc.recording.trie import INPUT, MADE, Entry, Slot
from graphc.storage.operands import slot_of, storage_slot
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["EventPlan", "event_plan", "record_call"]


@dataclass(frozen=True, eq=False)
class EventPlan:
    """How calls of a variant are recorded: the leaves that it captures, by parameter, and where histories of results end."""

    leaves: dict[int, Tensor]
    ends: dict[int, tuple[int, ...]]
    """For each result with a history, by its position, the parameters where it ends."""


def event_plan(variant: Variant) -> EventPlan | None:
    """Return how calls of a variant are recorded; None if they are not: no result has a history, or it does more than that."""
    histories = {i: r for i, r in enumerate(variant.results) if r.has_history}
    effects = variant.grads or variant.paths or variant.flags or variant.options.check_nan
    retaining = variant.arranged is not None and variant.arranged.retaining  # the history of a result passes through others
    simple = not effects and not retaining and all(r.kind == "output" for r in variant.results)
    plain = all(r.kind == "output" and r.fn is None for _, r in variant.writes)
    targets = plain and all(isinstance(w, CapturedStorage) and not w.rebinds for w, _ in variant.writes)
    if not histories or not simple or not targets:
        return None
    params = {p: i for i, p in enumerate(variant.graph.params)}
    first = len(params) - len(variant.captures) - len(variant.numbers) - len(variant.constants)
    captured = {c.storage: first + i for i, c in enumerate(variant.captures) if c.lookup is None}
    leaves: dict[int, Tensor] = {}
    ends: dict[int, tuple[int, ...]] = {}
    for position, r in histories.items():
        plans = []
        for step in history([r.fn]):
            if isinstance(step, CustomGradFn):
                return None
            if isinstance(step, AccumulateGrad) and step.tensor not in variant.placeholders:
                number = captured.get(step.tensor._storage)
                if number is None or step.node is not variant.graph.params[number]:  # or the leaf was written before
                    return None
                leaves[number] = step.tensor
                plans.append(number)
            elif isinstance(step, (AccumulateGrad, TransformInput)):
                if step.node not in params:
                    return None
                plans.append(params[step.node])
        ends[position] = tuple(dict.fromkeys(plans))
    return EventPlan(leaves, ends)


def record_call(variant: Variant, call: Call) -> list[Any] | None:
    """Record a call as an event and return its results; None where it has to be run."""
    if variant.event_plan == ():
        variant.event_plan = event_plan(variant)
    recording, plan = state.fast, variant.event_plan
    if recording is None or plan is None or any(a.is_numpy for a in call.arguments):
        return None
    targets = [write.target(call) for write, _ in variant.writes]
    if any(type(t) is not Storage or t.requires_grad or t._fn is not None or t.trace is not None for t in targets):
        return None
    slots = _slots(recording, variant, call, plan)
    entry: Entry | None = recording.entry
    if slots is None or entry is None:
        return None
    key = (variant, recording.grad, slots)
    child = entry.children.get(key)
    if child is None:
        recording.follow(key)
        child = entry.children[key] = Entry(entry, _learn(recording, variant, plan, slots))
    tensors = recorded_tensors(recording, child)
    storages = [t._storage for t in tensors]
    if not recording.advance(entry, child, storages):
        return None
    recording.urgent = True
    for target, storage in zip(targets, storages[len(variant.results) :], strict=True):
        target.become(storage)
    return tensors[: len(variant.results)]


def _slots(recording: Recording, variant: Variant, call: Call, plan: EventPlan) -> tuple[int, ...] | None:
    """Return the slots of the parameters: arguments, state, numbers, constants."""
    slots = [slot_of(recording, a.passed) for a in call.arguments]
    first = len(slots)
    for i, capture in enumerate(variant.captures):
        storage = capture.source()
        if storage is None:
            return None
        tensor = plan.leaves.get(first + i)
        if tensor is None and storage.requires_grad:
            return None
        shown = Tensor._recorded(storage, capture.placeholder.types[0]) if tensor is None else tensor
        slots.append(storage_slot(recording, shown, storage))
    for getter, node in variant.numbers:
        slots.append(recording.external_value(INPUT, node.types[0], np.asarray(getter(), node.dtype.numpy)))
    for node in variant.constants:
        slots.append(recording.external_value(INPUT, node.types[0], np.asarray(node.value, order="C"), node))
    return None if min(slots, default=0) < 0 else tuple(slots)


def _learn(recording: Recording, variant: Variant, plan: EventPlan, slots: tuple[int, ...]) -> tuple[Slot, ...]:
    known = recording.known()
    replacements = {p: known[s].node for p, s in zip(variant.graph.params, slots, strict=True)}
    wanted: list[Node] = [_node(variant, r, i in plan.ends) for i, r in enumerate(variant.results)]
    wanted += [variant.graph.results[r.number] for _, r in variant.writes]
    slots_made = []
    for i, node in enumerate(substitute(wanted, replacements)):
        ends = plan.ends.get(i) if i < len(variant.results) else None
        edges = tuple([slots[e] for e in ends or () if known[slots[e]].requires])
        if not edges or not recording.grad:
            slots_made.append(Slot(MADE, stopped(node)))
            continue
        fn = variant.results[i].fn
        assert fn is not None
        slots_made.append(Slot(MADE, node, True, fn.name(), edges, saves=fn.saves))
    return tuple(slots_made)


def _node(variant: Variant, r: Result, has_history: bool) -> Node:
    """Return the node of a result: that of the trace if gradients are taken of it."""
    if has_history:
        assert r.node is not None
        return r.node
    return variant.graph.results[r.number]
