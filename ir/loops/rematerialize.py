"""Choose by a minimum cut which values a scan stores for its gradient, and which the gradient recomputes.

    %1: (…, f32[100,32,64]) = scan … {          a scan, and its adjoint: a reversed scan that contains the
      %h = matmul %c, %w                         same nodes, and reads the carried values
      %n = tanh %h
      return %n, %c                           →    return %n, %h: %h is stacked too, and read instead of %c
    }

Reverse mode stores the carried values and recomputes everything else: right for a sine, wrong for a matrix product.  Storing a
value costs the bytes written and read; recomputing it costs its instructions, and needs all its operands.  The cheapest
choice is a minimum cut (as in the min-cut rematerialization of AOTAutograd), which networkx finds.  The search takes longer
than many programs run, so only loops that recompute enough are considered.  Nested loops stay as they are: a budget of
states bounds what they store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from graphc.ir.core.cost import TargetInfo, instructions, keeping
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, parameter, toposort
from graphc.ir.core.predicates import is_literal, is_result, is_scan
from graphc.ir.loops.loop_passes import merge_and_prune_loops
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import results_of, substitute

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["LEAST_WORK", "rematerialize"]

LEAST_WORK = 10_000_000
"""The least number of instructions recomputed over all iterations for which the minimum cut is computed."""

WORTH = 0.9
"""Other values are stored only if that reduces the cost to this fraction."""


def rematerialize(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with other values stored between scans and their adjoints; the same object if nothing changes."""
    results: Sequence[Node] = graph.results
    seen: set[tuple[Region, Region]] = set()
    while (pair := _next_pair(results, seen, target)) is not None:
        seen.add((pair.forward.body, pair.backward.body))
        stored = _chosen(pair, target)
        if stored:
            results = _rewritten(results, pair, stored)
    if all(a is b for a, b in zip(results, graph.results, strict=True)):
        return graph
    return merge_and_prune_loops(graph.replace(results))


@dataclass(frozen=True, eq=False)
class _Pair:
    """A scan and its adjoint: `shared` are the nodes that both compute, operands first; `carried` the residuals of carries."""

    forward: Loop
    backward: Loop
    shared: list[Node]
    carried: list[Node]

    @property
    def length(self) -> Any:
        """The number of iterations; it may be a symbol."""
        return self.forward.length


def _next_pair(results: Sequence[Node], seen: set[tuple[Region, Region]], target: TargetInfo) -> _Pair | None:
    scans = [Loop.of(n) for n in toposort(results) if is_scan(n) and n.params["length"] is not None]
    for backward in scans:
        for forward in scans:
            key = (forward.body, backward.body)
            if key not in seen and _fits(forward, backward):
                pair = _pair(forward, backward)
                work = pair.length * sum([instructions(n, target) for n in pair.shared])
                if work >= LEAST_WORK and backward.origin not in toposort([forward.node()]):
                    return pair
                seen.add(key)
    return None


def _fits(forward: Loop, backward: Loop) -> bool:
    """Whether two scans of opposite direction read the same values in each iteration for the parameters they share."""
    if forward.length != backward.length or forward.reverse is backward.reverse:
        return False
    bound = {b.param: b.operand for b in backward.bindings}
    y_of = dict(zip(forward.results()[1], forward.ys, strict=True))
    common = [(bound[b.param], b) for b in forward.bindings if b.param in bound]
    return bool(common) and all(
        y_of.get(operand) is b.param if isinstance(b, Carry) else operand is b.operand for operand, b in common
    )


def _pair(forward: Loop, backward: Loop) -> _Pair:
    known = set(toposort(forward.body.results))
    order = toposort(backward.body.results)
    shared = [n for n in order if n in known and n.op is not PARAMETER and not is_literal(n)]
    carried = {c.param for c in forward.carries}
    return _Pair(forward, backward, shared, [p for p in order if p in carried])


# -- costs ----------------------------------------------------------------------------------------------


def _keeping(node: Node, length: Any, target: TargetInfo) -> Any:
    """Estimate the instructions of storing a value and loading it again; results of loops are not stored."""
    if len(node.types) > 1 or node.regions or is_result(node):
        return inf
    return keeping(node.type.bytes, node.type.bytes * length, target)


# -- the cut --------------------------------------------------------------------------------------------


def _chosen(pair: _Pair, target: TargetInfo) -> list[Node]:
    """Return the values to store besides the carry, if that pays."""
    import networkx as nx  # imported here, since it takes longer to import than all of graphc

    network = _network(nx, pair, target)
    cost, (needed, _) = nx.minimum_cut(network, "needed", "cost")
    before = sum([instructions(n, target) for n in pair.shared]) + sum(_keeping(p, pair.length, target) for p in pair.carried)
    if cost > WORTH * _fixed_point(before):
        return []
    return [n for n in pair.shared if ("there", n) in needed and ("again", n) not in needed]


def _network(networkx: Any, pair: _Pair, target: TargetInfo) -> nx.DiGraph[Any]:
    """Return the flow network whose cuts are the ways to provide the values that the adjoint reads.

    Each value has two vertices, *available* and *recompute*: cutting between them stores it, cutting recompute→sink pays its
    instructions, and a recomputed value needs its operands available.
    """
    network: nx.DiGraph[Any] = networkx.DiGraph()
    shared, carried = set(pair.shared), set(pair.carried)
    network.add_node("cost")
    for node in _read(pair):
        network.add_edge("needed", ("there", node))
    for node in pair.carried:
        network.add_edge(("there", node), "cost", capacity=_fixed_point(_keeping(node, pair.length, target)))
    for node in pair.shared:
        cost = _keeping(node, pair.length, target)
        network.add_edge(("there", node), ("again", node), **({} if cost == inf else {"capacity": _fixed_point(cost)}))
        network.add_edge(("again", node), "cost", capacity=_fixed_point(instructions(node, target)))
        for operand in node.operands:
            if operand in shared or operand in carried:
                network.add_edge(("again", node), ("there", operand))
    return network


def _read(pair: _Pair) -> list[Node]:
    """Return the shared and carried values that the rest of the adjoint reads."""
    after = pair.backward.body
    inside = {*pair.shared, *pair.carried}
    rest = [n for n in toposort(after.results) if n not in inside]
    return list(dict.fromkeys(o for o in (*(o for n in rest for o in n.operands), *after.results) if o in inside))


def _fixed_point(cost: Any) -> int:
    return round(float(cost) * 16)  # networkx is exact with integers only


# -- the graph with another choice --------------------------------------------------------------------------


def _rewritten(results: Sequence[Node], pair: _Pair, stored: Sequence[Node]) -> Sequence[Node]:
    """Return results in which the scan stacks the stored values and its adjoint reads them."""
    forward, backward = pair.forward, pair.backward
    longer = replace(forward, ys=(*forward.ys, *stored))
    instead = _instead(forward, longer)
    own = {node: parameter(node.type, node.name) for node in stored}
    stacks = longer.results()[1][len(forward.ys) :]
    read = [Binding(stack, param) for stack, param in zip(stacks, own.values(), strict=True)]
    reading = backward.with_operands(substitute(backward.operands, instead))
    reading = replace(reading.with_results(substitute(backward.body.results, own)), xs=(*reading.xs, *read))
    return substitute(results, {**instead, **_instead(backward, reading)})


def _instead(loop: Loop, other: Loop) -> Mapping[Node, Node]:
    """Map the results of a loop to those of one that has at least as many ys."""
    return dict(zip(results_of(loop.node()), results_of(other.node()), strict=False))
