"""Layer, group and root-mean-square normalization, against NumPy."""

from __future__ import annotations

import numpy as np

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLOSE, RNG, standardized


def test_layer_group_and_rms_norms() -> None:
    x = RNG.standard_normal((4, 6, 5))
    np.testing.assert_allclose(nn.LayerNorm(5).double()(G.tensor(x)).detach().numpy(), standardized(x, (2,)), **CLOSE)
    groups = standardized(x.reshape(4, 2, 15), (2,)).reshape(4, 6, 5)
    np.testing.assert_allclose(nn.GroupNorm(2, 6).double()(G.tensor(x)).detach().numpy(), groups, **CLOSE)
    want = x / np.sqrt((x * x).mean(2, keepdims=True) + np.finfo(float).eps)
    np.testing.assert_allclose(nn.RMSNorm(5).double()(G.tensor(x)).detach().numpy(), want, **CLOSE)
