"""Targets that losses refuse, in eager and in compiled code; losses at singular points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F

LOGITS = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]], np.float32)


@pytest.mark.parametrize("targets", [[0, 3], [-1, 0], [2**40, 1], [0, -2]])
def test_a_class_that_does_not_exist(run: Any, targets: list[int]) -> None:
    for loss in (F.cross_entropy, F.nll_loss, lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1, reduction="none")):
        with pytest.raises(IndexError, match="out of bounds"):
            run(lambda x, t, loss=loss: loss(x, t))(G.tensor(LOGITS), G.tensor(targets)).tolist()
        with pytest.raises(IndexError, match="out of bounds"):  # targets that are computed
            run(lambda x, t, loss=loss: loss(x, t + 1))(G.tensor(LOGITS), G.tensor(targets) - 1).tolist()
    with pytest.raises(IndexError, match="out of bounds"):
        run(lambda x, t: G.func.grad(F.cross_entropy)(x, t))(G.tensor(LOGITS), G.tensor(targets)).tolist()


def test_rows_that_are_ignored(run: Any) -> None:
    loss = run(lambda x, t: F.cross_entropy(x, t, ignore_index=7))
    assert loss(G.tensor(LOGITS), G.tensor([1, 7])).item() == pytest.approx(np.log(np.exp(LOGITS[0]).sum()) - 2.0, rel=1e-6)
    for ignored in (-100, -1):
        found = run(lambda x, t, i=ignored: F.nll_loss(x, t, ignore_index=i, reduction="none"))
        assert found(G.tensor(LOGITS), G.tensor([ignored, 2])).tolist() == [0.0, -3.0]


@pytest.mark.parametrize(("inputs", "targets", "text"), [
    ([0.5, 1.5], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([0.5, float("nan")], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([-1e-7, 0.5], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([0.5, 0.5], [1.0, 1.5], "all elements of target should be between 0 and 1"),
])  # fmt: skip
def test_probabilities_out_of_range(run: Any, inputs: list[float], targets: list[float], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        run(F.binary_cross_entropy)(G.tensor(inputs), G.tensor(targets)).tolist()
    with pytest.raises(RuntimeError, match=text):
        run(G.func.grad(F.binary_cross_entropy))(G.tensor(inputs), G.tensor(targets)).tolist()


def test_binary_cross_entropy_after_a_saturated_sigmoid(run: Any) -> None:
    def slope(x: Any, t: Any) -> Any:
        return G.func.grad(lambda x: F.binary_cross_entropy(G.sigmoid(x), t, reduction="sum"))(x)

    x, t = G.tensor([200.0, -200.0, 0.0, 200.0]), G.tensor([1.0, 0.0, 1.0, 0.0])
    assert run(slope)(x, t).tolist() == [0.0, 0.0, -0.5, 0.0]
    p = G.tensor([0.0, 1.0, 0.25], dtype=G.float64)
    t = G.tensor([1.0, 1.0, 0.0], dtype=G.float64)
    found = run(G.func.grad(lambda p, t: F.binary_cross_entropy(p, t, reduction="sum")))(p, t)
    assert found.tolist() == pytest.approx([-1e12, 0.0, 4 / 3])
