"""Datasets, batches of numbers, and the data loader."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

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


class Squares(torch.utils.data.Dataset):
    def __getitem__(self, index: int) -> float:
        return index * index

    def __len__(self) -> int:
        return 7


def test_data_loader_collates_the_items_of_any_dataset() -> None:
    batches = list(torch.utils.data.DataLoader(Squares(), batch_size=3))
    assert [b.tolist() for b in batches] == [[0, 1, 4], [9, 16, 25], [36]]
    assert list(torch.utils.data.DataLoader(Squares(), batch_size=4, collate_fn=sum)) == [14, 77]
    with pytest.raises(ValueError, match="batch_size should be a positive"):
        torch.utils.data.DataLoader(Squares(), batch_size=0)
    with pytest.raises(NotImplementedError):
        torch.utils.data.Dataset()[0]


def test_subset_reads_the_items_of_its_indices() -> None:
    subset = torch.utils.data.Subset(Squares(), [6, 2])
    assert len(subset) == 2 and [subset[0], subset[1]] == [36, 4]


def test_random_split_deals_out_every_index_once() -> None:
    generator = torch.Generator().manual_seed(3)
    parts = torch.utils.data.random_split(Squares(), [4, 0, 3], generator=generator)
    order = torch.randperm(7, generator=generator.manual_seed(3)).tolist()
    assert [p.indices for p in parts] == [order[:4], [], order[4:]] and parts[2][0] == order[4] ** 2
    with pytest.raises(ValueError, match="does not equal the length"):
        torch.utils.data.random_split(Squares(), [4, 4])


def test_named_tuples_stay_named_and_bytes_are_listed() -> None:
    item = namedtuple("item", ["x", "name"])
    batch = default_collate([item(torch.tensor([1.0]), b"a"), item(torch.tensor([2.0]), b"b")])
    assert type(batch) is item and batch.x.tolist() == [[1.0], [2.0]] and batch.name == [b"a", b"b"]
