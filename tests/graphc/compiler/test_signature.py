"""Arguments and results of compiled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.tensors.tensor import Tensor
from tests.graphc.compiler.training import variants


def test_arrays_in_arrays_out() -> None:
    f = torch.compile(lambda x: x * 2 + 1)
    x = np.arange(8, dtype=np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(f(x), x * 2 + 1)
    assert isinstance(f(torch.tensor(x)), Tensor) and variants(f) == 2
    for other in (x.astype(np.float64), x.reshape(2, 4), x[::2], x[::-1], np.broadcast_to(x[:1], (3,)), np.float32(3) + x[:0]):
        np.testing.assert_array_equal(f(other), other * 2 + 1)
        assert f(other).dtype == other.dtype


def test_unaligned_and_foreign_byte_order_arrays() -> None:
    f = torch.compile(lambda x: x + 1)
    raw = np.zeros(17, np.uint8)[1:].view(np.float32)
    assert f(raw).tolist() == [1, 1, 1, 1]
    assert f(np.array([1, 2], ">f4")).tolist() == [2, 3]
    with pytest.raises(TypeError, match=r"can't convert np.ndarray of type complex128"):
        f(np.ones(2, complex))


def test_nests_keywords_and_constants() -> None:
    @torch.compile
    def f(pair: Any, table: dict[str, Any], power: int = 2, *, flag: bool = False) -> Any:
        a, b = pair
        return {"sum": a + b, "rest": [table["x"] ** power, None, "text"], "flag": flag}

    x = torch.tensor([1.0, 2.0])
    out = f((x, x), {"x": x}, power=3, flag=True)
    assert (
        out["sum"].tolist() == [2, 4]
        and out["rest"][0].tolist() == [1, 8]
        and out["rest"][1:] == [None, "text"]
        and out["flag"] is True
    )
    assert f((x, x), {"x": x})["rest"][0].tolist() == [1, 4] and variants(f) == 2
    with pytest.raises(TypeError, match=r"expected arguments that are tensors, arrays, or hashable values .* got set"):
        f((x, x), {"x": x}, {1})


def test_the_inputs_themselves_come_back() -> None:
    f = torch.compile(lambda x, y: (x, x, y + 1, y))
    x, y = torch.ones(2), torch.ones(3)
    a, b, c, d = f(x, y)
    assert a is x and b is x and d is y and c.tolist() == [2, 2, 2]


def test_results_that_are_views_or_constants() -> None:
    @torch.compile
    def f(x: Tensor) -> Any:
        return x.T, x[0], torch.ones(2), torch.arange(3), x.reshape(-1), x.sum()

    x = np.arange(6.0).reshape(2, 3)
    expected = (x.T, x[0], np.ones(2), np.arange(3), x.reshape(-1), x.sum())
    for _ in range(2):
        for got, want in zip(f(x), expected, strict=True):
            np.testing.assert_array_equal(got, want)
    f(x)[1][0] = 99
    assert x[0, 0] == 0


def test_the_same_tensor_twice() -> None:
    f = torch.compile(lambda x, y: x * y)
    x = torch.tensor([2.0], requires_grad=True)
    f(x, x).sum().backward()
    assert x.grad.tolist() == [4] and f(x, torch.tensor([5.0])).tolist() == [10]


def test_methods_and_options() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = by

        @torch.compile(dynamic=True)
        def apply(self, x: Any) -> Any:
            return x * self.by

    assert Scale(2.0).apply(np.ones(2)).tolist() == [2, 2] and Scale(3.0).apply(np.ones(2)).tolist() == [3, 3]
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        torch.compile(lambda x: x, speed=11)


def test_one_array_under_two_names_is_two_arguments() -> None:
    """Arrays are only read, so calls with one and with two take the same native entry."""
    f = torch.compile(lambda x, y: x * y)
    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    assert [f(*args).tolist() for args in ((x, x), (x, y), (y, y), (x, x))] == [[4, 9], [10, 21], [25, 49], [4, 9]]
    assert len(f._compiled_variants) == 1


def test_one_tensor_under_two_names_is_one_tensor() -> None:
    f = torch.compile(lambda x, y: x + 1 if x is y else x * y)
    x, y = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0])
    calls = ((x, y), (x, y), (x, x), (x, x), (x, y))
    assert [f(*args).tolist() for args in calls] == [[10, 21], [10, 21], [3, 4], [3, 4], [10, 21]]
