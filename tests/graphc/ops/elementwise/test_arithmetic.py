"""Numbers as operands, factors and exponents: exact, or refused as torch refuses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.nn import functional as F

INF, NAN = float("inf"), float("nan")

U8, I32 = torch.uint8, torch.int32


def test_integers_of_more_than_64_bits_are_refused() -> None:
    for call in (lambda x: x + 2**64, lambda x: x * -(2**63 + 1), lambda x: x.fill_(2**64), lambda x: x == 2**70):
        with pytest.raises(OverflowError, match="64 bits"):
            call(torch.zeros(2))


def test_factors_are_checked() -> None:
    x = torch.ones(2, dtype=I32)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.add(x, x, alpha=2**40)
    with pytest.raises(RuntimeError, match="Boolean alpha"):
        torch.sub(x, x, alpha=True)
    with pytest.raises(RuntimeError, match="with a bool tensor"):
        _ = x - True


def test_factors_exponents_and_fills_out_of_range_are_refused() -> None:
    x = torch.ones(2, dtype=U8)
    wrong: list[Callable[[], Any]] = [
        lambda: x**300, lambda: x.clone().pow_(256), lambda: torch.addcmul(x, x, x, value=300),
        lambda: torch.addcdiv(torch.ones(2), torch.ones(2), torch.ones(2), value=1e300), lambda: F.pad(x, (1, 1), value=300),
        lambda: x.fill_(-1.5), lambda: torch.full((2,), -0.5, dtype=U8), lambda: torch.ones(2, dtype=I32) ** 2**40,
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(RuntimeError, match="without overflow"):
            call()
    assert torch.full((1,), -1, dtype=U8).item() == 255
    with pytest.raises(RuntimeError, match="negative integer powers"):
        _ = x**-1


def test_negative_bytes_wrap(run: Any) -> None:
    assert run(lambda x: torch.abs(-x))(torch.tensor([0, 1, 255], dtype=U8)).tolist() == [0, 255, 1]


@pytest.mark.parametrize(("exponent", "wanted"), [
    (1e-50, [0, 1, NAN]), (-1e-50, [INF, 1, NAN]), (1 + 1e-9, [0, 2, NAN]), (2 + 1e-12, [0, 4, NAN]), (16777217, [0, INF, -1]),
    (1e50, [0, INF, 1]), (-1e50, [INF, 0, 1]),
])  # fmt: skip
def test_an_exponent_is_not_rounded_to_an_integer(run: Any, exponent: float, wanted: list[float]) -> None:
    found = run(lambda x: x**exponent)(torch.tensor([0.0, 2.0, -1.0]))
    np.testing.assert_array_equal(np.asarray(found), np.array(wanted, "f4"))


def test_addcdiv_divides_no_integers_by_integers() -> None:
    x, one, two = torch.ones(2), torch.tensor([1, 2]), torch.tensor([2, 3])
    for numerator in (one, one > 1):
        with pytest.raises(RuntimeError, match="Integer division with addcdiv is no longer supported"):
            torch.addcdiv(x, numerator, two)
    assert torch.addcdiv(x, one, two.float()).tolist() == torch.addcdiv(x, one.float(), two).tolist()
