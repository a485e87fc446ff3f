"""Functions that neighbouring channels and in-place forms add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F
from tests.graphc.nn.reference_torch import check

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 5, 3, 2), (2, 4, 2, 2, 2), (0, 3, 2)])
def test_local_response_norm_is_torchs(shape: tuple[int, ...]) -> None:
    for size in (2, 3):
        check(torch, lambda M, x, n=size: M.nn.LocalResponseNorm(n, 0.5, 0.6, 2.0)(x), RNG.standard_normal(shape))
    assert repr(nn.LocalResponseNorm(2)) == repr(torch.nn.LocalResponseNorm(2))
    with pytest.raises(ValueError, match="got 2 dimensions"):
        nn.LocalResponseNorm(2)(G.ones(2, 2))


def test_softmax2d_is_torchs() -> None:
    for shape in ((2, 3, 2, 2), (3, 2, 2)):
        check(torch, lambda M, x: M.nn.Softmax2d()(x), RNG.standard_normal(shape))
    with pytest.raises(ValueError, match="got 2D instead"):
        nn.Softmax2d()(G.ones(2, 2))


@pytest.mark.parametrize("name", ["relu_", "elu_", "celu_", "selu_", "leaky_relu_", "hardtanh_", "threshold_"])
def test_activations_in_place_are_torchs(name: str) -> None:
    args = (0.5, 2.0) if name == "threshold_" else ()

    def apply(M: Any, x: Any) -> Any:
        y = x * 1
        z = getattr(M.nn.functional, name)(y, *args)
        assert z is y
        return z

    check(torch, apply, RNG.standard_normal((3, 4)))
    with pytest.raises(RuntimeError):
        getattr(F, name)(G.ones(2, requires_grad=True), *args)


def test_functions_of_layers_are_those_of_torch() -> None:
    x, labels = RNG.standard_normal((3, 4)), np.array([[1, 3, -1, 0], [0, -1, 1, 2], [3, 2, 1, 0]])
    y, z = RNG.standard_normal((2, 3, 4))
    images = RNG.standard_normal((2, 5, 3))
    functions: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (lambda M, x: M.nn.functional.local_response_norm(x, 3, 0.5, 0.6, 2.0), (images,)),
        (lambda M, x: M.nn.functional.multilabel_margin_loss(x, M.tensor(labels), reduction="none"), (x,)),
        (lambda M, x, y, z: M.nn.functional.triplet_margin_with_distance_loss(x, y, z, margin=0.7, swap=True), (x, y, z)),
    ]
    for function, args in functions:
        check(torch, function, *args)
    assert len(functions) == 3
