"""Comparison of two stages: rounding is no difference, everything else is."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Graph
from graphc.ir.core.types import F64
from graphc.ir.interpret.comparison import Noise, compare, evaluated, unequal
from tests.codegen.validation import numbers, param


def outcomes(before, after, arrays):
    x, y = evaluated(before, arrays), evaluated(after, arrays)
    return x, y, [Noise(before, arrays, x), Noise(after, arrays, y)]


def test_another_order_of_summation_is_no_difference():
    x = param(1000)
    a = build.sum_(x, (0,))
    b = build.sum_(build.flip(build.sum_(build.reshape(x, (100, 10)), (1,)), (0,)), (0,))
    array = numbers(1000) * 1e3
    array -= array.mean()
    assert compare(*outcomes(Graph((x,), (a,)), Graph((x,), (b,)), [array])) is None


def test_a_comparison_that_rounding_flips_is_no_difference_but_an_exact_one_is():
    x = param(3)
    third = x / build.full_like(x, 3.0)
    sum_ = third + third + third  # rounds to x or beside it
    a, b = build.elementwise("lt", sum_, x), build.elementwise("lt", sum_ * build.full_like(x, 1 + 2**-23), x)
    array = np.array([0.7, 0.1, 1.3], np.float32)
    assert compare(*outcomes(Graph((x,), (a,)), Graph((x,), (b,)), [array])) is None
    c, d = build.elementwise("lt", x, x), build.elementwise("le", x, x)
    assert compare(*outcomes(Graph((x,), (c,)), Graph((x,), (d,)), [array])) is not None


def test_ties_of_exact_numbers_are_not_rounded_apart():
    x = param(4, dtype=F64)
    doubled = x * build.full_like(x, 2.0)
    first, last = build.apply("argmax", doubled, axis=0), 3 - build.apply("argmax", build.flip(doubled, (0,)), axis=0)
    before, after = Graph((x,), (first,)), Graph((x,), (last,))
    assert compare(*outcomes(before, after, [np.array([1.0, 5.0, 5.0, 2.0])])) is not None


def test_an_argmax_of_rounded_numbers_that_tie_is_no_difference():
    x = param(2, dtype=F64)
    twice = build.concatenate([build.apply("exp", x), build.apply("exp", x + build.full_like(x, 1e-16))], 0)
    before = Graph((x,), (build.apply("argmax", twice, axis=0),))
    after = Graph((x,), (build.apply("argmax", build.flip(twice, (0,)), axis=0),))
    assert compare(*outcomes(before, after, [np.array([0.3, 0.3])])) is None


@pytest.mark.parametrize(
    "x, y, same",
    [
        (np.nan, np.nan, True), (0.0, -0.0, False), (np.inf, np.inf, True), (np.inf, -np.inf, False), (1.0, 1 + 1e-6, True),
        (1.0, 1 + 1e-5, False), (np.nan, 1.0, False), (1e-45, 0.0, True), (1e38, np.inf, False),
    ],
)  # fmt: skip
def test_which_numbers_are_equal(x, y, same):
    assert unequal(np.array(x, np.float32), np.array(y, np.float32)) != same


def test_a_difference_of_few_elements_among_large_ones_is_seen():
    x, y = np.array([1e9, 1e-9]), np.array([1e9, 2e-9])
    assert unequal(x, y).tolist() == [False, True]
