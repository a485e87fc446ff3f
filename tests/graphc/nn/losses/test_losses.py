"""Loss modules, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLASSES, CLOSE, A, B, softmax, softplus

P, Q = 1 / (1 + np.exp(-A)), (B > 0).astype(float)


def picked(logits: Any) -> Any:
    return np.log(softmax(logits))[np.arange(4), CLASSES]


D = np.abs(A - B)


LOG_P, LOG_Q = np.log(softmax(A)), np.log(softmax(B))


LOSSES: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "L1Loss": (nn.L1Loss(), (A, B), np.abs(A - B).mean()),
    "MSELoss": (nn.MSELoss(reduction="sum"), (A, B), ((A - B) ** 2).sum()),
    "HuberLoss": (nn.HuberLoss(delta=0.7), (A, B), np.where(D < 0.7, D**2 / 2, 0.7 * (D - 0.35)).mean()),
    "SmoothL1Loss": (nn.SmoothL1Loss(beta=0.7), (A, B), np.where(D < 0.7, D**2 / 1.4, D - 0.35).mean()),
    "BCELoss": (nn.BCELoss(), (P, Q), -(Q * np.log(P) + (1 - Q) * np.log(1 - P)).mean()),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), (A, Q), -(Q * np.log(P) + (1 - Q) * np.log(1 - P)).mean()),
    "KLDivLoss": (nn.KLDivLoss(reduction="batchmean"), (LOG_P, np.exp(LOG_Q)), (np.exp(LOG_Q) * (LOG_Q - LOG_P)).sum() / 4),
    "NLLLoss": (nn.NLLLoss(), (np.log(softmax(A)), CLASSES), -picked(A).mean()),
    "CrossEntropyLoss": (nn.CrossEntropyLoss(reduction="none"), (A, CLASSES), -picked(A)),
    "PoissonNLLLoss": (nn.PoissonNLLLoss(), (A, Q), (np.exp(A) - Q * A).mean()),
    "SoftMarginLoss": (nn.SoftMarginLoss(), (A, 2 * Q - 1), softplus(-(2 * Q - 1) * A).mean()),
    "CosineSimilarity": (nn.CosineSimilarity(dim=1), (A, B), (A * B).sum(1) / np.sqrt((A * A).sum(1) * (B * B).sum(1))),
    "PairwiseDistance": (nn.PairwiseDistance(p=1.0), (A, B), np.abs(A - B + 1e-6).sum(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    module, inputs, want = LOSSES[name]
    np.testing.assert_allclose(module(*map(G.tensor, inputs)).numpy(), want, **CLOSE)
