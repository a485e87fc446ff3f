"""Helpers for training loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as G
from graphc import nn


def test_clip_grad_norm() -> None:
    a, b = nn.Parameter(G.ones(3)), nn.Parameter(G.ones(2))
    ((a * 3).sum() + (b * 4).sum()).backward()
    total = nn.utils.clip_grad_norm_([a, b], 1.0)
    norm = math.sqrt(27 + 32)
    assert float(total) == pytest.approx(norm)
    np.testing.assert_allclose(a.grad.numpy(), 3 / norm, rtol=1e-5)
    vector = nn.utils.parameters_to_vector([a, b])
    nn.utils.vector_to_parameters(vector.detach() * 2, [a, b])
    assert b.tolist() == [2.0, 2.0]
