"""The amsgrad variant of Adam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import optim


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
def test_amsgrad_keeps_the_greatest_second_moment(kind: Any) -> None:
    gradients = [3.0, 0.0, 0.0, 0.1, 0.0, 0.2]  # the second moment falls after the first step, its maximum does not
    p = G.tensor([1.0], dtype=G.float64, requires_grad=True)
    optimizer = kind([p], lr=0.1, amsgrad=True, weight_decay=0.0, betas=(0.9, 0.5))
    want, m, v, top = 1.0, 0.0, 0.0, 0.0
    for step, g in enumerate(gradients, 1):
        p.grad = G.tensor([g], dtype=G.float64)
        optimizer.step()
        m, v = 0.9 * m + 0.1 * g, 0.5 * v + 0.5 * g * g
        top = max(top, v)
        want -= 0.1 * (m / (1 - 0.9**step)) / (math.sqrt(top / (1 - 0.5**step)) + 1e-8)
        np.testing.assert_allclose(p.item(), want, rtol=1e-12)
