"""Views of any strides are torch's: values, gradients, and writes through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

X = np.random.default_rng(2).standard_normal(24)
VIEWS = {
    "vector": lambda x: x, "matrix": lambda x: x.reshape(4, 6), "transposed": lambda x: x.reshape(4, 6).t(),
    "permuted": lambda x: x.reshape(2, 3, 4).permute(2, 0, 1), "tail": lambda x: x[3:], "ones": lambda x: x.reshape(1, 4, 1, 6),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "shape", [((2, 3), (3, 1), 4), ((), (), 5), ((2, 2, 2), (4, 2, 1), 3), ((3, 3), (1, 1), 4), ((4,), (0,), 3)]
)
def test_views(view: str, shape: Any) -> None:
    of = VIEWS[view]
    parity.assert_same(lambda t: lambda x: t.as_strided(of(x), *shape), X)
    parity.assert_same(lambda t: lambda x: of(x * 2).as_strided(*shape).exp(), X)
    if shape[1] not in ((1, 1), (0,)):

        def written(t: Any) -> Any:
            def call(x: Any) -> Any:
                y = x.clone()
                z = of(y).as_strided(*shape)
                z.mul_(3)
                return y, z, t.tensor(z.stride()), t.tensor(z.storage_offset())

            return call

        parity.assert_same(written, X)
        source = np.ones(shape[0])
        parity.assert_same(lambda t: lambda x, s: t.as_strided_scatter(of(x).detach(), s.detach(), *shape), X, source)


def test_offsets_and_windows() -> None:
    x = G.arange(6)
    assert x[2:].as_strided((2,), (1,)).tolist() == [2, 3] and x[2:].storage_offset() == 2
    assert x.as_strided((3, 2), (2, 1)).storage_offset() == 0 and x.as_strided((0,), (1,), 9).shape == (0,)
    slope = G.func.grad(lambda x: G.as_strided_scatter(x, G.zeros(2), (2,), (1,), 1).sum())(G.ones(4))
    assert slope.tolist() == [1, 0, 0, 1]


def test_errors() -> None:
    calls: tuple[Any, ...] = (
        lambda t: t.ones(6).as_strided((2, 3), (3, 3)),
        lambda t: t.ones(6).as_strided((2,), (-1,)),
        lambda t: t.ones(6).as_strided((2,), (1, 1)),
        lambda t: t.ones(6).as_strided((-2,), (1,)),
        lambda t: t.ones(6).as_strided((2,), (1,), -1),
        lambda t: t.ones(6).as_strided(2, 1),
        lambda t: t.as_strided_scatter(t.ones(6), t.ones(3), (2,), (1,)),
        lambda t: t.as_strided_scatter(t.ones(6), t.ones(2), (2,), (0,)),
    )
    for call in calls:
        parity.assert_same_error(call)
    with pytest.raises(RuntimeError, match="out of bounds for the elements that the tensor shows"):
        G.arange(6)[2:].as_strided((2,), (1,), 0)
