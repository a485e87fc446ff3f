"""Layers over a training loop: statistics, initial values, gradients, modes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as G
from graphc import nn


def test_batch_norm_keeps_running_statistics() -> None:
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    norm = nn.BatchNorm1d(3)
    norm(G.tensor(x))
    np.testing.assert_allclose(norm.running_mean.numpy(), 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-5)
    assert norm.num_batches_tracked.item() == 1
    expected = (x - 0.1 * x.mean(0)) / np.sqrt(0.9 + 0.1 * x.var(0, ddof=1) + 1e-5)
    np.testing.assert_allclose(norm.eval()(G.tensor(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_parameters_start_as_torchs_do() -> None:
    G.manual_seed(1)
    layer = nn.Linear(100, 200)
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy()):
        assert np.abs(values).max() <= 0.1 and np.abs(values).max() > 0.095
        assert values.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.05)
    pair = nn.Bilinear(25, 4, 100)
    for values in (pair.weight.detach().numpy(), pair.bias.detach().numpy()):
        assert 0.19 < np.abs(values).max() <= 0.2 and values.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.15)
    table = nn.Embedding(50, 40, padding_idx=0).weight.detach().numpy()
    assert (table[0] == 0).all() and table[1:].std() == pytest.approx(1, rel=0.05)
    cut = nn.init.trunc_normal_(G.empty(100, 100), std=2.0, a=-2.0, b=1.0).numpy()
    assert cut.min() >= -2 and cut.max() <= 1 and cut.mean() == pytest.approx(-0.413, abs=0.03)
    wide = nn.init.xavier_normal_(G.empty(100, 300)).numpy()
    assert wide.std() == pytest.approx(math.sqrt(2 / 400), rel=0.05)
    assert nn.init.kaiming_normal_(G.empty(300, 200), nonlinearity="relu").numpy().std() == pytest.approx(0.1, rel=0.05)


def test_padding_gets_no_gradient() -> None:
    layer = nn.Embedding(4, 2, padding_idx=1)
    layer(G.tensor([[0, 1], [1, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [1, 1]]


def test_dropout_follows_the_mode() -> None:
    G.manual_seed(0)
    layer, x = nn.Dropout(0.5), G.ones(1000)
    assert 400 < int((layer(x) == 0).sum()) < 600
    assert layer.eval()(x) is x
    channels = nn.Dropout2d(0.5)(G.ones(1, 50, 2, 2)).numpy()
    assert set(np.unique(channels.sum((2, 3)))) == {0.0, 8.0}
