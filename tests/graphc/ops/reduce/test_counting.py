"""Distinct values: slices that equal the one before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import parity

RNG = np.random.default_rng(6)
VALUES = (RNG.integers(0, 3, 20), RNG.integers(0, 2, (6, 2)), np.zeros(0), np.array(3), np.array([np.nan, np.nan, 1, 1]))


@pytest.mark.parametrize("x", VALUES, ids=lambda x: f"{np.shape(x)} {x.dtype}")
@pytest.mark.parametrize("dim", [None, 0, -1, 4])
def test_unique_consecutive(x: Any, dim: int | None) -> None:
    for inverse in (False, True):
        for counts in (False, True):
            options = {"return_inverse": inverse, "return_counts": counts, "dim": dim}
            if dim == 4 or (not x.ndim and dim is not None):
                parity.assert_same_error(lambda t, o=options: t.unique_consecutive(t.tensor(x), **o))
            else:
                call = lambda t, o=options: lambda x: t.unique_consecutive(x.detach(), **o)  # noqa: E731
                parity.assert_same(call, x, compiled=False)


def test_other_axes_are_not_empty() -> None:
    parity.assert_same_error(lambda t: t.unique_consecutive(t.ones(0, 2), dim=1))
