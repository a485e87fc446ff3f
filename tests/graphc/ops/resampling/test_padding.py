"""Padding with elements of the tensor, against NumPy and, where it is installed, torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG

NUMPY = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
PADS = [((2, 3, 5), (2, 1)), ((3, 5), (0, 2)), ((2, 3, 5, 4), (1, 2, 3, 1)), ((1, 2, 4, 4, 5), (1, 2, 2, 1, 3, 0))]


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize("shape, pad", PADS)
def test_padding(mode: str, shape: tuple[int, ...], pad: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape)
    widths = [(0, 0)] * (len(shape) - len(pad) // 2) + list(zip(pad[-2::-2], pad[::-2], strict=True))
    assert (F.pad(G.tensor(x), pad, mode).numpy() == np.pad(x, widths, mode=NUMPY[mode])).all()
    parity.assert_same(lambda t: lambda x: t.nn.functional.pad(x, pad, mode=mode), x)
    parity.assert_second(lambda x: F.pad(x, pad, mode).sin(), x)


@pytest.mark.parametrize("mode", NUMPY)
def test_negative_padding_cuts(mode: str) -> None:
    x = RNG.standard_normal((2, 3, 5, 4))
    parity.assert_same(lambda t: lambda x: t.nn.functional.pad(x, (-1, 2, 1, -2), mode=mode), x)


@pytest.mark.parametrize("call", [
    lambda t: t.nn.functional.pad(t.ones(1, 1, 3), (3, 0), mode="reflect"),
    lambda t: t.nn.functional.pad(t.ones(1, 1, 3), (4, 0), mode="circular"),
    lambda t: t.nn.functional.pad(t.ones(3), (1, 0), mode="reflect"),
    lambda t: t.nn.functional.pad(t.ones(1, 1, 3), (1, 0), mode="mirror"),
    lambda t: t.nn.functional.pad(t.ones(1, 1, 3), (1,), mode="circular"),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
