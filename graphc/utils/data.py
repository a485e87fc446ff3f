"""Datasets, and a loader that iterates over them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from graphc.core.dtypes import float64
from graphc.ops.create.data import tensor
from graphc.ops.random.generator import Generator
from graphc.ops.random.integers import randperm
from graphc.ops.shape.joining import stack
from graphc.tensors.tensor import Tensor

__all__ = ["DataLoader", "Dataset", "Subset", "TensorDataset", "default_collate", "random_split"]


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


def random_split(dataset: Any, lengths: Sequence[int], generator: Generator | None = None) -> list[Subset]:
    """Split a dataset randomly into disjoint subsets of given sizes.

    Args:
        dataset: the dataset, of N items.
        lengths: the sizes of the subsets; their sum is N.
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
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = randperm(len(dataset), generator=generator).tolist()
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [Subset(dataset, order[end - n : end]) for n, end in zip(lengths, ends, strict=True)]


def default_collate(batch: Sequence[Any]) -> Any:
    """Combine a list of items into one batch.

    Args:
        batch: sequence of B items of one structure.

    Returns:
        For tensors and arrays, of equal shapes (...), a tensor of shape (B, ...) and their dtype; for numbers a tensor of
        shape (B,), float64 for floats and int64 for ints; for dicts a dict, and for tuples and lists a list of what their
        parts are combined into; for strings a list.

    Raises:
        TypeError: for items of another type.
        RuntimeError, ValueError: for tensors or arrays of different shapes, or tuples of different lengths.

    Example:
        >>> graphc.utils.data.default_collate([(graphc.tensor([1.0, 2.0]), 0), (graphc.tensor([3.0, 4.0]), 1)])
        [tensor([[1., 2.],
                [3., 4.]]), tensor([0, 1])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, (np.ndarray, np.generic, int, float)):
        of_floats = isinstance(first, float) and not isinstance(first, np.generic)
        joined = np.stack(batch) if isinstance(first, np.ndarray) else list(batch)
        return tensor(joined, dtype=float64 if of_floats else None)
    if isinstance(first, dict):
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        return [default_collate(part) for part in zip(*batch, strict=True)]
    if isinstance(first, str):
        return list(batch)
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")


class DataLoader:
    """Iterable over a dataset in batches, in order or in a new random order for each iteration.

    `len()` is the number of batches. A `TensorDataset` is indexed once for each batch, rather than once for each item.

    Args:
        dataset: an object with `__getitem__` and `__len__`.
        batch_size: number of items in a batch; the last one may be smaller.
        shuffle: whether the order is random.
        num_workers: accepted for compatibility with torch and ignored: loading happens in this process.
        collate_fn: function from a list of items to a batch; None is `default_collate`.
        pin_memory: accepted for compatibility with torch and ignored.
        drop_last: whether a last batch with fewer than `batch_size` items is left out.
        generator: source of the random order; None is the default generator.

    Raises:
        ValueError: if `batch_size` is below 1.

    Example:
        >>> dataset = graphc.utils.data.TensorDataset(graphc.arange(5))
        >>> list(graphc.utils.data.DataLoader(dataset, batch_size=2))
        [[tensor([0, 1])], [tensor([2, 3])], [tensor([4])]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.collate_fn, self.drop_last, self.generator = collate_fn, drop_last, generator
        self.num_workers, self.pin_memory = num_workers, pin_memory

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = np.asarray(randperm(n, generator=self.generator)) if self.shuffle else np.arange(n)
        for i in range(len(self)):
            yield self._batch(order[i * self.batch_size : (i + 1) * self.batch_size])

    def _batch(self, indices: np.ndarray[Any, Any]) -> Any:
        if self.collate_fn is None and type(self.dataset) is TensorDataset:
            return list(self.dataset[indices])
        items = [self.dataset[int(i)] for i in indices]
        return (self.collate_fn or default_collate)(items)
