"""Cumulative extremes are torch's: the last index of equal ones, and NaN from the first one on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(5)
NAN = np.nan
VALUES = (
    RNG.standard_normal(9), RNG.integers(0, 4, (3, 7)), RNG.standard_normal((2, 5, 3)).astype(np.float32), np.zeros((0, 2)),
    np.array([2.0, NAN, 3.0, NAN]), np.array([True, False, True]), np.array(1.5),
)  # fmt: skip


@pytest.mark.parametrize("x", VALUES, ids=lambda x: f"{np.shape(x)} {x.dtype}")
@pytest.mark.parametrize("dim", [0, -1, 3])
def test_extremes_so_far(x: Any, dim: int) -> None:
    for name in ("cummax", "cummin"):
        if dim == 3:
            parity.assert_same_error(lambda t, n=name: getattr(t, n)(t.ones(2, 2), dim))
        else:
            parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x, dim), x)
    assert "torch.return_types.cummax" in repr(G.cummax(G.ones(2), 0))
