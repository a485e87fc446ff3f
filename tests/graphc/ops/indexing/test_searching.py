"""Positions of values in sorted sequences, against NumPy and, where it is installed, torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 100])
@pytest.mark.parametrize("right", [False, True])
def test_positions_are_numpys(n: int, right: bool) -> None:
    rows, values = np.sort(RNG.integers(0, 20, n)), RNG.integers(-2, 23, (5, 4))
    wanted = np.searchsorted(rows, values, "right" if right else "left")
    found = G.searchsorted(G.tensor(rows), G.tensor(values), right=right)
    assert found.tolist() == wanted.tolist() and found.dtype is G.int64
    compiled = G.compile(lambda a, b: G.bucketize(b, a, right=right))(G.tensor(rows), G.tensor(values))
    assert compiled.tolist() == wanted.tolist()


def test_rows_sorters_and_special_values() -> None:
    rows, values = RNG.standard_normal((3, 6)), RNG.standard_normal((3, 4))
    values[0, 0] = np.nan
    order = np.argsort(rows, 1)

    def call(t: Any) -> Any:
        sort = t.tensor(order)
        return lambda a, v: (t.searchsorted(a.detach(), v, sorter=sort), t.searchsorted(a.sort().values, v, side="right"))

    parity.assert_same(call, rows, values)
    assert G.searchsorted(G.tensor([1, 3]), 2).item() == 1
    assert G.searchsorted(G.tensor([1, 3]), G.tensor([2]), out_int32=True).dtype is G.int32


@pytest.mark.parametrize("call", [
    lambda t: t.searchsorted(t.ones(2, 3), t.ones(3, 3)), lambda t: t.searchsorted(t.ones(3), t.ones(3), side="up"),
    lambda t: t.searchsorted(t.ones(3), t.ones(3), right=True, side="left"), lambda t: t.bucketize(t.ones(3), t.ones(2, 2)),
    lambda t: t.searchsorted(t.ones(3), t.ones(3), sorter=t.zeros(2).long()),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)


def test_isin() -> None:
    rng = np.random.default_rng(0)
    values = (rng.integers(0, 30, 20), rng.standard_normal(3), np.array(1), np.array([[np.nan, 2.0]]))
    for x in values:
        for y in (
            rng.integers(0, 9, (2, 2)),
            rng.integers(0, 30, 100),
            x,
            np.zeros(0),
            np.append(rng.standard_normal(40), x.ravel()),
        ):
            parity.assert_same(lambda t: lambda a, b: (t.isin(a, b), t.isin(a, b, invert=True)), x, y)
        parity.assert_same(lambda t: lambda a: (t.isin(a, 1.5), t.isin(1, a), t.isin(a, 1, assume_unique=True)), x)
    parity.assert_same_error(lambda t: t.isin(1, 1))
