"""Bags of embeddings: values, gradients and errors are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F
from tests.graphc.nn.reference_torch import check

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
W, FLAT, STARTS = RNG.standard_normal((7, 4)), np.array([1, 2, 4, 5, 4, 3, 2, 6, 6, 0]), np.array([0, 4, 4, 9])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_are_torchs(mode: str) -> None:
    def bag(M: Any, *args: Any, **options: Any) -> Any:
        return M.nn.functional.embedding_bag(*args, mode=mode, **options)

    check(torch, bag, FLAT, W, STARTS)
    check(torch, lambda M, *a: bag(M, *a, padding_idx=4), FLAT, W, STARTS)
    check(torch, lambda M, *a: bag(M, *a, include_last_offset=True), FLAT, W, np.array([0, 4, 4, 9, 10]))
    check(torch, lambda M, *a: bag(M, *a, padding_idx=-1), FLAT.reshape(2, 5), W)
    check(torch, bag, FLAT[:0], W, np.array([0, 0]))


def test_weights_of_samples() -> None:
    def bag(M: Any, i: Any, w: Any, o: Any, p: Any) -> Any:
        return M.nn.functional.embedding_bag(i, w, o, mode="sum", per_sample_weights=p, padding_idx=2)

    check(torch, bag, FLAT, W, STARTS, RNG.standard_normal(10))
    check(torch, bag, FLAT.reshape(5, 2), W, None, RNG.standard_normal((5, 2)))


def test_module() -> None:
    for kwargs in ({}, {"mode": "max", "padding_idx": -1}, {"sparse": True, "mode": "sum", "include_last_offset": True}):
        assert repr(nn.EmbeddingBag(7, 4, **kwargs)) == repr(torch.nn.EmbeddingBag(7, 4, **kwargs))
    bag = nn.EmbeddingBag(7, 4, padding_idx=2, dtype=G.float64)
    assert bag.weight[2].tolist() == [0.0] * 4 and list(bag.state_dict()) == ["weight"] and bag.weight.dtype is G.float64
    frozen = nn.EmbeddingBag.from_pretrained(G.tensor(W), True, None, 2.0, False, "sum")
    np.testing.assert_allclose(frozen(G.tensor([[1, 2]])).numpy(), W[1:2] + W[2:3])
    assert not frozen.weight.requires_grad


def test_errors() -> None:
    weight, flat = G.tensor(W), G.tensor(FLAT)
    for error, args, options in [
        (ValueError, (flat, weight), {}),
        (ValueError, (flat.reshape(2, 5), weight, G.tensor([0])), {}),
        (ValueError, (flat, weight[0], G.tensor([0])), {}),
        (ValueError, (flat, weight, G.tensor([0])), {"mode": "product"}),
        (ValueError, (flat, weight, G.tensor([0])), {"mode": "max", "sparse": True}),
        (NotImplementedError, (flat, weight, G.tensor([0])), {"per_sample_weights": G.ones(10)}),
        (RuntimeError, (flat, weight, G.tensor([0])), {"max_norm": 1.0}),
        (RuntimeError, (flat, weight, G.tensor([0])), {"padding_idx": 7}),
        (IndexError, (flat + 1, weight, G.tensor([0])), {}),
    ]:
        with pytest.raises(error):
            F.embedding_bag(*args, **options).tolist()
