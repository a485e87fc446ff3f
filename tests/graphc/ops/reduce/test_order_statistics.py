"""k-th elements, modes, quantiles and medians without NaN: values, indices and gradients are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

NAN = np.nan
RNG = np.random.default_rng(0)
VECTOR, MATRIX, CUBE = RNG.standard_normal(7), RNG.standard_normal((3, 4)), RNG.standard_normal((2, 3, 4)).astype(np.float32)
GAPS = np.array([[1.0, NAN, 2.0], [NAN, 0.0, 1.0], [5.0, 5.5, 4.0]])
DISTINCT = (VECTOR, MATRIX, CUBE, GAPS, RNG.permutation(12).reshape(3, 4), np.array(2.0))


@pytest.mark.parametrize("x", DISTINCT, ids=lambda x: f"{np.shape(x)} {x.dtype}")
@pytest.mark.parametrize(("dim", "keepdim"), [(0, False), (-1, True)])
def test_elements_along_an_axis(x: Any, dim: int, keepdim: bool) -> None:
    parity.assert_same(lambda t: lambda x: t.kthvalue(x, 1, dim, keepdim), x)
    parity.assert_same(lambda t: lambda x: t.nanmedian(x, dim, keepdim), x)
    parity.assert_same(lambda t: lambda x: t.nanmedian(x), x)
    if x is not GAPS:
        parity.assert_same(lambda t: lambda x: t.mode(t.round(x), dim, keepdim).values if x.ndim else t.mode(x).values, x)


@pytest.mark.parametrize("how", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("x", [VECTOR, MATRIX, CUBE, GAPS], ids=lambda x: f"{np.shape(x)}")
def test_quantiles(x: Any, how: str) -> None:
    for name in ("quantile", "nanquantile"):
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x, 0.3, -1, True, interpolation=how), x, rtol=1e-6)
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x, 0.7, keepdim=True, interpolation=how), x, rtol=1e-6)
        fractions = np.array([0.0, 0.45, 1.0], x.dtype)
        parity.assert_same(
            lambda t, n=name: lambda x, q: getattr(t, n)(x, q if how == "linear" else q.detach(), 0, interpolation=how),
            x,
            fractions,
            rtol=1e-5,
        )


def test_ties_and_counts() -> None:
    x = G.tensor([[2, 1, 2, 1], [3, 3, 0, 7]])
    values, indices = G.mode(x)
    assert values.tolist() == [1, 3] and indices.tolist() == [3, 1]
    values, indices = x.kthvalue(3, keepdim=True)
    assert values.tolist() == [[2], [3]] and indices.tolist() == [[0], [1]]
    assert "torch.return_types.mode" in repr(G.mode(x)) and G.mode(x.bool()).values.tolist() == [True, True]


def test_errors() -> None:
    for call in (
        lambda t: t.kthvalue(t.ones(3), 4),
        lambda t: t.kthvalue(t.ones(0), 1),
        lambda t: t.mode(t.ones(2, 0)),
        lambda t: t.kthvalue(t.ones(2).bool(), 1),
        lambda t: t.nanmedian(t.ones(0, 2), 0),
        lambda t: t.quantile(t.ones(2), 1.5),
        lambda t: t.quantile(t.ones(0), 0.5),
        lambda t: t.quantile(t.arange(3), 0.5),
        lambda t: t.quantile(t.ones(2), t.ones(1, 1)),
        lambda t: t.quantile(t.ones(2), t.ones(1).double()),
        lambda t: t.nanquantile(t.ones(2), 0.5, interpolation="mean"),
        lambda t: t.quantile(t.ones(2), t.tensor(1.5)).item(),
        lambda t: t.quantile(t.ones(2), "a"),
    ):
        parity.assert_same_error(call)
