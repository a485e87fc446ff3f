"""Backward through closed recordings: one program for each, found by its structure and the slots with a cotangent.

A read before `backward` closes the recording, which keeps the values that gradients need.  Newest first, each recording
receives the cotangents of its slots and returns those of its leaves, and of values from older recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, TypeRuleError, parameter, toposort
from graphc.ir.transforms.vjp import gradients
from graphc.recording.lazy import Plan
from graphc.recording.recording import Recording
from graphc.recording.structures import substitute
from graphc.recording.trie import LEAF, MADE, Slot
from graphc.storage.storage import Storage, valued
from graphc.tensors.tensor import Tensor

__all__ = ["Way", "backward_over_recordings", "way_from"]


@dataclass(frozen=True, eq=False)
class Way:
    """Where gradients flow from slots: to which leaves, to which external values with a history, through which slots."""

    leaves: tuple[int, ...]
    past: tuple[int, ...]
    used: frozenset[int]
    saving: frozenset[int]
    """Those of `used` that can be used only once."""

    @property
    def leads_out(self) -> bool:
        """Whether the history continues before the recording."""
        return bool(self.past)


def way_from(known: list[Slot], roots: tuple[int, ...]) -> Way:
    """Follow the history from slots."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        slot = waiting.pop()
        if slot not in seen:
            seen.add(slot)
            waiting += [e for e in known[slot].edges if e is not None]
    ends = [s for s in sorted(seen) if known[s].kind != MADE]
    used = frozenset(s for s in seen if known[s].kind == MADE)
    leaves = tuple([s for s in ends if known[s].kind == LEAF])
    past = tuple([s for s in ends if known[s].kind != LEAF])
    return Way(leaves, past, used, frozenset(s for s in used if known[s].saves))


@dataclass(eq=False)
class _Step:
    """The part of a backward in one recording."""

    recording: Recording
    slots: tuple[int, ...]
    way: Way


def backward_over_recordings(root: Storage) -> bool:
    """Accumulate the gradients of a scalar in the leaves that it depends on; return False if that needs nodes."""
    recording = root.recording
    recording.flush()
    if recording.actual is not None or root.value is None:
        return False
    steps = _steps(recording, root.slot)
    if steps is None:
        return False
    cotangents: dict[Any, Any] = {(recording, root.slot): np.ones_like(root.value)}
    grads: dict[Tensor, Any] = {}
    try:
        for step in steps:
            _run(step, cotangents, grads)
    except TypeRuleError:
        return False
    for step in steps:
        step.recording.use_up(step.way.used)
    for leaf, gradient in grads.items():
        _accumulate(leaf, gradient)  # this may create nodes of the recordings
    return True


def _steps(recording: Recording, root: int) -> list[_Step] | None:
    """Return the parts of a backward in each recording, newest first; None if it needs nodes."""
    slots: dict[Recording, set[int]] = {recording: {root}}
    steps = []
    while slots:
        recording = max(slots, key=lambda r: r.serial)
        roots = tuple(sorted(slots.pop(recording)))
        assert recording.path is not None
        key = ("way", roots)
        way = recording.path.backward.get(key)
        if way is None:
            way = recording.path.backward[key] = way_from(recording.known(), roots)
        leaves = [recording.tensors.get(s) for s in way.leaves]
        edges: list[Any] = [recording.edges.get(s) for s in way.past]
        if not recording.freed.isdisjoint(way.saving) or not all(isinstance(e, tuple) and e[0].actual is None for e in edges):
            return None
        if any(leaf is None or not leaf.requires_grad or (leaf._hooks and any(leaf._hooks.values())) for leaf in leaves):
            return None
        for older, slot in edges:
            slots.setdefault(older, set()).add(slot)
        steps.append(_Step(recording, roots, way))
    return steps


def _plan(step: _Step, slots: tuple[int, ...]) -> tuple[Plan, tuple[int, ...]]:
    """Return the plan for the slots that have a cotangent, and the ends of the history that it has a gradient for."""
    recording, way = step.recording, step.way
    assert recording.path is not None
    key: Any = ("backward", slots, tuple(recording.saved))
    known: tuple[Plan, tuple[int, ...]] | None = recording.path.plans.get(key)
    if known is None:
        known = recording.path.plans[key] = _make_plan(recording, recording.known(), slots, (*way.leaves, *way.past))
    return known


def _make_plan(
    recording: Recording, known: list[Slot], slots: tuple[int, ...], ends: tuple[int, ...]
) -> tuple[Plan, tuple[int, ...]]:
    weights = [parameter(known[s].node.types[0]) for s in slots]
    grads = gradients([known[s].node for s in slots], weights, [known[s].node for s in ends])
    depending = {end: g for end, g in zip(ends, grads, strict=True) if g is not None}
    inputs: dict[Node, Any] = {info.node: ("input", i) for i, info in enumerate(known) if info.from_outside}
    parameters: dict[Node, Node] = {}
    for node in recording.saved:
        if node not in inputs:
            parameters[node] = parameter(node.types[0])
            inputs[parameters[node]] = ("saved", node)
    inputs |= {node: ("number", k) for k, node in enumerate(recording.path.all_numbers())} if recording.path else {}
    inputs |= {w: ("cotangent", s) for w, s in zip(weights, slots, strict=True)}
    roots = substitute(list(depending.values()), parameters | {n: n for n in inputs})
    params = [n for n in toposort(roots) if n in inputs]
    return Plan([inputs[n] for n in params], params, roots), tuple(depending)


def _run(step: _Step, cotangents: dict[Any, Any], grads: dict[Tensor, Any]) -> None:
    """Add the gradients of a step to those of leaves, and to the cotangents of older recordings.

    What has no gradient passes none on, not even zeros: times an infinite derivative they would be NaN.
    """
    recording, way = step.recording, step.way
    slots = tuple([s for s in step.slots if (recording, s) in cotangents])
    values: dict[int, Any] = {}
    if slots:
        plan, ends = _plan(step, slots)
        values = dict(zip(ends, plan.run([_input(step, cotangents, *i) for i in plan.inputs]), strict=True))
    for slot in way.leaves:
        leaf = recording.tensors[slot]
        value = values[slot] if slot in values else np.zeros(leaf._type.shape, leaf._type.dtype.numpy)
        grads[leaf] = grads[leaf] + value if leaf in grads else value
    for slot in way.past:
        if slot in values:
            edge = recording.edges[slot]
            cotangents[edge] = cotangents[edge] + values[slot] if edge in cotangents else values[slot]


def _input(step: _Step, cotangents: dict[Any, Any], kind: str, which: Any) -> Any:
    """Return an input of a plan."""
    recording = step.recording
    if kind == "input":
        return recording.inputs[which]
    if kind == "number":
        return recording.numbers[which]
    return recording.saved[which] if kind == "saved" else cotangents[recording, which]


def _accumulate(leaf: Tensor, gradient: Any) -> None:
    array = np.asarray(gradient)
    old = leaf._grad
    if old is None:
        leaf._grad = Tensor._of(Storage(valued(array, parameter(leaf._type))))
    else:
        old._storage.put_value(valued(np.asarray(old._array() + array), parameter(leaf._type)))
