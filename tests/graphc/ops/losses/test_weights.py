"""Weights of losses, and shapes and dtypes that losses refuse; the expected numbers are PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F

X, Y = [0.5, 0.5], [1.0, 1.0]


@pytest.mark.parametrize(
    ("loss", "mean"), [(F.mse_loss, 0.25), (F.l1_loss, 0.5), (F.huber_loss, 0.1875)], ids=["mse", "l1", "huber"]
)
def test_weights_of_differences(run: Any, loss: Any, mean: float) -> None:
    weight = G.tensor([1.0, 2.0])
    by = {r: run(lambda x, y, w, r=r: loss(x, y, weight=w, reduction=r)) for r in ("mean", "sum", "none")}
    x, y = G.tensor(X), G.tensor(Y)
    assert by["mean"](x, y, weight).item() == mean  # of the weights for squares and absolutes, of the elements for Huber's
    alone = loss(x[:1], y[:1]).item()
    assert by["sum"](x, y, weight).item() == 3 * alone and by["none"](x, y, weight).tolist() == [alone, 2 * alone]
    with pytest.raises(ValueError, match="Weights and input must have the same size"):
        loss(x, y, weight=G.tensor([1.0]))


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss])
def test_weights_of_differences_take_part_in_promotion(loss: Any) -> None:
    x, y, exact = G.tensor(X), G.tensor(Y), loss(G.tensor(X), G.tensor(Y), weight=G.tensor([1.0, 2.0])).item()
    for dtype, want in ((G.float64, G.float64), (G.int64, G.float32)):
        found = loss(x, y, weight=G.tensor([1, 2]).to(dtype))
        assert found.dtype == want and found.item() == pytest.approx(exact)


def test_weights_of_cross_entropies_are_converted() -> None:
    x, y = G.tensor([0.5, 0.5], dtype=G.float64), G.tensor([1.0, 1.0], dtype=G.float64)
    for weight in (G.tensor([1.0, 2.0]), G.tensor([1, 2])):
        assert F.binary_cross_entropy(x, y, weight=weight).item() == pytest.approx(1.0397207708399179)
        assert F.binary_cross_entropy_with_logits(x, y, weight=weight).item() == pytest.approx(0.711115388)
        positive = F.binary_cross_entropy_with_logits(x, y, pos_weight=weight)
        assert positive.item() == pytest.approx(0.711115388) and positive.dtype == G.float64
    wide = G.tensor(2.0, dtype=G.float64)
    assert F.binary_cross_entropy_with_logits(G.zeros(2), G.ones(2), pos_weight=wide).dtype == G.float32


def test_what_losses_refuse() -> None:
    assert F.soft_margin_loss(G.ones(2, 3), G.ones(3)).item() == pytest.approx(0.3132617)
    with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        F.soft_margin_loss(G.ones(3), G.ones(2, 3))
    with pytest.raises(ValueError, match="Expected 1 or more dimensions"):
        F.nll_loss(G.tensor(1.0), G.tensor(0))
    with pytest.raises(ValueError, match=r"batch_size \(1\) to match target batch_size \(0\)"):
        F.nll_loss(G.tensor([[1.0, 2.0]]), G.tensor(0))
