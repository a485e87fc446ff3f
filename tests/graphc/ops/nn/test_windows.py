"""Windows of convolutions and poolings that are refused."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc.nn import functional as F

X, W = G.ones(1, 2, 6, 6), G.ones(2, 2, 3, 3)

ILLEGAL = [
    (F.conv2d, {"stride": 0}, "non-positive stride"),
    (F.conv2d, {"stride": (1, 0)}, "non-positive stride"),
    (F.conv2d, {"stride": (1, 1, 1)}, "expected stride to be a single integer value or a list of 2 values"),
    (F.conv2d, {"dilation": 0}, "non-positive dilation"),
    (F.conv2d, {"padding": -1}, "negative padding"),
    (F.conv2d, {"padding": "some"}, "Invalid padding string"),
    (F.conv2d, {"groups": 0}, "non-positive groups"),
    (F.conv_transpose2d, {"stride": 0}, "non-positive stride"),
    (F.conv_transpose2d, {"groups": 0}, "non-positive groups"),
    (F.conv_transpose2d, {"output_padding": 5}, "output padding must be smaller"),
    (F.conv_transpose2d, {"output_padding": -1}, "negative output_padding"),
    *((pool, {"kernel_size": 2, **k}, text) for pool in (F.max_pool2d, F.avg_pool2d) for k, text in (
        ({"stride": 0}, "non-positive stride"), ({"kernel_size": 0}, "non-positive kernel_size"),
        ({"padding": -1}, "negative padding"), ({"padding": 2}, "pad should be at most half"),
        ({"kernel_size": (2, 2, 2)}, "list of 2 values"), ({"kernel_size": 9}, "too small"),
    )),
    (F.max_pool2d, {"kernel_size": 2, "dilation": 0}, "non-positive dilation"),
    (F.avg_pool2d, {"kernel_size": 2, "divisor_override": 0}, "divisor must be not zero"),
    (F.adaptive_avg_pool2d, {"output_size": -1}, "negative output_size"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "options", "text"), ILLEGAL, ids=[f"{c.__name__} {o}" for c, o, _ in ILLEGAL])
def test_windows_that_make_no_sense(call: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call(X, *([W] if "conv" in call.__name__ else []), **options)


def test_sizes_that_are_no_integers() -> None:
    with pytest.raises(TypeError, match="expected integers for stride"):
        F.conv2d(X, W, stride=1.5)
    assert F.adaptive_avg_pool2d(X, 0).shape == (1, 2, 0, 0)
