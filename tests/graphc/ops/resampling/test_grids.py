"""Samples at the points of a grid, against torch where it is installed, and by hand."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [False, True])
def test_samples(mode: str, padding: str, aligned: bool) -> None:
    def call(t: Any) -> Any:
        return lambda x, g: t.nn.functional.grid_sample(x, g, mode, padding, aligned)

    parity.assert_same(call, RNG.standard_normal((2, 3, 4, 5)), 2 * RNG.standard_normal((2, 3, 6, 2)), compiled=aligned)
    if mode != "bicubic":
        parity.assert_same(call, RNG.standard_normal((2, 2, 4, 5, 3)), RNG.standard_normal((2, 3, 2, 4, 3)), compiled=False)


@pytest.mark.parametrize("aligned", [False, True])
def test_affine_grids(aligned: bool) -> None:
    parity.assert_same(
        lambda t: lambda x: t.nn.functional.affine_grid(x, (2, 1, 4, 5), aligned), RNG.standard_normal((2, 2, 3))
    )
    parity.assert_same(
        lambda t: lambda x: t.nn.functional.affine_grid(x, (2, 1, 4, 3, 2), aligned), RNG.standard_normal((2, 3, 4))
    )


def test_the_identity_and_second_derivatives() -> None:
    image = G.tensor(RNG.standard_normal((1, 2, 4, 5)))
    grid = F.affine_grid(G.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=G.float64), (1, 2, 4, 5), align_corners=False)
    assert G.allclose(F.grid_sample(image, grid, align_corners=False), image, rtol=1e-12)
    parity.assert_second(
        lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False), image.numpy(), RNG.standard_normal((1, 2, 2, 2))
    )


def test_points_that_are_no_numbers_read_nothing() -> None:
    grid = G.tensor([[[[float("nan"), 0.0], [float("inf"), 0.0]]]])
    assert F.grid_sample(G.ones(1, 1, 2, 2), grid, "nearest", align_corners=True).tolist() == [[[[0.0, 0.0]]]]


@pytest.mark.parametrize("call", [
    lambda t: t.nn.functional.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 3)),
    lambda t: t.nn.functional.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 2), "linear"),
    lambda t: t.nn.functional.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 2), padding_mode="one"),
    lambda t: t.nn.functional.grid_sample(t.ones(1, 1, 2, 2, 2), t.ones(1, 2, 2, 2, 3), "bicubic"),
    lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 2), (1, 1, 2, 2)),
    lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 3), (1, 1, 2)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
