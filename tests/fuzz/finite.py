"""Gradients against differences of the loss along a direction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphc.compiler.capture import capture
from graphc.ir.interpret.evaluate import evaluate
from tests.fuzz.cases import Case, tensors
from tests.fuzz.traced import Traced

__all__ = ["finite_differences"]

ROUGH, NEAR = 1e-4, 1e-3
"""How much differences of several widths may differ for a point to be called smooth; how near the gradient has to be."""


def finite_differences(case: Case, traced: Traced) -> Iterator[str | None]:
    """Compare the gradient along one direction with differences of the loss; yield nothing where these are not smooth."""
    graph, _ = capture(case.names["loss"], *tensors(case.args))
    if len(graph.params) != len(case.args) or len(graph.results) != 1:
        return
    rng = np.random.default_rng(case.seed)
    along = [rng.uniform(-1, 1, x.shape) if i in case.floats else None for i, x in enumerate(case.args)]

    def at(h: float) -> float:
        moved = [x if d is None else np.asarray(x + h * d) for x, d in zip(case.args, along, strict=True)]
        return float(evaluate(graph, moved)[0])

    with np.errstate(all="ignore"):
        slopes = [(at(h) - at(-h)) / (2 * h) for h in (1e-5, 3e-6, 1e-6)]
        sides = [(at(1e-6) - at(0.0)) / 1e-6, (at(0.0) - at(-1e-6)) / 1e-6]
        parts = [np.sum(g * along[i]) for g, i in zip(traced.results, case.floats, strict=True)]
        size = 1.0 + sum(float(np.abs(p)) for p in parts) + max(map(abs, slopes)) + abs(at(0.0)) * 1e-2
    slope, got = slopes[1], float(sum(parts))
    rough = max(abs(s - slope) for s in [*slopes, *sides])
    if np.isfinite([slope, rough, size]).all() and rough <= ROUGH * size:
        yield None if abs(got - slope) <= NEAR * size else f"finite differences: {got!r} along a direction, expected {slope!r}"
