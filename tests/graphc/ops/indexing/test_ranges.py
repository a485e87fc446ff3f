"""Indices and classes out of range, in eager and in compiled code."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F


@pytest.mark.parametrize(("classes", "count"), [([0, 3], 3), ([-1, 0], 3), ([0], 0)])
def test_one_hot_of_classes_out_of_range(run: Any, classes: list[int], count: int) -> None:
    call = run(lambda t: F.one_hot(t, count).sum())
    with pytest.raises(RuntimeError, match="Class values must be non-negative and smaller than num_classes"):
        call(G.tensor(classes)).tolist()


READS = {
    "index": lambda x, i: x[i],
    "gather": lambda x, i: G.gather(x, 0, i.reshape(1, -1)),
    "index_select": lambda x, i: G.index_select(x, 0, i),
    "take": lambda x, i: G.take(x, i),
    "embedding": lambda x, i: F.embedding(i, x),
    "index of a constant": lambda x, i: G.ones(*x.shape)[i],
    "index of a computed table": lambda x, i: (G.arange(x.shape[0]) * 2)[i],
    "index_add": lambda x, i: x.index_add(0, i, G.ones(2, 3)),
    "index_copy": lambda x, i: x.index_copy(0, i, G.ones(2, 3)),
}


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("name", READS)
def test_indices_out_of_range(run: Any, rows: int, name: str) -> None:
    for indices in ([0, 7], [-9, 0], [2**40, 0]):
        with pytest.raises(IndexError):
            run(READS[name])(G.ones(rows, 3), G.tensor(indices)).tolist()
    if rows == 0 and "take" not in name:
        with pytest.raises(IndexError):
            run(READS[name])(G.ones(rows, 3), G.tensor([0, 0])).tolist()


def test_no_index_reads_nothing(run: Any) -> None:
    nothing = G.zeros(0, dtype=G.int64)
    assert run(lambda x, i: x[i])(G.zeros(0, 3), nothing).shape == (0, 3)
    assert run(lambda x, i: x[i].sum())(G.zeros(4, 3), nothing).item() == 0.0
