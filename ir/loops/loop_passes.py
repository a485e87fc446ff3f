"""Merge loops with equal bodies, and drop loop results that nothing reads.

    %a = scan %c, %xs {…body…}                          %ab = scan %c, %xs {…body with the results of both…}
    %b = scan %c, %xs {…same body, with residuals…}  →

A forward loop and its copy that also stacks residuals for the adjoint become one loop; ys, xs and captures that the adjoint
does not read are dropped.  Checkpoints are inlined, except those that recompute: these stay regions, separate from the first
computation.  Custom nodes become their values, and existing fusions are inlined, since `fuse` runs later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc.ir.core.graph import Graph, Node, make, toposort
from graphc.ir.core.predicates import is_branch, is_call, is_custom, is_loop, is_result
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Loop
from graphc.ir.regions.substitution import results_of, substitute, with_bodies

__all__ = ["merge_and_prune_loops"]


def merge_and_prune_loops(graph: Graph) -> Graph:
    """Return the graph with loops merged and unread parts dropped; the same object if nothing changes."""
    return graph.replace(_pruned(graph.results))


def _pruned(results: Sequence[Node]) -> Sequence[Node]:
    results = _inlined(results)
    while True:
        nodes = toposort(results)
        new = _inner(nodes) or _shared(nodes) or _without_unread_operands(nodes) or _without_unread_ys(nodes, results)
        if not new:
            return results
        results = substitute(results, new)


def _inlined(results: Sequence[Node]) -> Sequence[Node]:
    """Inline the bodies of fusions and of checkpoints that do not recompute, and replace custom nodes by their values."""
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
    return is_custom(node) or (is_call(node) and not is_branch(node) and not Call.of(node).recomputes)


def _body(node: Node, operands: Sequence[Node]) -> list[Node]:
    if is_custom(node):
        return list(Custom.of(node).with_operands(operands).values)
    return Call.of(node).with_operands(operands).inlined()


def _inner(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Merge and prune the loops in the bodies of loops and branches."""
    for node in nodes:
        now = with_bodies(node, _pruned)
        if now is not node:
            return dict(zip(results_of(node), results_of(now), strict=True))
    return {}


def _shared(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Merge loops that differ only in their ys, and in additional carries of one of them."""
    alike: dict[object, list[Loop]] = {}
    for loop in map(Loop.of, filter(is_loop, nodes)):
        kind = (loop.condition is None, loop.length, loop.reverse, loop.body.params[:1])
        alike.setdefault(kind, []).append(loop)
    for group in alike.values():
        group.sort(key=lambda loop: -len(loop.bindings))
        for i, whole in enumerate(group):
            parts = [p for p in group[i + 1 :] if _does_all(whole, p)]
            if parts:
                return _merged(whole, parts)
    return {}


def _does_all(loop: Loop, other: Loop) -> bool:
    """Whether a loop binds and carries, among others, all that another one does, and does not depend on its results."""
    if not _bindings(other).items() <= _bindings(loop).items() or other.origin in toposort(loop.operands):
        return False
    return loop.condition is other.condition


def _bindings(loop: Loop) -> dict[tuple[Node, ...], tuple[object, ...]]:
    """Map parameters that are bound together to operand and role; the role of a carry includes its next value."""
    roles = [*(c.next for c in loop.carries), *("x" for _ in loop.xs), *("capture" for _ in loop.captures)]
    return {(b.in_condition, b.param): (b.operand, role) for b, role in zip(loop.bindings, roles, strict=True)}


def _merged(whole: Loop, others: Sequence[Loop]) -> dict[Node, Node]:
    group = [whole, *others]
    all_ys = tuple(dict.fromkeys(y for loop in group for y in loop.ys))
    ends, stacks = replace(whole, ys=all_ys).results()
    end_of = {c.param: end for c, end in zip(whole.carries, ends, strict=True)}
    stack_of = dict(zip(all_ys, stacks, strict=True))
    new: dict[Node, Node] = {}
    for loop in group:
        old_ends, old_stacks = loop.results()
        new.update((old, end_of[c.param]) for old, c in zip(old_ends, loop.carries, strict=True))
        new.update((old, stack_of[y]) for old, y in zip(old_stacks, loop.ys, strict=True))
    return new


def _without_unread_operands(nodes: Sequence[Node]) -> dict[Node, Node]:
    """Drop xs and captures that a loop's regions do not read.

    A scan without a length keeps the smallest of its xs, which determines the number of iterations.
    """
    new: dict[Node, Node] = {}
    for node in filter(is_loop, nodes):
        loop = Loop.of(node)
        read = set(toposort([r for region in loop.regions for r in region.results]))
        xs, captures = ([b for b in part if b.param in read or b.in_condition in read] for part in (loop.xs, loop.captures))
        if loop.xs and loop.length is None and not xs:
            xs = [min(loop.xs, key=lambda x: x.param.type.bytes)]
        after = replace(loop, xs=xs, captures=captures).node()
        if after is not node:
            new.update(zip(results_of(node), results_of(after), strict=True))
    return new


def _without_unread_ys(nodes: Sequence[Node], results: Sequence[Node]) -> dict[Node, Node]:
    """Drop ys whose stacks nothing reads."""
    read = {node for node in (*nodes, *results) if is_result(node)}
    new: dict[Node, Node] = {}
    for node in filter(is_loop, nodes):
        if len(node.types) == 1:
            continue
        loop = Loop.of(node)
        ends, stacks = loop.results()
        read_ys = [(stack, y) for stack, y in zip(stacks, loop.ys, strict=True) if stack in read]
        if len(read_ys) == len(stacks) or not (ends or read_ys):
            continue
        new_ends, new_stacks = replace(loop, ys=tuple(y for _, y in read_ys)).results()
        new.update(zip(ends, new_ends, strict=True))
        new.update(zip((stack for stack, _ in read_ys), new_stacks, strict=True))
    return new
