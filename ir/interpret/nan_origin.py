"""Find the operation that produced a NaN or an infinity, by evaluating a graph and walking back from its results.

    %0: f32[3] = log %x            ← produced -inf from finite numbers: this one
    %1: f32[3] = mul %0, %zero     -inf came in, NaN came out
    return %1

Only values that reach a result count: not a NaN that a select discards, nor an infinity that is an input or a constant.  In
loops, the first iteration that produces one is evaluated again, operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, Region, toposort
from graphc.ir.core.predicates import is_select
from graphc.ir.interpret.evaluate import evaluate, evaluate_node, iterations
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Loop

__all__ = ["Culprit", "find_culprit"]


@dataclass(frozen=True, eq=False)
class Culprit:
    """The node that produced a NaN or an infinity, its operands and its value; a leaf is a NaN among the inputs.

    `iterations` are the loops around it, outermost first, each with the number of the iteration.
    """

    node: Node
    operands: tuple[Any, ...]
    value: Any
    iterations: tuple[tuple[Node, int], ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether the node is a parameter or a constant."""
        return not self.operands


Values = dict[Node, Any]


def find_culprit(region: Region, arrays: Sequence[Any]) -> Culprit | None:
    """Return the first operation that produced a NaN, or an infinity from finite numbers, that reaches a result.

    Returns a leaf if a NaN was among the inputs, and None if the results are finite or hold intended infinities.
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
        if node in suspects and node.operands and _is_origin(_operands(node, values), values[node]):
            return _within(node, values) or Culprit(node, _operands(node, values), values[node])
    return Culprit(leaves[0], (), values[leaves[0]]) if leaves else None


def _operands(node: Node, values: Values) -> tuple[Any, ...]:
    return tuple(values[o] for o in node.operands)


def _any(test: Callable[[Any], Any], value: Any) -> bool:
    arrays = value if isinstance(value, (list, tuple)) else [value]
    return any(_any(test, a) if isinstance(a, list) else a.dtype.kind == "f" and bool(test(a).any()) for a in arrays)


def _not_finite(x: Any) -> Any:
    return ~np.isfinite(x)


def _is_origin(before: Sequence[Any], after: Any) -> bool:
    """Whether a result is worse than all its operands."""
    if _any(np.isnan, after):
        return not _any(np.isnan, before)
    return _any(_not_finite, after) and not _any(_not_finite, before)


def _suspects(region: Region, values: Values) -> set[Node]:
    """Return the nodes through which a non-finite number reached a result."""
    suspects: set[Node] = set()
    stack = [r for r in region.results if _any(_not_finite, values[r])]
    while stack:
        node = stack.pop()
        if node not in suspects:
            suspects.add(node)
            stack.extend(o for o in _read(node, values) if _any(_not_finite, values[o]))
    return suspects


def _read(node: Node, values: Values) -> Iterator[Node]:
    """Yield the operands whose numbers affect the value."""
    if not is_select(node):
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
        if _is_origin(arrays, evaluate(region, arrays)):
            culprit = find_culprit(region, arrays)
            if culprit is not None:
                return culprit if iteration is None else replace(culprit, iterations=((node, iteration), *culprit.iterations))
    return None


Iterations = Iterator[tuple[Region, list[Any], "int | None"]]


def _none(node: Node, operands: Sequence[Any]) -> Iterations:
    yield from ()


def _call(node: Node, operands: Sequence[Any]) -> Iterations:
    call = Call.of(node)
    condition, arguments = call.split(operands)
    yield call.arm(condition), list(arguments), None


def _while(node: Node, operands: Sequence[Any]) -> Iterations:
    loop = Loop.of(node)
    test, body = loop.regions
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
        arguments = [*carried, *(x[i] for x in xs), *captures]
        yield loop.body, arguments, i
        carried, _ = loop.split_results(evaluate(loop.body, arguments))


_RUNS: dict[str, Callable[[Node, Sequence[Any]], Iterations]] = {
    "fusion": _call, "checkpoint": _call, "cond": _call, "while": _while, "scan": _scan
}  # fmt: skip
"""The runs of a node's regions: the region, its arguments, and the number of the iteration."""
