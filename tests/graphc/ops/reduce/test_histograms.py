"""Histograms are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(2)
VALUES = (RNG.standard_normal(20), RNG.standard_normal((3, 4)).astype(np.float32), np.zeros(0), np.ones(2), np.array(2.0))


@pytest.mark.parametrize("x", VALUES, ids=lambda x: f"{np.shape(x)} {x.dtype}")
@pytest.mark.parametrize("bins", [1, 3, 10])
def test_bins_of_one_width(x: Any, bins: int) -> None:
    for ends in ((0, 0), (-1, 1), (0.5, 0.7), (1, 1)):
        parity.assert_same(lambda t, e=ends: lambda x: t.histc(x.detach(), bins, *e), x, rtol=1e-6)
    for density in (False, True):
        for ends in (None, (-1.0, 1.0), (0.0, 0.0)):
            parity.assert_same(
                lambda t, e=ends, d=density: lambda x: tuple(t.histogram(x.detach(), bins, range=e, density=d)), x, rtol=1e-6
            )
        parity.assert_same(
            lambda t, d=density: lambda x: tuple(t.histogram(x.detach(), bins, weight=x.detach() ** 2, density=d)), x, rtol=1e-6
        )


def test_edges() -> None:
    edges = np.array([-1, -0.5, 0.3, 2])
    parity.assert_same(lambda t: lambda x, e: tuple(t.histogram(x.detach(), e.detach())), VALUES[0], edges)
    found = G.histc(G.tensor([0.0, float("nan")]), 2, 0, 2)
    assert found.tolist() == [1, 0] and "return_types.histogram" in repr(G.histogram(G.ones(2), 2))


def test_errors() -> None:
    nan = float("nan")
    for call in (
        lambda t: t.histc(t.ones(2), 0),
        lambda t: t.histc(t.ones(2), 2, 2, 1),
        lambda t: t.histc(t.ones(2), 2, nan, 1),
        lambda t: t.histc(t.arange(3)),
        lambda t: t.histc(t.tensor([nan])).tolist(),
        lambda t: t.histogram(t.ones(2), 0),
        lambda t: t.histogram(t.ones(2), 2, range=(2.0, 1.0)),
        lambda t: t.histogram(t.ones(2), t.ones(1, 1)),
        lambda t: t.histogram(t.ones(2), t.arange(3)),
        lambda t: t.histogram(t.ones(2), 2, weight=t.ones(3)),
        lambda t: t.histogram(t.tensor([nan]), 2).hist.tolist(),
        lambda t: t.histogram(t.arange(3), 2),
    ):
        parity.assert_same_error(call)
