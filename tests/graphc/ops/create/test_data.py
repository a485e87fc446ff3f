"""Tensors of data: dtypes, ranges, constructors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import Tensor, nn

INF, NAN = float("inf"), float("nan")

U8, I32, I64, F32, F64, BOOL = torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64, torch.bool


def test_dtypes_of_data() -> None:
    one, double = np.float32(1), np.float64(2)
    wanted: list[tuple[Any, Any]] = [
        ([double], F64), ([np.ones(2)], F64), ([one], F32), ([one, 1.0], F32), ([1, one], F32), ([1.0, double], F64),
        ((np.ones(2, np.float32), np.ones(2)), F64), ([[1, 2], [double, 4]], F64), ([np.int32(1)], I32),
        ([np.int32(1), 1], I64), ([True, 1], I64),
        ([True, 1.0], F32), ([torch.tensor(1.0, dtype=F64)], F64), ([np.ones(0)], F64), ([], F32),
        (range(3), I64), ([2**63 - 1, 1], I64),
    ]  # fmt: skip
    for data, dtype in wanted:
        assert torch.tensor(data).dtype is dtype, data
        assert torch.as_tensor(data).dtype is dtype, data
    assert torch.tensor([2**63 - 1, 1]).tolist() == [2**63 - 1, 1]


def test_a_series_has_the_dtype_of_its_array() -> None:
    class Series:
        def __init__(self, values: Any) -> None:
            self.values = np.asarray(values)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return self.values

        def __len__(self) -> int:
            return len(self.values)

    assert torch.tensor(Series([1.0, 2.0])).dtype is F64 and torch.tensor([Series([1, 2])]).dtype is I64
    assert torch.tensor(Series([1.0, 2.0]), dtype=F32).dtype is F32


def test_data_out_of_range_is_refused() -> None:
    for data, dtype in ((300, U8), ([1, -256], U8), (-0.5, U8), (2**31, I32), ([[2**40]], I32), (1e300, I64), (INF, I64)):
        with pytest.raises(RuntimeError, match="without overflow"):
            torch.tensor(data, dtype=dtype)
    for data, dtype in ((NAN, I64), ([1, NAN], I32), (2**64, None), ([2**63], None)):
        with pytest.raises(ValueError, match=r"overflow|64 bits"):
            torch.tensor(data, dtype=dtype)
    assert torch.tensor([-1], dtype=U8).item() == 255 and torch.tensor(np.array([300]), dtype=U8).item() == 44


def test_constructors_of_tensor_types() -> None:
    assert Tensor(2, 3).shape == (2, 3) and Tensor(3).shape == (3,) and Tensor().shape == (0,)
    assert Tensor(torch.Size([2, 2])).shape == (2, 2) and Tensor(size=(2, 4)).shape == (2, 4)
    assert Tensor(np.int64(2)).shape == (2,)
    assert Tensor([2, 3]).tolist() == Tensor((2, 3)).tolist() == [2, 3] and Tensor(np.ones(2)).dtype is F32
    assert nn.Parameter(Tensor(4, 5)).shape == (4, 5)
    shared = torch.zeros(2)
    Tensor(shared).add_(1)
    assert shared.tolist() == [1, 1]
    wrong: list[Callable[[], Any]] = [
        lambda: Tensor(2.5), lambda: Tensor(True), lambda: Tensor(None), lambda: Tensor("a"), lambda: Tensor(2, "a"),
        lambda: Tensor([2, 3], [1, 2]), lambda: Tensor([1], dtype=I64), lambda: Tensor(2, device="cuda"),
        lambda: torch.LongTensor(torch.ones(2)),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(TypeError):
            call()
    with pytest.raises(RuntimeError, match="negative dimension"):
        Tensor(2, -1)
    made = {
        torch.FloatTensor: F32, torch.DoubleTensor: F64, torch.IntTensor: I32, torch.LongTensor: I64, torch.ByteTensor: U8,
        torch.BoolTensor: BOOL,
    }  # fmt: skip
    for kind, dtype in made.items():
        assert kind([0, 1]).dtype is dtype and kind(2, 3).shape == (2, 3) and isinstance(kind(1), kind)
        assert torch.zeros(2).type(kind).dtype is dtype and torch.zeros(2, dtype=dtype).new([1]).dtype is dtype
        assert torch.zeros(2).type(f"torch.{kind.__name__}").dtype is dtype
        assert isinstance(torch.zeros(1), kind) is (dtype is F32)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.ByteTensor([300])
