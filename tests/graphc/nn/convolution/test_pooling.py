"""Pooling, against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLOSE, RNG


def pooled(x: Any, rank: int, size: int, stride: int, reduce: Any) -> Any:
    outs = [(n - size) // stride + 1 for n in x.shape[2:]]
    out = np.zeros((*x.shape[:2], *outs))
    for at in itertools.product(*map(range, outs)):
        window = tuple(slice(i * stride, i * stride + size) for i in at)
        out[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *window)], axis=tuple(range(2, 2 + rank)))
    return out


@pytest.mark.parametrize("name", ["MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d"])
def test_pooling(name: str) -> None:
    rank, reduce = int(name[-2]), np.max if name.startswith("Max") else np.mean
    x = RNG.standard_normal((2, 3, *(7, 6, 5)[:rank]))
    for size, stride in ((2, 2), (3, 1), (2, 3)):
        module = getattr(nn, name)(size, stride)
        np.testing.assert_allclose(module(G.tensor(x)).numpy(), pooled(x, rank, size, stride, reduce), **CLOSE)


@pytest.mark.parametrize("name, shape, out", [("AdaptiveAvgPool1d", (2, 3, 7), 3), ("AdaptiveAvgPool2d", (2, 3, 7, 5), (3, 2))])
def test_adaptive_pooling(name: str, shape: tuple[int, ...], out: Any) -> None:
    x = RNG.standard_normal(shape)
    outs = (out,) if isinstance(out, int) else out
    want = np.zeros((2, 3, *outs))
    for at in itertools.product(*map(range, outs)):
        window = tuple(slice(i * n // o, -(-(i + 1) * n // o)) for i, n, o in zip(at, shape[2:], outs, strict=True))
        want[(slice(None), slice(None), *at)] = x[(slice(None), slice(None), *window)].reshape(2, 3, -1).mean(2)
    np.testing.assert_allclose(getattr(nn, name)(out)(G.tensor(x)).numpy(), want, **CLOSE)
