"""Modules of padding, pooling and other resolutions: what torch's compute, and the same text."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc import nn
from tests import parity
from tests.graphc.nn.reference import RNG

SHAPES = {"1": (2, 4, 6), "2": (2, 4, 6, 6), "3": (1, 2, 4, 6, 4)}
PADS = (
    "ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
    "ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d"
)
POOLS = "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d"
MODULES: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    *((name, (2,), {}, SHAPES[name[-2]]) for name in (PADS + " " + POOLS).split()),
    *((name, (2, 1.5), {}, SHAPES[name[-2]]) for name in ("ConstantPad1d", "ConstantPad2d", "ConstantPad3d")),
    *((name, (2, 2), {}, SHAPES[name[-2]]) for name in ("LPPool1d", "LPPool2d", "LPPool3d")),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, SHAPES["2"]), ("Upsample", (), {"scale_factor": 2}, SHAPES["2"]),
    ("Upsample", (5,), {"mode": "linear"}, SHAPES["1"]), ("UpsamplingNearest2d", (5,), {}, SHAPES["2"]),
    ("UpsamplingBilinear2d", (), {"scale_factor": (2, 1.5)}, SHAPES["2"]), ("PixelShuffle", (2,), {}, SHAPES["2"]),
    ("PixelUnshuffle", (2,), {}, SHAPES["2"]), ("ChannelShuffle", (2,), {}, SHAPES["1"]),
    ("Unfold", (2,), {"padding": 1}, SHAPES["2"]), ("Fold", ((4, 3), 2), {}, (2, 8, 6)),
]  # fmt: skip


@pytest.mark.parametrize("name, args, options, shape", MODULES, ids=[m[0] for m in MODULES])
def test_modules_are_torchs(name: str, args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert repr(getattr(nn, name)(*args, **options)) == repr(getattr(parity.torch().nn, name)(*args, **options))
    parity.assert_same(lambda t: getattr(t.nn, name)(*args, **options), RNG.standard_normal(shape), compiled=False)


@pytest.mark.parametrize("d", SHAPES)
def test_unpooling(d: str) -> None:
    pool, unpool = getattr(nn, f"MaxPool{d}d")(2, return_indices=True), getattr(nn, f"MaxUnpool{d}d")(2)
    x = G.tensor(RNG.standard_normal(SHAPES[d]))
    back = unpool(*pool(x))
    assert back.shape == x.shape and ((back == x) | (back == 0)).all() and (back != 0).sum() == pool(x)[0].numel()
    assert repr(unpool) == repr(getattr(parity.torch().nn, f"MaxUnpool{d}d")(2))
    assert [nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d][int(d) - 1] is type(unpool)
