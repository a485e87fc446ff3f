"""Python loops in compiled functions are unrolled, and say so when a trace grows."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import graphc as torch


def a_for_loop(x: Any) -> Any:
    for _ in range(600):  # for
        x = torch.sin(x) + 0.5
    return x


def a_while_loop(x: Any) -> Any:
    i = 0
    while i < 600:
        x = x * 1.001  # while
        i += 1
    return x


def a_loop_further_out(x: Any) -> Any:
    for _ in range(600):  # further out
        x = iteration(x)
    return x


def iteration(x: Any) -> Any:
    return torch.tanh(x)


@pytest.mark.parametrize("f, mark", [(a_for_loop, "for"), (a_while_loop, "while"), (a_loop_further_out, "further out")])
def test_a_long_loop_is_told_once_with_its_line(f: Callable[..., Any], mark: str) -> None:
    with pytest.warns(UserWarning, match="this Python loop is unrolled") as caught:
        torch.compile(f).lower(torch.ones(3))
    (warning,) = [w for w in caught if "unrolled" in str(w.message)]
    source, first = inspect.getsourcelines(f)
    (line,) = [first + i for i, text in enumerate(source) if text.rstrip().endswith(f"# {mark}")]
    assert warning.filename == __file__ and warning.lineno in ((line, line - 1) if mark == "while" else (line,))


def test_others_are_silent() -> None:
    parameters = [torch.ones(2, requires_grad=True) for _ in range(60)]
    optimizer = torch.optim.Adam(parameters)

    @torch.compile
    def step() -> Any:
        optimizer.zero_grad()
        loss = sum((p * p).sum() for p in parameters)
        loss.backward()
        optimizer.step()  # many operations, but no loop of the user's
        return loss

    def short(x: Any) -> Any:
        for _ in range(50):
            x = torch.sin(x)
        return torch.fori_loop(0, 100_000, lambda i, c: c * 0.5, x)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):  # a loop around the call is not in the trace
            step()
        torch.compile(short)(torch.ones(3))


def test_a_loop_around_a_scan_is_none_of_its_body() -> None:
    def body(c: Any, x: Any) -> Any:
        return functools.reduce(lambda y, _: y * 0.5, range(600), c), x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            torch.scan(body, torch.ones(()), torch.ones(2))
