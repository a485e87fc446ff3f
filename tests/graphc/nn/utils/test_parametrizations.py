"""Weight and spectral normalization, as parametrizations and as hooks: the steps of training are torch's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn

torch = pytest.importorskip("torch")

WAYS: dict[str, Any] = {
    "weight": lambda M, net: M.nn.utils.parametrizations.weight_norm(net),
    "weight, axis 1": lambda M, net: M.nn.utils.parametrizations.weight_norm(net, dim=1),
    "weight, one norm": lambda M, net: M.nn.utils.parametrizations.weight_norm(net, dim=None),
    "weight, hook": lambda M, net: M.nn.utils.weight_norm(net),
    "spectral": lambda M, net: M.nn.utils.parametrizations.spectral_norm(net, n_power_iterations=2),
    "spectral, hook": lambda M, net: M.nn.utils.spectral_norm(net),
}


def trained(M: Any, way: Any, make: Any, compiled: bool) -> tuple[list[float], dict[str, Any]]:
    rng = np.random.default_rng(0)
    net = make(M.nn).double()
    for p in net.parameters():
        p.data = M.tensor(rng.standard_normal(tuple(p.shape)))
    net = way(M, net)
    with M.no_grad():
        for b in net.buffers():
            b.copy_(M.tensor(rng.standard_normal(tuple(b.shape))))
            b /= b.norm()
    optimizer = M.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    x, run = M.tensor(rng.standard_normal((2, 3, 5))), G.compile(step) if compiled else step
    losses = [float(run(x)) for _ in range(3)]
    return [*losses, float(net.eval()(x).detach().sum())], {k: v.numpy() for k, v in net.state_dict().items()}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:compiled function")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [lambda n: n.Conv1d(3, 4, 2), lambda n: n.ConvTranspose1d(3, 4, 2)], ids=["conv", "conv_t"])
def test_training_is_torchs(way: str, make: Any) -> None:
    losses, states = trained(torch, WAYS[way], make, False)
    for compiled in (False, True):
        mine, state = trained(G, WAYS[way], make, compiled)
        np.testing.assert_allclose(mine, losses, rtol=1e-9)
        assert list(state) == list(states)
        for name, value in states.items():
            np.testing.assert_allclose(state[name], value, rtol=1e-9, atol=1e-12)


def test_the_estimate_converges_and_vectors_are_normalized() -> None:
    layer: Any = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3), n_power_iterations=20)
    assert np.linalg.norm(layer.weight.detach().numpy(), 2) == pytest.approx(1.0, rel=1e-3)
    vector: Any = nn.utils.parametrizations.spectral_norm(nn.LayerNorm(4), "bias")
    with G.no_grad():
        vector.parametrizations.bias.original.fill_(3.0)
    assert vector.bias.tolist() == [0.5] * 4


def test_removal_leaves_the_value() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        layers: list[Any] = [nn.utils.weight_norm(nn.Linear(2, 3)), nn.utils.spectral_norm(nn.Linear(2, 3)).eval()]
    for layer, remove in zip(layers, (nn.utils.remove_weight_norm, nn.utils.remove_spectral_norm), strict=True):
        before = layer(G.ones(1, 2)).tolist()
        remove(layer)
        assert list(layer.state_dict()) == ["bias", "weight"]
        assert layer(G.ones(1, 2)).tolist() == before
        with pytest.raises(ValueError, match="not found in Linear"):
            remove(layer)


def test_errors() -> None:
    with pytest.warns(FutureWarning, match=r"parametrizations\.weight_norm"):
        layer = nn.utils.weight_norm(nn.Linear(2, 3))
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"), pytest.warns(FutureWarning):
        nn.utils.weight_norm(layer)
    with pytest.raises(ValueError, match="n_power_iterations=0"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), n_power_iterations=0)
    with pytest.raises(IndexError, match=r"range of \[-2, 1\] but got 2"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), dim=2)
    with pytest.raises(ValueError, match="has no parameter or buffer with name 'x'"):
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), "x")
