"""Interpolation, against torch where it is installed, and by hand."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F
from tests import parity
from tests.graphc.nn.reference import RNG

SHAPES = {"linear": (2, 3, 7), "bilinear": (2, 3, 6, 5), "bicubic": (1, 2, 6, 5), "trilinear": (1, 2, 4, 3, 5)}
SIZES: list[dict[str, Any]] = [
    {"size": (9, 4, 6)}, {"scale_factor": 2}, {"scale_factor": (1.7, 0.6, 2.3)}, {"size": 1},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
]  # fmt: skip


def fitting(options: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    return {k: v[: len(shape) - 2] if isinstance(v, tuple) else v for k, v in options.items()}


@pytest.mark.parametrize("mode", SHAPES)
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("options", SIZES, ids=str)
def test_interpolating_modes(mode: str, aligned: bool, options: dict[str, Any]) -> None:
    keywords = {**fitting(options, SHAPES[mode]), "mode": mode, "align_corners": aligned}
    x = RNG.standard_normal(SHAPES[mode])
    parity.assert_same(lambda t: lambda x: t.nn.functional.interpolate(x, **keywords), x, compiled="size" in options)
    parity.assert_same(lambda t: lambda x: t.nn.functional.interpolate(x.transpose(0, 1), **keywords), x, compiled=False)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("options", [*SIZES, {"size": 14}, {"size": 3}], ids=str)
def test_modes_of_whole_elements(mode: str, options: dict[str, Any]) -> None:
    for shape in ((2, 3, 7), (2, 3, 6, 5), (1, 2, 4, 3, 5)):
        keywords = {**fitting(options, shape), "mode": mode}
        call: Any = lambda t, k=keywords: lambda x: t.nn.functional.interpolate(x, **k)  # noqa: E731
        parity.assert_same(call, RNG.standard_normal(shape), compiled=len(shape) == 4)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("aligned", [False, True])
def test_antialiasing(mode: str, aligned: bool) -> None:
    x = RNG.standard_normal((2, 2, 7, 6))
    for size in ((3, 2), (9, 8), (4, 5)):
        keywords: Any = {"size": size, "mode": mode, "align_corners": aligned, "antialias": True}
        parity.assert_same(lambda t, k=keywords: lambda x: t.nn.functional.interpolate(x, **k), x)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_positions_are_those_of_float32(mode: str) -> None:
    x = RNG.standard_normal((1, 1, 101)).astype("float32")
    for size in (33, 50, 71, 303, 1000):
        call: Any = lambda t, n=size: lambda x: t.nn.functional.interpolate(x, n, mode=mode)  # noqa: E731
        parity.assert_same(call, x, rtol=2e-5, compiled=False)


def test_second_derivatives() -> None:
    x = RNG.standard_normal((1, 1, 3, 4))
    parity.assert_second(lambda x: F.interpolate(x.sin(), (4, 3), mode="bicubic"), x)


def test_older_names() -> None:
    x = G.tensor([[[[1.0, 3.0]]]])
    assert F.upsample_nearest(x, scale_factor=2).tolist() == [[[[1.0, 1.0, 3.0, 3.0]] * 2]]
    assert F.upsample_bilinear(x, (1, 3)).tolist() == [[[[1.0, 2.0, 3.0]]]]
    with pytest.warns(UserWarning, match="interpolate"):
        assert (F.upsample(x, 4) == F.interpolate(x, 4)).all()


@pytest.mark.parametrize("call", [
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3)), lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, 2.0),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, mode="bilinear"),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, align_corners=True),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), (2, 2)), lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2.5),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 0), lambda t: t.nn.functional.interpolate(t.ones(1, 3), 2),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, mode="sinc"),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, mode="linear", antialias=True),
    lambda t: t.nn.functional.interpolate(t.ones(1, 1, 3), 2, recompute_scale_factor=True),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)


@pytest.mark.parametrize("mode, smooth", [
    ("linear", False), ("bilinear", False), ("trilinear", False), ("bilinear", True), ("bicubic", True), ("nearest", False),
])  # fmt: skip
@pytest.mark.parametrize("factor", [1.2, 2.2])
def test_factors_that_keep_or_double_an_extent(mode: str, smooth: bool, factor: float) -> None:
    keywords = {"scale_factor": factor, "mode": mode, "antialias": smooth}

    def call(t: Any) -> Any:  # torch's gradient is not that of what it computes if it smooths
        return lambda x: t.nn.functional.interpolate(x.detach() if smooth else x, **keywords)

    for extents in ((3, 4, 4), (4, 7, 2)):
        x = RNG.standard_normal((2, 3, *extents[: len(SHAPES.get(mode, SHAPES["bilinear"])) - 2]))
        parity.assert_same(call, x, compiled=False)
