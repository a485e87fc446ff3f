"""Colourings of sparse matrices."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from graphc.ir.sparse.colouring import by_columns, cheaper, symmetric, symmetrized
from graphc.ir.sparse.sparsity import Sparsity, of_pairs


def random_pattern(height: int, width: int, seed: int) -> Sparsity:
    draw = np.random.default_rng(seed)
    return of_pairs(draw.integers(0, height, 3 * width), draw.integers(0, width, 3 * width), (height, width))


@pytest.mark.parametrize("seed", range(8))
def test_columns_of_a_colour_share_no_row(seed: int) -> None:
    pattern = random_pattern(20, 30, seed)
    found = by_columns(pattern)
    sums = np.zeros((pattern.shape[0], found.count), int)
    np.add.at(sums, (pattern.rows, found.colours[pattern.indices]), 1)
    assert sums.max() == 1
    meets = nx.from_numpy_array((pattern.toarray().T.astype(int) @ pattern.toarray().astype(int)) - np.eye(30) > 0)
    assert found.count <= 1 + max(nx.greedy_color(meets, "largest_first").values()) + 2


@pytest.mark.parametrize("seed", range(8))
def test_symmetric_colours_tell_every_place(seed: int) -> None:
    pattern = symmetrized(random_pattern(25, 25, seed))
    found = symmetric(pattern)
    matrix = np.zeros((25, 25))
    matrix[pattern.rows, pattern.indices] = np.random.default_rng(seed).normal(size=pattern.nnz)
    matrix = matrix + matrix.T
    sums = np.array([matrix[:, found.colours == c].sum(1) for c in range(found.count)])
    assert np.allclose(sums[found.groups, found.rows], matrix[pattern.rows, pattern.indices], atol=0, rtol=0)
    assert found.count <= by_columns(pattern).count + 1


def test_few_colours() -> None:
    n = np.arange(50)
    arrow = of_pairs([*n, *n, *(0 * n)], [*n, *(0 * n), *n], (50, 50))
    assert symmetric(arrow).count == 2
    wide = of_pairs([*n, *(0 * n)], [*n, *n], (50, 50))
    assert cheaper(wide, None)[0] == "reverse" and cheaper(wide, None)[1].count == 2
    assert cheaper(wide.transposed, None)[0] == "forward" and cheaper(wide.transposed, None)[1].count == 2
