"""Losses of several labels and of distances that a function computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference_torch import check

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_torchs(reduction: str) -> None:
    def labels(M: Any, x: Any, t: Any) -> Any:
        return M.nn.MultiLabelMarginLoss(reduction=reduction)(x, t)

    check(torch, labels, RNG.standard_normal((3, 4)), np.array([[3, 0, -1, 1], [1, 1, 2, -1], [-1, 0, 0, 0]]))
    check(torch, labels, RNG.standard_normal(4), np.array([3, 0, -1, 1]))
    for swap, distance in ((True, None), (False, lambda x, y: (x - y).abs().sum(-1))):
        options: dict[str, Any] = {"distance_function": distance, "swap": swap, "margin": 2.0, "reduction": reduction}

        def triplet(M: Any, *x: Any, options: Any = options) -> Any:
            return M.nn.TripletMarginWithDistanceLoss(**options)(*x)

        check(torch, triplet, *(RNG.standard_normal((3, 4)) for _ in range(3)))


def test_errors() -> None:
    with pytest.raises(ValueError, match="margin to be greater than 0, got 0"):
        nn.TripletMarginWithDistanceLoss(margin=0)
    with pytest.raises(RuntimeError, match="same number of dimensions"):
        nn.TripletMarginWithDistanceLoss()(G.ones(2), G.ones(1, 2), G.ones(2))
    with pytest.raises(RuntimeError, match=r"got \[2, 3\] and \[2\]"):
        nn.MultiLabelMarginLoss()(G.ones(2, 3), G.tensor([0, 1]))
    with pytest.raises(RuntimeError, match="expected scalar type Long"):
        nn.MultiLabelMarginLoss()(G.ones(2), G.ones(2))
