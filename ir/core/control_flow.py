"""Build loops and branches, and move nodes from one region to another.

A body is written over parameters and may read any other node; `close` makes those nodes captures, with parameters of their
own.  What does not depend on a body's own parameters is computed before the loop, once: that is loop-invariant code motion, by
construction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from graphc.ir.core.graph import PARAMETER, Node, Region, find, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_branch, is_broadcast, is_literal

__all__ = [
    "RefusedError",
    "added",
    "arguments",
    "checkpoint",
    "close",
    "cond",
    "custom",
    "known_results",
    "results_of",
    "scan",
    "substitute",
    "substitute_through",
    "while_loop",
    "with_bodies",
]

T = TypeVar("T")


class RefusedError(RuntimeError):
    """A derivative is asked for that the rules of a custom function do not give."""


def results_of(node: Node) -> list[Node]:
    """Return a node for each result of a node."""
    if len(node.types) == 1:
        return [node]
    return [make(PRIMITIVES["result"], (node,), {"index": i}, like=node) for i in range(len(node.types))]


def arguments(node: Node, values: Sequence[T]) -> Sequence[T]:
    """Return what belongs to the arguments of a node's regions, of what belongs to its operands: all but a cond's condition."""
    return values[1:] if is_branch(node) else values


def known_results(node: Node) -> list[Node]:
    """Return those of the results of a node that are still referenced."""
    found = (find(PRIMITIVES["result"], (node,), {"index": i}) for i in range(len(node.types)))
    return [r for r in found if r is not None]


def substitute(roots: Sequence[Node], new: Mapping[Node, Node]) -> list[Node]:
    """Return `roots` with some nodes replaced; what does not read them stays as it is.  Does not recurse."""
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


def substitute_through(roots: Sequence[Node], new: Mapping[Node, Node]) -> Sequence[Node]:
    """Return `roots` with some nodes replaced, also where what replaces one reads what was before another was."""
    while True:
        after = substitute(roots, new)
        if all(a is b for a, b in zip(after, roots, strict=True)):
            return roots
        roots = after


def close(
    regions: Sequence[Region], outer: Collection[Node] | None = None, *, hoist: str = "all"
) -> tuple[list[Region], list[Node]]:
    """Give regions one more parameter for each value that any of them reads and does not compute; return these captures too.

    Constants and iotas stay inside.  All regions get the same new parameters, in the same order.  `outer`, if it is
    known, are values that exist already where the node will be: what lies below them is not looked at.  `hoist` says what else
    is computed there: "all" that does not depend on parameters; of that only what is "safe", because it can neither
    fail nor last forever, where a region may never run; or "none", where it may well not run.
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
    """Return the values that a region reads and does not compute: as much as may be is computed before."""
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
            inside.add(node)  # only the region that made it can run over it
    found: dict[Node, None] = {}
    read = [*region.results, *(o for n in order if n in inside for o in n.operands)]
    for node in read:
        if node in inside or is_literal(node):
            continue
        if is_broadcast(node) and node not in known:
            read += node.operands  # it costs nothing where it is read, and much memory where it is kept
        else:
            found[node] = None
    return list(found)


def checkpoint(body: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of a region whose gradient keeps the operands only.  It may read other values."""
    closed, captures = close([body], outer, hoist="all" if outer is None else "none")
    return results_of(make(PRIMITIVES["checkpoint"], (*operands, *captures), {"barrier": False}, tuple(closed)))


def added(x: Node, y: Node) -> Node:
    """Return the sum of two values of one type, item by item if they are what a loop has stacked."""
    if not x.type.grows:
        return x + y
    item = x.type.with_shape(x.shape[1:])
    a, b = parameter(item), parameter(item)
    params = {"carried": 0, "sequences": 2, "length": None, "reverse": False}
    return make(PRIMITIVES["scan"], (x, y), params, (Region((a, b), (a + b,)),))


def cond(pred: Node, yes: Region, no: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of one of two regions.  Both may read other values.  Raises TypeRuleError.

    Computation on values that exist already, the `outer` ones, stays in the branch.
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
    """Return values, the derivatives of which by `inputs` are what regions say; they may read other values.

    `backward` maps cotangents and values to gradients by inputs of these numbers, `forward` tangents and values to the
    tangents of values of these numbers; without one of them no derivative flows, or its text in `refusals` is an error.
    `batches` map batches of the inputs to those of the values, by the number of the batching.  Raises TypeRuleError.
    """
    rules = [rule for rule in (backward, forward) if rule is not None]
    by, moved = (() if rule is None else tuple(rule[1]) for rule in (backward, forward))
    levels = batches or {}
    closed, captures = close([*(region for region, _ in rules), *levels.values()], outer, hoist="none")
    params = {
        "values": len(values), "inputs": len(inputs), "by": by, "moved": moved, "refusals": refusals, "levels": tuple(levels)
    }  # fmt: skip
    return results_of(make(PRIMITIVES["custom"], (*values, *inputs, *captures), params, tuple(closed)))


def while_loop(test: Region, body: Region, carries: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the carried values after the last iteration, then the ys, stacked.  Raises TypeRuleError."""
    closed, captures = close([test, body], outer, hoist="safe")
    return results_of(make(PRIMITIVES["while"], (*carries, *captures), {"carried": len(carries)}, tuple(closed)))


def scan(
    body: Region,
    carries: Sequence[Node],
    xs: Sequence[Node],
    length: int,
    *,
    reverse: bool = False,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return the carried values after the last iteration, then the ys, stacked.  Raises TypeRuleError."""
    closed, captures = close([body], outer, hoist="all" if length else "safe")
    params = {"carried": len(carries), "sequences": len(xs), "length": length, "reverse": reverse}
    return results_of(make(PRIMITIVES["scan"], (*carries, *xs, *captures), params, tuple(closed)))
