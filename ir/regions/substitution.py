"""Substitute nodes, regions included, and close regions over what they read.

A body is written over parameters and may read any other node; `close` makes those nodes captures with parameters of their
own.  Nodes that do not depend on a body's own parameters are computed before the loop: loop-invariant code motion by
construction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from graphc.ir.core.graph import PARAMETER, Node, Region, find, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_broadcast, is_fusion, is_literal

__all__ = [
    "RefusedError",
    "applied",
    "close",
    "known_results",
    "results_of",
    "rewrite_regions",
    "substitute",
    "substitute_through",
    "with_bodies",
]


class RefusedError(RuntimeError):
    """A custom function is differentiated in a mode for which it has no rule."""


def results_of(node: Node) -> list[Node]:
    """Return a node for each result of a node."""
    if len(node.types) == 1:
        return [node]
    return [make(PRIMITIVES["result"], (node,), {"index": i}, like=node) for i in range(len(node.types))]


def applied(region: Region, arguments: Sequence[Node]) -> list[Node]:
    """Return the results of a region with these values for its parameters."""
    return substitute(region.results, dict(zip(region.params, arguments, strict=True)))


def known_results(node: Node) -> list[Node]:
    """Return the `result` nodes of a node that are still referenced."""
    results = (find(PRIMITIVES["result"], (node,), {"index": i}) for i in range(len(node.types)))
    return [r for r in results if r is not None]


def substitute(roots: Sequence[Node], new: Mapping[Node, Node]) -> list[Node]:
    """Return `roots` with nodes replaced; nodes that do not depend on them stay the same objects.  Does not recurse."""
    if not new:
        return list(roots)
    done: dict[Node, Node] = dict(new)
    for node in toposort(roots, new.__contains__):
        if node in done:
            continue
        operands = [done[o] for o in node.operands]
        same = all(a is b for a, b in zip(operands, node.operands, strict=True))
        done[node] = node if same else make(node.op, operands, node.params, node.regions, like=node)
    return [done[r] for r in roots]


def with_bodies(node: Node, rewrite: Callable[[Sequence[Node]], Sequence[Node]]) -> Node:
    """Return a loop or branch with the results of its bodies rewritten; the same object if none changes."""
    bodies = [(r, rewrite(r.results)) for r in node.regions]
    if all(all(a is b for a, b in zip(r.results, after, strict=True)) for r, after in bodies):
        return node
    regions = tuple(Region(r.params, tuple(after)) for r, after in bodies)
    return make(node.op, node.operands, node.params, regions, like=node)


def rewrite_regions(results: Sequence[Node], rewrite: Callable[[Node], Sequence[Node]]) -> Sequence[Node]:
    """Return results with loops and branches rewritten, the ones in their bodies first; fusions stay.

    `rewrite` returns what replaces the results of a node with regions: `results_of` it where nothing changes.
    """
    new: dict[Node, Node] = {}
    for node in toposort(results):
        if node.regions and not is_fusion(node):
            after = rewrite(with_bodies(node, lambda inner: rewrite_regions(inner, rewrite)))
            new.update((a, b) for a, b in zip(results_of(node), after, strict=True) if a is not b)
    return substitute_through(results, new)


def substitute_through(roots: Sequence[Node], new: Mapping[Node, Node]) -> Sequence[Node]:
    """Return `roots` with nodes replaced, repeatedly: a replacement may read nodes that are themselves replaced."""
    while True:
        after = substitute(roots, new)
        if all(a is b for a, b in zip(after, roots, strict=True)):
            return roots
        roots = after


def close(
    regions: Sequence[Region], outer: Collection[Node] | None = None, *, hoist: str = "all"
) -> tuple[list[Region], list[Node]]:
    """Add to regions one parameter for each value that any of them reads from outside; return these captures too.

    Constants and iotas stay inside.  All regions get the same new parameters, in the same order.  `outer`, if given, are values
    that already exist where the node will be: their operands are not visited.  `hoist` says which nodes are computed outside
    besides: "all" that do not depend on parameters; the "safe" ones of these, which neither fail nor loop forever, for a region
    that may not run; or "none", for a region that is likely not to run.
    """
    captures: dict[Node, None] = {}
    for region in regions:
        captures.update(dict.fromkeys(_captures(region, outer, hoist)))
    closed = []
    for region in regions:
        own = {node: parameter(node.type, node.name) for node in captures}
        closed.append(Region((*region.params, *own.values()), tuple(substitute(region.results, own))))
    return closed, list(captures)


def _captures(region: Region, outer: Collection[Node] | None, hoist: str) -> list[Node]:
    """Return the values that a region reads from outside, after hoisting."""
    known = set(outer or ())
    stays: dict[str, Callable[[Node], bool]] = {
        "all": lambda n: False,
        "safe": lambda n: n.op.may_fail,
        "none": lambda n: n.op is not PARAMETER,
    }
    inside: set[Node] = set(region.params)
    order = toposort(region.results, lambda n: n in known)
    for node in order:
        if node not in known and (not inside.isdisjoint(node.operands) or stays[hoist](node)):
            inside.add(node)
        elif any(t.grows for t in node.types):
            inside.add(node)  # only its own region can loop over it
    captures: dict[Node, None] = {}
    read = [*region.results, *(o for n in order if n in inside for o in n.operands)]
    for node in read:
        if node in inside or is_literal(node):
            continue
        if is_broadcast(node) and node not in known:
            read += node.operands  # a broadcast is free where it is read; captured, it would be stored
        else:
            captures[node] = None
    return list(captures)
