"""Record a node of control flow whose regions are traced bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.control_flow.body import Body, Input, Once, Result
from graphc.core import pytree
from graphc.core.errors import located, user_location
from graphc.core.pytree import TreeDef
from graphc.ir.core import build
from graphc.ir.core.graph import Node, Region, current, parameter
from graphc.ir.core.types import BOOL
from graphc.ir.regions import builders
from graphc.ir.transforms.checkpointing import scan_in_segments
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.recording.recording import PENDING_BOUND
from graphc.recording.structures import substitute
from graphc.storage.compute import compute
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["record_branch", "record_once", "record_scan", "record_while"]


def record_branch(pred: Tensor, inputs: Sequence[Input], arms: Sequence[Body]) -> Any:
    """Return the results of a branch.  Raises TypeError if the arms return different structures or types."""
    yes, no = arms
    if yes.tree != no.tree:
        raise located(
            TypeError(
                f"cond: expected both functions to return one structure, got {pytree.sketch(yes.tree)} and "
                f"{pytree.sketch(no.tree)}"
            )
        )
    pairs = [_one_type(a, b, p) for a, b, p in zip(yes.leaves, no.leaves, pytree.access_paths(yes.tree), strict=True)]
    moved = dict.fromkeys([*yes.random, *no.random])
    regions = []
    for number, arm in enumerate(arms):
        states = [arm.random[s][1] if s in arm.random else s.entered() for s in moved]
        regions.append(Region(tuple(arm.params), tuple(substitute([*(p[number] for p in pairs), *states], arm.unmoved()))))
    if not pairs and not moved:
        return pytree.unflatten([], yes.tree)
    outer = {n for arm in arms for n in arm.outer_nodes()}
    with _here():
        test = build.reshape(pred._node(), ())
        nodes = builders.cond(test, regions[0], regions[1], [g.node() for g in inputs], outer)
    results = _recorded(nodes[: len(pairs)], "Cond", inputs, arms)
    _move_on(moved, nodes[len(pairs) :])
    return pytree.unflatten(results, yes.tree)


def _one_type(yes: Result, no: Result, path: str) -> tuple[Node, Node]:
    first = yes.fitting(no.node.type)
    second = no.fitting(first.type)
    if first.type != second.type:
        got = f"{first.type} and {second.type} at {path}"
        raise located(TypeError(f"cond: expected both functions to return the same types, got {got}"))
    return first, second


def record_while(inputs: Sequence[Input], test: Body, body: Body, tree: TreeDef) -> Any:
    """Return the carried values after a while loop.  Raises TypeError for a condition that is not one bool."""
    if test.random:
        raise located(
            TypeError(f"{test.title}: expected a condition that draws no random numbers: let the body draw and carry them")
        )
    flag = test.leaves[0].node if len(test.leaves) == 1 and test.tree.kind is None else None
    if flag is None or flag.dtype is not BOOL or flag.type.size != 1:
        got = ", ".join(str(x.node.type) for x in test.leaves) or "nothing"
        raise located(TypeError(f"{test.title}: expected the condition to return a bool tensor of one element, got {got}"))
    random = body.random
    results = [*_carried(body, inputs), *(after for _, after in random.values())]
    drawn = [before for before, _ in random.values()]
    entered = [test.entered.get(s) for s in random]
    states = [b.key if b is not None and b.key is not None else parameter(n.type) for b, n in zip(entered, drawn, strict=True)]
    regions = (
        _region([*test.params, *states], [build.reshape(flag, ())], test),
        _region([*body.params, *drawn], results, body),
    )
    with _here():
        start = [*(g.node() for g in inputs), *(s.entered() for s in random)]
        nodes = builders.while_loop(*regions, start, test.outer_nodes() | body.outer_nodes())
    tensors = _recorded(nodes[: len(inputs)], "WhileLoop", inputs, [body])
    _move_on(random, nodes[len(inputs) :])
    return pytree.unflatten(tensors, tree)


def record_scan(
    inputs: Sequence[Input], sequences: Sequence[Input], body: Body, length: int, reverse: bool, segments: Sequence[int]
) -> list[Tensor]:
    """Return the carried values and the stacked ys of a scan, built from segments if there are any."""
    n = len(inputs)
    random = body.random
    params = [*body.params[:n], *(before for before, _ in random.values()), *body.params[n:]]
    results = [*_carried(body, inputs), *(after for _, after in random.values()), *(x.node for x in body.leaves[n:])]
    if not results:
        return []
    with _here():
        start = [*(g.node() for g in inputs), *(s.entered() for s in random)]
        items = [s.node() for s in sequences]
        region = _region(params, results, body)
        outer = body.outer_nodes()
        nodes = scan_in_segments(region, start, items, length, segments, reverse=bool(reverse), outer=outer)
    tensors = _recorded([*nodes[:n], *nodes[len(start) :]], "Scan", [*inputs, *sequences], [body])
    _move_on(random, nodes[n : len(start)])
    return tensors


def record_once(inputs: Sequence[Input], body: Once) -> Any:
    """Return the results of a function that runs once, and apply its writes."""
    tensors = [leaf for leaf in body.leaves if not leaf.weak]
    random = body.random
    wrote = [s for s in body.written if s not in random]
    results = [*(x.node for x in tensors), *(after for _, after in random.values()), *(body.after[s] for s in wrote)]
    with _here():
        drawn = [before for before, _ in random.values()]
        region = _region([*body.params, *drawn], results, body)
        start = [*(g.node() for g in inputs), *(s.entered() for s in random)]
        nodes = builders.checkpoint(region, start, body.outer_nodes()) if results else []
    recorded = iter(_recorded(nodes[: len(tensors)], "Checkpoint", inputs, [body]))
    _move_on([*random, *wrote], nodes[len(tensors) :])
    return pytree.unflatten([leaf.number if leaf.weak else next(recorded) for leaf in body.leaves], body.tree)


def _carried(body: Body, inputs: Sequence[Input]) -> list[Node]:
    return [result.fitting(g.type) for g, result in zip(inputs, body.leaves, strict=False)]


def _region(params: Sequence[Node], results: Sequence[Node], body: Body) -> Region:
    """Return a region in which the states of unused generators are those outside."""
    states = {key: node for key, node in body.unmoved().items() if key not in params}
    return Region(tuple(params), tuple(substitute(results, states)))


def _move_on(storages: Any, nodes: Sequence[Node]) -> None:
    """Set random generators to their states after a loop or branch."""
    for storage, node in zip(storages, nodes, strict=True):
        storage.put_value(node, storage.pending + 1)


def _recorded(nodes: Sequence[Node], name: str, inputs: Sequence[Input], bodies: Sequence[Body]) -> list[Tensor]:
    """Return tensors on the results of a node, with a history that leads to its inputs and to the tensors that bodies read."""
    edges = [e for g in inputs if g.tensor.requires_grad and (e := g.tensor._edge()) is not None]
    edges += [e for body in bodies for leaf in body.leaves for e in body.ends(leaf.fn)]
    pending = max((g.tensor._storage.pending for g in inputs), default=0) + 1
    where = user_location()
    storages = []
    for node in nodes:
        recorded = bool(edges) and state.grad and node.dtype.is_float
        step = GradFn(f"{name}Backward0", tuple(dict.fromkeys(edges)), saves=True, where=where) if recorded else None
        if step is not None and state.anomaly:
            step.metadata = {"node": node}
        plain = stopped(node) if edges and not state.grad else node
        storages.append(Storage(plain, recorded, step, pending))
    if pending > PENDING_BOUND and state.trace is None:
        compute(storages)
    return [Tensor._of(s) for s in storages]


class _here:
    """The user's line, as the source location of the nodes built in a block."""

    def __enter__(self) -> None:
        self.outer = current.where
        current.where = user_location()

    def __exit__(self, *error: object) -> None:
        current.where = self.outer
