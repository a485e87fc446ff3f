"""Distances and norms of slices are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import parity

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("p", [1, 2, 3, 0.5, np.inf])
def test_orders(p: float) -> None:
    x, y = RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    parity.assert_same(lambda t: lambda x, y: t.dist(x, y, p), x, y)
    parity.assert_same(lambda t: lambda x: t.nn.functional.normalize(x) + t.renorm(x, p, 1, 0.5), x, rtol=1e-6)
    parity.assert_same(lambda t: lambda x: t.renorm(x, p, 0, 1.0), x.reshape(2, 2, 3), rtol=1e-6)
    if p != 0.5:
        parity.assert_same(lambda t: lambda x: t.pdist(x, p), x)
        parity.assert_second(lambda x: (parity.G.pdist(x, p), x.renorm(p, 0, 0.5)) if p != np.inf else x.sum(), x)


def test_equal_and_empty_rows() -> None:
    parity.assert_same(lambda t: lambda x: (t.pdist(x), t.pdist(x[:1])), np.ones((3, 2)))
    parity.assert_same(lambda t: lambda x, y: x.dist(y), np.ones(3), np.ones(3, np.float32))


def test_errors() -> None:
    calls: tuple[Any, ...] = (
        lambda t: t.pdist(t.ones(2)),
        lambda t: t.pdist(t.ones(2, 2), -1),
        lambda t: t.pdist(t.ones(2, 2).int()),
        lambda t: t.renorm(t.ones(2), 2, 0, 1),
        lambda t: t.renorm(t.ones(2, 2), 0, 0, 1),
        lambda t: t.renorm(t.ones(2, 2), 2, 0, -1),
        lambda t: t.renorm(t.ones(2, 2), 2, 4, 1),
        lambda t: t.renorm(t.ones(2, 2).int(), 2, 0, 1),
        lambda t: t.dist(t.ones(2), t.ones(3)),
        lambda t: t.dist(t.arange(2), t.arange(2)),
    )
    for call in calls:
        parity.assert_same_error(call)
