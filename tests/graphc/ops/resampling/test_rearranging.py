"""Channels and windows moved into space, against torch where it is installed, and by hand."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG

WINDOWS: list[dict[str, Any]] = [{"kernel_size": (2, 3)}, {"kernel_size": 2, "dilation": 2, "padding": 1, "stride": (1, 2)}]


def test_pixels_and_channels() -> None:
    x = RNG.standard_normal((2, 8, 4, 6))
    parity.assert_same(lambda t: lambda x: t.nn.functional.pixel_shuffle(x, 2), x)
    parity.assert_same(lambda t: lambda x: t.nn.functional.pixel_unshuffle(x[0], 2), x)
    parity.assert_same(lambda t: lambda x: t.nn.functional.channel_shuffle(x, 4), x)
    back = F.pixel_unshuffle(F.pixel_shuffle(G.tensor(x), 2), 2)
    assert (back == G.tensor(x)).all()
    assert F.native_channel_shuffle(G.arange(4).reshape(1, 4, 1), 2).flatten().tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_windows(options: dict[str, Any]) -> None:
    x = RNG.standard_normal((2, 3, 6, 5))
    parity.assert_same(lambda t: lambda x: t.nn.functional.unfold(x, **options), x)
    parity.assert_same(lambda t: lambda x: t.nn.functional.unfold(x[0], **options), x, compiled=False)
    parity.assert_same(
        lambda t: lambda x: t.nn.functional.fold(t.nn.functional.unfold(x, **options).sin(), (6, 5), **options), x
    )


def test_fold_is_the_adjoint_of_unfold() -> None:
    x = G.tensor(RNG.standard_normal((1, 2, 5, 4)))
    columns = F.unfold(x, 2, padding=1)
    y = G.tensor(RNG.standard_normal(tuple(columns.shape)))
    assert G.allclose((columns * y).sum(), (x * F.fold(y, (5, 4), 2, padding=1)).sum(), rtol=1e-12)
    parity.assert_second(lambda y: F.fold(y, (3, 3), 2).sin(), RNG.standard_normal((1, 4, 4)))
    assert F.unfold(G.ones(0, 2, 3, 3), 2).shape == (0, 8, 4)


@pytest.mark.parametrize("call", [
    lambda t: t.nn.functional.pixel_shuffle(t.ones(3, 2, 2), 2), lambda t: t.nn.functional.pixel_shuffle(t.ones(2, 2), 2),
    lambda t: t.nn.functional.pixel_unshuffle(t.ones(3, 3, 2), 2),
    lambda t: t.nn.functional.channel_shuffle(t.ones(1, 3, 2), 2),
    lambda t: t.nn.functional.unfold(t.ones(2, 2), 1), lambda t: t.nn.functional.unfold(t.ones(1, 2, 2, 2), 3),
    lambda t: t.nn.functional.fold(t.ones(1, 3, 4), (3, 3), 2), lambda t: t.nn.functional.fold(t.ones(1, 4, 3), (3, 3), 2),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
