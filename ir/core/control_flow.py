"""Build loops and branches, and substitute nodes, regions included.

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
    "added",
    "applied",
    "checkpoint",
    "close",
    "cond",
    "custom",
    "known_results",
    "results_of",
    "rewrite_regions",
    "scan",
    "substitute",
    "substitute_through",
    "while_loop",
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


def checkpoint(body: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of a region whose gradient keeps the operands only.  The region may read other values."""
    closed, captures = close([body], outer, hoist="all" if outer is None else "none")
    return results_of(make(PRIMITIVES["checkpoint"], (*operands, *captures), {"barrier": False}, tuple(closed)))


def added(x: Node, y: Node) -> Node:
    """Return the sum of two values of one type; growing stacks are added item by item."""
    if not x.type.grows:
        return x + y
    item = x.type.with_shape(x.shape[1:])
    a, b = parameter(item), parameter(item)
    params = {"carries": 0, "xs": 2, "length": None, "reverse": False}
    return make(PRIMITIVES["scan"], (x, y), params, (Region((a, b), (a + b,)),))


def cond(pred: Node, yes: Region, no: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of one of two regions.  Both may read other values.  Raises TypeRuleError.

    Computation on values that already exist, the `outer` ones, stays in the branch.
    """
    closed, captures = close([yes, no], outer, hoist="all" if outer is None else "none")
    return results_of(make(PRIMITIVES["cond"], (pred, *operands, *captures), {}, tuple(closed)))


def custom(
    values: Sequence[Node],
    inputs: Sequence[Node],
    *,
    backward: tuple[Region, Sequence[int]] | None,
    forward: tuple[Region, Sequence[int]] | None,
    refusals: tuple[str, str] = ("", ""),
    batches: Mapping[int, Region] | None = None,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return values whose derivatives with respect to `inputs` are given by regions, which may read other values.

    `backward` maps cotangents and values to the gradients of the numbered inputs, `forward` maps tangents and values to the
    tangents of the numbered values; without a rule no derivative flows, or the text in `refusals` is raised as an error.
    `batches` maps batched inputs to batched values, by the level of the batching.  Raises TypeRuleError.
    """
    rules = [rule for rule in (backward, forward) if rule is not None]
    wrt, varying = (() if rule is None else tuple(rule[1]) for rule in (backward, forward))
    levels = batches or {}
    closed, captures = close([*(region for region, _ in rules), *levels.values()], outer, hoist="none")
    params = {
        "values": len(values), "inputs": len(inputs), "wrt": wrt, "varying": varying,
        "refusals": refusals, "levels": tuple(levels),
    }  # fmt: skip
    return results_of(make(PRIMITIVES["custom"], (*values, *inputs, *captures), params, tuple(closed)))


def while_loop(test: Region, body: Region, carries: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the carried values after the last iteration, then the stacked ys.  Raises TypeRuleError."""
    closed, captures = close([test, body], outer, hoist="safe")
    return results_of(make(PRIMITIVES["while"], (*carries, *captures), {"carries": len(carries)}, tuple(closed)))


def scan(
    body: Region,
    carries: Sequence[Node],
    xs: Sequence[Node],
    length: int,
    *,
    reverse: bool = False,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return the carried values after the last iteration, then the stacked ys.  Raises TypeRuleError."""
    closed, captures = close([body], outer, hoist="all" if length else "safe")
    params = {"carries": len(carries), "xs": len(xs), "length": length, "reverse": reverse}
    return results_of(make(PRIMITIVES["scan"], (*carries, *xs, *captures), params, tuple(closed)))
