"""Pooling, against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F
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


def windows(n: int, k: int, s: int, p: int, ceil: bool) -> list[tuple[int, int]]:
    """Return the beginnings and ends of the windows along an axis, in elements of the input; a last one may be cut off."""
    outs = (n + 2 * p - k + (s - 1 if ceil else 0)) // s + 1
    return [(i * s - p, min(i * s - p + k, n + p)) for i in range(outs) if i * s - p < n or not ceil]


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("divisor", [None, 3])
def test_average_pooling_with_padding(ceil: bool, include: bool, divisor: int | None) -> None:
    x, kernel, stride, padding = RNG.standard_normal((2, 8, 7)), (3, 4), (2, 3), (1, 2)
    rows, columns = (windows(n, k, s, p, ceil) for n, k, s, p in zip(x.shape[1:], kernel, stride, padding, strict=True))
    want = np.empty((2, len(rows), len(columns)))
    for (i, (a, b)), (j, (c, d)) in itertools.product(enumerate(rows), enumerate(columns)):
        inside = x[:, max(a, 0) : b, max(c, 0) : d]
        want[:, i, j] = inside.sum((1, 2)) / (divisor or ((b - a) * (d - c) if include else inside[0].size))
    got = F.avg_pool2d(G.tensor(x), kernel, stride, padding, ceil, include, divisor)
    np.testing.assert_allclose(got.numpy(), want, **CLOSE)


@pytest.mark.parametrize("ceil", [False, True])
def test_max_pooling_with_padding_and_dilation(ceil: bool) -> None:
    x, (k, s, p, d) = RNG.standard_normal((2, 9)), (2, 2, 1, 3)
    starts = [a for a, _ in windows(9, d * (k - 1) + 1, s, p, ceil)]
    taps = [[i for i in range(a, a + d * k, d) if 0 <= i < 9] for a in starts]
    at = np.array([[max(t, key=row.__getitem__) for t in taps] for row in x])
    values, indices = F.max_pool1d(G.tensor(x), k, s, p, d, ceil, True)
    assert indices.tolist() == at.tolist() and values.tolist() == np.take_along_axis(x, at, 1).tolist()
