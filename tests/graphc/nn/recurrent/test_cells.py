"""Recurrent cells, against NumPy and, where it is installed, torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests import parity
from tests.graphc.nn.reference import CLOSE, RNG


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_compute_what_torchs_do(kind: str) -> None:
    theirs, ours = getattr(parity.torch().nn, kind)(3, 4).double(), getattr(nn, kind)(3, 4).double()
    ours.load_state_dict({name: G.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
    assert repr(ours) == repr(theirs) and isinstance(ours, nn.RNNCellBase)
    states = [RNG.standard_normal((2, 4)) for _ in range(2 if kind == "LSTMCell" else 1)]
    parity.assert_same(lambda library: theirs if library is not G else ours, RNG.standard_normal((2, 3)))
    parity.assert_same(
        lambda library: lambda x, *s: (theirs if library is not G else ours)(x, s if len(s) > 1 else s[0]),
        RNG.standard_normal((2, 3)), *states,
    )  # fmt: skip


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_a_gated_cell_is_its_formula() -> None:
    cell = nn.GRUCell(3, 2).double()
    w, u, b, c = (p.detach().numpy() for p in cell.parameters())
    x, h = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 2))
    (r, z, n), (own_r, own_z, own_n) = np.split(x @ w.T + b, 3, 1), np.split(h @ u.T + c, 3, 1)
    n = np.tanh(n + sigmoid(r + own_r) * own_n)
    z = sigmoid(z + own_z)
    np.testing.assert_allclose(cell(G.tensor(x), G.tensor(h)).detach().numpy(), (1 - z) * n + z * h, **CLOSE)


def test_a_rectified_cell_without_a_batch() -> None:
    cell = nn.RNNCell(3, 2, bias=False, nonlinearity="relu")
    x = G.tensor([1.0, 2.0, 3.0])
    assert G.allclose(cell(x), (cell.weight_ih @ x).relu()) and cell.bias_ih is None


@pytest.mark.parametrize("call", [
    lambda t: t.nn.GRUCell(3, 4)(t.ones(1, 2, 3)), lambda t: t.nn.GRUCell(3, 4)(t.ones(2, 5)),
    lambda t: t.nn.GRUCell(3, 4)(t.ones(2, 3), t.ones(2, 5)), lambda t: t.nn.RNNCell(3, 4, nonlinearity="x")(t.ones(2, 3)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
