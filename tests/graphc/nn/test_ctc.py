"""Connectionist temporal classification: values, gradients and errors are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F
from tests.graphc.nn.reference_torch import check

torch = pytest.importorskip("torch")
LOGITS = np.random.default_rng(0).standard_normal((8, 3, 5))
PROBS = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
PADDED, FLAT = np.array([[1, 2, 2, 3], [4, 4, 0, 0], [3, -1, -1, -1]]), np.array([1, 2, 2, 3, 4, 4, 3])
INPUTS, LENGTHS = np.array([8, 7, 4]), np.array([4, 2, 1])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_torchs(reduction: str) -> None:
    def loss(M: Any, *args: Any, **options: Any) -> Any:
        return M.nn.functional.ctc_loss(*args, reduction=reduction, **options)

    check(torch, loss, PROBS, PADDED, (8, 7, 4), (4, 2, 1))
    check(torch, loss, PROBS, PADDED, INPUTS, np.array([4, 2, 0]))
    check(torch, loss, PROBS, FLAT, INPUTS, LENGTHS)
    check(torch, lambda M, x, *a: loss(M, M.log_softmax(x, -1), *a), LOGITS, FLAT, (8, 7, 4), (4, 2, 1))
    check(torch, lambda M, *a: loss(M, *a, zero_infinity=True), PROBS, PADDED, (8, 2, 4), (4, 2, 1))
    check(torch, lambda M, *a: loss(M, *a, blank=4), PROBS[:, 0], np.array([1, 2, 2]), np.array([8]), np.array([3]))


def test_infinite_losses() -> None:
    loss = F.ctc_loss(G.tensor(PROBS), G.tensor(PADDED), (8, 2, 4), (4, 2, 1), reduction="none")
    assert G.isinf(loss).tolist() == [False, True, False]


def test_module_and_errors() -> None:
    loss = nn.CTCLoss(blank=0, reduction="sum", zero_infinity=True)
    probs, targets = G.tensor(PROBS), G.tensor(PADDED)
    assert repr(loss) == "CTCLoss()"
    assert float(loss(probs, targets, (8, 7, 4), (4, 2, 1))) == float(
        F.ctc_loss(probs, targets, (8, 7, 4), (4, 2, 1), reduction="sum", zero_infinity=True)
    )
    for args in [
        (probs, targets, (9, 7, 4), (4, 2, 1)),
        (probs, targets, (8, 7), (4, 2, 1)),
        (probs, targets, (8, 7, 4), (5, 2, 1)),
        (probs, G.tensor(FLAT), (8, 7, 4), (4, 2, 2)),
        (probs, targets, (8, 7, 4), (4, 2, 1), 5),
        (probs[0, 0], targets, (8,), (4,)),
    ]:
        with pytest.raises(RuntimeError):
            F.ctc_loss(*args)
