"""Probabilities, deviations and ranges that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import graphc as torch

NAN = float("nan")

U8 = torch.uint8


def test_what_is_no_probability_or_deviation_is_refused() -> None:
    x = torch.ones(2)
    wrong: list[Callable[[], Any]] = [
        lambda: torch.bernoulli(x * 1.5), lambda: torch.bernoulli(-x), lambda: torch.bernoulli(x * NAN),
        lambda: x.clone().bernoulli_(1.5), lambda: x.clone().bernoulli_(NAN), lambda: torch.normal(0.0, -1.0, (2,)),
        lambda: torch.normal(x, -1.0), lambda: torch.normal(x, -x), lambda: x.clone().normal_(0, -1),
        lambda: x.clone().uniform_(2, 1), lambda: torch.randint(0, 300, (2,), dtype=U8),
        lambda: torch.zeros(2, dtype=U8).random_(0, 300), lambda: torch.isclose(x, x, rtol=-1),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(NotImplementedError, match="Long"):
        torch.bernoulli(torch.tensor([1]))
    assert torch.bernoulli(torch.tensor([0.0, 1.0])).tolist() == [0, 1]
    assert torch.randint(0, 256, (100,), dtype=U8).dtype is U8
