"""Type promotion by torch's rules."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as torch


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (torch.ones(2), 2, "torch.float32"),
        (torch.ones(2, dtype=torch.int32), 2, "torch.int32"),
        (torch.ones(2, dtype=torch.int32), 2.5, "torch.float32"),
        (torch.ones(2, dtype=torch.int32), torch.tensor(2), "torch.int32"),
        (torch.ones(2, dtype=torch.int32), torch.tensor(2.5, dtype=torch.float64), "torch.float64"),
        (torch.ones(2), torch.tensor(2.5, dtype=torch.float64), "torch.float32"),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), "torch.float64"),
        (torch.ones(2, dtype=torch.bool), 1, "torch.int64"),
        (torch.ones(2, dtype=torch.uint8), torch.ones(2, dtype=torch.int64), "torch.int64"),
    ],
)
def test_promotion(a: Any, b: Any, expected: str) -> None:
    assert repr((a * b).dtype) == expected
    assert repr((b * a).dtype) == expected


def test_result_type():
    x = torch.ones(2, dtype=torch.int32)
    assert torch.result_type(x, 1.0) is torch.float32 and torch.result_type(x, torch.ones(1, dtype=torch.uint8)) is torch.int32
    assert torch.scalar_tensor(2).dtype is torch.float32
