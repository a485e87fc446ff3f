"""Repeated calls of compiled functions take a short way, and do what the first call does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import nn, optim
from graphc.compiler.fast_path import FastPath
from graphc.tensors.tensor import Tensor


class Step:
    """A step of a small model, compiled or not."""

    def __init__(self, *, compiled: bool) -> None:
        torch.manual_seed(3)
        self.model = nn.Linear(3, 2)
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.1)
        self.function = torch.compile(self.step) if compiled else self.step

    def step(self, x: Any, scale: float = 1.0) -> Any:
        self.optimizer.zero_grad()
        loss = (self.model(torch.as_tensor(x)) ** 2).sum() * scale
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self) -> list[Any]:
        slots = [v for s in self.optimizer.state.values() for v in s.values()]
        grads = [p.grad for p in self.model.parameters()]
        return [t.detach().tolist() for t in (*self.model.parameters(), *grads, *slots)]


X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def twins() -> tuple[Step, Step]:
    """Return a compiled step that has become ready, and one in Python, in the same state."""
    compiled, plain = Step(compiled=True), Step(compiled=False)
    for _ in range(2):
        compiled.function(X)
        plain.function(X)
    assert isinstance(compiled.function.__call__, FastPath)
    return compiled, plain


def counting(function: Any) -> list[int]:
    """Let a compiled function count the calls that do not take the short way."""
    counts = [0]
    slow = function.__call__.slow

    def counted(*args: Any) -> Any:
        counts[0] += 1
        return slow(*args)

    function.__call__.slow = counted
    return counts


def same(a: Step, b: Step) -> None:
    for x, y in zip(a.state(), b.state(), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-7)


def test_a_step_that_repeats_is_ready() -> None:
    compiled, plain = twins()
    slow = counting(compiled.function)
    for scale in range(3):
        x = X * (scale + 1)
        loss = compiled.function(x)
        assert isinstance(loss, np.ndarray)
        np.testing.assert_allclose(loss, plain.function(x).item(), rtol=1e-5)
        same(compiled, plain)
    assert slow == [0]


@pytest.mark.parametrize("change", ["data", "lr", "betas", "grad", "frozen", "shape", "dtype", "keyword"])
def test_what_changes_between_calls_is_seen(change: str) -> None:
    compiled, plain = twins()
    for one in (compiled, plain):
        x: Any = X
        p = next(one.model.parameters())
        kwargs = {}
        if change == "data":
            with torch.no_grad():
                p.mul_(2.0)
        if change == "lr":
            one.optimizer.param_groups[0]["lr"] = 0.3
        if change == "betas":
            one.optimizer.param_groups[0]["betas"] = (0.5, 0.7)
        if change == "grad":
            p.grad = None
        if change == "frozen":
            p.requires_grad_(False)
        if change == "shape":
            x = X[:2]
        if change == "dtype":
            x = X.astype(np.float64).astype(np.float32)[:, ::-1]
        if change == "keyword":
            kwargs = {"scale": 2.0}
        for _ in range(3):
            one.function(x, **kwargs)
    if change == "frozen":
        compiled.model.weight.grad = plain.model.weight.grad = torch.zeros(2, 3)
    same(compiled, plain)


def test_the_mode_is_seen() -> None:
    compiled, _ = twins()
    before = compiled.state()
    with torch.no_grad(), pytest.raises(RuntimeError, match="does not require grad"):
        compiled.function(X)
    assert compiled.state() == before


def test_what_somebody_holds_keeps_its_value() -> None:
    compiled, _ = twins()
    weight = compiled.model.weight
    grad, shared, twice = weight.grad, weight.grad.detach(), weight.detach() * 2
    before = [t.tolist() for t in (grad, weight, grad)]
    view = weight.grad.T
    compiled.function(X * 3)
    assert grad.tolist() == before[0] and shared.tolist() == before[0] and view.T.tolist() == before[0]
    np.testing.assert_array_equal(twice.tolist(), 2 * np.array(before[1], np.float32))
    assert weight.grad is not grad and weight.grad.tolist() != before[0]
    del grad
    grad = weight.grad
    compiled.function(X)
    assert weight.grad is not grad


def test_tensors_in_tensors_out() -> None:
    f = torch.compile(lambda a, b: (a * 2 + b, a))
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0])
    for _ in range(3):
        total, same = f(a, b)
        assert total.tolist() == [12, 24] and same is a and isinstance(total, Tensor) and not total.requires_grad
    assert isinstance(f.__call__, FastPath)
    with torch.no_grad():
        assert f(a, b)[0].tolist() == [12, 24]
    wants = torch.ones(2, requires_grad=True)
    (total, _) = f(wants, b)
    total.sum().backward()
    assert total.tolist() == [12, 22] and wants.grad.tolist() == [2, 2]
    a.add_(1)
    assert f(a, b)[0].tolist() == [14, 26] and f(a, a[:])[0].tolist() == [6, 9]
    assert f(np.ones(2, np.float32), b)[0].tolist() == [12, 22]


def test_a_used_up_history_is_seen_on_every_result() -> None:
    compiled, _ = twins()
    for _ in range(3):
        loss = compiled.function(torch.tensor(X))
        assert loss.requires_grad and loss.grad_fn is not None
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()


def test_the_same_array_twice_and_then_two() -> None:
    f = torch.compile(lambda a, b: a * 2 + b)
    x, y = np.ones(3, np.float32), np.full(3, 5, np.float32)
    for _ in range(2):
        assert f(x, x).tolist() == [3, 3, 3] and f(x, y).tolist() == [7, 7, 7] and f(y, x).tolist() == [11, 11, 11]


def test_results_that_are_state_too_are_the_callers_own() -> None:
    total = torch.zeros(3)

    @torch.compile
    def add(x: Any) -> Any:
        total.add_(x)
        return total * 1

    for _ in range(3):
        out = add(np.ones(3, np.float32))
        out[:] = -1
    assert total.tolist() == [3, 3, 3]


def test_an_error_leaves_the_state_alone() -> None:
    table, count = torch.tensor([1.0, 2.0]), torch.zeros(())

    @torch.compile
    def look(i: Any) -> Any:
        count.add_(1)
        return table[i]

    for _ in range(2):
        assert look(np.array([1])).tolist() == [2]
    with pytest.raises(IndexError, match="index out of range"):
        look(np.array([2]))
    assert count.item() == 2 and look(np.array([0])).tolist() == [1]


@pytest.mark.parametrize("check_nan", [False, True])
def test_keywords_find_their_way_past_the_native_entry(check_nan: bool) -> None:
    f = torch.compile(lambda x, y=2.0: x * y + 1, check_nan=check_nan)
    x = np.arange(4, dtype=np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(f(x), x * 2 + 1)
        np.testing.assert_array_equal(f(x=x), x * 2 + 1)
        np.testing.assert_array_equal(f(x, y=3.0), x * 3 + 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        f(x, z=1)
    assert callable(f) and "FastPath" not in type(f.__call__).__name__
