"""Adam against its formulas, and its amsgrad variant."""

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


@pytest.mark.parametrize("betas", [(0.3, 0.4), (0.9, 0.99)])
@pytest.mark.parametrize("maximize", [False, True])
def test_steps_for_slow_and_fast_means(betas: tuple[float, float], maximize: bool) -> None:
    p = G.tensor([0.5], dtype=G.float64, requires_grad=True)
    optimizer = optim.Adam([p], lr=0.1, betas=betas, eps=1e-3, weight_decay=0.2, maximize=maximize)
    want, m, v = 0.5, 0.0, 0.0
    for step, g in enumerate([3.0, -1.0, 0.5, 2.0], 1):
        p.grad = G.tensor([g], dtype=G.float64)
        optimizer.step()
        g = (-g if maximize else g) + 0.2 * want
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        want -= 0.1 * (m / (1 - betas[0] ** step)) / (math.sqrt(v / (1 - betas[1] ** step)) + 1e-3)
        np.testing.assert_allclose(p.item(), want, rtol=1e-12)
