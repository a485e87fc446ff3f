"""Layer, group and root-mean-square normalization, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_instance_norm_tracks_statistics_and_takes_inputs_without_a_batch() -> None:
    layer = nn.InstanceNorm1d(2, momentum=0.5, track_running_stats=True)
    x = G.tensor([[1.0, 3.0], [0.0, 8.0]])
    assert layer(x).tolist() == layer(x.unsqueeze(0))[0].tolist()
    assert layer.running_mean.tolist() == [1.5, 3.0] and layer.running_var.tolist() == [1.75, 24.25]
    np.testing.assert_allclose(layer.eval()(x)[0].numpy(), (np.array([1.0, 3.0]) - 1.5) / np.sqrt(1.75 + 1e-5), rtol=1e-6)
    with pytest.raises(ValueError, match=r"to match num_features \(2\), but got: 3"):
        layer(G.ones(3, 4))
