"""How accurate a result can be: the evaluator run again with rounding noise, and comparison by what that changes.

Each inexact operation gets an error of a few units in the last place of what it adds up.  What moves with that noise is
allowed to differ by as much; elements on the other side of a jump (an argmax among near ties, a comparison) are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.core.graph import Graph, Node
from graphc.ir.interpret import evaluate as evaluator

__all__ = ["Reference", "difference", "noisy", "reference"]

Array = np.ndarray[Any, Any]

ULPS = 4.0
RUNS = 3
FACTOR = 8.0

EXACT = {
    "neg", "abs", "sign", "floor", "ceil", "trunc", "round", "stop_gradient", "alias", "maximum", "minimum", "select", "cast",
    "constant", "iota", "reshape", "permute", "broadcast", "slice", "pad", "flip", "concatenate", "max", "min", "gather",
    "scatter", "result",
}  # fmt: skip
"""Operations whose results are numbers that they got, or are rounded the same way by every correct implementation."""


@dataclass(frozen=True)
class Reference:
    """The values of the evaluator, and how far each element moves under noise: NaN where it cannot be compared."""

    values: list[Array]
    spread: list[Array]


def reference(graph: Graph, given: Sequence[Array], seed: int = 0, runs: int = RUNS) -> Reference:
    """Evaluate a graph, and again with noise."""
    values = evaluator.evaluate(graph, given)
    others = []
    for i in range(runs):
        with noisy(seed + i):
            others.append(evaluator.evaluate(graph, given))
    return Reference(values, [_spread(v, [o[i] for o in others]) for i, v in enumerate(values)])


@contextmanager
def noisy(seed: int) -> Iterator[None]:
    """Let the evaluator add noise."""
    rng = np.random.default_rng(seed)
    original = evaluator.evaluate_node

    def evaluate_node(node: Node, operands: list[Any]) -> Any:
        result = original(node, operands)
        if node.op.name in EXACT or node.regions or isinstance(result, list) or not node.dtype.is_float:
            return result
        return _disturbed(rng, node, operands, result)

    evaluator.evaluate_node = evaluate_node
    try:
        yield
    finally:
        evaluator.evaluate_node = original


def _disturbed(rng: np.random.Generator, node: Node, operands: list[Any], result: Array) -> Array:
    size = SCALES.get(node.op.name, _own)(node, operands, result)
    eps = np.finfo(result.dtype).eps * ULPS
    noise = (eps * rng.uniform(-1, 1, result.shape) * size).astype(result.dtype)
    exact = _is_whole(result) & (np.abs(result) < 1e6) if _whole_inputs(node, operands) else np.zeros((), np.bool_)
    keep = exact | ~np.isfinite(noise) | ~np.isfinite(result)
    return np.asarray(np.where(keep, result, result + noise).astype(result.dtype))


def _is_whole(x: Array) -> Array:
    return np.asarray(np.rint(x * 4) == x * 4)


def _whole_inputs(node: Node, operands: list[Any]) -> bool:
    """Tell whether sums and products are exact: of small multiples of 1/4."""
    if node.op.name not in ("add", "sub", "mul", "sum", "prod", "matmul", "scatter_add", "cumsum"):
        return False
    return all(bool((_is_whole(x) & (np.abs(x) < 1e6)).all()) for x in operands if x.dtype.kind == "f")


def _own(node: Node, operands: list[Any], result: Array) -> Array:
    return np.abs(result)


def _added(node: Node, operands: list[Any], result: Array) -> Array:
    return np.asarray(np.abs(operands[0]) + np.abs(operands[1]))


def _sum(node: Node, operands: list[Any], result: Array) -> Array:
    return np.asarray(node.op.meaning(np.abs(operands[0]), **node.params))  # type: ignore[misc]


def _matmul(node: Node, operands: list[Any], result: Array) -> Array:
    return np.asarray(np.matmul(np.abs(operands[0]), np.abs(operands[1])))


def _scatter_add(node: Node, operands: list[Any], result: Array) -> Array:
    given = [np.abs(x) if x.dtype.kind == "f" else x for x in operands]
    return np.asarray(node.op.meaning(*given, **node.params))  # type: ignore[misc]


SCALES: dict[str, Callable[[Node, list[Any], Array], Array]] = {
    "sub": _own,
    "add": _own,
    "remainder": _added,
    "sum": _sum,
    "cumsum": _sum,
    "matmul": _matmul,
    "scatter_add": _scatter_add,
}
"""What the errors of an operation are measured in, where that is not its own result."""


def _spread(value: Array, others: list[Array]) -> Array:
    if value.dtype.kind != "f":
        return np.where(np.any([o != value for o in others], 0) if others else False, np.nan, np.zeros(value.shape))
    with np.errstate(all="ignore"):
        finite = np.isfinite(value)
        same = np.all([np.where(finite, np.isfinite(o), _alike(o, value)) for o in others], 0) if others else True
        moved = np.max([np.abs(o.astype(np.float64) - value) for o in others], 0) if others else np.zeros(value.shape)
        allowed = FACTOR * np.where(finite, moved, 0) + np.finfo(value.dtype).eps * ULPS * np.abs(np.where(finite, value, 0))
        allowed = allowed + 8 * np.finfo(value.dtype).tiny
        jumped = finite & (moved > 1e-2 * (np.abs(value) + 1e-30)) & (moved > 1e-3)
        return np.where(same & ~jumped, allowed, np.nan)


def _alike(x: Array, y: Array) -> Array:
    return np.asarray((x == y) | (np.isnan(x) & np.isnan(y)))


def difference(expected: Array, spread: Array, got: Array, factor: float = 1.0) -> str | None:
    """Return what differs, None if nothing does beyond what noise explains."""
    if got.shape != expected.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    if got.dtype != expected.dtype:
        return f"dtype {got.dtype}, expected {expected.dtype}"
    with np.errstate(all="ignore"):
        if expected.dtype.kind == "f":
            near = np.abs(got.astype(np.float64) - expected.astype(np.float64)) <= factor * spread
            good = near | _alike(got, expected) | np.isnan(spread)
        else:
            good = (got == expected) | np.isnan(spread)
    if good.all():
        return None
    at = tuple(map(int, np.argwhere(~good)[0])) if good.ndim else ()
    first = f"{got[at]!r}, expected {expected[at]!r} ± {spread[at]:.2g}"
    return f"{int((~good).sum())} of {good.size} differ, first at {list(at)}: {first}"
