"""Merge loops that compute the same, and drop results that nothing reads.

    %a = scan %c, %xs {…body…}                      %ab = scan %c, %xs {…body with the results of both…}
    %b = scan %c, %xs {…the same body, taped…}  →

A forward loop and the taped one that its adjoint asks for become one; stacks and sequences that the adjoint
turned out not to need are dropped.  Once gradients are taken, a checkpoint is just what its region computes; only what
its gradient computes again stays a region, apart from the first computation.  A custom node is its values then.  What was
fused before is taken apart: `fuse` decides anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.core.control_flow import results_of, substitute, with_bodies
from graphc.ir.core.graph import Graph, Node, Region, make, toposort
from graphc.ir.core.predicates import is_loop, is_result, is_scan

__all__ = ["merge_and_prune_loops"]


def merge_and_prune_loops(graph: Graph) -> Graph:
    """Return the graph with its loops shared and without unread parts; the same object if nothing changes."""
    return graph.replace(_tidied(graph.results))


def _tidied(results: Sequence[Node]) -> Sequence[Node]:
    results = _inlined(results)
    while True:
        nodes = toposort(results)
        new = _inner(nodes) or _shared(nodes) or _without_unread_operands(nodes) or _without_unread_stacks(nodes, results)
        if not new:
            return results
        results = substitute(results, new)


def _inlined(results: Sequence[Node]) -> Sequence[Node]:
    """Put the bodies of fusions, and of checkpoints not computed again, in their places, and the values of custom nodes."""
    while any(map(_is_open, nodes := toposort(results))):
        new: dict[Node, Node] = {}
        bodies: dict[Node, list[Node]] = {}
        for node in nodes:
            operands = [new.get(o, o) for o in node.operands]
            if _is_open(node):
                bodies[node] = _body(node, operands)
                new[node] = bodies[node][0] if len(node.types) == 1 else node
            elif is_result(node) and node.operands[0] in bodies:
                new[node] = bodies[node.operands[0]][node.params["index"]]
            elif any(a is not b for a, b in zip(operands, node.operands, strict=True)):
                new[node] = make(node.op, operands, node.params, node.regions, like=node)
        results = [new.get(r, r) for r in results]
    return results


def _is_open(node: Node) -> bool:
    return node.op.name in ("custom", "fusion") or (node.op.name == "checkpoint" and not node.params["barrier"])


def _body(node: Node, operands: Sequence[Node]) -> list[Node]:
    if node.op.name == "custom":
        return list(operands[: node.params["values"]])
    (body,) = node.regions
    return substitute(body.results, dict(zip(body.params, operands, strict=True)))


def _inner(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Tidy the bodies of loops and branches."""
    new: dict[Node, Node] = {}
    for node in nodes:
        if not node.regions:
            continue
        now = with_bodies(node, _tidied)
        if now is not node:
            new.update(_renumbered(node, now, range(len(node.types))))
            return new
    return new


def _renumbered(old: Node, node: Node, places: Sequence[int]) -> dict[Node, Node]:
    """Map each result of a node to that of another, by its new place."""
    found = results_of(node)
    if len(old.types) == 1:
        return {old: found[places[0]]}
    return {r: found[place] for r, place in zip(results_of(old), places, strict=True) if place >= 0}


def _shared(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Merge loops that do the same, but for what they stack, and for what one of them carries besides."""
    alike: dict[object, list[Node]] = {}
    for node in nodes:
        if is_loop(node):
            kind = (node.op, node.params.get("length"), node.params.get("reverse"), node.regions[-1].params[:1])
            alike.setdefault(kind, []).append(node)
    for group in alike.values():
        group.sort(key=lambda node: -len(node.operands))
        for i, whole in enumerate(group):
            parts = [p for p in group[i + 1 :] if _does_all(whole, p)]
            if parts:
                return _merged(whole, parts)
    return {}


def _does_all(whole: Node, part: Node) -> bool:
    """Whether a loop binds and carries on, among others, just what another one does, and does not need its results."""
    bound, wanted = _bindings(whole), _bindings(part)
    if not wanted.items() <= bound.items() or part in toposort(whole.operands):
        return False
    tests = zip(whole.regions[:-1], part.regions[:-1], strict=True)
    return all(a.results == b.results for a, b in tests)


def _bindings(node: Node) -> dict[tuple[Node, ...], tuple[object, ...]]:
    """Map the parameters that are bound together to their role: what starts them, and what they are carried on as."""
    n, m = node.params["carried"], node.params.get("sequences", 0)
    together = zip(*(r.params for r in node.regions), strict=True)
    after = [*node.regions[-1].results[:n], *(("item",) * m), *(("outside",) * (len(node.operands) - n - m))]
    return {params: (o, a) for params, o, a in zip(together, node.operands, after, strict=True)}


def _merged(whole: Node, parts: Sequence[Node]) -> dict[Node, Node]:
    *tests, body = whole.regions
    n = whole.params["carried"]
    group = [whole, *parts]
    stacks = list(dict.fromkeys(r for node in group for r in node.regions[-1].results[node.params["carried"] :]))
    region = Region(body.params, (*body.results[:n], *stacks))
    one = make(whole.op, whole.operands, whole.params, (*tests, region), like=whole)
    new: dict[Node, Node] = {}
    for node in group:
        inner, k = node.regions[-1], node.params["carried"]
        places = [body.params.index(p) for p in inner.params[:k]]
        new.update(_renumbered(node, one, [*places, *(n + stacks.index(r) for r in inner.results[k:])]))
    return new


def _without_unread_operands(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Drop sequences and outside values that a loop's regions do not read.

    A scan without a length keeps one sequence, the smallest, to know how often it runs.
    """
    new: dict[Node, Node] = {}
    for node in nodes:
        if not is_loop(node):
            continue
        n, m = node.params["carried"], node.params.get("sequences", 0)
        kept = set(range(n))
        for region in node.regions:
            read = set(toposort(region.results))
            kept.update(i for i, p in enumerate(region.params) if p in read)
        if is_scan(node) and node.params["length"] is None and kept.isdisjoint(range(n, n + m)):
            kept.add(min(range(n, n + m), key=lambda i: node.regions[0].params[i].type.bytes))
        if len(kept) == len(node.operands):
            continue
        order = sorted(kept)
        params = dict(node.params)
        if is_scan(node):
            params["sequences"] = sum(n <= i < n + m for i in order)
        regions = tuple(Region(tuple(r.params[i] for i in order), r.results) for r in node.regions)
        after = make(node.op, [node.operands[i] for i in order], params, regions, like=node)
        new.update(_renumbered(node, after, range(len(node.types))))
    return new


def _without_unread_stacks(nodes: Sequence[Node], results: Sequence[Node]) -> dict[Node, Node]:
    """Drop stacked results that nothing reads."""
    read: dict[Node, set[int]] = {}
    for node in (*nodes, *results):
        if is_result(node):
            read.setdefault(node.operands[0], set()).add(node.params["index"])
    new: dict[Node, Node] = {}
    for node in nodes:
        if not is_loop(node) or len(node.types) == 1:
            continue
        *tests, body = node.regions
        n = node.params["carried"]
        kept = [i for i in range(len(node.types)) if i < n or i in read[node]]
        if len(kept) == len(node.types) or not kept:
            continue
        region = Region(body.params, tuple(body.results[i] for i in kept))
        after = make(node.op, node.operands, node.params, (*tests, region), like=node)
        new.update(_renumbered(node, after, [kept.index(i) if i in kept else -1 for i in range(len(node.types))]))
    return new
