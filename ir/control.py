"""Build loops and branches, and move nodes from one region to another.

A body is written over parameters and may read any node of outside; `close` makes those parameters too.  What
does not depend on a body's own parameters is computed outside, once: that is loop-invariant code motion, by
construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.ir.graph import Node, Region, make, parameter, toposort
from graphc.ir.primitives import PRIMITIVES

__all__ = ["close", "cond", "results_of", "scan", "substitute", "while_loop"]


def results_of(node: Node) -> list[Node]:
    """Return a node for each result of a node."""
    if len(node.types) == 1:
        return [node]
    return [make(PRIMITIVES["result"], (node,), {"index": i}, like=node) for i in range(len(node.types))]


def substitute(roots: Sequence[Node], new: Mapping[Node, Node]) -> list[Node]:
    """Return `roots` with some nodes replaced; what does not read them stays as it is.  Does not recurse."""
    done: dict[Node, Node] = dict(new)
    for node in toposort(roots, lambda n: n in new):
        if node in done:
            continue
        operands = [done[o] for o in node.operands]
        same = all(a is b for a, b in zip(operands, node.operands, strict=True))
        done[node] = node if same else make(node.op, operands, node.params, node.regions, like=node)
    return [done[r] for r in roots]


def close(regions: Sequence[Region]) -> tuple[list[Region], list[Node]]:
    """Give regions one more parameter for each value of outside that any of them reads; return these values too.

    Constants and iotas stay inside.  All regions get the same new parameters, in the same order.
    """
    outside: dict[Node, None] = {}
    for region in regions:
        outside.update(dict.fromkeys(_read_from_outside(region)))
    closed = []
    for region in regions:
        own = {node: parameter(node.type, node.name) for node in outside}
        closed.append(Region((*region.params, *own.values()), tuple(substitute(region.results, own))))
    return closed, list(outside)


def _read_from_outside(region: Region) -> list[Node]:
    """Return the values a region reads that do not depend on its parameters, as far out as possible."""
    varying: set[Node] = set(region.params)
    order = toposort(region.results)
    for node in order:
        if not varying.isdisjoint(node.operands):
            varying.add(node)
    found: dict[Node, None] = {}
    for node in [*region.results, *(o for n in order if n in varying for o in n.operands)]:
        if node not in varying and node.op.name not in ("constant", "iota"):
            found[node] = None
    return list(found)


def cond(pred: Node, yes: Region, no: Region, operands: Sequence[Node]) -> list[Node]:
    """Return the results of one of two regions.  Both may read outside values.  Raises TypeRuleError."""
    closed, outside = close([yes, no])
    return results_of(make(PRIMITIVES["cond"], (pred, *operands, *outside), {}, tuple(closed)))


def while_loop(test: Region, body: Region, carried: Sequence[Node]) -> list[Node]:
    """Return the carried values after the last iteration.  Raises TypeRuleError."""
    closed, outside = close([test, body])
    return results_of(make(PRIMITIVES["while"], (*carried, *outside), {"carried": len(carried)}, tuple(closed)))


def scan(body: Region, carried: Sequence[Node], sequences: Sequence[Node], length: int, *, reverse: bool = False) -> list[Node]:
    """Return the carried values after the last item, then each item the body gave, stacked.  Raises TypeRuleError."""
    closed, outside = close([body])
    params = {"carried": len(carried), "sequences": len(sequences), "length": length, "reverse": reverse}
    return results_of(make(PRIMITIVES["scan"], (*carried, *sequences, *outside), params, tuple(closed)))
