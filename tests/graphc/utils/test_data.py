"""Datasets, batches of numbers, and the data loader."""

from __future__ import annotations

import numpy as np

import graphc as torch
from graphc.utils.data import default_collate

I64, F32, F64 = torch.int64, torch.float32, torch.float64


def test_collated_numbers_have_torchs_dtypes() -> None:
    assert default_collate([1.0, 2.0]).dtype is F64 and default_collate([1, 2]).dtype is I64
    assert default_collate([np.float32(1)]).dtype is F32 and default_collate([(1.0, 2)])[0].dtype is F64
    assert default_collate([{"a": 1.0}])["a"].dtype is F64 and default_collate([np.float64(1)]).dtype is F64


def test_data_loader_visits_everything_once() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(10), torch.arange(10) * 2)
    loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True)
    batches = list(loader)
    assert [len(x) for x, _ in batches] == [4, 4, 2] and len(loader) == 3
    assert sorted(v for x, _ in batches for v in x.tolist()) == list(range(10))
    assert all(torch.equal(y, x * 2) for x, y in batches)
    assert len(list(torch.utils.data.DataLoader(data, batch_size=4, drop_last=True))) == 2
