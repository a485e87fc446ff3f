"""Convolutions, against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests import parity
from tests.graphc.nn.reference import CLOSE, OPTIONS, RNG


def correlated(x: Any, w: Any, bias: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """Return a convolution of any rank, one product of a window and a filter at a time."""
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * rank)
    extents = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    outs = [(n - e) // stride + 1 for n, e in zip(x.shape[2:], extents, strict=True)]
    per, out = w.shape[1], np.zeros((x.shape[0], w.shape[0], *outs))
    for k, *at in itertools.product(range(w.shape[0]), *map(range, outs)):
        group = k // (w.shape[0] // groups)
        window = tuple(slice(i * stride, i * stride + e, dilation) for i, e in zip(at, extents, strict=True))
        piece = x[(slice(None), slice(group * per, (group + 1) * per), *window)]
        out[(slice(None), k, *at)] = (piece * w[k]).reshape(x.shape[0], -1).sum(1) + bias[k]
    return out


CONVOLUTIONS = {"Conv1d": 1, "Conv2d": 2, "Conv3d": 3}


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_convolution(name: str, options: tuple[int, ...]) -> None:
    stride, padding, dilation, groups = options
    rank = CONVOLUTIONS[name]
    x = RNG.standard_normal((2, 4, *(7, 6, 5)[:rank]))
    module = getattr(nn, name)(4, 6, 2, stride, padding, dilation, groups).double()
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    np.testing.assert_allclose(module(G.tensor(x)).detach().numpy(), correlated(x, w, b, *options), **CLOSE)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [(2, 1), "same", "valid", 0])
def test_padding_modes_are_torchs(mode: str, padding: Any) -> None:
    theirs = parity.torch().nn.Conv2d(2, 3, (3, 2), padding=padding, padding_mode=mode).double()
    ours = nn.Conv2d(2, 3, (3, 2), padding=padding, padding_mode=mode, dtype=G.float64, device="cpu")
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({name: G.tensor(value.detach().numpy()) for name, value in theirs.state_dict().items()})
    parity.assert_same(lambda library: ours if library is G else theirs, RNG.standard_normal((2, 2, 5, 4)))


@pytest.mark.parametrize("call", [
    lambda t: t.nn.Conv1d(1, 1, 2, padding_mode="mirror"), lambda t: t.nn.Conv1d(1, 1, 2, padding="both"),
    lambda t: t.nn.Conv1d(1, 1, 2, 2, padding="same"), lambda t: t.nn.ConvTranspose1d(1, 1, 2, padding_mode="circular"),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
