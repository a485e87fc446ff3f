"""Sparsity patterns: for each row a set of column numbers, the inputs that an output of a program depends on.

Compressed sparse rows as in SciPy, in NumPy alone: row r has the columns `indices[indptr[r]:indptr[r + 1]]`, ascending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.core.cached import cached_property

__all__ = ["Sparsity", "identity", "nothing", "of_pairs", "stacked", "union"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Sparsity:
    """Positions of a matrix that may be nonzero, in compressed sparse row format.

    Args:
        shape: number of rows and of columns.
        indptr: int64 array of `shape[0] + 1` offsets: row r has the columns `indices[indptr[r]:indptr[r + 1]]`.
        indices: int64 array of column numbers, ascending within each row.

    Example:
        >>> pattern = Sparsity((2, 3), np.array([0, 1, 3]), np.array([0, 1, 2]))
        >>> pattern.toarray().astype(int).tolist()
        [[1, 0, 0], [0, 1, 1]]
    """

    shape: tuple[int, int]
    indptr: Ints
    indices: Ints

    @property
    def nnz(self) -> int:
        """The number of positions that may be nonzero."""
        return len(self.indices)

    @cached_property
    def rows(self) -> Ints:
        """The row number of each position, in the order of `indices`."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    @cached_property
    def transposed(self) -> Sparsity:
        """The pattern of the transposed matrix."""
        return of_pairs(self.indices, self.rows, (self.shape[1], self.shape[0]))

    def toarray(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return a dense bool array of the same shape, true at the positions that may be nonzero."""
        dense = np.zeros(self.shape, np.bool_)
        dense[self.rows, self.indices] = True
        return dense

    def take(self, rows: Ints) -> Sparsity:
        """Return the pattern of the rows with these numbers, in their order; -1 stands for an empty row.

        Args:
            rows: int64 array of row numbers.
        """
        if len(rows) == self.shape[0] and np.array_equal(rows, np.arange(self.shape[0])):
            return self
        lengths = np.append(np.diff(self.indptr), 0)[rows]
        indptr = _running(lengths)
        starts = np.append(self.indptr[:-1], 0)[rows]
        places = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Sparsity((len(rows), self.shape[1]), indptr, self.indices[places])

    def gathered(self, targets: Ints, count: int) -> Sparsity:
        """Return the pattern of `count` rows in which row t is the union of the rows r with `targets[r] == t`.

        Args:
            targets: int64 array with a new row number for each row.
            count: number of rows of the result.
        """
        return of_pairs(targets[self.rows], self.indices, (count, self.shape[1]))

    def through(self, inner: Sparsity) -> Sparsity:
        """Return the pattern of the matrix product of this pattern and `inner`.

        Args:
            inner: pattern with as many rows as this one has columns.
        """
        wide = inner.take(self.indices)
        return of_pairs(self.rows[wide.rows], wide.indices, (self.shape[0], inner.shape[1]))

    def block(self, rows: slice, columns: slice) -> Sparsity:
        """Return the pattern of a submatrix, with rows and columns numbered from its corner.

        Args:
            rows: slice with start and stop.
            columns: slice with start and stop.
        """
        part = self.take(np.arange(rows.start, rows.stop))
        inside = (part.indices >= columns.start) & (part.indices < columns.stop)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        return of_pairs(part.rows[inside], part.indices[inside] - columns.start, shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sparsity):
            return NotImplemented
        same = self.shape == other.shape and np.array_equal(self.indptr, other.indptr)
        return same and np.array_equal(self.indices, other.indices)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<sparsity of {self.shape[0]} × {self.shape[1]}, {self.nnz} places>"


def of_pairs(rows: Any, columns: Any, shape: tuple[int, int]) -> Sparsity:
    """Return the pattern of some positions, in any order, repeated or not."""
    height, width = shape
    keys = np.asarray(rows, np.int64) * width + np.asarray(columns, np.int64)
    if len(keys) > 1 and not (keys[1:] > keys[:-1]).all():
        keys = np.unique(keys)
    rows, columns = np.divmod(keys, max(width, 1))
    return Sparsity(shape, _running(np.bincount(rows, minlength=height)), columns)


def nothing(height: int, width: int) -> Sparsity:
    """Return an empty pattern."""
    return Sparsity((height, width), np.zeros(height + 1, np.int64), np.zeros(0, np.int64))


def identity(height: int, width: int, offset: int = 0) -> Sparsity:
    """Return the pattern in which row r has column r + offset."""
    return Sparsity((height, width), np.arange(height + 1), np.arange(offset, offset + height))


def stacked(parts: Sequence[Sparsity]) -> Sparsity:
    """Stack patterns vertically."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([np.diff(p.indptr) for p in parts])
    shape = (sum(p.shape[0] for p in parts), parts[0].shape[1])
    return Sparsity(shape, _running(lengths), np.concatenate([p.indices for p in parts]))


def union(parts: Sequence[Sparsity]) -> Sparsity:
    """Return the union of patterns of one shape."""
    first, *rest = parts
    others = [p for p in rest if p is not first and p != first]
    if not others:
        return first
    rows = np.concatenate([first.rows, *(p.rows for p in others)])
    return of_pairs(rows, np.concatenate([first.indices, *(p.indices for p in others)]), first.shape)


def _running(lengths: Any) -> Ints:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
