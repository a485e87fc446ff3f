"""Unroll short loops over large arrays, so that all their iterations become one kernel.

    %y = scan %x {…exp…, length=3}     →     %0 = exp %x
                                             %1 = exp %0
                                             %y = exp %1

A loop with an elementwise body traverses its arrays once per iteration, and its gradient reads all iterations' residuals.
Unrolled, a few iterations and their adjoint fuse: each element passes through all of them in registers.  Stacks become
concatenations, in which the slice rules find the items again.

Small bodies stay loops, which run in registers as they are (`registers`), as do loops that are too long for one kernel or not
elementwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.core import build
from graphc.ir.core.cost import SHORT_LOOP, TargetInfo, total_weight
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.predicates import is_scan
from graphc.ir.loops.promote import runs_in_registers
from graphc.ir.regions.loop import Loop
from graphc.ir.regions.substitution import results_of, rewrite_regions, substitute

__all__ = ["unroll_loops"]

MOST_NODES = 500
"""The most nodes that a loop may be unrolled to: each takes time to compile."""


def unroll_loops(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with its short elementwise loops unrolled; the same object if there are none."""

    def unrolled(node: Node) -> Sequence[Node]:
        is_unrolled = is_scan(node) and _is_short(Loop.of(node), target)
        return _written_out(Loop.of(node)) if is_unrolled else results_of(node)

    return graph.replace(rewrite_regions(graph.results, unrolled))


def _is_short(loop: Loop, target: TargetInfo) -> bool:
    """Whether all iterations of a scan fit into one kernel and gain by it."""
    length, nodes = loop.length, loop.body.nodes()
    if length is None or not 0 < length <= SHORT_LOOP:
        return False
    if length * len(nodes) > MOST_NODES or length * total_weight(nodes) > target.kernel_cost:
        return False
    return all(n.op.kind in ("elementwise", "movement", "leaf") for n in nodes) and not runs_in_registers(loop.node(), target)


def _written_out(loop: Loop) -> list[Node]:
    """Return the results of an unrolled scan."""
    length = int(loop.length or 0)
    now: Sequence[Node] = [c.operand for c in loop.carries]
    captured = {c.param: c.operand for c in loop.captures}
    stacks: list[dict[int, Node]] = [{} for _ in loop.ys]
    for i in loop.indices(length):
        own = {c.param: x for c, x in zip(loop.carries, now, strict=True)}
        items = {x.param: _item(x.operand, i) for x in loop.xs}
        now, ys = loop.split_results(substitute(loop.body.results, {**own, **items, **captured}))
        for stack, y in zip(stacks, ys, strict=True):
            stack[i] = build.reshape(y, (1, *y.shape))
    return [*now, *(build.concatenate([stack[i] for i in range(length)], 0) for stack in stacks)]


def _item(sequence: Node, at: int) -> Node:
    start, stop = [0] * sequence.type.rank, list(sequence.shape)
    start[0], stop[0] = at, at + 1
    return build.reshape(build.slice_(sequence, start, stop), sequence.shape[1:])
