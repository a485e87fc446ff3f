"""Random changes of decisions: of attributes of nodes that say how they run, and of the schedules of kernels."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.predicates import is_fusion, is_loop

__all__ = ["redecided"]

Params = dict[str, Any]
Change = Callable[[random.Random, Node], Params]

COUNTS = (0, 1, 2, 3, 4, 8, 16, 17, 64)


def redecided(choose: random.Random, graph: Graph) -> Graph:
    """Return the graph with other decisions at one of its nodes, legal or not.  Raises TypeRuleError for no attributes."""
    nodes = [n for n in _all_nodes(graph) if _changes(n)]
    if not nodes:
        return graph
    target = choose.choice(nodes)
    params = choose.choice(_changes(target))(choose, target)

    def change(node: Node) -> Node:
        regions = [rebuilt(region, change) for region in node.regions]
        return with_parts(node, params if node is target else node.params, regions)

    return graph.replace(rebuilt(graph, change).results)


def _all_nodes(region: Region) -> Iterator[Node]:
    for node in region.nodes():
        yield node
        for inner in node.regions if not is_fusion(node) else ():
            yield from _all_nodes(inner)


def _changes(node: Node) -> list[Change]:
    """Return what may be changed at a node."""
    if is_fusion(node):
        return FUSION if node.params else []
    found: list[Change] = [_without] if any(a.decision for k, a in node.op.attributes.items() if k in node.params) else []
    declared = node.op.attributes
    if "registers" in declared:
        found += [_registers, _registers]
    if is_loop(node):
        found += [_lanes, _lane_axes, _lane_axes]
    if "in_place" in declared:
        found.append(_joined if node.op.name == "concatenate" else _in_place)
    if "packed" in declared:
        found.append(lambda choose, n: {**n.params, "packed": True})
    return found


# -- loops, updates, joins ------------------------------------------------------------------------------------


def _without(choose: random.Random, node: Node) -> Params:
    keys = [key for key, attribute in node.op.attributes.items() if attribute.decision and key in node.params]
    away = set(choose.sample(keys, choose.randint(1, len(keys))))
    return {key: value for key, value in node.params.items() if key not in away}


def _registers(choose: random.Random, node: Node) -> Params:
    return {**node.params, "registers": choose.choice(COUNTS)}


def _lanes(choose: random.Random, node: Node) -> Params:
    return {**node.params, "lanes": choose.choice(COUNTS)}


def _lane_axes(choose: random.Random, node: Node) -> Params:
    """Draw axes, mostly such that have as many elements as there are lanes."""
    extents = [n for o in node.operands for n in o.shape if 1 < n <= 16]
    count = choose.choice(extents) if extents else 2

    def axis(shape: tuple[int, ...]) -> int | None:
        fitting = [a for a, n in enumerate(shape) if n == count or choose.random() < 0.05]
        return choose.choice([None, *fitting]) if choose.random() < 0.3 or not fitting else choose.choice(fitting)

    axes = tuple(axis(o.shape) for o in node.operands), tuple(axis(t.shape) for t in node.types)
    return {"registers": 16, **node.params, "lanes": count, "lane_axes": axes}


def _in_place(choose: random.Random, node: Node) -> Params:
    return {**node.params, "in_place": choose.choice((0, 0, 0, 1))}


def _joined(choose: random.Random, node: Node) -> Params:
    numbers = range(len(node.operands) + 1)
    return {**node.params, "in_place": tuple(sorted(choose.sample(numbers, choose.randint(0, len(numbers)))))}


# -- fusions --------------------------------------------------------------------------------------------------


def _renumbered(params: Params, order: list[int], dims: tuple[int, ...]) -> Params:
    """Return a schedule whose loop i is number `order[i]`."""
    new = {key: tuple(tuple(tuple(order[lo] for lo in axis) for axis in axes) for axes in params[key]) for key in LISTS}
    return {**params, "dims": dims, **new}


LISTS = ("results", "reduces")


def _permuted(choose: random.Random, node: Node) -> Params:
    dims = node.params["dims"]
    order = choose.sample(range(len(dims)), len(dims))
    new = [0] * len(dims)
    for before, after in enumerate(order):
        new[after] = dims[before]
    return _renumbered(node.params, order, tuple(new))


def _split(choose: random.Random, node: Node) -> Params:
    """Split a loop in two."""
    dims = node.params["dims"]
    divisors = [(i, d) for i, n in enumerate(dims) for d in range(2, min(n, 40)) if n % d == 0]
    if not divisors:
        return {**node.params, "outer": node.params["outer"] + 1}
    at, inner = choose.choice(divisors)

    def axis(loops: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(x for lo in loops for x in ((at, at + 1) if lo == at else (lo + (lo > at),)))

    new = {key: tuple(tuple(map(axis, axes)) for axes in node.params[key]) for key in LISTS}
    outer = node.params["outer"] + (at < node.params["outer"])
    return {"dims": (*dims[:at], dims[at] // inner, inner, *dims[at + 1 :]), "outer": outer, **new}


def _outer(choose: random.Random, node: Node) -> Params:
    return {**node.params, "outer": choose.randint(0, len(node.params["dims"]) + 1)}


def _exchanged(choose: random.Random, node: Node) -> Params:
    """Exchange two loops in one of the lists."""
    key = choose.choice(LISTS)
    lists = node.params[key]
    if not lists or not node.params["dims"]:
        return _outer(choose, node)
    number, n = choose.randrange(len(lists)), len(node.params["dims"])
    a, b = choose.randrange(n), choose.randrange(n)
    swap = {a: b, b: a}
    new = tuple(tuple(swap.get(lo, lo) for lo in axis) for axis in lists[number])
    return {**node.params, key: (*lists[:number], new, *lists[number + 1 :])}


def _unit(choose: random.Random, node: Node) -> Params:
    """Add a loop of one iteration, or of more."""
    dims = node.params["dims"]
    return {**node.params, "dims": (*dims, choose.choice((1, 1, 2))), "outer": node.params["outer"] + (prod(dims) < 0)}


def _none(choose: random.Random, node: Node) -> Params:
    return {}


FUSION: list[Change] = [_permuted, _permuted, _split, _split, _outer, _exchanged, _exchanged, _unit, _none]
