"""Attention at its limits."""

from __future__ import annotations

from typing import Any

import graphc as torch
from graphc.nn import functional as F


def test_attention_without_features(run: Any) -> None:
    q, v = torch.zeros(1, 2, 0), torch.arange(6.0).reshape(1, 2, 3)
    assert run(F.scaled_dot_product_attention)(q, q, v).tolist() == [[[1.5, 2.5, 3.5]] * 2]
    assert run(F.scaled_dot_product_attention)(q, q, q).shape == (1, 2, 0)
