"""Compute pending nodes, and plan how the slots of a recording are computed."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from graphc.core.errors import TracingError, add_location
from graphc.ir.core.graph import PARAMETER, Node, TypeRuleError, parameter, toposort
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.regions.substitution import known_results
from graphc.ir.rewrite.stores import coalesce_stores
from graphc.ir.transforms.vjp import gradients
from graphc.recording.structures import NODE_COST, Structure, clock, cost_of, find_structure, key_of, renewed
from graphc.recording.trie import MADE, Slot

__all__ = ["Plan", "make_plan", "realize", "structure"]


def realize(roots: Sequence[Node]) -> list[np.ndarray[Any, Any]]:
    """Return the arrays of nodes, and keep them in `node.value`.

    Raises TracingError if one depends on the input of a function that is being traced.
    """
    pending = [n for n in dict.fromkeys(roots) if n.value is None]
    if pending:
        order = toposort(pending, _is_known)
        again = _compared(order)
        if again:
            order = toposort(pending, lambda n: n.value is not None and n not in again)
        others = _other_results(order, pending)
        order, pending = [*order, *(r for r in others if r not in order)], [*pending, *others]
        for node, array in zip(pending, _run(order, pending, again), strict=True):
            node.value = array
    return [n.value for n in roots]


def _other_results(order: Sequence[Node], pending: Sequence[Node]) -> list[Node]:
    """Return the other results of loops and branches that are still referenced, so that no loop runs twice."""
    several = [n for n in order if len(n.types) > 1 and n.value is None]
    results = [r for node in several for r in known_results(node) if r.value is None and not r.type.grows]
    return [r for r in results if r not in pending]


def _is_known(node: Node) -> bool:
    return node.value is not None


def _compared(order: Sequence[Node]) -> set[Node]:
    """Return the known extrema whose operands are computed: these are recomputed.

    Their derivatives compare them with the elements of the operand, and other code may round these in another way.
    """
    computed = {n for n in order if n.value is None}
    known = [n for n in order if n.value is not None and _is_extremum(n)]
    again: set[Node] = set()
    while more := {n for n in known if n not in again and (n.operands[0] in computed or n.operands[0] in again)}:
        again |= more
    return again


def _is_extremum(node: Node) -> bool:
    return node.op.kind == "reduce" and node.op.idempotent and node.dtype.is_float


def _run(order: list[Node], roots: list[Node], again: Set[Node] = frozenset()) -> Sequence[Any]:
    # a value is read once: other threads compute shared nodes
    known = {n: value for n in order if n not in again and (value := n.value) is not None}
    cost = 0.0
    for node in order:
        if node.op is PARAMETER and node not in known:
            raise _asked_for(roots[0], node)
        cost += cost_of(node)
    if cost < NODE_COST * 4:
        return evaluate_nodes(roots, known)
    pending, params = [n for n in order if n not in known], list(known)
    return find_structure(key_of(pending, roots, params), cost, len(order)).run(params, roots, list(known.values()))


def structure(params: Sequence[Node], roots: Sequence[Node]) -> Structure:
    """Return the structure of roots over parameters."""
    known = set(params)
    order = [n for n in toposort(roots) if n not in known]
    return find_structure(key_of(order, roots, params), sum(map(cost_of, order)), len(order))


def _asked_for(root: Node, unbound: Node) -> TracingError:
    location = f", made at {root.where}" if root.where else ""
    error = TracingError(
        f"expected a value that is known while a function is traced, got {root.type} that depends on its input "
        f"{unbound.name or unbound.type}{location}. A compiled function may not look at values (print, .item(), bool, a Python "
        "if): choose with graphc.where, or leave that part outside of what is compiled."
    )
    error.asked, error.unbound = root, unbound
    add_location(error)
    return error


# -- programs of recordings ---------------------------------------------------------------------------------------------


class Plan:
    """How to compute slots: the inputs, the program, and the additional values it saves for gradients."""

    __slots__ = ("history", "inputs", "is_spent", "params", "roots", "saved", "structure")

    def __init__(
        self,
        inputs: Sequence[Any],
        params: Sequence[Node],
        roots: Sequence[Node],
        saved: Sequence[Node] = (),
        history: tuple[int, ...] = (),
    ) -> None:
        self.inputs, self.params, self.history = inputs, params, history
        self.roots = coalesce_stores(roots)
        self.is_spent = False
        """Whether no gradient can be taken from any of the slots with a history."""
        numbers = {node: i for i, node in enumerate(roots)}
        self.saved = [(node, numbers[node]) for node in saved]
        """Nodes that gradients read, each with its number among the values."""
        self.structure: Structure = structure(params, self.roots)

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return the values of the roots."""
        structure = self.structure
        structure.used = next(clock)
        if structure.forgotten:
            structure = self.structure = renewed(structure)
        return structure.run(self.params, self.roots, arrays)


def make_plan(known: list[Slot], alive: tuple[int, ...], dead: set[int], numbers: Sequence[Node]) -> Plan:
    """Return a plan for the slots in `alive`; gradients are not taken from those in `dead`.

    An input is a slot, or ~k for number k.
    """
    history = tuple([i for i in alive if known[i].requires and known[i].kind == MADE])
    wanted = [known[i].node for i in alive]
    with_history = [known[i].node for i in history if i not in dead]
    saved = needed_for_gradients(with_history, known) if with_history else []
    roots = [*wanted, *(n for n in saved if n not in wanted)]
    reached = set(toposort(roots))
    inputs = [i for i, info in enumerate(known) if info.from_outside and info.node in reached]
    changing = [k for k, node in enumerate(numbers) if node in reached]
    params = [*(known[i].node for i in inputs), *(numbers[k] for k in changing)]
    plan = Plan([*inputs, *(~k for k in changing)], params, roots, saved, history)
    plan.is_spent = dead.issuperset(history)
    return plan


def needed_for_gradients(roots: list[Node], known: list[Slot]) -> list[Node]:
    """Return the nodes that the gradients of the roots read and that are not known, each without movement on top.

    What depends on no input, such as the mask of a partial write, is recomputed.
    """
    ends = [info.node for info in known if info.requires and info.kind != MADE]
    try:
        grads = gradients(roots, [parameter(r.types[0]) for r in roots], ends)
    except TypeRuleError:
        return []
    order = toposort(roots)
    forward = set(order)
    varying: set[Node] = set()
    for node in order:
        if node.op is PARAMETER or not varying.isdisjoint(node.operands):
            varying.add(node)
    read = [n for n in toposort([g for g in grads if g is not None], forward.__contains__) if n in forward]
    return [n for n in dict.fromkeys(map(_moved, read)) if n.op.kind != "leaf" and len(n.types) == 1 and n in varying]


def _moved(node: Node) -> Node:
    while node.op.view:
        node = node.operands[0]
    return node
