"""Datasets, samplers, and a loader that iterates over them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from graphc.core.dtypes import float64
from graphc.ops.create.data import tensor
from graphc.ops.random.generator import Generator
from graphc.ops.shape.joining import stack
from graphc.tensors.tensor import Tensor
from graphc.utils.datasets import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from graphc.utils.samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler", "Sampler",
    "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler",
    "default_collate", "random_split",
]  # fmt: skip


def default_collate(batch: Sequence[Any]) -> Any:
    """Combine a list of items into one batch.

    Args:
        batch: sequence of B items of one structure.

    Returns:
        For tensors and arrays, of equal shapes (...), a tensor of shape (B, ...) and their dtype; for numbers a tensor of
        shape (B,), float64 for floats and int64 for ints; for dicts a dict, and for tuples and lists a list of what their
        parts are combined into, named tuples for named tuples; for strings and bytes a list.

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
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts  # named tuples stay so
    if isinstance(first, (str, bytes)):
        return list(batch)
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")


class DataLoader:
    """Iterable over a dataset in batches: in order, in a new random order for each iteration, or in that of a sampler.

    `len()` is the number of batches. A `TensorDataset` is indexed once for each batch, rather than once for each item.

    Args:
        dataset: an object with `__getitem__` and `__len__`, or an `IterableDataset`.
        batch_size: number of items in a batch; the last one may be smaller. None yields single items.
        shuffle: whether the order is random.
        sampler: iterable of indices, instead of shuffle.
        batch_sampler: iterable of lists of indices, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: accepted for compatibility with torch and ignored: loading happens in this process.
        collate_fn: function from a list of items to a batch; None is `default_collate`.
        pin_memory: accepted for compatibility with torch and ignored.
        drop_last: whether a last batch with fewer than `batch_size` items is left out.
        timeout: accepted for compatibility with torch and ignored.
        worker_init_fn: accepted for compatibility with torch and ignored.
        multiprocessing_context: accepted for compatibility with torch and ignored.
        generator: source of the random order; None is the default generator.
        prefetch_factor: accepted for compatibility with torch and ignored.
        persistent_workers: accepted for compatibility with torch and ignored.
        pin_memory_device: accepted for compatibility with torch and ignored.
        in_order: accepted for compatibility with torch and ignored.

    Raises:
        ValueError: if `batch_size` is below 1, or arguments exclude one another.

    Example:
        >>> dataset = graphc.utils.data.TensorDataset(graphc.arange(5))
        >>> list(graphc.utils.data.DataLoader(dataset, batch_size=2))
        [[tensor([0, 1])], [tensor([2, 3])], [tensor([4])]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
        if isinstance(dataset, IterableDataset) and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader with IterableDataset: expected unspecified shuffle, sampler and batch_sampler options")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, bool(shuffle)
        self.collate_fn, self.drop_last, self.generator = collate_fn, drop_last, generator
        self.num_workers, self.pin_memory = num_workers, pin_memory
        self.batch_sampler = batch_sampler
        if sampler is None and not isinstance(dataset, IterableDataset):
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        n = len(self.dataset) if self.sampler is None else len(self.sampler)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            yield from self._streamed()
            return
        if self.batch_size is None:
            for index in self.sampler:
                item = self.dataset[index]
                yield item if self.collate_fn is None else self.collate_fn(item)
            return
        batches = self.batch_sampler
        if batches is None:
            batches = BatchSampler(self.sampler, self.batch_size, self.drop_last)
        for indices in batches:
            yield self._batch(list(indices))

    def _streamed(self) -> Iterator[Any]:
        items = iter(self.dataset)
        if self.batch_size is None:
            yield from items if self.collate_fn is None else map(self.collate_fn, items)
            return
        while batch := list(islice(items, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield (self.collate_fn or default_collate)(batch)

    def _batch(self, indices: list[Any]) -> Any:
        if self.collate_fn is None and type(self.dataset) is TensorDataset:
            return list(self.dataset[np.asarray(indices)])
        return (self.collate_fn or default_collate)([self.dataset[i] for i in indices])
