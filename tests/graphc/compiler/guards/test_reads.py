"""Reads that no result depends on."""

from __future__ import annotations

import random
import warnings
from typing import Any, ClassVar

import numpy as np
import pytest

import graphc as torch
from tests.graphc.compiler.guarded import X


def test_counters_and_logs_are_no_reason_to_trace_again():
    n, log, seen = 0, [], {"calls": 0}

    def f(x: Any) -> Any:
        nonlocal n
        n += 1
        log.append(1)
        seen["calls"] += 1
        return x * 2

    compiled = torch.compile(f)
    for _ in range(4):
        compiled(X)
    assert n == len(log) == seen["calls"] == 1


def test_a_number_that_the_function_changes_and_reads_is_right_and_said():
    class Stepper:
        def __init__(self) -> None:
            self.t = 0

        def step(self, x: Any) -> Any:
            self.t += 1
            return x * self.t

    a, b = Stepper(), Stepper()
    compiled = torch.compile(a.step)
    with pytest.warns(UserWarning, match="changes Python values that it reads"):
        for _ in range(6):
            assert compiled(X).tolist() == b.step(X).tolist()
    assert a.t == b.t == 6


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: float(np.random.standard_normal())])
def test_random_numbers_of_python_and_numpy_are_drawn_anew(draw: Any):
    compiled = torch.compile(lambda x: x * draw())
    with pytest.warns(UserWarning, match="draws random numbers"):
        found = {tuple(compiled(X).tolist()) for _ in range(5)}
    assert len(found) == 5
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(lambda x: x * rng.random())
        assert len({tuple(compiled(X).tolist()) for _ in range(5)}) == 5


def test_a_cache_that_fills_at_the_first_call_settles():
    class Lazy:
        cache: Any = None
        traces: ClassVar[list[int]] = []

        def __call__(self, x: Any) -> Any:
            self.traces.append(1)
            if self.cache is None:
                self.cache = 3.0
            return x * self.cache

    f = torch.compile(Lazy())
    for _ in range(5):
        assert f(X).tolist() == (X * 3).tolist()
    assert len(Lazy.traces) == 2
