"""Recurrent layers, against NumPy and, where it is installed, torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests import parity
from tests.graphc.nn.reference import CLOSE, RNG

KINDS = ("RNN", "LSTM", "GRU")
OPTIONS: list[dict[str, Any]] = [
    {}, {"num_layers": 2, "bidirectional": True}, {"num_layers": 2, "batch_first": True, "bias": False},
    {"bidirectional": True, "batch_first": True},
]  # fmt: skip


def twins(kind: str, **options: Any) -> tuple[Any, Any]:
    """Return a layer of graphc and one of torch with the same float64 weights."""
    theirs = getattr(parity.torch().nn, kind)(3, 4, **options).double()
    ours = getattr(nn, kind)(3, 4, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict()) and repr(ours) == repr(theirs)
    ours.load_state_dict({name: G.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
    return ours, theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layers_compute_what_torchs_do(kind: str, options: dict[str, Any]) -> None:
    pair = twins(kind, **options)
    layers = (options.get("num_layers", 1)) * (2 if options.get("bidirectional") else 1)
    x = RNG.standard_normal((2, 5, 3) if options.get("batch_first") else (5, 2, 3))
    states = [RNG.standard_normal((layers, 2, 4)) for _ in range(2 if kind == "LSTM" else 1)]
    parity.assert_same(lambda library: pair[library is not G], x)
    parity.assert_same(lambda lib: lambda x, *s: pair[lib is not G](x, s if len(s) > 1 else s[0]), x, *states)
    parity.assert_same(lambda library: pair[library is not G], x[0], compiled=False)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences(kind: str) -> None:
    pair = twins(kind, num_layers=2, bidirectional=True)
    x = RNG.standard_normal((5, 3, 3))

    def run(library: Any) -> Any:
        rnn = library.nn.utils.rnn

        def call(x: Any) -> Any:
            packed = rnn.pack_padded_sequence(x, [2, 5, 4], enforce_sorted=False)
            output, state = pair[library is not G](packed)
            return rnn.pad_packed_sequence(output)[0], state

        return call

    parity.assert_same(run, x)


def test_projection_and_gradients_of_weights() -> None:
    ours, theirs = twins("LSTM", proj_size=2, num_layers=2)
    x = RNG.standard_normal((4, 2, 3))
    for layer, library in ((ours, G), (theirs, parity.torch())):
        output, (h, c) = layer(library.tensor(x))
        assert (output.shape, h.shape, c.shape) == ((4, 2, 2), (2, 2, 2), (2, 2, 4))
        (output.sin().sum() + h.exp().sum() + (c * c).sum()).backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), err_msg=name, **CLOSE)


def test_an_elman_network_is_its_formula() -> None:
    layer = nn.RNN(3, 2, nonlinearity="relu").double()
    w, u, b, c = (p.detach().numpy() for p in layer.parameters())
    x, h = RNG.standard_normal((4, 1, 3)), np.zeros((1, 2))
    for item in x:
        h = np.maximum(item @ w.T + b + h @ u.T + c, 0)
    output, last = layer(G.tensor(x))
    np.testing.assert_allclose(last.detach().numpy()[0], h, **CLOSE)
    assert (output[-1] == last[0]).all() and layer.mode == "RNN_RELU" and isinstance(layer, nn.RNNBase)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives(kind: str) -> None:
    layer = getattr(nn, kind)(2, 3, bidirectional=True).double()
    parity.assert_second(lambda x: layer(x)[0], RNG.standard_normal((3, 1, 2)))


def test_strided_input_and_a_batch_of_none() -> None:
    layer = nn.GRU(3, 4).double()
    x = RNG.standard_normal((5, 2, 3))
    wanted = layer(G.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(layer(G.tensor(x.T.copy()).permute(2, 1, 0))[0].detach().numpy(), wanted, **CLOSE)
    assert layer(G.zeros(5, 0, 3, dtype=G.float64))[0].shape == (5, 0, 4)


def test_dropout_stands_between_layers_in_training_only() -> None:
    layer = nn.LSTM(3, 4, num_layers=2, dropout=1.0)
    x = G.ones(5, 2, 3)
    first = layer(x)[0]
    assert (first[:, 0] == layer(2 * x)[0][:, 0]).all()  # nothing of the input gets through
    assert not (layer.eval()(x)[0] == layer(2 * x)[0]).all()
    with pytest.warns(UserWarning, match="more than one"):
        nn.GRU(3, 4, dropout=0.5)


def test_training_of_a_compiled_step() -> None:
    G.manual_seed(0)
    layer, head = nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 1)
    optimizer = G.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    x = G.linspace(0, 6, 40).sin().reshape(4, 10, 1)

    @G.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = ((head(layer(x[:, :-1])[0]) - x[:, 1:]) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(x).item() for _ in range(100)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("call", [
    lambda t: t.nn.LSTM(3, 4)(t.ones(3)), lambda t: t.nn.LSTM(3, 4)(t.ones(2, 2, 5)),
    lambda t: t.nn.GRU(3, 4)(t.ones(2, 2, 3), t.ones(1, 3, 4)), lambda t: t.nn.GRU(3, 4)(t.ones(2, 2, 3), t.ones(1, 4)),
    lambda t: t.nn.GRU(3, 4)(t.ones(2, 3).double()), lambda t: t.nn.RNN(3, 4)(t.ones(0, 2, 3)),
    lambda t: t.nn.RNN(3, 4, nonlinearity="sin"), lambda t: t.nn.LSTM(3, 4, proj_size=4), lambda t: t.nn.LSTM(0, 4),
    lambda t: t.nn.LSTM(3, 4.0), lambda t: t.nn.LSTM(3, 4, dropout=2), lambda t: t.nn.LSTM(3, 4)(t.ones(2, 2, 3), t.ones(2)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
