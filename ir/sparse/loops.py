"""Sparsity rules for loops, branches and custom functions: one per primitive with regions.

A scan whose body selects by value is followed iteration by iteration; for any other loop one iteration is summarized, and the
summary is applied to each.  For a loop of unknown length the summary is iterated to its closure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_branch, is_select, is_while
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Loop
from graphc.ir.sparse.rules import Parts, Values, filled, union_of
from graphc.ir.sparse.sparsity import Sparsity, identity, nothing, stacked, union

__all__ = ["LOOP_RULES", "UNROLL_BOUND", "Enter"]

UNROLL_BOUND = 50_000
"""Loops whose bodies select by value are followed by iteration up to this many nodes; beyond, any selection counts."""

Enter = Callable[[Region, Sequence["Sparsity | None"], Sequence[Any]], tuple[Parts, Values]]
"""Computes the patterns and known arrays of a region's results from those of its parameters; an argument of the rules."""

LoopRule = Callable[[Node, Sequence["Sparsity | None"], Values, Enter], Parts]


def _call(node: Node, operands: Sequence[Sparsity | None], values: Values, enter: Enter) -> Parts:
    """Unite the patterns of the arms that may be applied: all, or the one that a known condition chooses."""
    call = Call.of(node)
    _, patterns = call.split(operands)
    chosen = None if call.condition is None else values.of(call.condition)
    arms = call.arms if chosen is None else [call.arm(chosen)]
    arrays = [values.of_choice(x) for x in call.arguments]
    results = [enter(arm, patterns, arrays)[0] for arm in arms]
    return [union_of(parts) for parts in zip(*results, strict=True)]


def _scan(node: Node, operands: Sequence[Sparsity | None], values: Values, enter: Enter) -> Parts:
    loop = Loop.of(node)
    if loop.length is None:
        return _closed(loop, operands, values, enter)  # over another loop's stack: each item may be any of it
    if _chooses(loop.body) and loop.length * len(loop.body.nodes()) <= UNROLL_BOUND:
        return _followed(loop, operands, values, enter, loop.length)
    return _summed(loop, operands, values, enter, loop.length)


def _chooses(region: Region) -> bool:
    """Return whether the dependence of a region's results may depend on values."""
    return any(
        n.op.indices is not None or is_select(n) or is_branch(n) or is_while(n) or any(map(_chooses, n.regions))
        for n in region.nodes()
    )


def _followed(loop: Loop, operands: Sequence[Sparsity | None], values: Values, enter: Enter, length: int) -> Parts:
    """Follow a scan iteration by iteration, with the selections that are known in each."""
    body, arrays = loop.body, [values.of_choice(o) for o in loop.operands]
    carried, xs, captured = loop.split(operands)
    carried_arrays, known_xs, known_captures = loop.split(arrays)
    stacks: list[Parts] = [[None] * length for _ in loop.ys]
    for i in loop.indices(length):
        items = [_item(p, x.operand, i) for p, x in zip(xs, loop.xs, strict=True)]
        chosen = [None if a is None else a[i] for a in known_xs]
        results, inside = enter(body, [*carried, *items, *captured], [*carried_arrays, *chosen, *known_captures])
        carried, ys = loop.split_results(results)
        carried_arrays = [inside.of_choice(c.next) for c in loop.carries]
        for stack, part in zip(stacks, ys, strict=True):
            stack[i] = part
    width = _width(operands)
    return [*carried, *(_restacked(s, y.type.size, width) for s, y in zip(stacks, loop.ys, strict=True))]


def _item(sequence: Sparsity | None, node: Node, i: int) -> Sparsity | None:
    size = prod(node.shape[1:])
    return None if sequence is None else sequence.take(np.arange(i * size, (i + 1) * size))


def _restacked(parts: Sequence[Sparsity | None], size: int, width: int) -> Sparsity | None:
    if all(p is None for p in parts):
        return None
    return stacked([nothing(size, width) if p is None else p for p in parts])


def _width(operands: Sequence[Sparsity | None]) -> int:
    return next(o.shape[1] for o in operands if o is not None)


class _Summary:
    """The dependence of one iteration's results on carries, xs and captures, valid for all values."""

    def __init__(self, loop: Loop, arrays: Sequence[Any], width: int, enter: Enter) -> None:
        params = loop.body.params
        sizes = [p.type.size for p in params]
        offsets = list(accumulate(sizes, initial=0))
        rows = [identity(size, offsets[-1], offset) for size, offset in zip(sizes, offsets, strict=False)]
        inner = [row if p.dtype.is_float else None for row, p in zip(rows, params, strict=True)]
        results = zip(enter(loop.body, inner, arrays)[0], loop.body.results, strict=True)
        pattern = stacked([filled(p, r, offsets[-1]) for p, r in results])
        cuts = list(accumulate((sum(part) for part in loop.split(sizes)), initial=0))
        columns = [pattern.block(slice(0, pattern.shape[0]), slice(a, b)) for a, b in pairwise(cuts)]
        nodes = loop.split(params)
        self.carries, self.xs, self.captures = (_Block(c, n, width) for c, n in zip(columns, nodes, strict=True))
        self._rows = list(pairwise(accumulate((r.type.size for r in loop.body.results), initial=0)))
        self._loop = loop

    def by_result(self, results: Sparsity) -> tuple[list[Sparsity], list[Sparsity]]:
        """Return the patterns of all results of an iteration: the next carries, then the ys."""
        nexts, ys = self._loop.split_results([results.take(np.arange(a, b)) for a, b in self._rows])
        return list(nexts), list(ys)


class _Block:
    """The dependence of an iteration's results on some of its parameters."""

    def __init__(self, block: Sparsity, params: Sequence[Node], width: int) -> None:
        self.block, self.params, self.width = block, params, width

    def through(self, operands: Sequence[Sparsity | None]) -> Sparsity:
        """Return the dependence on what the operands of these parameters depend on."""
        if not self.block.nnz or all(o is None for o in operands):
            return nothing(self.block.shape[0], self.width)
        return self.block.through(stacked(self.full(operands)))

    def full(self, operands: Sequence[Sparsity | None]) -> list[Sparsity]:
        """Replace None by empty patterns."""
        return [filled(o, p, self.width) for o, p in zip(operands, self.params, strict=True)]


def _summed(loop: Loop, operands: Sequence[Sparsity | None], values: Values, enter: Enter, length: int) -> Parts:
    """Apply the summary of one iteration to each iteration of a scan."""
    initial, xs, captured = loop.split(operands)
    width = _width(operands)
    summary = _Summary(loop, _known_captures(loop, values), width, enter)
    fixed = summary.captures.through(captured)
    carried = summary.carries.full(initial)
    steps, stacks = loop.indices(length), dict[int, list[Sparsity]]()
    settled = all(x is None for x in xs)
    for i in steps:
        items = [_item(p, x.operand, i) for p, x in zip(xs, loop.xs, strict=True)]
        after, stacks[i] = summary.by_result(union([summary.carries.through(carried), summary.xs.through(items), fixed]))
        if settled and after == carried:
            stacks.update((j, stacks[i]) for j in steps if j not in stacks)
            break
        carried = after
    by_y = [[stacks[i][k] for i in range(length)] for k in range(len(loop.ys))]
    return [*carried, *(_restacked(parts, y.type.size, width) for parts, y in zip(by_y, loop.ys, strict=True))]


def _known_captures(loop: Loop, values: Values) -> list[Any]:
    """Return the arrays of the body's parameters that are known and the same in all iterations."""
    return [*(None for _ in (*loop.carries, *loop.xs)), *(values.of_choice(c.operand) for c in loop.captures)]


def _while(node: Node, operands: Sequence[Sparsity | None], values: Values, enter: Enter) -> Parts:
    """Follow a loop while its condition is known, then apply the summary until nothing changes."""
    loop = Loop.of(node)
    test, body = loop.regions
    carried, _, captured = loop.split(operands)
    carried_arrays, _, known_captures = loop.split([values.of_choice(o) for o in loop.operands])
    stacks: Parts = [None] * len(loop.ys)
    for _ in range(UNROLL_BOUND // max(1, len(body.nodes()))):
        known = zip(test.params, [*carried_arrays, *known_captures], strict=True)
        goes_on = Values({p: a for p, a in known if a is not None}).of(test.results[0])
        if goes_on is None:
            break
        if not goes_on:
            return [*carried, *stacks]
        results, inside = enter(body, [*carried, *captured], [*carried_arrays, *known_captures])
        carried, ys = loop.split_results(results)
        carried_arrays = [inside.of_choice(c.next) for c in loop.carries]
        stacks = [union_of(pair) for pair in zip(stacks, ys, strict=True)]
    after, ys = loop.split_results(_closed(loop, [*carried, *captured], values, enter))
    return [*after, *(union_of(pair) for pair in zip(stacks, ys, strict=True))]


def _closed(loop: Loop, operands: Sequence[Sparsity | None], values: Values, enter: Enter) -> Parts:
    """Return what the carried values may depend on after any number of iterations, and the ys in any iteration.

    This is the least fixpoint: the smallest set that contains the initial dependence and is closed under the body.
    """
    if all(o is None for o in operands):
        return [None] * len(loop.body.results)
    initial, xs, captured = loop.split(operands)
    summary = _Summary(loop, _known_captures(loop, values), _width(operands), enter)
    fixed = union([summary.xs.through(xs), summary.captures.through(captured)])
    now = summary.carries.full(initial)
    while True:
        nexts, ys = summary.by_result(union([summary.carries.through(now), fixed]))
        after = [union(pair) for pair in zip(now, nexts, strict=True)]
        if after == now:
            return [*now, *ys]
        now = after


def _custom(node: Node, operands: Sequence[Sparsity | None], values: Values, enter: Enter) -> Parts:
    """Use the tangent rule: a value depends on the inputs whose tangents its own tangent depends on."""
    rule = Custom.of(node)
    results: Parts = [None] * len(rule.values)
    if rule.forward is not None:
        region, numbers = rule.forward
        _, inputs, _ = rule.split(operands)
        captures = [values.of_choice(c) for c in rule.captures]
        patterns = [*inputs, *(None for _ in (*rule.values, *captures))]
        arrays = [*(None for _ in (*rule.inputs, *rule.values)), *captures]
        for i, part in zip(numbers, enter(region, patterns, arrays)[0], strict=True):
            results[i] = part
    return results


LOOP_RULES: dict[str, LoopRule] = {
    "fusion": _call, "checkpoint": _call, "cond": _call, "custom": _custom, "while": _while, "scan": _scan
}  # fmt: skip
"""Primitives with regions -> the patterns of all their results."""
