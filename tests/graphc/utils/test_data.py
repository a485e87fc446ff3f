"""Batches of numbers."""

from __future__ import annotations

import numpy as np

import graphc as torch
from graphc.utils.data import default_collate

I64, F32, F64 = torch.int64, torch.float32, torch.float64


def test_collated_numbers_have_torchs_dtypes() -> None:
    assert default_collate([1.0, 2.0]).dtype is F64 and default_collate([1, 2]).dtype is I64
    assert default_collate([np.float32(1)]).dtype is F32 and default_collate([(1.0, 2)])[0].dtype is F64
    assert default_collate([{"a": 1.0}])["a"].dtype is F64 and default_collate([np.float64(1)]).dtype is F64
