"""`compile(f, check_nan=True)`: detect a NaN or an infinity in the results, and find the operation that produced it.

The program computes an additional flag, in the kernels that compute the results.  Only if it is set, the graph is evaluated
operation by operation on the same inputs.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.core.build import constant, elementwise, reduce
from graphc.ir.core.graph import PARAMETER, Graph
from graphc.ir.core.types import BOOL
from graphc.ir.interpret.nan_origin import Culprit, find_culprit
from graphc.ir.transforms.vjp import GRADIENT

__all__ = ["post_check_of", "watched"]


def watched(graph: Graph) -> Graph:
    """Return the graph with one more result: whether any of its results is not finite."""
    flag = constant(False, BOOL)
    for result in graph.results:
        if result.dtype.is_float:
            largest = float(np.finfo(result.dtype.numpy).max)
            fine = elementwise("le", elementwise("abs", result), largest)
            flag = flag | ~reduce("all", fine, range(result.type.rank))
    return graph.replace((*graph.results, flag))


def post_check_of(graph: Graph) -> Callable[[Sequence[Any]], None]:
    """Return the post-check for a set flag: it raises FloatingPointError that names the operation."""

    def post_check(arrays: Sequence[Any]) -> None:
        culprit = find_culprit(graph, arrays)
        if culprit is not None:
            raise FloatingPointError(_report(culprit))

    return post_check


def _report(culprit: Culprit) -> str:
    node = culprit.node
    lines = [f"expected finite numbers, got {_what(culprit)}"]
    loops = reversed(culprit.iterations)
    lines += [f"  in iteration {number} of the {loop.op.name}{_place(loop.where)}" for loop, number in loops]
    return "\n".join([lines[0] + _place(node.where), *lines[1:]])


def _what(culprit: Culprit) -> str:
    node = culprit.node
    if culprit.is_leaf:
        name = f"parameter {node.name}" if node.op is PARAMETER else "a constant"
        return f"NaN that came in through {name} ({_summary(culprit.value)})"
    operands = ", ".join(_summary(x) for x in culprit.operands)
    side = ", in the gradient of" if node.where.endswith(GRADIENT) else ""
    return f"{_kinds(culprit.value)} made by {node.op.name} of ({operands}){side}"


def _kinds(value: Any) -> str:
    arrays = [x for x in (value if isinstance(value, list) else [value]) if x.dtype.kind == "f"]
    size = sum(x.size for x in arrays)
    counts = {"NaN": sum(int(np.isnan(x).sum()) for x in arrays), "infinity": sum(int(np.isinf(x).sum()) for x in arrays)}
    if size == 1:
        return next(kind for kind, n in counts.items() if n)
    return " and ".join(f"{kind} in {n}" for kind, n in counts.items() if n) + f" of {size} elements"


def _summary(x: Any) -> str:
    """Describe an operand: its number, or its range."""
    if x.size == 1:
        return str(x.reshape(-1)[0])
    what = f"{x.dtype}{list(x.shape)}"
    return f"{what} from {np.nanmin(x)} to {np.nanmax(x)}" if x.size and x.dtype.kind == "f" and not np.isnan(x).all() else what


def _place(where: str) -> str:
    where = where.removesuffix(GRADIENT)
    file, _, line = where.rpartition(":")
    source = linecache.getline(file, int(line)).strip() if line.isdigit() else ""
    return f"\n  at {where}{': ' + source if source else ''}" if where else ""
