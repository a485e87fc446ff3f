"""Symbolic numbers: they compute as numbers do, and record what was decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.ir.core.guards import Guards


def test_symbols_compute_as_numbers_do() -> None:
    def f(n: Any, k: Any) -> list[Any]:
        return [
            n + k,
            3 + n,
            n - k,
            5 - n,
            n * k,
            2 * n,
            n // k,
            7 // k,
            n % k,
            9 % k,
            n / k,
            1 / k,
            -n,
            abs(-n),
            n * 1,
            n - 0,
            n & 6,
            n.bit_length(),
        ]

    book = Guards([17, 5])
    specialization = book.specialization(f(*book.symbols))
    for n, k in ((17, 5), (100, 3), (8, 9)):
        assert specialization.replay([n, k]) == f(n, k)
    assert specialization.replay([3, 0]) is None  # division by zero: the long way says what is wrong


@pytest.mark.parametrize(
    "use, other",
    [
        (lambda n: n > 10, 10),
        (lambda n: n == 17, 18),
        (lambda n: n != 3, 3),
        (lambda n: n % 2 == 1, 18),
        (bool, 0),
        (int, 18),
        (float, 18),
        (str, 18),
        (range, 18),
        (lambda n: f"{n:3}", 18),
        (np.zeros, 18),
        (lambda n: [0] * n, 18),
        (lambda n: (0,) * n, 18),
        (lambda n: max(n, 12), 11),
        (lambda n: {17: 1}.get(n), 18),
    ],
)
def test_what_is_decided_by_a_symbol_is_noted(use: Callable[[Any], Any], other: int) -> None:
    book = Guards([17])
    (n,) = book.symbols
    use(n)
    specialization = book.specialization([n])
    assert specialization.replay([17]) == [17]
    assert specialization.replay([other]) is None
