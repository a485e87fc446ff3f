"""Bounds: out of range, and NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import graphc as torch
from graphc import Tensor

INF, NAN = float("inf"), float("nan")

U8, I32, F32 = torch.uint8, torch.int32, torch.float32

BOUNDS: list[Callable[[Tensor, Any], Tensor]] = [
    lambda x, v: torch.clamp(x, v, 2**20), lambda x, v: x.clamp(min=v), lambda x, v: x.clamp(max=v), torch.clamp_min,
    lambda x, v: x.clone().clamp_(0, v), torch.clamp_max,
]  # fmt: skip


@pytest.mark.parametrize("bound", range(len(BOUNDS)))
def test_bounds_out_of_range_are_refused(run: Any, bound: int) -> None:
    for dtype, value in ((I32, -(2**40)), (I32, 2**31), (U8, 300), (U8, -300), (F32, 1e300)):
        with pytest.raises(RuntimeError, match="without overflow"):
            run(lambda x, value=value: BOUNDS[bound](x, value))(torch.zeros(3, dtype=dtype))


def test_a_bound_that_is_nan_gives_nan(run: Any) -> None:
    x = torch.tensor([1.0, INF, NAN])
    for bounded in (lambda x: x.clamp(min=NAN), lambda x: x.clamp(max=NAN), lambda x: x.clamp(0, NAN)):
        assert run(bounded)(x).isnan().all()
    assert run(lambda x, low: x.clamp(min=low))(x, torch.tensor([NAN, 0.0, 0.0])).isnan().tolist() == [True, False, True]
