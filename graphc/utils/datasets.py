"""Datasets: of tensors, of parts, joined, stacked and iterated."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from math import floor
from typing import Any

from graphc.ops.random.generator import Generator
from graphc.ops.random.integers import randperm
from graphc.tensors.tensor import Tensor

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset", "random_split",
]  # fmt: skip


class Dataset:
    """Base class of datasets: `__getitem__` returns the item of an index, `__len__` the number of items.

    Example:
        >>> class Squares(graphc.utils.data.Dataset):
        ...     def __getitem__(self, index):
        ...         return index * index
        ...     def __len__(self):
        ...         return 5
        >>> list(graphc.utils.data.DataLoader(Squares(), batch_size=3))
        [tensor([0, 1, 4]), tensor([ 9, 16])]
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Dataset of tensors with a common first axis; item i is the tuple of their elements i.

    Args:
        *tensors: one or more tensors, of shapes (N, ...).

    Raises:
        AssertionError: if the lengths of the first axes differ.

    Example:
        >>> dataset = graphc.utils.data.TensorDataset(graphc.tensor([[1.0], [2.0]]), graphc.tensor([0, 1]))
        >>> len(dataset), dataset[1]
        (2, (tensor([2.]), tensor(1)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(t.shape[0] != tensors[0].shape[0] for t in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset):
    """Dataset of some items of another one.

    Args:
        dataset: the dataset.
        indices: sequence of indices of its items.

    Example:
        >>> subset = graphc.utils.data.Subset("abcd", [3, 0])
        >>> len(subset), subset[0]
        (2, 'd')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class IterableDataset(Dataset):
    """Base class of datasets that are iterated over instead of being indexed: a subclass defines `__iter__`.

    Example:
        >>> class Count(graphc.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(3))
        >>> list(graphc.utils.data.DataLoader(Count(), batch_size=2))
        [tensor([0, 1]), tensor([2])]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """Iterate over several datasets, one after the other.

    Args:
        datasets: the datasets.

    Example:
        >>> list(graphc.utils.data.ChainDataset([range(2), range(1)]))
        [0, 1, 0]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(d) for d in self.datasets)


class ConcatDataset(Dataset):
    """Dataset of the items of several datasets, one after the other.

    Args:
        datasets: the datasets.

    Raises:
        AssertionError: if there are none.

    Example:
        >>> joined = graphc.utils.data.ConcatDataset(["ab", "cde"])
        >>> len(joined), joined[2], joined[-1]
        (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < -len(self):
            raise ValueError("absolute value of index should not exceed dataset length")
        if index >= len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} items")
        index %= len(self)
        number = bisect_right(self.cumulative_sizes, index)
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]


class StackDataset(Dataset):
    """Dataset of tuples, or dicts, of the items of several datasets at the same index.

    Args:
        *args: the datasets of tuples.
        **kwargs: the datasets of dicts, by key.

    Raises:
        ValueError: if the lengths differ, there are none, or both kinds are given.

    Example:
        >>> graphc.utils.data.StackDataset("ab", range(2))[1]
        ('b', 1)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("expected datasets either as positional arguments, for tuples, or by name, for dicts")
        self.datasets: Any = args or kwargs
        parts = list(args or kwargs.values())
        if any(len(d) != len(parts[0]) for d in parts):
            raise ValueError("Size mismatch between datasets")
        self._length = len(parts[0])

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {key: d[index] for key, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)

    def __len__(self) -> int:
        return self._length


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Split a dataset randomly into disjoint subsets of given sizes.

    Args:
        dataset: the dataset, of N items.
        lengths: the sizes of the subsets, whose sum is N, or shares of N, whose sum is 1; items left by rounding go to the
            first ones.
        generator: source of the random permutation; None is the default generator.

    Returns:
        List with a `Subset` for each length.

    Raises:
        ValueError: if the lengths do not sum up to N.

    Example:
        >>> train, test = graphc.utils.data.random_split(range(10), [8, 2])
        >>> len(train), len(test), sorted([*train.indices, *test.indices]) == list(range(10))
        (8, 2, True)
    """
    if lengths and all(isinstance(n, float) for n in lengths) and abs(sum(lengths) - 1) < 1e-6:
        lengths = _counts(lengths, len(dataset))
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = randperm(len(dataset), generator=generator).tolist()
    sizes = [int(n) for n in lengths]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [Subset(dataset, order[end - n : end]) for n, end in zip(sizes, ends, strict=True)]


def _counts(shares: Sequence[float], total: int) -> list[int]:
    counts = [floor(total * share) for share in shares]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts
