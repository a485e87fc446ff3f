"""Copies with some elements written are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(1)
A = RNG.standard_normal


def test_masks_and_flat_indices() -> None:
    for x, mask, source in (
        (A(3), A(3) > 0, A(3)),
        (A((3, 4)), A((3, 1)) > 0, A(20)),
        (A(4), A((3, 4)) > 0, A(12)),
        (A(3), A(3) > 9, A(0)),
    ):
        parity.assert_same(lambda t: lambda a, m, s: t.masked_scatter(a, m, s), x, mask, source)
    for accumulate in (False, True):
        call = lambda t, c=accumulate: lambda x, i, s: t.put(x, i, s, c)  # noqa: E731
        parity.assert_same(call, A((2, 3)), np.array([[0, -1], [3, 2]]), A(4))
    parity.assert_same(lambda t: lambda x, i, s: t.put(x, i, s, accumulate=True), A(3), np.array([1, 1, -1]), A(3))
    x = G.zeros(3)
    assert x.put_(G.tensor([-1]), G.ones(1)).tolist() == [0, 0, 1]
    assert x.masked_scatter_(x > 0, G.full((1,), 5.0)).tolist() == [0, 0, 5]


@pytest.mark.parametrize("dim", [0, -1])
def test_slices_and_diagonals(dim: int) -> None:
    for x in (A(4), A((4, 5)), A((4, 4, 2))):
        for start, end, step in ((None, None, 1), (1, 3, 1), (-2, None, 1), (0, 4, 2), (3, 1, 1), (0, 9, 3)):
            shape = list(x.shape)
            shape[dim] = len(range(*slice(start, end, step).indices(shape[dim])))
            parity.assert_same(lambda t, b=(start, end, step): lambda a, s: t.slice_scatter(a, s, dim, *b), x, A(shape))
        parity.assert_same(
            lambda t: lambda a, s: t.select_scatter(a, s, dim, -2), x, A(np.delete(x.shape, dim))
        )
        if x.ndim > 1:
            for offset in (0, 1, -2, 9):
                source = A(np.diagonal(x, offset, 0, 1).shape)
                parity.assert_same(lambda t, o=offset: lambda a, s: t.diagonal_scatter(a, s, o), x, source)


def test_the_dtype_is_that_of_input() -> None:
    x = G.zeros(2, 2, dtype=G.int64)
    assert G.select_scatter(x, G.full((2,), 1.5), 0, 1).tolist() == [[0, 0], [1, 1]]
    assert G.diagonal_scatter(x, G.ones(2)).dtype == G.int64 == G.slice_scatter(x, G.ones(2, 2)).dtype


def test_errors() -> None:
    mask = [True, False, True]
    calls: tuple[Any, ...] = (
        lambda t: t.masked_scatter(t.zeros(3), t.tensor(mask), t.ones(1)).tolist(),
        lambda t: t.masked_scatter(t.zeros(3), t.tensor(mask), t.ones(2).double()),
        lambda t: t.masked_scatter(t.zeros(3), t.arange(3), t.ones(2)),
        lambda t: t.put(t.zeros(2), t.tensor([0]), t.ones(2)),
        lambda t: t.put(t.zeros(2), t.tensor([5]), t.ones(1)).tolist(),
        lambda t: t.put(t.zeros(2), t.tensor([0]), t.arange(1)),
        lambda t: t.put(t.zeros(2), t.tensor([0]).int(), t.ones(1)),
        lambda t: t.slice_scatter(t.zeros(4), t.ones(3), 0, 1, 3),
        lambda t: t.slice_scatter(t.zeros(4), t.ones(2), 0, 0, 4, 0),
        lambda t: t.slice_scatter(t.tensor(1.0), t.ones(2)),
        lambda t: t.select_scatter(t.zeros(2, 2), t.ones(3), 0, 1),
        lambda t: t.select_scatter(t.zeros(2, 2), t.ones(2), 0, 5),
        lambda t: t.diagonal_scatter(t.zeros(2, 2), t.ones(3)),
    )
    for call in calls:
        parity.assert_same_error(call)
