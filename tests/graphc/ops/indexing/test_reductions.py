"""Elements reduced at indices are torch's; gradients of extremes are shared by all elements that tie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

RNG = np.random.default_rng(0)
FLOATS = (RNG.standard_normal((4, 3)), RNG.integers(0, 4, (4, 5)), RNG.standard_normal((4, 5)))
TIES = (RNG.integers(0, 2, (4, 3)).astype(np.float64) + 3, RNG.integers(0, 4, (4, 5)), RNG.integers(0, 2, (4, 5)) * 1.0)
INTS = (RNG.integers(0, 9, (4, 3)), RNG.integers(0, 4, (4, 5)), RNG.integers(0, 9, (4, 5)))
SINGLE = tuple(array.astype(np.float32) if array.dtype.kind == "f" else array for array in FLOATS)
KINDS = ("sum", "prod", "mean", "amax", "amin")


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_scatter_reduce(kind: str, include: bool) -> None:
    for x, index, src in (FLOATS, TIES, INTS, SINGLE):
        index, src = index[:, :3], src[:, :3]
        call = lambda t: lambda a, i, s: t.scatter_reduce(a, 0, i, s, kind, include_self=include)  # noqa: E731
        parity.assert_same(call, x, index, src, rtol=1e-5)
        call = lambda t: lambda a, i, s: a.T.clone().scatter_reduce(-1, i.T, s.T, kind, include_self=include)  # noqa: E731
        parity.assert_same(call, x, index[:2], src[:2], rtol=1e-5)
    single = np.array(2.0), np.array([0, 0]), np.array([3.0, 5.0])
    parity.assert_same(lambda t: lambda a, i, s: t.scatter_reduce(a, 0, i, s, kind, include_self=include), *single)
    parity.assert_same(lambda t: lambda x: x.scatter_reduce(0, t.zeros(0).long(), x[:0], kind), np.ones(3))
    if kind != "mean":
        bools = np.array([True, False, True]), np.array([0, 0, 1, 1]), np.array([False, True, False, False])
        parity.assert_same(lambda t: lambda a, i, s: t.scatter_reduce(a, 0, i, s, kind, include_self=include), *bools)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_index_reduce(kind: str, include: bool) -> None:
    for x, index, src in (FLOATS, TIES, INTS):
        if include or x is not TIES[0]:  # torch counts elements of input among ties that it leaves out
            call = lambda t: lambda a, i, s: t.index_reduce(a, 0, i, s, kind, include_self=include)  # noqa: E731
            parity.assert_same(call, x, index[:, 0], src[:, :3])
            call = lambda t: lambda a, i, s: t.index_reduce(a.T, 1, i, s.T, kind, include_self=include)  # noqa: E731
            parity.assert_same(call, x, index[:2, 0], src[:2, :3])


def test_second_derivatives_and_zeros_of_products() -> None:
    index = G.tensor([0, 2, 0, 0])
    parity.assert_second(lambda x, s: x.scatter_reduce(0, index, s, "prod"), RNG.standard_normal(3), RNG.standard_normal(4))
    zeros = np.array([0.0, 2.0, 0.0, 3.0])
    parity.assert_same(lambda t: lambda x, s: x.scatter_reduce(0, t.tensor([0, 2, 0, 1]), s, "prod"), np.ones(3), zeros)
    x = G.ones(3)
    assert x.scatter_reduce_(0, index, G.full((4,), 2.0), "sum").tolist() == [7, 1, 3]
    assert x.index_reduce_(0, index[:1], G.full((1,), 2.0), "prod").tolist() == [14, 1, 3]


def test_errors() -> None:
    calls: tuple[Any, ...] = (
        lambda t: t.ones(2, 2).scatter_reduce(0, t.zeros(1, 1).long(), t.ones(1, 1), "mul"),
        lambda t: t.ones(2, 2).scatter_reduce(0, t.zeros(1).long(), t.ones(1, 1), "sum"),
        lambda t: t.ones(2, 2).scatter_reduce(0, t.zeros(1, 1).long(), t.ones(1, 1).double(), "sum"),
        lambda t: t.ones(2).bool().scatter_reduce(0, t.zeros(1).long(), t.ones(1).bool(), "mean"),
        lambda t: t.ones(2).scatter_reduce(3, t.zeros(1).long(), t.ones(1), "sum"),
        lambda t: t.ones(3, 2).index_reduce(0, t.tensor([0]), t.ones(1, 2), "sum"),
        lambda t: t.ones(3, 2).index_reduce(0, t.tensor([[0]]), t.ones(1, 2), "prod"),
        lambda t: t.ones(3, 2).index_reduce(0, t.tensor([0]), t.ones(2, 2), "prod"),
        lambda t: t.ones(3, 2).index_reduce(0, t.tensor([0]), t.ones(1, 3), "prod"),
        lambda t: t.ones(3).index_reduce(0, t.tensor([0]), t.ones(1).double(), "prod"),
        lambda t: t.ones(3).index_reduce(0, t.tensor([9]), t.ones(1), "prod").tolist(),
        lambda t: t.ones(3).bool().index_reduce(0, t.tensor([0]), t.ones(1).bool(), "prod"),
    )
    for call in calls:
        parity.assert_same_error(call)
    with pytest.raises(IndexError):
        G.ones(3).scatter_reduce(0, G.tensor([9]), G.ones(1), "prod").tolist()
