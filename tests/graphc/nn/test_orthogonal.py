"""Initializers with orthogonal and sparse matrices, identities of convolutions, and old names."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as G
from graphc import nn

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 2, 4), (0, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    weight = nn.init.orthogonal_(nn.Parameter(G.empty(*shape, dtype=G.float64)), gain=2.0)
    matrix = weight.detach().flatten(1).numpy()
    gram = matrix @ matrix.T if shape[0] < matrix.shape[1] else matrix.T @ matrix
    assert weight.requires_grad and weight.grad_fn is None
    if shape[0]:
        np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)
    with pytest.raises(ValueError, match="2 or more dimensions"):
        nn.init.orthogonal_(G.empty(3))


def test_sparse() -> None:
    weight = nn.init.sparse_(G.empty(10, 4), 0.25, std=2.0)
    assert (weight == 0).sum(0).tolist() == [3, 3, 3, 3]
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions"):
        nn.init.sparse_(G.empty(3), 0.5)


@pytest.mark.parametrize(("shape", "groups"), [((4, 3, 5), 1), ((6, 2, 3, 4), 3), ((2, 4, 2, 3, 2), 2)])
def test_dirac_is_torchs(shape: tuple[int, ...], groups: int) -> None:
    theirs = torch.nn.init.dirac_(torch.empty(*shape), groups)
    assert nn.init.dirac_(G.empty(*shape), groups).tolist() == theirs.tolist()
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.init.dirac_(G.empty(*shape), 5)
    with pytest.raises(ValueError, match="3, 4, or 5 dimensions"):
        nn.init.dirac_(G.empty(2, 2))


def test_old_names_warn() -> None:
    with pytest.warns(FutureWarning, match=r"`nn\.init\.constant` is now deprecated in favor of `nn\.init\.constant_`"):
        assert nn.init.constant(G.empty(2), 3.0).tolist() == [3.0, 3.0]
    with pytest.warns(FutureWarning):
        assert nn.init.xavier_uniform(G.empty(2, 2)).shape == (2, 2)
    w = G.empty(3, 3, 2)
    with pytest.warns(FutureWarning):
        assert nn.init.dirac(w) is w and w.tolist() == nn.init.dirac_(G.empty(3, 3, 2)).tolist()
    for old in (nn.init.orthogonal, nn.init.kaiming_normal, nn.init.kaiming_uniform, nn.init.xavier_normal):
        filled = G.zeros(4, 4)
        with pytest.warns(FutureWarning, match="deprecated"):
            assert old(filled) is filled
        assert filled.abs().sum().item() > 0
