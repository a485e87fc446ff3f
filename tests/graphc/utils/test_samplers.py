"""Samplers, datasets of datasets, and loaders that use them."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc.utils import data


def test_samplers_yield_indices() -> None:
    torch.manual_seed(0)
    assert list(data.SequentialSampler("abcd")) == [0, 1, 2, 3] and len(data.SequentialSampler("ab")) == 2
    order = list(data.RandomSampler(range(50)))
    assert sorted(order) == list(range(50)) and order != list(range(50))
    many = list(data.RandomSampler(range(3), num_samples=7))
    assert len(many) == 7 and set(many[:3]) == set(many[3:6]) == {0, 1, 2}
    assert set(data.RandomSampler(range(3), replacement=True, num_samples=100)) == {0, 1, 2}
    assert sorted(data.SubsetRandomSampler([7, 2, 5])) == [2, 5, 7] and len(data.SubsetRandomSampler([1])) == 1
    drawn = np.bincount(list(data.WeightedRandomSampler([1.0, 3.0], 4000)))
    assert abs(drawn[1] / 4000 - 0.75) < 0.03
    batches = data.BatchSampler(data.SequentialSampler(range(5)), 2, drop_last=True)
    assert list(batches) == [[0, 1], [2, 3]] and len(batches) == 2 and isinstance(batches, data.Sampler)


def test_loaders_follow_samplers() -> None:
    dataset = data.TensorDataset(torch.arange(6))
    loader = data.DataLoader(dataset, 2, sampler=data.SubsetRandomSampler([4, 4, 4]))
    assert [b[0].tolist() for b in loader] == [[4, 4], [4]] and len(loader) == 2
    loader = data.DataLoader(dataset, batch_sampler=[[0, 5], [3]])
    assert [b[0].tolist() for b in loader] == [[0, 5], [3]] and len(loader) == 2
    assert [x[0].item() for x in data.DataLoader(dataset, batch_size=None)] == list(range(6))
    shuffled = data.DataLoader(range(20), 20, True, num_workers=2, pin_memory=True, persistent_workers=True)
    assert sorted(next(iter(shuffled)).tolist()) == list(range(20)) and next(iter(shuffled)).tolist() != list(range(20))


class Count(data.IterableDataset):
    def __iter__(self):
        return iter(range(5))


def test_datasets_of_datasets() -> None:
    assert [b.tolist() for b in data.DataLoader(Count(), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in data.DataLoader(Count(), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Count() + Count(), None)) == [*range(5), *range(5)]
    assert isinstance(Count() + Count(), data.ChainDataset)
    first, second = data.TensorDataset(torch.arange(2)), data.TensorDataset(torch.arange(3) + 10)
    joined = first + second
    assert isinstance(joined, data.ConcatDataset) and [x[0].item() for x in joined] == [0, 1, 10, 11, 12]
    assert joined[-1][0] == 12 and joined.cumulative_sizes == [2, 5] and len(data.ChainDataset([first, second])) == 5
    assert data.StackDataset(a="xy", b=[1, 2])[1] == {"a": "y", "b": 2} and len(data.StackDataset("abc", "def")) == 3
    assert [len(part) for part in data.random_split(range(10), [0.55, 0.25, 0.2])] == [6, 2, 2]


@pytest.mark.parametrize("call", [
    lambda: data.RandomSampler([1], num_samples=0), lambda: data.WeightedRandomSampler([[1.0]], 1),
    lambda: data.WeightedRandomSampler([1.0], 0), lambda: data.BatchSampler([1], 0, False), lambda: data.StackDataset(),
    lambda: data.StackDataset("a", "bc"), lambda: data.DataLoader([1], shuffle=True, sampler=[0]),
    lambda: data.DataLoader([1], 2, batch_sampler=[[0]]), lambda: data.DataLoader(Count(), shuffle=True),
    lambda: data.DataLoader([1], 0), lambda: data.ConcatDataset(["a"])[-3],
])  # fmt: skip
def test_errors(call) -> None:
    with pytest.raises(ValueError):
        call()
