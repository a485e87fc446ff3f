"""Parts of tensors are torch's, and views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

X = np.random.default_rng(7).standard_normal((6, 4, 3))


@pytest.mark.parametrize("sections", [1, 2, 4, 7, (1,), (2, 3), (3, 1, 9), (-1,), ()])
@pytest.mark.parametrize("dim", [0, -2])
def test_tensor_split(sections: Any, dim: int) -> None:
    parity.assert_same(lambda t: lambda x: t.tensor_split(x, sections, dim), X)
    parity.assert_same(lambda t: lambda x: t.tensor_split(x, t.tensor(sections, dtype=t.int64), dim), X, compiled=False)


def test_splits_along_one_axis() -> None:
    for name in ("hsplit", "vsplit", "dsplit"):
        for sections in (1, (1,), (1, -1)):
            parity.assert_same(lambda t, n=name, s=sections: lambda x: getattr(x, n)(s), X)
    parity.assert_same(
        lambda t: lambda x: (t.hsplit(x, 2), t.tensor_split(x, indices=(2,)), t.tensor_split(x, sections=2)), X[0, :, 0]
    )


def test_parts_are_views() -> None:
    x = G.zeros(5)
    G.tensor_split(x, 2)[1].add_(1)
    x.reshape(1, 5).hsplit((1,))[0].fill_(3)
    assert x.tolist() == [3, 0, 0, 1, 1]


def test_errors() -> None:
    for call in (
        lambda t: t.tensor_split(t.tensor(1), 2),
        lambda t: t.tensor_split(t.ones(2), 0),
        lambda t: t.tensor_split(t.ones(2), t.ones(1)),
        lambda t: t.tensor_split(t.ones(2), 1, 3),
        lambda t: t.tensor_split(t.ones(2), "a"),
        lambda t: t.hsplit(t.tensor(1), 1),
        lambda t: t.hsplit(t.ones(2, 3), 2),
        lambda t: t.hsplit(t.ones(2), 0),
        lambda t: t.vsplit(t.ones(2), 1),
        lambda t: t.dsplit(t.ones(2, 2), 1),
    ):
        parity.assert_same_error(call)
