"""Compare the results of one stage of the pipeline with those of the next.

Results are equal if they are within a few units in the last place.  Others are compared with the tolerance that rounding
explains (`rounding.py`): how much a result varies when the inexact operations before it are rounded at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.core.graph import Region
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.interpret.rounding import perturbed_runs

__all__ = ["MARGIN", "RUNS", "Mismatch", "Noise", "Outcome", "compare", "evaluated", "explained", "unequal"]

CLOSE = 16
"""Units in the last place within which results count as equal."""

MARGIN = 8
"""A difference counts if it exceeds the variation under random rounding by this factor."""

RUNS = (4, 12, 40)
"""Random runs that are compared before a difference is reported."""

Outcome = list[Any] | Exception
"""The arrays of the results, or the error that was raised."""


@dataclass(frozen=True, eq=False)
class Mismatch:
    """The number of a result and the elements that differ; None if one outcome is an error."""

    result: int | None
    where: Any


class Noise:
    """Results of a graph under random rounding, computed on demand; `outcome` is the result without it."""

    def __init__(self, graph: Region, arrays: Sequence[Any], outcome: Outcome) -> None:
        self.graph, self.arrays = graph, arrays
        self._runs: list[list[Any]] = [] if isinstance(outcome, Exception) else [outcome]
        self._count = 0

    def result(self, number: int, count: int) -> Any:
        """Return one result, and its values in the first `count` random runs, without runs that raised IndexError."""
        if count > self._count:
            self._runs += perturbed_runs(self.graph, self.arrays, count - self._count, seed=self._count)
            self._count = count
        return np.stack([run[number] for run in self._runs])


def compare(before: Outcome, after: Outcome, noises: Sequence[Noise]) -> Mismatch | None:
    """Return where two outcomes differ by more than rounding; None if they are equal."""
    if isinstance(before, Exception) or isinstance(after, Exception):
        return None if isinstance(before, IndexError) and isinstance(after, IndexError) else Mismatch(None, None)
    for i, (x, y) in enumerate(zip(before, after, strict=True)):
        where = unequal(x, y)
        for count in RUNS:
            if not where.any():
                break
            where = where & ~explained(x, y, [n.result(i, count) for n in noises])
        if where.any():
            return Mismatch(i, where)
    return None


def evaluated(graph: Region, arrays: Sequence[Any]) -> Outcome:
    """Evaluate a graph: return the arrays of its results, or the IndexError it raises."""
    try:
        return evaluate(graph, arrays)
    except IndexError as error:
        return error


def unequal(x: Any, y: Any) -> Any:
    """Return which elements differ by more than a few units in the last place; two NaN are equal, and zeros of one sign."""
    if x.shape != y.shape or x.dtype != y.dtype:
        return np.ones(max(x.size, 1), bool)
    if x.dtype.kind != "f":
        return np.asarray(x != y)
    with np.errstate(all="ignore"):
        close = np.abs(x - y) <= CLOSE * np.spacing(np.maximum(np.abs(x), np.abs(y)))
        same = (x == y) & ((x != 0) | (np.signbit(x) == np.signbit(y)))
        signed_zeros = (x == 0) & (y == 0)
        return np.asarray(~(same | (close & ~signed_zeros) | (np.isnan(x) & np.isnan(y))))


def explained(x: Any, y: Any, noises: Sequence[Any], margin: float = MARGIN) -> Any:
    """Return which elements' differences rounding explains: they are unstable, or vary by as much."""
    explained_by_rounding = np.zeros(x.shape, bool)
    for runs in noises:
        explained_by_rounding |= _unstable(runs)
        if x.dtype.kind == "f" and x.shape == y.shape:
            with np.errstate(all="ignore"):
                spread = runs.max(axis=0).astype(np.float64) - runs.min(axis=0)
                explained_by_rounding |= np.abs(x.astype(np.float64) - y) <= margin * spread
    return explained_by_rounding


def _unstable(runs: Any) -> Any:
    """Return which elements are of another kind in some run: another integer, NaN, infinite, or a zero of the other sign."""
    if runs.dtype.kind != "f":
        return (runs != runs[0]).any(axis=0)
    kinds = np.isnan(runs) * 4 + np.isposinf(runs) * 2 + np.isneginf(runs) + (runs == 0) * (8 + 8 * np.signbit(runs))
    return (kinds != kinds[0]).any(axis=0)
