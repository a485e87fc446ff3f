"""What forward mode does at branches and loops: a loop carries the tangents beside the values.

Bodies are differentiated by forward mode itself, on the parameters that they have, so that the loop of before and the
one with tangents can become one (`loop_passes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.ir.core.build import zeros_like
from graphc.ir.core.control_flow import RefusedError, applied, results_of
from graphc.ir.core.graph import Node, Region, make, parameter

__all__ = ["LOOP_JVP", "LoopJVP", "Tangents"]

Tangents = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], "list[Node | None]"]
"""Forward mode itself, handed to the rules: it stands above them."""

LoopJVP = Callable[[Node, Sequence["Node | None"], Tangents], "list[Node | None]"]
"""rule(node, tangents of its operands, forward mode) -> tangents of its results."""


def _filled(node: Node, tangent: Node | None) -> Node:
    return zeros_like(node) if tangent is None else tangent


def _spread(found: Sequence[Node], moving: Sequence[int], count: int) -> list[Node | None]:
    by_number = dict(zip(moving, found, strict=True))
    return [by_number.get(i) for i in range(count)]


def _call(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    """Return the tangents of a branch or a checkpoint, which is the same with tangents of its arms' results."""
    skipped = len(node.operands) - len(node.regions[0].params)
    varying = [i for i, t in enumerate(tangents) if t is not None]
    seeds = [parameter(node.operands[i].type) for i in varying]
    found = [push(r.results, [r.params[i - skipped] for i in varying], seeds) for r in node.regions]
    moving = [k for k in range(len(node.types)) if any(arm[k] is not None for arm in found)]
    if not moving:
        return [None] * len(node.types)
    regions = [
        Region((*r.params, *seeds), tuple(_filled(r.results[k], arm[k]) for k in moving))
        for r, arm in zip(node.regions, found, strict=True)
    ]
    operands = (*node.operands, *(t for t in tangents if t is not None))
    return _spread(results_of(make(node.op, operands, node.params, tuple(regions), like=node)), moving, len(node.types))


def _loop(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    *tests, body = node.regions
    n, m = node.params["carried"], node.params.get("sequences", 0)
    seeds = {i: parameter(body.params[i].type) for i, t in enumerate(tangents) if t is not None}
    while True:
        found = push(body.results, [body.params[i] for i in seeds], list(seeds.values()))
        new = [i for i in range(n) if found[i] is not None and i not in seeds]
        if not new:
            break
        seeds.update({i: parameter(body.params[i].type) for i in new})  # it varies from the second iteration on
    order = sorted(seeds)
    groups = ([i for i in order if i < n], [i for i in order if n <= i < n + m], [i for i in order if i >= n + m])
    stacked = [k for k in range(n, len(node.types)) if found[k] is not None]
    results = (
        *body.results[:n],
        *(_filled(body.results[i], found[i]) for i in groups[0]),
        *(t for k in stacked if (t := found[k]) is not None),
    )
    directions = {i: _filled(node.operands[i], tangents[i]) for i in order}
    params = {**node.params, "carried": n + len(groups[0])}
    if m:
        params["sequences"] = m + len(groups[1])
    regions = [Region(_beside(t.params, seeds, groups, n, m), t.results) for t in tests]
    regions.append(Region(_beside(body.params, seeds, groups, n, m), results))
    operands = _beside(node.operands, directions, groups, n, m)
    made = results_of(make(node.op, operands, params, tuple(regions), like=node))
    return _spread(made[n:], [*groups[0], *stacked], len(node.types))


def _beside(
    values: Sequence[Node], tangents: dict[int, Node], groups: Sequence[Sequence[int]], n: int, m: int
) -> tuple[Node, ...]:
    """Put tangents behind the carried values, the sequences, the values of outside."""
    found: list[Node] = []
    for group, part in zip(groups, (values[:n], values[n : n + m], values[n + m :]), strict=True):
        found += [*part, *(tangents[i] for i in group)]
    return tuple(found)


def _custom(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    """Do what the region for tangents does with those of the inputs.  Raises RefusedError if there is no such region."""
    k, n, by, moved = (node.params[key] for key in ("values", "inputs", "by", "moved"))
    if all(t is None for t in tangents[k : k + n]):
        return [None] * k
    if node.params["refusals"][1]:
        raise RefusedError(node.params["refusals"][1])
    if not moved:
        return [None] * k
    given = [_filled(x, t) for x, t in zip(node.operands[k : k + n], tangents[k : k + n], strict=True)]
    return _spread(applied(node, node.regions[bool(by)], given), moved, k)


LOOP_JVP: dict[str, LoopJVP] = {"checkpoint": _call, "cond": _call, "custom": _custom, "while": _loop, "scan": _loop}
"""Primitives with regions -> their rule."""
