"""Losses of margins and of embeddings: modules and functions against torch's, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG

A, B, C = (RNG.standard_normal((4, 3)) for _ in range(3))
SIGNS, CLASSES, LABELS = np.array([1, -1, -1, 1]), np.array([0, 2, 1, 2]), (B > 0).astype(float)
CASES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("MarginRankingLoss", {"margin": 0.3}, (A[:, 0], B[:, 0], SIGNS)),
    ("HingeEmbeddingLoss", {"margin": 0.8}, (A[:, 0], SIGNS)),
    ("CosineEmbeddingLoss", {"margin": -0.3}, (A, B, SIGNS)), ("TripletMarginLoss", {"margin": 0.9}, (A, B, C)),
    ("TripletMarginLoss", {"p": 1.0, "swap": True}, (A, B, C)), ("MultiMarginLoss", {}, (A, CLASSES)),
    ("MultiMarginLoss", {"p": 2, "margin": 0.7}, (A, CLASSES)), ("MultiLabelSoftMarginLoss", {}, (A, LABELS)),
    ("GaussianNLLLoss", {"full": True}, (A, B, np.abs(C))), ("GaussianNLLLoss", {"eps": 0.5}, (A, B, np.abs(C[:, 0]))),
]  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name, options, inputs", CASES, ids=[f"{c[0]}{c[1]}" for c in CASES])
def test_losses(name: str, options: dict[str, Any], inputs: tuple[Any, ...], reduction: str) -> None:
    # torch reads the variances to check them; compiled code cannot
    parity.assert_same(lambda t: getattr(t.nn, name)(reduction=reduction, **options), *inputs, compiled=reduction == "mean")


def test_weights_of_classes_and_single_rows() -> None:
    weight = np.array([0.5, 2.0, 1.5])
    parity.assert_same(lambda t: lambda x, w: t.nn.MultiLabelSoftMarginLoss(w)(x, t.tensor(LABELS)), A, weight)
    parity.assert_same(lambda t: lambda x: t.nn.MultiMarginLoss(weight=t.tensor(weight))(x, t.tensor(CLASSES)), A)
    parity.assert_same(lambda t: lambda x: t.nn.functional.multi_margin_loss(x, t.tensor(1)), A[0])
    parity.assert_same(lambda t: lambda x, y: t.nn.functional.cosine_embedding_loss(x, y, t.tensor(1)), A[0], B[0])
    assert list(nn.MultiMarginLoss(weight=G.ones(3)).state_dict()) == ["weight"]


def test_functions_by_hand() -> None:
    x, y = G.tensor([0.5, 0.25]), G.tensor([1.0, -1.0])
    assert F.hinge_embedding_loss(x, y) == 0.625 and F.margin_ranking_loss(x, -x, y) == 0.25
    assert F.triplet_margin_loss(G.zeros(1, 2), G.zeros(1, 2), G.tensor([[3.0, 4.0]])) == 0
    assert F.gaussian_nll_loss(x, x, 1.0) == 0 and abs(F.multilabel_soft_margin_loss(x * 0, y * 0) - np.log(2)) < 1e-6
    parity.assert_second(lambda a, b, c: F.triplet_margin_loss(a, b, c, reduction="none"), A, B, C)


@pytest.mark.parametrize("call", [
    lambda t: t.nn.MultiMarginLoss(p=3)(t.ones(1, 3), t.tensor([1])),
    lambda t: t.nn.MarginRankingLoss()(t.ones(2), t.ones(2), t.tensor(1)),
    lambda t: t.nn.GaussianNLLLoss()(t.ones(2, 3), t.ones(2, 3), t.ones(5)),
    lambda t: t.nn.functional.triplet_margin_loss(t.ones(2), t.ones(2), t.ones(2), margin=-1),
    lambda t: t.nn.HingeEmbeddingLoss(reduction="x")(t.ones(2), t.ones(2)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
