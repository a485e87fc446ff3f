"""One backward, from tensors to gradient nodes: checks, differentiation of the graph, and calls of Python code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from graphc.ir.core.build import cast, constant, full_like, zeros_like
from graphc.ir.core.graph import Node, toposort
from graphc.ir.core.predicates import is_add, is_stopped
from graphc.ir.transforms.vjp import gradients
from graphc.recording.context import state
from graphc.recording.grad_fn import (
    AccumulateGrad,
    BatchInput,
    CustomGradFn,
    GradFn,
    OuterGradFn,
    Replaced,
    TransformInput,
    history,
)
from graphc.recording.lazy import realize
from graphc.recording.structures import substitute
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["Engine", "differentiate", "reached_ends", "step_name", "step_saves", "takes_gradient", "with_late_hooks"]

TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
    "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if "
    "you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
)


# -- from nodes to nodes ------------------------------------------------------------------------------------


def differentiate(
    roots: Sequence[Node],
    cotangents: Sequence[Node],
    steps: Sequence[GradFn],
    wrt: Sequence[Node],
    used: Set[GradFn] | None = None,
) -> list[Node | None]:
    """Return the gradient nodes with respect to `wrt`, through the Python code of the custom grad_fns among `steps`.

    `steps` are the grad_fns of the history of the roots, users first.  `used` are those on a path from a root to `wrt`; no
    other code runs, since a backward may take gradients through the values that it saved.  A custom grad_fn without edges
    depends on its nodes alone.
    """
    used = leading_to(_by_node(steps, wrt), steps) if used is None else used
    reroute = _Reroute(steps)
    front, weights = reroute(roots), list(cotangents)
    wrt = reroute(wrt)
    replaced: dict[Node, Node | None] = {}
    for step in steps:
        if isinstance(step, CustomGradFn) and (step in used or not step.edges):
            output_grads = gradients(front, weights, step.outputs)
            if all(g is None for g in output_grads):
                continue
            step.grad_history = []
            passed = step.rule(output_grads)
            if step.hooks is not None:
                replaced[step.outputs[0]] = passed[0]
            for node, part in zip(step.inputs, passed, strict=True):
                if part is not None:
                    front += reroute([node], but=node)
                    weights.append(part)
    grads = gradients(front, weights, wrt)
    return [replaced.get(node, g) for node, g in zip(wrt, grads, strict=True)]


def leading_to(ends: Set[GradFn], steps: Sequence[GradFn]) -> set[GradFn]:
    """Return the grad_fns, of a history with users first, from which an edge leads towards one of `ends`.

    A hook on an end is on the path to it.
    """
    targets = set(ends)
    for step in steps:
        if step in targets and isinstance(step, CustomGradFn) and step.hooks is not None:
            targets.update(e for e in step.edges if e is not None)
    used: set[GradFn] = set()
    for step in reversed(steps):
        if any(e in targets or e in used for e in step.edges):
            used.add(step)
    return used


def _by_node(steps: Sequence[GradFn], wrt: Sequence[Node]) -> set[GradFn]:
    """Return the grad_fns by the nodes to take gradients with respect to: leaves and inputs of transforms."""
    nodes = set(wrt)
    return {s for s in steps if isinstance(s, (AccumulateGrad, TransformInput)) and s.node in nodes}


class _Reroute:
    """Routes the readers of a tensor before a hook was registered through that hook too.

    The hook's grad_fn covers the readers of its output; here the nodes that read its input are rebuilt to read the output.
    """

    def __init__(self, steps: Sequence[GradFn]) -> None:
        hooked = [s for s in steps if isinstance(s, CustomGradFn) and s.hooks is not None]
        self.instead = {s.inputs[0]: s.outputs[0] for s in hooked}
        self.fixed = {n: n for n in _ends(steps)} if hooked else {}

    def __call__(self, nodes: Sequence[Node], but: Node | None = None) -> list[Node]:
        replacements = {**self.fixed, **{k: v for k, v in self.instead.items() if k is not but}}
        return substitute(nodes, replacements) if self.instead else list(nodes)


# -- checks ---------------------------------------------------------------------------------------------------


def _cotangents(outputs: Sequence[Tensor], grad_outputs: Any) -> list[Tensor | None]:
    """Return one gradient or None for each output.  Raises RuntimeError for a wrong number of them."""
    if grad_outputs is None:
        return [None] * len(outputs)
    cotangents = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if len(cotangents) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(cotangents)} gradients")
    return cotangents


def _cotangent(index: int, output: Tensor, grad_output: Tensor | None) -> Node:
    """Return the node of an output's cotangent, 1 if it is None.  Raises RuntimeError, TypeError."""
    node = output._node()
    if grad_output is None:
        if output.requires_grad and node.type.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        return full_like(node, 1) if node.dtype.is_float else constant(1, node.dtype, node.shape)
    if not isinstance(grad_output, Tensor):
        raise TypeError(f"expected gradients as Tensors or None, got {type(grad_output).__name__}")
    if grad_output.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {grad_output.shape} and output[{index}] has a shape of "
            f"{output.shape}."
        )
    return cast(grad_output._node(), node.dtype)


class Engine:
    """One backward: its checked roots and cotangents, and the grad_fns of their history."""

    def __init__(self, outputs: Sequence[Tensor], grad_outputs: Any, keep: bool, create: bool) -> None:
        self.outputs, self.keep, self.create = outputs, keep, create
        weights = _cotangents(outputs, grad_outputs)
        self.weights = [_cotangent(i, o, w) for i, (o, w) in enumerate(zip(outputs, weights, strict=True))]
        for i, output in enumerate(outputs):
            if not output.requires_grad:
                raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        self.steps = with_late_hooks(history(o._edge() for o in outputs))
        self.weight_steps = history(w._edge() for w in weights if w is not None) if create else []
        if state.trace is not None:
            state.trace.begins_backward(o._node() for o in outputs)

    def run(self, targets: Sequence[tuple[Tensor, Node]], *, chosen: bool = True) -> list[Node | None]:
        """Return the gradient nodes, and free the history on the path to them unless it is kept.

        For chosen targets nothing is taken through what was made outside of a compiled function that is traced: whether a way
        there leads back to a target is checked at each call.
        """
        used = self._used(targets)
        if any(step.freed and (step in used or not step.edges) for step in self.steps):
            raise RuntimeError(TWICE)
        roots = [o._node() for o in self.outputs]
        outer = state.grad
        state.grad = self.create
        try:
            inner = chosen and state.trace is not None
            steps = [s for s in self.steps if not isinstance(s, OuterGradFn)] if inner else self.steps
            grads = differentiate(roots, self.weights, steps, [n for _, n in targets], used)
            if state.anomaly and state.trace is None:
                self._check_numbers(roots)
        finally:
            state.grad = outer
        if any(g is None for g in grads):
            grads = self._with_zeros(targets, grads)
        if not self.keep:
            _use_up(used, self.steps)
        return grads

    def _with_zeros(self, targets: Sequence[tuple[Tensor, Node]], grads: Sequence[Node | None]) -> list[Node | None]:
        """Return the gradients with zeros for targets on which some operations depend only through their shape.

        A value overwritten by a fill or a copy is such an operand.  Python code on the path decides itself where None is
        returned.
        """
        first = [o._edge() for o in self.outputs]
        reached = set(history(first, _is_python))
        nodes = {s.node for s in reached if isinstance(s, AccumulateGrad)}
        zeros = [zeros_like(n) if n in nodes or (not t.is_leaf and t._edge() in reached) else None for t, n in targets]
        return [z if g is None else g for g, z in zip(grads, zeros, strict=True)]

    def _check_numbers(self, roots: Sequence[Node]) -> None:
        """Raise RuntimeError for the first grad_fn, users first, that produces a NaN from gradients without one."""
        nodes = {s: n for s in self.steps if (n := _node_of(s)) is not None}
        grads = differentiate(roots, self.weights, self.steps, list(nodes.values()), set(self.steps))
        by_step = {s: g for s, g in zip(nodes, grads, strict=True) if g is not None}
        bad = {s for s, a in zip(by_step, realize(list(by_step.values())), strict=True) if np.isnan(a).any()}
        for step in self.steps:
            for number, edge in enumerate(step.edges if step not in bad else ()):
                if edge in bad or (
                    isinstance(edge, AccumulateGrad) and any(isinstance(b, AccumulateGrad) and b.node is edge.node for b in bad)
                ):
                    location = f"\n  made at {step.where}" if step.where else ""
                    raise RuntimeError(f"Function '{step.name()}' returned nan values in its {number}th output.{location}")

    def _used(self, targets: Sequence[tuple[Tensor, Node]]) -> set[GradFn]:
        """Return the grad_fns that gradients flow through on their way to the targets, or to where a history leads out."""
        edges = {e for t, _ in targets if not t.is_leaf and (e := t._edge()) is not None}
        edges |= {s for s in self.steps if isinstance(s, CustomGradFn) and not s.edges}
        return leading_to(edges | _by_node(self.steps, [n for _, n in targets]), self.steps)

    def held(self) -> Iterable[Storage]:
        """Yield the storages of the outputs, and of other values of their history that are still alive."""
        for step in self.steps:
            if isinstance(step, AccumulateGrad):
                yield step.tensor._storage
            owner = step.owner() if step.owner is not None else None
            if owner is not None:
                yield owner
        for output in self.outputs:
            yield output._storage

    def tensors(self, nodes: Sequence[Node | None]) -> list[Tensor | None]:
        """Return the gradients as tensors; with a history of their own under create_graph."""
        if not self.create:
            return [None if n is None else Tensor._of(Storage(stopped(n))) for n in nodes]
        inner = history(edge for s in self.steps if isinstance(s, CustomGradFn) for edge in s.grad_history)
        by_node = _ends([*self.steps, *self.weight_steps, *inner])
        ends = tuple(dict.fromkeys(by_node.values()))
        forked = len(ends) != 1 or sum(e in ends or isinstance(e, AccumulateGrad) for s in self.steps for e in s.edges) > 1
        edges = _edges([n for n in nodes if n is not None], by_node)
        return [None if n is None else Tensor._of(_recorded(n, edges[n], forked)) for n in nodes]


def _is_python(step: GradFn) -> bool:
    """Return whether a grad_fn is a custom function, which decides itself where there is no gradient."""
    return isinstance(step, CustomGradFn) and step.hooks is None and not isinstance(step, Replaced)


def _node_of(step: GradFn) -> Node | None:
    """Return the node of a grad_fn's result, which ordinary ones only have in anomaly mode."""
    if isinstance(step, (AccumulateGrad, TransformInput)):
        return step.node
    return step.metadata.get("node") if step.metadata else None


def with_late_hooks(steps: list[GradFn]) -> list[GradFn]:
    """Move the grad_fns of hooks right before those of the tensors they are on, also where nothing read these since.

    Readers of such a tensor before the hook then come first, like the readers after it.
    """
    hooks = {hook for step in steps for hook in _hooks_on(step)}
    return [s for step in steps if step not in hooks for s in (*_hooks_on(step), step)]


def _hooks_on(step: GradFn) -> Sequence[CustomGradFn]:
    return step.metadata.get("hooked", ()) if step.metadata else ()


def _use_up(used: set[GradFn], steps: Sequence[GradFn]) -> None:
    for step in reversed(steps):
        step.freed = step.freed or (step.saves and step in used)
        step.dead = step.freed or step.leads_to_dead()


def takes_gradient(step: GradFn) -> bool:
    """Return whether a history ends at a grad_fn: a leaf, or the input of a transform that is still running."""
    return isinstance(step, AccumulateGrad) or (isinstance(step, TransformInput) and step.active)


def _ends(steps: Iterable[GradFn]) -> dict[Node, GradFn]:
    """Map the nodes that gradients can be taken with respect to to their grad_fns."""
    ends: dict[Node, GradFn] = {}
    for step in steps:
        if takes_gradient(step) or isinstance(step, BatchInput):
            ends[step.node] = step  # type: ignore[attr-defined]
        elif isinstance(step, CustomGradFn):
            ends.update(dict.fromkeys(step.outputs, step))
    return ends


def reached_ends(roots: Sequence[Node], ends: Sequence[Node], *, compared: bool = True) -> dict[Node, list[Node]]:
    """Return, for each root, the ends on which it depends differentiably, in their order.

    `compared` says whether what is compared counts: the derivative of relu compares its operand, whose second gradient is zero.
    """
    bits = {end: 1 << i for i, end in enumerate(ends)}
    for node in toposort(roots):
        if node not in bits:
            leads_on = not is_stopped(node) and (compared or any(t.dtype.is_float for t in node.types))
            bits[node] = reduce(or_, [bits[o] for o in node.operands], 0) if leads_on else 0
    return {root: [end for i, end in enumerate(ends) if bits[root] >> i & 1] for root in roots}


def _edges(roots: Sequence[Node], by_node: dict[Node, GradFn]) -> dict[Node, tuple[GradFn, ...]]:
    """Return, for each root, the ends of its history.

    A custom function is one, and what its operands depend on are others: the cotangents that its backward gets have no edges
    but those of the step that they came through.
    """
    operands = dict.fromkeys(n for step in by_node.values() if isinstance(step, CustomGradFn) for n in step.inputs)
    ends_of = reached_ends([*roots, *operands], list(by_node))
    edges: dict[Node, tuple[GradFn, ...]] = {}
    for root in roots:
        reached: dict[GradFn, None] = {}
        waiting = [by_node[end] for end in reversed(ends_of[root])]
        while waiting:
            step = waiting.pop()
            if step not in reached:
                reached[step] = None
                inner = step.inputs if isinstance(step, CustomGradFn) else ()
                waiting += [by_node[end] for n in inner for end in reversed(ends_of[n])]
        edges[root] = tuple(reached)
    return edges


NAMES = {"matmul": "Mm", "reshape": "View", "broadcast": "Expand", "select": "Where", "cast": "ToCopy", "gather": "Index"}


def _recorded(node: Node, edges: tuple[GradFn, ...], forked: bool) -> Storage:
    if not edges:
        return Storage(stopped(node))
    return Storage(node, True, GradFn(step_name(node, forked), edges, saves=step_saves(node, forked)))


def step_name(node: Node, forked: bool) -> str:
    """Return the name of the grad_fn of a gradient with a history of its own."""
    name = NAMES.get(node.op.name, node.op.name.title().replace("_", ""))
    if name == "Add" and not forked:
        name = "Mul"  # a sum within the rule of one operation, such as pow, which is a product in torch
    return f"{name}Backward0"


def step_saves(node: Node, forked: bool) -> bool:
    """Return whether that grad_fn saves values: a linear operation saves only operands without a gradient."""
    stands_for_product = is_add(node) and not forked
    return stands_for_product or not node.op.linear or not all(o.dtype.is_float for o in node.operands)
