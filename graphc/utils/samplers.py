"""Samplers: the order in which a loader takes the items of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphc.ops.create.data import as_tensor
from graphc.ops.random.distributions import multinomial
from graphc.ops.random.generator import Generator
from graphc.ops.random.integers import randint, randperm

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler",
]  # fmt: skip


class Sampler:
    """Base class of samplers: iterating yields indices, or lists of indices.

    Example:
        >>> class Even(graphc.utils.data.Sampler):
        ...     def __iter__(self):
        ...         return iter([0, 2])
        ...     def __len__(self):
        ...         return 2
        >>> list(graphc.utils.data.DataLoader([5, 6, 7], sampler=Even()))
        [tensor([5]), tensor([7])]
    """

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError


class SequentialSampler(Sampler):
    """Take the items in order.

    Args:
        data_source: the dataset.

    Example:
        >>> list(graphc.utils.data.SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Take the items in a random order.

    Args:
        data_source: the dataset.
        replacement: whether an item may be taken more than once.
        num_samples: number of items to take, None for all.
        generator: source of random numbers; None is the default generator.

    Raises:
        ValueError: if num_samples is not positive.

    Example:
        >>> sorted(graphc.utils.data.RandomSampler("abc"))
        [0, 1, 2]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Generator | None = None
    ) -> None:
        if num_samples is not None and (not isinstance(num_samples, int) or num_samples <= 0):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        """Return the number of items that are taken."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        if self.replacement:
            yield from randint(0, n, (self.num_samples,), generator=self.generator).tolist()
            return
        left = self.num_samples
        while left > 0:
            yield from randperm(n, generator=self.generator).tolist()[:left]
            left -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Take given items in a random order.

    Args:
        indices: the indices.
        generator: source of random numbers; None is the default generator.

    Example:
        >>> sorted(graphc.utils.data.SubsetRandomSampler([5, 3]))
        [3, 5]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Take items with probabilities in proportion to weights.

    Args:
        weights: one number for each item, not negative.
        num_samples: number of items to take.
        replacement: whether an item may be taken more than once.
        generator: source of random numbers; None is the default generator.

    Raises:
        ValueError: if num_samples is not positive, or weights is no vector.

    Example:
        >>> list(graphc.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
        [1, 1, 1]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        self.weights = as_tensor(weights).double()
        if self.weights.dim() != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        return iter(multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Take the indices of another sampler in lists.

    Args:
        sampler: sampler, or any iterable of indices.
        batch_size: length of the lists.
        drop_last: whether a last, shorter list is left out.

    Raises:
        ValueError: if batch_size is not positive.

    Example:
        >>> list(graphc.utils.data.BatchSampler(range(5), 2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
