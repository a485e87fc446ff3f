"""Calls of modules with other parameters."""

from __future__ import annotations

import pytest

import graphc as torch
from graphc import func
from tests.graphc.func.pairs import X


def test_functional_call_swaps_and_restores() -> None:
    layer = torch.nn.Linear(3, 2)
    weight = layer.weight
    out = func.functional_call(layer, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, (X,))
    assert out.tolist() == [6, 6] and layer.weight is weight
    gradient = func.grad(lambda w: func.functional_call(layer, {"weight": w}, X).sum())(torch.ones(2, 3))
    assert gradient.tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(KeyError, match="no parameter or buffer called 'nothing'"):
        func.functional_call(layer, {"nothing": X}, X)
