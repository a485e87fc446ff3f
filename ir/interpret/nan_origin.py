"""Find the operation that made a NaN or an infinity, by running a graph on NumPy and going back from its results.

    %0: f32[3] = log %x            ← made -inf of finite numbers: this one
    %1: f32[3] = mul %0, %zero     -inf came in, NaN came out
    return %1

What counts is what reached a result: a NaN that a select did not choose does not count, nor is an infinity that came
from outside or stands in the program.  In loops, the first iteration that made one is run again op by op.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, Region, toposort
from graphc.ir.interpret.evaluate import evaluate, evaluate_node, iterations
from graphc.ir.regions.loop import Loop

__all__ = ["Culprit", "find_culprit"]


@dataclass(frozen=True, eq=False)
class Culprit:
    """The node, its operands and its value; a leaf is one that a NaN came in through.

    `iterations` are the loops it is in, outermost first, each with the number of the iteration.
    """

    node: Node
    operands: tuple[Any, ...]
    value: Any
    iterations: tuple[tuple[Node, int], ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether the node makes nothing of anything: a parameter or a constant."""
        return not self.operands


Values = dict[Node, Any]


def find_culprit(region: Region, arrays: Sequence[Any]) -> Culprit | None:
    """Return the first operation that made a NaN, or an infinity of finite numbers, that reaches a result.

    A leaf if a NaN only came in; None if results are finite, or hold infinities that were meant.
    """
    values: Values = dict(zip(region.params, map(np.asarray, arrays), strict=True))
    order = toposort(region.results)
    with np.errstate(all="ignore"):
        for node in order:
            if node not in values:
                values[node] = evaluate_node(node, [values[o] for o in node.operands])
    suspects = _suspects(region, values)
    leaves = [n for n in order if n in suspects and not n.operands and _any(np.isnan, values[n])]
    for node in order:
        if node in suspects and node.operands and _made(_operands(node, values), values[node]):
            return _within(node, values) or Culprit(node, _operands(node, values), values[node])
    return Culprit(leaves[0], (), values[leaves[0]]) if leaves else None


def _operands(node: Node, values: Values) -> tuple[Any, ...]:
    return tuple(values[o] for o in node.operands)


def _any(test: Callable[[Any], Any], value: Any) -> bool:
    arrays = value if isinstance(value, (list, tuple)) else [value]
    return any(_any(test, a) if isinstance(a, list) else a.dtype.kind == "f" and bool(test(a).any()) for a in arrays)


def _not_finite(x: Any) -> Any:
    return ~np.isfinite(x)


def _made(before: Sequence[Any], after: Any) -> bool:
    """Whether something is worse than everything that it was made of."""
    if _any(np.isnan, after):
        return not _any(np.isnan, before)
    return _any(_not_finite, after) and not _any(_not_finite, before)


def _suspects(region: Region, values: Values) -> set[Node]:
    """Return the nodes through which something not finite came to a result."""
    found: set[Node] = set()
    stack = [r for r in region.results if _any(_not_finite, values[r])]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(o for o in _read(node, values) if _any(_not_finite, values[o]))
    return found


def _read(node: Node, values: Values) -> Iterator[Node]:
    """Yield the operands whose numbers count."""
    if node.op.name != "select":
        yield from node.operands
        return
    chosen = values[node.operands[0]]
    for operand, mask in zip(node.operands[1:], (chosen, ~chosen), strict=True):
        if operand.dtype.is_float and bool((_not_finite(values[operand]) & mask).any()):
            yield operand


# -- inside of loops and branches ---------------------------------------------------------------------------


def _within(node: Node, values: Values) -> Culprit | None:
    """Return the culprit in a region of a node, in the first iteration that has one; None if there is none."""
    runs = _RUNS.get(node.op.name, _none)
    for region, arrays, iteration in runs(node, _operands(node, values)):
        if _made(arrays, evaluate(region, arrays)):
            found = find_culprit(region, arrays)
            if found is not None:
                return found if iteration is None else replace(found, iterations=((node, iteration), *found.iterations))
    return None


Iterations = Iterator[tuple[Region, list[Any], "int | None"]]


def _none(node: Node, operands: Sequence[Any]) -> Iterations:
    yield from ()


def _cond(node: Node, operands: Sequence[Any]) -> Iterations:
    holds, *given = operands
    yield node.regions[0 if holds else 1], given, None


def _while(node: Node, operands: Sequence[Any]) -> Iterations:
    loop, (test, body) = Loop.of(node), node.regions
    carried, _, captures = loop.split(operands)
    iteration = 0
    while evaluate(test, [*carried, *captures])[0]:
        yield body, [*carried, *captures], iteration
        carried, _ = loop.split_results(evaluate(body, [*carried, *captures]))
        iteration += 1


def _scan(node: Node, operands: Sequence[Any]) -> Iterations:
    loop = Loop.of(node)
    carried, xs, captures = loop.split(operands)
    for i in loop.indices(iterations(loop, xs)):
        given = [*carried, *(x[i] for x in xs), *captures]
        yield loop.body, given, i
        carried, _ = loop.split_results(evaluate(loop.body, given))


_RUNS: dict[str, Callable[[Node, Sequence[Any]], Iterations]] = {"cond": _cond, "while": _while, "scan": _scan}
"""Each run of a region of a node: the region, what it is given, and which iteration it is."""
