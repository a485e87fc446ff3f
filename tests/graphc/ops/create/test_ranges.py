"""Arithmetic progressions of integers."""

from __future__ import annotations

import pytest

import graphc as torch
from tests import parity

I32, I64, F64, BOOL = torch.int32, torch.int64, torch.float64, torch.bool


def test_ranges_of_integers_are_made_of_whole_steps() -> None:
    assert torch.arange(-0.5, 2.5, dtype=I64).tolist() == [0, 1] and torch.arange(-1.5, 1.5, dtype=I64).tolist() == [-1, 0]
    assert torch.arange(0.5, 3.0, dtype=I32).tolist() == [0, 1, 2] and torch.arange(3, dtype=F64).tolist() == [0, 1, 2]
    with pytest.raises(NotImplementedError, match="Bool"):
        torch.arange(2, dtype=BOOL)
    with pytest.raises(RuntimeError, match="nonzero"):
        torch.arange(0, 1, 0.5, dtype=I64)


def test_triangles_and_closed_ranges() -> None:
    for row, col, offset in ((3, 4, -1), (2, 2, 0), (3, 2, 1), (0, 2, 0), (4, 4, 9)):
        parity.assert_same(lambda t, a=(row, col, offset): lambda: (t.tril_indices(*a), t.triu_indices(*a, dtype=t.int32)))
    parity.assert_same(lambda t: lambda: (t.range(1, 4, 0.5), t.range(5, 1, -2), t.range(0, 3, dtype=t.int64)))
    for call in (
        lambda t: t.tril_indices(-1, 2), lambda t: t.triu_indices(2, -1), lambda t: t.tril_indices(2, 2, dtype=t.float32),
        lambda t: t.range(4), lambda t: t.range(1, 2, 0), lambda t: t.range(1, 2, -1),
    ):  # fmt: skip
        parity.assert_same_error(call)
