"""Compress a sparse Jacobian: columns that share no row get one colour, and one product per colour determines all entries.

A matrix that is only available through matrix-vector products is recovered from as many products as there are colours.  The
colours used in a row, or near a vertex, are the bits of one integer, so a greedy colouring takes one pass over the nonzeros;
the column intersection graph, which one full row makes complete, is never built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.sparse.sparsity import Sparsity, union

__all__ = ["Compression", "by_columns", "cheaper", "symmetric", "symmetrized"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Compression:
    """Colours of columns and, for each position of the pattern, the colour and row whose sum holds that entry alone."""

    colours: Ints
    count: int
    groups: Ints
    rows: Ints


def by_columns(pattern: Sparsity) -> Compression:
    """Colour columns so that columns of one colour share no row.

    >>> from graphc.ir.sparse.sparsity import of_pairs
    >>> by_columns(of_pairs([0, 0, 1, 1, 2], [0, 1, 1, 2, 2], (3, 3))).colours
    array([0, 1, 0])
    """
    columns = _lists(pattern.transposed)
    rows = np.diff(pattern.indptr)
    crowd = np.bincount(pattern.indices, (rows - 1)[pattern.rows], pattern.shape[1])
    colours = _best(lambda order: _greedy(columns, order, pattern.shape[0]), crowd)
    return Compression(colours, _count(colours, pattern), colours[pattern.indices], pattern.rows)


def symmetric(pattern: Sparsity) -> Compression:
    """Colour the columns of a symmetric pattern so that each entry or its mirror image stands alone in its sum.

    Where two neighbours of a vertex share a colour, the vertex has a lower one; the sum of its own colour then gives these
    entries in the rows of the neighbours.  Source: Coleman and Moré, "Estimation of sparse Hessian matrices and graph coloring
    problems" (1984), the coloring of Powell and Toint.
    """
    others = pattern.rows != pattern.indices
    neighbours = _split(pattern.indices[others], np.bincount(pattern.rows[others], minlength=pattern.shape[0]))
    colours = _best(lambda order: _starry(neighbours, order), np.diff(pattern.indptr))
    count = _count(colours, pattern)
    rows, columns = pattern.rows, pattern.indices
    sums = rows * max(count, 1) + colours[columns]
    alone = np.bincount(sums, minlength=1)[sums] == 1
    return Compression(colours, count, colours[np.where(alone, columns, rows)], np.where(alone, rows, columns))


def cheaper(pattern: Sparsity, mode: str | None) -> tuple[str, Compression]:
    """Return the mode with fewer colours, and the colouring of columns (forward mode) or rows (reverse mode).

    The columns of one row need distinct colours, so the fullest row bounds the colours of columns from below, and vice versa.
    """
    sides: dict[str, Callable[[], Sparsity]] = {"forward": lambda: pattern, "reverse": lambda: pattern.transposed}
    bound = {name: int(np.diff(side().indptr).max(initial=0)) for name, side in sides.items()}
    compressions: dict[str, Compression] = {}
    for name in sorted(bound, key=bound.__getitem__) if mode is None else [mode]:
        if all(compression.count > bound[name] for compression in compressions.values()):
            compressions[name] = by_columns(sides[name]())
    best = min(compressions, key=lambda name: (compressions[name].count, name))
    return best, compressions[best]


def symmetrized(pattern: Sparsity) -> Sparsity:
    """Return the positions of a square pattern and their mirror images."""
    return union([pattern, pattern.transposed])


def _count(colours: Ints, pattern: Sparsity) -> int:
    return int(colours[pattern.indices].max(initial=-1)) + 1


def _lists(pattern: Sparsity) -> list[list[int]]:
    return _split(pattern.indices, np.diff(pattern.indptr))


def _split(indices: Ints, lengths: Any) -> list[list[int]]:
    flat, ends = indices.tolist(), np.cumsum(lengths).tolist()
    return [flat[end - n : end] for end, n in zip(ends, lengths.tolist(), strict=True)]


def _best(colour: Callable[[Sequence[int]], list[int]], crowd: Any) -> Ints:
    """Return the better of two greedy colourings: in numerical order, and in order of the number of neighbours."""
    natural = np.arange(len(crowd))
    fullest = np.argsort(-crowd, kind="stable")
    orders = [natural] if np.array_equal(natural, fullest) else [natural, fullest]
    colourings = [np.array(colour(order.tolist()), np.int64) for order in orders]
    return min(colourings, key=lambda colours: int(colours.max(initial=0)))


def _greedy(columns: Sequence[Sequence[int]], order: Sequence[int], height: int) -> list[int]:
    """Give each column the lowest colour that no other column in its rows has."""
    used = [0] * height
    colours = [0] * len(columns)
    for column in order:
        taken = 0
        for row in columns[column]:
            taken |= used[row]
        bit = ~taken & (taken + 1)
        for row in columns[column]:
            used[row] |= bit
        colours[column] = bit.bit_length() - 1
    return colours


def _starry(neighbours: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """Colour vertices greedily: neighbours differ, and two neighbours of a vertex share a colour only above its own."""
    near = [0] * len(neighbours)
    bits = [0] * len(neighbours)
    for vertex in order:
        taken = 0
        for w in neighbours[vertex]:
            taken |= bits[w] | (near[w] & (bits[w] - 1))  # -1: all of them, while w has no colour
        bit = bits[vertex] = ~taken & (taken + 1)
        for w in neighbours[vertex]:
            near[w] |= bit
    return [bit.bit_length() - 1 for bit in bits]
