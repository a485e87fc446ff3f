"""Linear maps and embeddings, against NumPy."""

from __future__ import annotations

import numpy as np

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLASSES, CLOSE, A, X


def test_linear_bilinear_embedding() -> None:
    linear, bilinear = nn.Linear(6, 3).double(), nn.Bilinear(6, 5, 3).double()
    w, b = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    np.testing.assert_allclose(linear(G.tensor(X)).detach().numpy(), X @ w.T + b, rtol=1e-12)
    w, b = bilinear.weight.detach().numpy(), bilinear.bias.detach().numpy()
    want = np.einsum("bi,kij,bj->bk", X, w, A) + b
    np.testing.assert_allclose(bilinear(G.tensor(X), G.tensor(A)).detach().numpy(), want, **CLOSE)
    table = nn.Embedding(5, 3)
    np.testing.assert_array_equal(table(G.tensor(CLASSES)).detach().numpy(), table.weight.detach().numpy()[CLASSES])
