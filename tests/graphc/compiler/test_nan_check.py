"""compile(f, check_nan=True): the first operation that made a NaN or an infinity, by name and line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func

INF = float("inf")


def a(*numbers: float) -> Any:
    return np.array(numbers, np.float32)


def line_of(text: str) -> str:
    """Return file:line of the one line of this file that ends with a comment."""
    source = inspect.getsource(inspect.getmodule(line_of))  # type: ignore[arg-type]
    (number,) = [i for i, line in enumerate(source.splitlines(), 1) if line.endswith(f"  # {text}")]
    return f"{__file__}:{number}"


def blamed(f: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(FloatingPointError) as caught:
        torch.compile(f, check_nan=True)(*args)
    return str(caught.value)


def logarithm(x: Any) -> Any:
    y = torch.log(x)  # the logarithm
    return y * 0.0


def test_the_first_operation_is_named_not_the_last() -> None:
    text = blamed(logarithm, a(1, 0, 2))
    assert "infinity in 1 of 3 elements made by log of (float32[3] from 0.0 to 2.0)" in text
    assert f"at {line_of('the logarithm')}: y = torch.log(x)" in text


def test_calls_without_a_nan_are_as_ever() -> None:
    f = torch.compile(logarithm, check_nan=True)
    for n in (3, 20, 30, 40):
        np.testing.assert_array_equal(f(np.ones(n, np.float32)), np.zeros(n))
        assert f(torch.ones(n)).tolist() == [0.0] * n
    with pytest.raises(FloatingPointError):
        f(np.zeros(40, np.float32))
    np.testing.assert_array_equal(f(np.ones(40, np.float32)), np.zeros(40))


def root(x: Any) -> Any:
    y = torch.sqrt(x)  # the root
    return y.sum()


def test_an_adjoint_names_its_forward_line() -> None:
    text = blamed(func.grad(root), a(1, 0))
    assert "infinity in 1 of 2 elements made by div" in text and "in the gradient of\n" in text
    assert f"at {line_of('the root')}: y = torch.sqrt(x)" in text


def test_a_gradient_of_a_branch_that_was_not_chosen() -> None:
    def masked(x: Any) -> Any:
        return torch.where(x > 0, torch.log(x), 0.0).sum()

    assert torch.compile(masked, check_nan=True)(a(1, 0)) == 0  # what was not chosen does not count
    assert "NaN in 1 of 2 elements made by div" in blamed(func.grad(masked), a(1, 0))


def test_what_came_in_and_what_was_meant() -> None:
    double = torch.compile(lambda x: x * 2, check_nan=True)
    assert double(a(1, INF)).tolist() == [2, INF]
    assert "NaN that came in through parameter x" in blamed(lambda x: x * 2, a(1, float("nan")))
    ignores = torch.compile(lambda x: torch.where(x == x, x, 0.0), check_nan=True)
    assert ignores(a(1, float("nan"))).tolist() == [1, 0]
    mask = torch.compile(lambda x: torch.softmax(torch.where(x > 0, x, -INF), 0), check_nan=True)
    assert mask(a(1, -1, 1)).tolist() == [0.5, 0, 0.5]
    text = blamed(lambda x: torch.softmax(torch.where(x > 0, x, -INF), 0), a(-1, -1))
    assert "NaN in 2 of 2 elements made by sub" in text


def test_integers_are_nothing_to_check() -> None:
    assert torch.compile(lambda x: x + 1, check_nan=True)(np.arange(3)).tolist() == [1, 2, 3]


def recurrence(x: Any) -> Any:
    def step(c: Any, item: Any) -> Any:
        c = c / (item - 3.0)  # the division
        return c, torch.sqrt(item)

    return torch.scan(step, torch.ones(()), x)[0]  # the scan


@pytest.mark.parametrize("f", [recurrence, func.grad(recurrence)])
def test_loops_tell_the_turn(f: Callable[..., Any]) -> None:
    text = blamed(f, np.arange(6, dtype=np.float32))
    assert "infinity made by div" in text
    assert re.search(r"in iteration 3 of the scan\n  at " + re.escape(line_of("the scan")), text)
    assert f"at {line_of('the division')}" in text


def test_the_way_back_through_a_loop() -> None:
    def f(x: Any) -> Any:
        def step(c: Any, item: Any) -> Any:
            return c + torch.sqrt(item), c  # the step

        return torch.scan(step, torch.zeros(()), x)[0]

    text = blamed(func.grad(f), a(1, 2, 0, 3))
    assert "made by div" in text and "in the gradient of\n" in text and f"at {line_of('the step')}" in text
    assert "in iteration 2 of the scan" in text


def test_while_loops_and_branches() -> None:
    def grows(x: Any) -> Any:
        return torch.while_loop(lambda c: c < 1e38, lambda c: c * c * 10.0, x)

    assert re.search(r"infinity made by mul .*\n.*\n  in iteration 5 of the while", blamed(grows, torch.tensor(1.5)))

    def branch(x: Any) -> Any:
        return torch.cond(x > 0, lambda v: torch.log(v - 1), lambda v: v, (x,))

    assert "infinity made by log of (0.0)" in blamed(branch, torch.tensor(1.0))
    assert torch.compile(branch, check_nan=True)(torch.tensor(-1.0)).item() == -1


def test_state_stays_as_it_was() -> None:
    w = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    @torch.compile(check_nan=True)
    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.sqrt(w).sum()
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(FloatingPointError, match=r"made by div(.|\n)*torch.sqrt\(w\)"):
        step()
    assert w.tolist() == [1, 0] and w.grad is None
    with torch.no_grad():
        w.copy_(torch.tensor([1.0, 4.0]))
    assert step().item() == 3 and w.tolist() == pytest.approx([0.95, 3.975])
