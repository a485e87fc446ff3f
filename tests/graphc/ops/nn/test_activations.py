"""Activations of integers and of no numbers."""

from __future__ import annotations

import pytest

import graphc as torch
from graphc.nn import functional as F

NAN = float("nan")

U8 = torch.uint8


def test_activations_of_integers() -> None:
    whole, flags = torch.tensor([-1, 0, 3]), torch.tensor([True, False])
    for call in (F.leaky_relu, F.hardshrink, F.softshrink):
        with pytest.raises(NotImplementedError, match="Long"):
            call(whole)
    for call in (F.relu, F.hardtanh, F.relu6):
        with pytest.raises(RuntimeError, match="Bool"):
            call(flags)
    assert F.relu(whole).tolist() == [0, 0, 3] and F.hardtanh(whole).tolist() == [-1, 0, 1]
    for call in (lambda: F.hardtanh(whole.to(U8)), lambda: F.threshold(whole.to(U8), 0, 300)):
        with pytest.raises(RuntimeError, match=r"unsigned type|without overflow"):
            call()
    assert F.hardtanh(torch.ones(2), NAN, 1.0).isnan().all()
    with pytest.raises(TypeError, match="at least one Tensor"):
        F.gelu(2.0)
