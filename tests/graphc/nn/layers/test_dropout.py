"""Dropout of elements and of channels."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as G
from graphc import nn


@pytest.mark.parametrize("name, shape, per", [
    ("Dropout", (200, 50), ()), ("Dropout1d", (200, 50, 4), (2,)), ("Dropout2d", (200, 50, 2, 2), (2, 3)),
    ("Dropout3d", (200, 50, 2, 2, 2), (2, 3, 4)),
])  # fmt: skip
def test_dropout(name: str, shape: tuple[int, ...], per: tuple[int, ...]) -> None:
    G.manual_seed(3)
    module = getattr(nn, name)(0.25)
    y = module(G.ones(*shape)).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert not per or np.array_equal(y.min(per), y.max(per))  # whole channels
    module.eval()
    assert (module(G.ones(*shape)).numpy() == 1).all()
