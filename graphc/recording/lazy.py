"""Compute pending nodes: on the NumPy evaluator first, by machine code once a structure has run often.

Each structure accumulates the estimated time of its evaluator runs; it is compiled when that reaches the estimated compile time
(the ski-rental rule).  No caller then waits for a compiler much longer than it has worked without, and the choice depends only
on the graphs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from graphc.codegen.program.program import Program, compile_graph
from graphc.codegen.runtime.locks import ForkLock
from graphc.core.errors import TracingError, add_location
from graphc.ir.core.graph import PARAMETER, Graph, Node, TypeRuleError, make, parameter, toposort
from graphc.ir.core.predicates import is_fusion, is_matmul, is_while
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.interpret.prepared import Prepared
from graphc.ir.regions.substitution import known_results
from graphc.ir.rewrite.stores import coalesce_stores
from graphc.ir.text import debug
from graphc.ir.transforms.vjp import gradients
from graphc.recording.context import state
from graphc.recording.trie import MADE, Slot

__all__ = [
    "CACHE_SIZE", "Plan", "Structure", "choose", "clear_cache", "make_plan", "realize", "structure", "substitute", "tally",
]  # fmt: skip

CACHE_SIZE = 512
"""How many structures are cached; the least recently used one is dropped."""

NODE_COST, ELEMENT_COST, FLOP_COST = 5e-6, 2e-9, 1e-10
"""Estimated seconds on NumPy: per call, per element moved or computed, per multiply-add of a matmul."""

COMPILE_COST, COMPILE_NODE_COST = 2e-3, 1e-4
"""Seconds of evaluator runs after which a graph is compiled, and what each node adds: a sixth of the time of a level-0 compile.

A structure that has run so often is likely to run many times more.
"""

SEVERAL = 16
"""The least number of evaluator runs, unless each takes `LONG` seconds: the structure may never recur, and a pause for the
compiler is long for a large one."""
LONG = 0.05

WHILE_ITERATIONS = 1000
"""The assumed number of iterations of a loop with a condition."""


@dataclass
class Tally:
    """Counts of evaluations, and the mode: "auto", "evaluate" or "compile".  Threads may lose a count."""

    mode: str = "auto"
    structures: int = 0
    evaluations: int = 0
    evaluation_seconds: float = 0.0
    compiles: int = 0
    compile_seconds: float = 0.0
    native_calls: int = 0
    native_seconds: float = 0.0


tally = Tally()


@dataclass
class Structure:
    """A structure: the seconds spent on it so far, and its program once it has one.

    While it is compiled, other threads and interrupting signal handlers evaluate it on NumPy.
    """

    cost: float
    """The estimated seconds of a run on NumPy."""
    nodes: int
    spent: float = 0.0
    compiling: bool = False
    program: Program | None = None
    code: Callable[..., Sequence[Any]] | None = None
    """The program as a function of arrays."""
    native: Callable[..., Sequence[Any]] | None = None
    """The same, while programs are enabled."""
    prepared: Prepared | None = None
    """Its evaluation, until it has a program."""

    def run(self, params: Sequence[Node], roots: Sequence[Node], arrays: Sequence[Any]) -> Sequence[Any]:
        """Return the values of roots over parameters with these values."""
        native = self.native
        if native is None:
            self.spent += self.cost
            if self._is_early() or self.compiling or state.compiling:
                start = perf_counter()
                values = self._evaluate(params, roots, arrays)
                tally.evaluations += 1
                tally.evaluation_seconds += perf_counter() - start
                return values
            return self._compile(params, roots)(*arrays)
        return native(*arrays)

    def _evaluate(self, params: Sequence[Node], roots: Sequence[Node], arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute the values on NumPy; from the second time on the evaluation is prepared."""
        prepared = self.prepared
        if prepared is None:
            if self.spent <= self.cost:
                return evaluate_nodes(roots, dict(zip(params, arrays, strict=True)))
            prepared = self.prepared = Prepared(params, roots)
        return prepared(arrays)

    def _is_early(self) -> bool:
        """Return whether the structure has not yet cost enough on NumPy for machine code to pay."""
        if tally.mode != "auto":
            return tally.mode == "evaluate"
        enough = COMPILE_COST + COMPILE_NODE_COST * self.nodes
        is_single = self.cost < NODE_COST * 2  # a single operation gains little
        least = SEVERAL * self.cost if self.cost < LONG else 0.0
        return self.spent < (4 * enough if is_single else max(enough, least)) and enough > 0

    def forget(self) -> None:
        """Drop the program; recordings that still hold the structure start again."""
        self.spent, self.program, self.code, self.native, self.prepared = 0.0, None, None, None, None

    def _compile(self, params: Sequence[Node], roots: Sequence[Node]) -> Callable[..., Sequence[Any]]:
        self.compiling = True
        start = perf_counter()
        try:
            fresh = {n: parameter(n.type) for n in params}
            graph = Graph(tuple(fresh.values()), tuple(substitute(roots, fresh)), "eager")
            self.program = program = compile_graph(graph, opt="auto")
        finally:
            self.compiling = False

        def slow(*arrays: Any) -> Sequence[Any]:
            return program.run([np.ascontiguousarray(x) if x.shape else x for x in arrays])

        code = program.entry(slow, single=False)
        self.prepared = None
        self.code = self.native = code = _timed(code) if debug.enabled("eager") else code
        tally.compiles += 1
        tally.compile_seconds += perf_counter() - start
        return code


def _timed(code: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
    def call(*arrays: Any) -> Sequence[Any]:
        start = perf_counter()
        values = code(*arrays)
        tally.native_calls += 1
        tally.native_seconds += perf_counter() - start
        return values

    return call


def choose(mode: str) -> None:
    """Set the mode: programs are used unless it is "evaluate"."""
    with _lock:
        tally.mode = mode
        for structure in _seen.values():
            structure.native = None if mode == "evaluate" else structure.code


_seen: OrderedDict[Any, Structure] = OrderedDict()
_lock = ForkLock()


def clear_cache() -> None:
    """Forget all structures and the programs compiled for them."""
    with _lock:
        for structure in _seen.values():
            structure.forget()
        _seen.clear()


def realize(roots: Sequence[Node]) -> list[np.ndarray[Any, Any]]:
    """Return the arrays of nodes, and keep them in `node.value`.

    Raises TracingError if one depends on the input of a function that is being traced.
    """
    pending = [n for n in dict.fromkeys(roots) if n.value is None]
    if pending:
        order = toposort(pending, _is_known)
        others = _other_results(order, pending)
        order, pending = [*order, *(r for r in others if r not in order)], [*pending, *others]
        for node, array in zip(pending, _run(order, pending), strict=True):
            node.value = array
    return [n.value for n in roots]


def _other_results(order: Sequence[Node], pending: Sequence[Node]) -> list[Node]:
    """Return the other results of loops and branches that are still referenced, so that no loop runs twice."""
    several = [n for n in order if len(n.types) > 1 and n.value is None]
    results = [r for node in several for r in known_results(node) if r.value is None and not r.type.grows]
    return [r for r in results if r not in pending]


def _is_known(node: Node) -> bool:
    return node.value is not None


def _run(order: list[Node], roots: list[Node]) -> Sequence[Any]:
    known = {n: value for n in order if (value := n.value) is not None}  # read once: other threads compute shared nodes
    cost = 0.0
    for node in order:
        if node.op is PARAMETER and node not in known:
            raise _asked_for(roots[0], node)
        cost += _cost(node)
    if cost < NODE_COST * 4:
        return evaluate_nodes(roots, known)
    pending, params = [n for n in order if n not in known], list(known)
    return _lookup(_structure(pending, roots, params), cost, len(order)).run(params, roots, list(known.values()))


def structure(params: Sequence[Node], roots: Sequence[Node]) -> Structure:
    """Return the structure of roots over parameters."""
    known = set(params)
    order = [n for n in toposort(roots) if n not in known]
    return _lookup(_structure(order, roots, params), sum(map(_cost, order)), len(order))


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


def _cost(node: Node) -> float:
    """Estimate the seconds of a node on NumPy."""
    if node.value is not None or node.op.kind == "movement":
        return NODE_COST
    if node.regions and not is_fusion(node):
        fixed = node.params.get("length", None if is_while(node) else 1)
        times: int = WHILE_ITERATIONS if fixed is None else fixed
        return NODE_COST + times * sum(_cost(inner) for region in node.regions for inner in region.nodes())
    size = max((prod(t.shape) for t in (*node.types, *(t for o in node.operands for t in o.types))), default=0)
    flops = prod(node.operands[0].shape) * node.shape[-1] if is_matmul(node) else 0
    return NODE_COST + size * ELEMENT_COST + flops * FLOP_COST


def _structure(order: Sequence[Node], roots: Sequence[Node], params: Sequence[Node]) -> tuple[Any, ...]:
    """Return everything that a program for a graph or region depends on, except the values of its parameters.

    A node in `order` is described by its operation even if its value is known: a constant is interned, and others may have
    computed it.
    """
    number = {node: i for i, node in enumerate([*params, *order])}
    lines: list[Any] = [p.types for p in params]
    for node in order:
        items = tuple((k, v.hex() if isinstance(v, float) else v) for k, v in node.params.items())
        inner = tuple(_structure(r.nodes(), r.results, r.params) for r in node.regions)
        where = node.where if node.op.may_fail and not node.regions else ""  # errors name it
        lines.append((node.op.name, tuple(number[o] for o in node.operands), items, inner, where))
    return (tuple(lines), tuple(number[r] for r in roots))


def _lookup(key: Any, cost: float, nodes: int) -> Structure:
    with _lock:
        known = _seen.get(key)
        if known is None:
            known = _seen[key] = Structure(cost, nodes)
            tally.structures += 1
            if len(_seen) > CACHE_SIZE:
                _, oldest = _seen.popitem(last=False)
                oldest.forget()
        else:
            _seen.move_to_end(key)
        return known


def substitute(roots: Sequence[Node], replacements: dict[Node, Node]) -> list[Node]:
    """Return the roots rebuilt with the nodes in `replacements` replaced.  Does not recurse."""
    new = dict(replacements)
    for node in toposort(roots, lambda n: n in replacements):
        if node in new:
            continue
        operands = tuple(new[o] for o in node.operands)
        new[node] = node if operands == node.operands else make(node.op, operands, node.params, node.regions, like=node)
    return [new[r] for r in roots]


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
        return self.structure.run(self.params, self.roots, arrays)


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
