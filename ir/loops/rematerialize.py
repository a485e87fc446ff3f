"""Decide by a minimum cut what a scan keeps for its gradient, and what the gradient computes again.

    %1: (…, f32[100,32,64]) = scan … {          a scan, and its adjoint: a scan the other way that is made of
      %h = matmul %c, %w                         the same nodes, and reads what was carried
      %n = tanh %h
      return %n, %c                           →    return %n, %h: also stacked, and read instead of %c
    }

Reverse mode keeps what is carried, and computes everything else again: right for a sine, wrong for a product of
matrices.  Keeping a value costs bytes that are written and read, computing it again costs its instructions and all
that it is made of has to be there.  The least of such costs is a minimum cut (as in the min-cut rematerialization of
AOTAutograd), and networkx finds it.  That takes longer than many a program runs, so only loops that compute
enough again are looked at.  Loops within loops stay as they are: what they keep is what a budget of states bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from graphc.ir.core.control_flow import results_of, substitute
from graphc.ir.core.cost import instructions, keeping
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, parameter, toposort
from graphc.ir.core.predicates import is_literal, is_result, is_scan
from graphc.ir.core.target_info import TargetInfo
from graphc.ir.loops.loop_passes import merge_and_prune_loops
from graphc.ir.regions.loop import Binding, Carry, Loop

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["LEAST_WORK", "rematerialize"]

LEAST_WORK = 10_000_000
"""Instructions computed again in all steps of a loop, below which the minimum cut is not computed."""

WORTH = 0.9
"""Something else is kept only if that brings the cost down to this part."""


def rematerialize(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with other values kept between scans and their adjoints; the same object if nothing changes."""
    results: Sequence[Node] = graph.results
    seen: set[tuple[Region, Region]] = set()
    while (pair := _next_pair(results, seen, target)) is not None:
        seen.add((pair.forward.body, pair.backward.body))
        kept = _kept(pair, target)
        if kept:
            results = _rewritten(results, pair, kept)
    if all(a is b for a, b in zip(results, graph.results, strict=True)):
        return graph
    return merge_and_prune_loops(graph.replace(results))


@dataclass(frozen=True, eq=False)
class _Pair:
    """A scan and its adjoint.  `shared` are the nodes that both compute, operands first; `carried` what is read of a carry."""

    forward: Loop
    backward: Loop
    shared: list[Node]
    carried: list[Node]

    @property
    def length(self) -> Any:
        """The number of iterations, which may be a symbol."""
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
    """Tell whether what two scans go the other way over has the same values in each iteration for the parameters they share."""
    if forward.length != backward.length or forward.reverse is backward.reverse:
        return False
    bound = {b.param: b.operand for b in backward.bindings}
    stacked = dict(zip(forward.results()[1], forward.ys, strict=True))
    common = [(bound[b.param], b) for b in forward.bindings if b.param in bound]
    return bool(common) and all(
        stacked.get(operand) is b.param if isinstance(b, Carry) else operand is b.operand for operand, b in common
    )


def _pair(forward: Loop, backward: Loop) -> _Pair:
    known = set(toposort(forward.body.results))
    order = toposort(backward.body.results)
    shared = [n for n in order if n in known and n.op is not PARAMETER and not is_literal(n)]
    carried = {c.param for c in forward.carries}
    return _Pair(forward, backward, shared, [p for p in order if p in carried])


# -- costs ----------------------------------------------------------------------------------------------


def _keeping(node: Node, length: Any, target: TargetInfo) -> Any:
    """Estimate the instructions of writing a value and reading it again; results of loops are not kept."""
    if len(node.types) > 1 or node.regions or is_result(node):
        return inf
    return keeping(node.type.bytes, node.type.bytes * length, target)


# -- the cut --------------------------------------------------------------------------------------------


def _kept(pair: _Pair, target: TargetInfo) -> list[Node]:
    """Return what is kept beside the carry, where that pays."""
    import networkx as nx  # here, for it takes longer to import than all of graphc

    network = _network(nx, pair, target)
    cost, (needed, _) = nx.minimum_cut(network, "needed", "cost")
    before = sum([instructions(n, target) for n in pair.shared]) + sum(_keeping(p, pair.length, target) for p in pair.carried)
    if cost > WORTH * _whole(before):
        return []
    return [n for n in pair.shared if ("there", n) in needed and ("again", n) not in needed]


def _network(networkx: Any, pair: _Pair, target: TargetInfo) -> nx.DiGraph[Any]:
    """Return the network whose cuts are the ways to have what the adjoint reads.

    A value is there, or it is not; it is computed again, or it is not.  Cut between the two it is kept; computed again
    it costs its instructions, and its operands must be there.
    """
    network: nx.DiGraph[Any] = networkx.DiGraph()
    shared, carried = set(pair.shared), set(pair.carried)
    network.add_node("cost")
    for node in _read(pair):
        network.add_edge("needed", ("there", node))
    for node in pair.carried:
        network.add_edge(("there", node), "cost", capacity=_whole(_keeping(node, pair.length, target)))
    for node in pair.shared:
        cost = _keeping(node, pair.length, target)
        network.add_edge(("there", node), ("again", node), **({} if cost == inf else {"capacity": _whole(cost)}))
        network.add_edge(("again", node), "cost", capacity=_whole(instructions(node, target)))
        for operand in node.operands:
            if operand in shared or operand in carried:
                network.add_edge(("again", node), ("there", operand))
    return network


def _read(pair: _Pair) -> list[Node]:
    """Return what the rest of the adjoint reads of what both compute, and of the carry."""
    after = pair.backward.body
    inside = {*pair.shared, *pair.carried}
    rest = [n for n in toposort(after.results) if n not in inside]
    return list(dict.fromkeys(o for o in (*(o for n in rest for o in n.operands), *after.results) if o in inside))


def _whole(cost: Any) -> int:
    return round(float(cost) * 16)  # networkx wants integers to be exact


# -- the graph with another choice --------------------------------------------------------------------------


def _rewritten(results: Sequence[Node], pair: _Pair, kept: Sequence[Node]) -> Sequence[Node]:
    """Return results in which the scan stacks what is kept, and its adjoint reads that."""
    forward, backward = pair.forward, pair.backward
    longer = replace(forward, ys=(*forward.ys, *kept))
    instead = _instead(forward, longer)
    own = {node: parameter(node.type, node.name) for node in kept}
    stacks = longer.results()[1][len(forward.ys) :]
    read = [Binding(stack, param) for stack, param in zip(stacks, own.values(), strict=True)]
    reading = backward.with_operands(substitute(backward.operands, instead))
    reading = replace(reading.with_results(substitute(backward.body.results, own)), xs=(*reading.xs, *read))
    return substitute(results, {**instead, **_instead(backward, reading)})


def _instead(loop: Loop, other: Loop) -> Mapping[Node, Node]:
    """Map the results of a loop to those of one that has at least as many ys."""
    return dict(zip(results_of(loop.node()), results_of(other.node()), strict=False))
