"""Compress a sparse matrix: columns that share no row get one colour, and their sum tells all of them.

A matrix of which only products with vectors are known is read off from as many products as there are colours.
What is used in a row, or near a vertex, is the bits of one integer, so that a greedy colouring takes one pass over
the places; the graph of columns that meet, which one full row makes complete, is never built.
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
    """Colours of columns, and for each place of the pattern the colour and the row in whose sum it stands alone."""

    colours: Ints
    count: int
    groups: Ints
    rows: Ints


def by_columns(pattern: Sparsity) -> Compression:
    """Colour columns so that those of one colour share no row.

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
    """Colour the columns of a symmetric pattern so that each place or its mirror image stands alone in its sum.

    Where two neighbours of a vertex have one colour, the vertex has a lower one: then the sum of its colour tells
    its places in their rows.  Source: Coleman and Moré, "Estimation of sparse Hessian matrices and graph coloring
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
    """Return the mode, and the colouring of columns (forward) or rows (reverse), with the fewer colours.

    No row's columns can share a colour, so the fullest row bounds what columns need, and the other way round.
    """
    sides: dict[str, Callable[[], Sparsity]] = {"forward": lambda: pattern, "reverse": lambda: pattern.transposed}
    bound = {name: int(np.diff(side().indptr).max(initial=0)) for name, side in sides.items()}
    found: dict[str, Compression] = {}
    for name in sorted(bound, key=bound.__getitem__) if mode is None else [mode]:
        if all(made.count > bound[name] for made in found.values()):
            found[name] = by_columns(sides[name]())
    best = min(found, key=lambda name: (found[name].count, name))
    return best, found[best]


def symmetrized(pattern: Sparsity) -> Sparsity:
    """Return the places of a square pattern and their mirror images."""
    return union([pattern, pattern.transposed])


def _count(colours: Ints, pattern: Sparsity) -> int:
    return int(colours[pattern.indices].max(initial=-1)) + 1


def _lists(pattern: Sparsity) -> list[list[int]]:
    return _split(pattern.indices, np.diff(pattern.indptr))


def _split(indices: Ints, lengths: Any) -> list[list[int]]:
    flat, ends = indices.tolist(), np.cumsum(lengths).tolist()
    return [flat[end - n : end] for end, n in zip(ends, lengths.tolist(), strict=True)]


def _best(colour: Callable[[Sequence[int]], list[int]], crowd: Any) -> Ints:
    """Return the better of the colourings in the order of numbers and in the order of how much is around."""
    natural = np.arange(len(crowd))
    fullest = np.argsort(-crowd, kind="stable")
    orders = [natural] if np.array_equal(natural, fullest) else [natural, fullest]
    found = [np.array(colour(order.tolist()), np.int64) for order in orders]
    return min(found, key=lambda colours: int(colours.max(initial=0)))


def _greedy(columns: Sequence[Sequence[int]], order: Sequence[int], height: int) -> list[int]:
    """Give each column the first colour that no column in its rows has."""
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
    """Give each vertex the first colour that no neighbour has, and no neighbour's neighbour that is not above it."""
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
