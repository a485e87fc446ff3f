"""Values of the evaluator, and whether others are the same but for rounding (`ir/interpret/comparison.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ir.core.graph import Graph
from graphc.ir.interpret.comparison import MARGIN, RUNS, Noise, explained, unequal
from graphc.ir.interpret.evaluate import evaluate

__all__ = ["Reference", "description"]

Array = np.ndarray[Any, Any]

FOREIGN = 2 / 3
"""The power of epsilon up to which another library may differ: it is asked what an operation means, not how exact it is."""

ULPS = 64
"""What sums of another library may err by, in units of the largest element: a normalization multiplies errors by up to 316."""


class Reference:
    """The values of a graph for arguments; further runs with noise are made where something differs.

    `scale` is the size of the largest element of the float argument with the smallest ones, at most 1.
    """

    def __init__(self, graph: Graph, given: Sequence[Array]) -> None:
        self.values: list[Array] = evaluate(graph, given)
        self.scale = min([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in given if x.dtype.kind == "f")])
        self.noise = Noise(graph, given, self.values)

    def difference(self, i: int, got: Array, *, foreign: bool = False, same_graph: bool = True) -> str | None:
        """Return how an array differs from output i; one of a `foreign` library may have more errors.

        Of another graph, it may be NaN where this one is 0, or the other way round: zero times an infinite derivative, on a
        path of derivatives that only one of the graphs has.
        """
        want = self.values[i]
        if got.shape != want.shape or got.dtype != want.dtype:
            return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
        where = unequal(want, got)
        if not same_graph and want.dtype.kind == "f":
            where &= ~((np.isnan(got) & (want == 0)) | (np.isnan(want) & (got == 0)))
        if foreign and want.dtype.kind == "f":
            with np.errstate(all="ignore"):
                where &= ~(np.abs(want - got) <= np.finfo(want.dtype).eps ** FOREIGN * np.abs(want))
                largest = np.max(np.abs(want), initial=0, where=np.isfinite(want))
                scale = max(largest, self.scale)  # another formula may leave a rest of an argument where ours cancels exactly
                where &= ~(np.abs(want - got) <= ULPS * np.finfo(want.dtype).eps * scale)
        for count in RUNS:
            if not where.any():
                return None
            where = where & ~explained(want, got, [self.noise.result(i, count)], MARGIN * (4 if foreign else 1))
        return description(want, got, where) if where.any() else None

    def is_stable(self) -> bool:
        """Tell whether the same elements are finite however the operations are rounded."""
        runs = [self.noise.result(i, RUNS[0]) for i in range(len(self.values))]
        with np.errstate(all="ignore"):
            return all((np.isfinite(r) == np.isfinite(r[0])).all() for r in runs if r.dtype.kind == "f")


def description(want: Array, got: Array, where: Array) -> str:
    """Return how many elements differ, and the first."""
    at = tuple(map(int, np.argwhere(where)[0])) if where.ndim else ()
    return f"{int(where.sum())} of {want.size} differ, first at {list(at)}: {got[at]!r}, expected {want[at]!r}"
