"""Arithmetic progressions of integers."""

from __future__ import annotations

import pytest

import graphc as torch

I32, I64, F64, BOOL = torch.int32, torch.int64, torch.float64, torch.bool


def test_ranges_of_integers_are_made_of_whole_steps() -> None:
    assert torch.arange(-0.5, 2.5, dtype=I64).tolist() == [0, 1] and torch.arange(-1.5, 1.5, dtype=I64).tolist() == [-1, 0]
    assert torch.arange(0.5, 3.0, dtype=I32).tolist() == [0, 1, 2] and torch.arange(3, dtype=F64).tolist() == [0, 1, 2]
    with pytest.raises(NotImplementedError, match="Bool"):
        torch.arange(2, dtype=BOOL)
    with pytest.raises(RuntimeError, match="nonzero"):
        torch.arange(0, 1, 0.5, dtype=I64)
