"""Structures of pending work: on the NumPy evaluator first, as machine code once they have run often.

Each structure accumulates the estimated time of its evaluator runs; it is compiled when that reaches the estimated compile time
(the ski-rental rule).  No caller then waits for a compiler much longer than it has worked without.  A compilation that is
expected to take long runs in the background, while the structure goes on on NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf, prod
from operator import attrgetter
from time import perf_counter
from typing import Any

import numpy as np

from graphc.codegen.program.program import Program, compile_graph
from graphc.codegen.runtime import tiers
from graphc.codegen.runtime.cache import Cache
from graphc.core.compile_notice import notice_of_compiling
from graphc.ir.core.graph import Graph, Node, make, parameter, toposort
from graphc.ir.core.predicates import is_fusion, is_matmul, is_while
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.interpret.prepared import Prepared
from graphc.ir.text import debug
from graphc.recording.context import state

__all__ = [
    "NODE_COST", "Structure", "choose", "clear_cache", "clock", "cost_of", "find_structure", "key_of", "renewed", "substitute",
    "tally",
]  # fmt: skip

MOST, MOST_BYTES = 512, 1 << 27
"""How many structures are cached, and the estimated bytes of all; the least recently used ones are dropped."""

NODE_BYTES = 2000
"""Estimated bytes of a structure for each node: its key, its prepared evaluation, its graph."""

NODE_COST, ELEMENT_COST, FLOP_COST = 5e-6, 2e-9, 1e-10
"""Estimated seconds on NumPy: per call, per element moved or computed, per multiply-add of a matmul."""

COMPILE_COST, COMPILE_NODE_COST = 2e-3, 1e-4
"""Seconds of evaluator runs after which a graph is compiled, and what each node adds: a sixth of the time of a level-0 compile.

A structure that has run so often is likely to run many times more.
"""
COMPILE_FACTOR = 6

NOTICED = 0.1
"""Estimated seconds from which on a compilation runs in the background, unless a run on NumPy takes longer."""

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

clock = count()
"""Numbers recordings and uses of structures in their order."""


@dataclass(eq=False)
class Structure:
    """A structure: the seconds spent on it so far, and its program once it has one.

    While it is compiled, other threads and interrupting signal handlers evaluate it on NumPy.
    """

    key: Any
    cost: float
    """The estimated seconds of a run on NumPy."""
    nodes: int
    spent: float = 0.0
    compiling: bool = False
    failed: bool = False
    """Whether a compilation in the background failed: it stays on NumPy."""
    forgotten: bool = False
    """Whether the cache has dropped it."""
    used: int = 0
    """When it was last used, on the `clock`."""
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
            if not (self._is_early() or self.compiling or self.failed or state.compiling):
                native = self._compile(params, roots)
        if native is not None:
            return native(*arrays)
        start = perf_counter()
        values = self._evaluate(params, roots, arrays)
        tally.evaluations += 1
        tally.evaluation_seconds += perf_counter() - start
        return values

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
        self.forgotten = True

    def _compile(self, params: Sequence[Node], roots: Sequence[Node]) -> Callable[..., Sequence[Any]] | None:
        """Compile it, or let it be compiled in the background and return None."""
        self.compiling = True
        fresh = {n: parameter(n.type) for n in params}
        graph = Graph(tuple(fresh.values()), tuple(substitute(roots, fresh)), "eager")
        if self._takes_long():
            if not tiers.background.submit(partial(self._compile_later, graph)):
                self.compiling = False
            return None
        try:
            with notice_of_compiling(f"{self.nodes} operations of eager code"):
                return self._compile_now(graph)
        finally:
            self.compiling = False

    def _takes_long(self) -> bool:
        """Return whether compilation takes so long that the structure had better go on on NumPy meanwhile.

        A mode or a compiled function inside that asks for machine code waits for it.
        """
        seconds = COMPILE_FACTOR * (COMPILE_COST + COMPILE_NODE_COST * self.nodes)
        return tally.mode == "auto" and self.spent < inf and seconds > max(NOTICED, self.cost)

    def _compile_later(self, graph: Graph) -> None:
        """Compile it in the background, unless it was dropped; an error, which the thread reports, leaves it on NumPy."""
        try:
            if not self.forgotten:
                self._compile_now(graph)
        except BaseException:
            self.failed = True
            raise
        finally:
            self.compiling = False

    def _compile_now(self, graph: Graph) -> Callable[..., Sequence[Any]]:
        start = perf_counter()
        program = compile_graph(graph, opt="auto")

        def slow(*arrays: Any) -> Sequence[Any]:
            return program.run([np.ascontiguousarray(x) if x.shape else x for x in arrays])

        code = program.entry(slow, single=False)
        code = _timed(code) if debug.enabled("eager") else code
        with _seen.lock:
            if not self.forgotten:
                self.prepared, self.program, self.code = None, program, code
                self.native = None if tally.mode == "evaluate" else code
                _seen.charge(self.key, self, self.nodes * NODE_BYTES + program.code.bytes)
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
    with _seen.lock:
        tally.mode = mode
        for structure in _seen.values():
            structure.native = None if mode == "evaluate" else structure.code


# -- the cache ----------------------------------------------------------------------------------------------------------


def new_cache() -> Cache[Any, Structure]:
    """Return a cache of structures."""
    return Cache(MOST, MOST_BYTES, last_use=attrgetter("used"), dropped=Structure.forget)


_seen = new_cache()


def clear_cache() -> None:
    """Forget all structures and the programs compiled for them."""
    _seen.clear()


def find_structure(key: Any, cost: float, nodes: int) -> Structure:
    """Return the structure of a key, which is new or the one known; `cost` are the seconds of a run on NumPy."""
    known = _seen.get(key)
    if known is None:
        tally.structures += 1
        known = _seen.add(key, Structure(key, cost, nodes, used=next(clock)), nodes * NODE_BYTES)
    known.used = next(clock)
    return known


def renewed(forgotten: Structure) -> Structure:
    """Return the structure that takes the place of one that the cache has dropped."""
    return find_structure(forgotten.key, forgotten.cost, forgotten.nodes)


def cost_of(node: Node) -> float:
    """Estimate the seconds of a node on NumPy."""
    if node.value is not None or node.op.kind == "movement":
        return NODE_COST
    if node.regions and not is_fusion(node):
        fixed = node.params.get("length", None if is_while(node) else 1)
        times: int = WHILE_ITERATIONS if fixed is None else fixed
        return NODE_COST + times * sum(cost_of(inner) for region in node.regions for inner in region.nodes())
    size = max((prod(t.shape) for t in (*node.types, *(t for o in node.operands for t in o.types))), default=0)
    flops = prod(node.operands[0].shape) * node.shape[-1] if is_matmul(node) else 0
    return NODE_COST + size * ELEMENT_COST + flops * FLOP_COST


def key_of(order: Sequence[Node], roots: Sequence[Node], params: Sequence[Node]) -> tuple[Any, ...]:
    """Return everything that a program for a graph or region depends on, except the values of its parameters.

    A node in `order` is described by its operation even if its value is known: a constant is interned, and others may have
    computed it.
    """
    number = {node: i for i, node in enumerate([*params, *order])}
    lines: list[Any] = [p.types for p in params]
    for node in order:
        items = tuple((k, v.hex() if isinstance(v, float) else v) for k, v in node.params.items())
        inner = tuple(key_of(r.nodes(), r.results, r.params) for r in node.regions)
        where = node.where if node.op.may_fail and not node.regions else ""  # errors name it
        lines.append((node.op.name, tuple(number[o] for o in node.operands), items, inner, where))
    return (tuple(lines), tuple(number[r] for r in roots))


def substitute(roots: Sequence[Node], replacements: dict[Node, Node]) -> list[Node]:
    """Return the roots rebuilt with the nodes in `replacements` replaced.  Does not recurse."""
    new = dict(replacements)
    for node in toposort(roots, lambda n: n in replacements):
        if node in new:
            continue
        operands = tuple(new[o] for o in node.operands)
        new[node] = node if operands == node.operands else make(node.op, operands, node.params, node.regions, like=node)
    return [new[r] for r in roots]
