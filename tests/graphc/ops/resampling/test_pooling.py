"""Adaptive maxima, power sums and unpooling, against torch where it is installed, and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG

SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (1, 2, 4, 5, 6)}


@pytest.mark.parametrize("axes", SHAPES)
def test_pooling(axes: int) -> None:
    x = RNG.standard_normal(SHAPES[axes])
    for out in (3, 1, (4, 3, 5)[:axes], 9):
        call: Any = lambda t, n=out: lambda x: getattr(t.nn.functional, f"adaptive_max_pool{axes}d")(x, n, True)  # noqa: E731
        parity.assert_same(call, x, compiled=out == 3)
        mean: Any = lambda t, n=out: lambda x: getattr(t.nn.functional, f"adaptive_avg_pool{axes}d")(x, n)  # noqa: E731
        parity.assert_same(mean, x, compiled=False)
    parity.assert_same(lambda t: lambda x: getattr(t.nn.functional, f"lp_pool{axes}d")(x, 2, 2, ceil_mode=True), x)

    def there_and_back(t: Any) -> Any:
        pool, unpool = (getattr(t.nn.functional, f"max_{name}{axes}d") for name in ("pool", "unpool"))
        return lambda x: unpool(*pool(x, 2, return_indices=True), 2, output_size=x.shape)

    parity.assert_same(there_and_back, x)


def test_adaptive_maxima_by_hand() -> None:
    x = RNG.standard_normal((2, 7))
    wanted = np.stack([x[:, i * 7 // 3 : -(-(i + 1) * 7 // 3)].max(1) for i in range(3)], 1)
    assert (F.adaptive_max_pool1d(G.tensor(x), 3).numpy() == wanted).all()
    assert F.adaptive_max_pool2d(G.ones(0, 2, 4, 4), 2).shape == (0, 2, 2, 2)
    assert F.adaptive_max_pool3d(G.ones(1, 2, 4, 4, 4), (None, 1, 2)).shape == (1, 2, 4, 1, 2)
    assert F.adaptive_avg_pool3d(G.ones(1, 2, 4, 4, 4), 1).tolist() == [[[[[1.0]]]] * 2]
    assert F.lp_pool1d(G.tensor([[[3.0, 4.0]]]), 2, 2).item() == F.lp_pool2d(G.tensor([[[[3.0, 4.0]]]]), 2, (1, 2)).item() == 5
    assert F.lp_pool3d(G.ones(1, 1, 2, 2, 2), 1, 2).item() == 8
    one = G.ones(1, 1, 1)
    assert F.max_unpool1d(one, one.long(), 2).tolist() == [[[0.0, 1.0]]]
    assert (
        F.max_unpool2d(one[None], one[None].long(), 2).sum() == F.max_unpool3d(one[None, None], one[None, None].long(), 2).sum()
    )


@pytest.mark.parametrize("call", [
    lambda t: t.nn.functional.adaptive_max_pool2d(t.ones(2, 2), 1),
    lambda t: t.nn.functional.adaptive_max_pool1d(t.ones(1, 1, 0), 1),
    lambda t: t.nn.functional.max_unpool1d(t.ones(1, 1, 2), t.ones(1, 1, 3).long(), 2),
    lambda t: t.nn.functional.max_unpool1d(t.ones(1, 1, 2), t.ones(1, 1, 2).long(), 2, output_size=(9,)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
