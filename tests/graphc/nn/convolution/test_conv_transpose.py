"""Transposed convolutions are the adjoints of convolutions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLOSE, OPTIONS, RNG


def transposed(x: Any, w: Any, bias: Any, stride: int, padding: int, dilation: int, groups: int, extra: int) -> Any:
    """Return a transposed convolution of any rank: each input element adds its filter to the output."""
    extents = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    full = [(n - 1) * stride + e + extra for n, e in zip(x.shape[2:], extents, strict=True)]
    per, each = x.shape[1] // groups, w.shape[1]
    out = np.zeros((x.shape[0], each * groups, *full))
    for c, *at in itertools.product(range(x.shape[1]), *map(range, x.shape[2:])):
        group = c // per
        window = tuple(slice(i * stride, i * stride + e, dilation) for i, e in zip(at, extents, strict=True))
        values = x[(slice(None), c, *at)].reshape(-1, *[1] * (w.ndim - 1))
        out[(slice(None), slice(group * each, (group + 1) * each), *window)] += values * w[c]
    inside = tuple(slice(padding, n - padding) for n in full)
    return out[(slice(None), slice(None), *inside)] + bias.reshape(-1, *[1] * (x.ndim - 2))


TRANSPOSED = {"ConvTranspose1d": 1, "ConvTranspose2d": 2, "ConvTranspose3d": 3}


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("options", OPTIONS)
def test_transposed_convolution(name: str, options: tuple[int, ...]) -> None:
    stride, padding, dilation, groups = options
    rank, extra = TRANSPOSED[name], stride - 1
    x = RNG.standard_normal((2, 4, *(4, 3, 3)[:rank]))
    module = getattr(nn, name)(4, 6, 3, stride, padding, extra, groups, dilation=dilation).double()
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    want = transposed(x, w, b, stride, padding, dilation, groups, extra)
    np.testing.assert_allclose(module(G.tensor(x)).detach().numpy(), want, **CLOSE)
