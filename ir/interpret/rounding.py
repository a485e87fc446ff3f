"""Estimate how far rounding may move the results of a graph: Monte Carlo arithmetic on the evaluator.

Each inexact floating-point result is perturbed at random by a few units in its last place.  The spread of the results over
several such runs bounds the effect of another summation order, a fused multiply-add or another implementation of `exp`.
Where a comparison, an argmax or a floor flips in such a run, its readers differ as much as when it flips in compiled code.

Exact operations (`2 * 3`, a comparison, movement, a sum of small integers) are not perturbed, so exact ties stay ties.

Source: Parker, "Monte Carlo arithmetic: exploiting randomness in floating-point arithmetic" (1997).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_matmul
from graphc.ir.interpret.evaluate import EVALUATORS, Interpreter, evaluate, evaluate_node, interpreted

__all__ = ["perturbed", "perturbed_runs"]

ULPS = 4
"""The largest perturbation, in units in the last place."""

WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}

QUANTUM = 64
"""Sums of multiples of 1/64 are exact as long as they are small enough."""


def perturbed_runs(graph: Region, arrays: Sequence[Any], runs: int, seed: int = 0) -> list[list[Any]]:
    """Return the results of several runs of a graph with random rounding of inexact operations.

    Runs that raise IndexError, because a perturbed number became an index, are left out.
    """
    results = []
    for run in range(runs):
        try:
            with interpreted(perturbed(np.random.default_rng((seed, run)))):
                results.append(evaluate(graph, arrays))
        except IndexError:
            continue
    return results


def perturbed(random: np.random.Generator) -> Interpreter:
    """Return an interpreter of nodes that rounds inexact results at random."""

    def run(node: Node, values: Mapping[Node, Any]) -> Any:
        operands = [values[o] for o in node.operands]
        if node.op.rounding == "conditioned":
            return evaluate_node(node, [_nearby(x, random) for x in operands])
        value = evaluate_node(node, operands)
        if node.op.name in EVALUATORS or not (len(node.types) == 1 and node.dtype.is_float):
            return value
        noise = _noise(node, operands, value)
        if noise is None:
            return _either_zero(node, value, random)
        moved = value + np.asarray(noise * random.uniform(-ULPS, ULPS, value.shape)).astype(value.dtype)
        return np.where(np.isfinite(value), moved, value)

    return run


def _nearby(x: Any, random: np.random.Generator) -> Any:
    """Return a matrix that differs by a few units in the last place of its largest element."""
    if x.dtype.kind != "f" or not x.size or not np.isfinite(x).all():
        return x
    largest = np.abs(x).max(axis=(-2, -1), keepdims=True)
    return np.where(x == 0, x, x + (np.spacing(largest) * random.uniform(-ULPS, ULPS, x.shape)).astype(x.dtype))


def _either_zero(node: Node, value: Any, random: np.random.Generator) -> Any:
    """Choose at random between equal zeros of different sign, for primitives that may return either."""
    if node.op.zero_sign:
        return value
    return np.where(value == 0, np.copysign(value, random.choice((-1.0, 1.0), value.shape)).astype(value.dtype), value)


def _noise(node: Node, operands: list[Any], value: Any) -> Any:
    """Return one unit in the last place of each element's own operands; None if the operation is exact."""
    name = node.op.name
    if name in _SUMS:
        return None if _is_exact_sum(node, operands) else _spacing(_SUMS[name](node, operands))
    if name == "prod":
        return _spacing(value) * np.sqrt(operands[0].size // max(1, value.size))
    if node.op.rounding == "approximate":
        return np.where(_is_simple(node, value), 0, _spacing(value))
    if node.op.rounding == "exact" and all(x.dtype in WIDE for x in operands):
        wide = [x.astype(WIDE[x.dtype]) for x in operands]
        converts = "dtype" in node.params
        exact = wide[0] if converts else node.op.reference(*wide, **node.params)  # type: ignore[misc]
        return np.where((exact == value) | np.isnan(value), 0, _spacing(value))
    return None


def _spacing(x: Any) -> Any:
    """Return the distance from a number to the next one; 0 for infinities and NaN."""
    finite = np.where(np.isfinite(x), x, 0)
    return np.where(np.isfinite(x), np.abs(np.spacing(np.abs(finite))), 0)


def _is_simple(node: Node, x: Any) -> Any:
    """Whether a function usually returns such a number only where it is the exact result."""
    special = np.isnan(x) | np.isinf(x) | (x == 0)
    return special if node.op.saturates else special | (np.abs(x) == 1)


def _is_exact_sum(node: Node, operands: list[Any]) -> bool:
    """Whether all partial sums are exact in any order: small multiples of a quantum."""
    terms = [np.nan_to_num(x) for x in operands if x.dtype.kind == "f"]
    totals = [float(np.abs(x).sum(dtype=np.float64)) for x in terms]
    total = prod(totals) * QUANTUM ** len(terms) if is_matmul(node) else sum(totals) * QUANTUM
    bits = min(24 if x.dtype.itemsize == 4 else 53 for x in terms)
    return total < 2.0**bits and all(bool((x * QUANTUM == np.rint(x * QUANTUM)).all()) for x in terms)


def _sum(node: Node, operands: list[Any]) -> Any:
    return np.abs(operands[0]).sum(axis=node.params["axes"])


def _cumsum(node: Node, operands: list[Any]) -> Any:
    return np.abs(operands[0]).cumsum(node.params["axis"])


def _matmul(node: Node, operands: list[Any]) -> Any:
    return np.matmul(*map(np.abs, operands))


def _scatter_add(node: Node, operands: list[Any]) -> Any:
    assert node.op.reference is not None
    return node.op.reference(np.abs(operands[0]), np.abs(operands[1]), *operands[2:])


_SUMS: dict[str, Callable[[Node, list[Any]], Any]] = {
    "sum": _sum,
    "cumsum": _cumsum,
    "matmul": _matmul,
    "scatter_add": _scatter_add,
}
"""The magnitude of the roundings of primitives that add many terms; equal terms round alike, so their roundings add up."""
