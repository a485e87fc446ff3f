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


def test_clip_grad_value_clamps_each_element() -> None:
    a, b, unused = nn.Parameter(G.ones(3)), nn.Parameter(G.ones(1)), nn.Parameter(G.ones(1))
    ((a * G.tensor([3.0, -4.0, 0.25])).sum() + (b * -0.5).sum()).backward()
    nn.utils.clip_grad_value_([a, b, unused], 0.75)
    assert a.grad.tolist() == [0.75, -0.75, 0.25] and b.grad.tolist() == [-0.5] and unused.grad is None
