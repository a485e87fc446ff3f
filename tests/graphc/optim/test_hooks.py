"""Hooks of optimizers."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc import optim


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.5), lambda p: optim.LBFGS(p, lr=0.5, max_iter=1)])
def test_step_hooks(make: Any) -> None:
    w, seen = G.ones(1, requires_grad=True), []
    optimizer: Any = make([w])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    first = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", w.item(), len(args))))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", w.item(), len(args))))
    optimizer.step(closure)
    assert seen == [("before", 1.0, 1), ("after", w.item(), 1)] and w.item() < 1
    first.remove()
    optimizer.step(closure)
    assert [s[0] for s in seen] == ["before", "after", "after"]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 1)
    with pytest.raises(RuntimeError, match=r"None or a tuple of \(new_args, new_kwargs\), but got 1"):
        optimizer.step(closure)


def test_step_hooks_of_compiled_steps() -> None:
    w = G.ones(1, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    @G.compile
    def step() -> None:
        optimizer.zero_grad()
        w.square().sum().backward()
        optimizer.step()

    step()
    assert w.tolist() == [0.0]
    with G.no_grad():
        w.fill_(1.0)

    def halve(optimizer: Any, args: Any, kwargs: Any) -> None:
        w.grad = w.grad / 2

    handle = optimizer.register_step_pre_hook(halve)
    step()
    assert w.tolist() == [0.5]
    handle.remove()
    step()
    assert w.tolist() == [0.0]


def test_a_step_that_calls_another_runs_hooks_once() -> None:
    class Twice(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step()
            return super().step()

    w, seen = G.ones(1, requires_grad=True), []
    optimizer = Twice([w], lr=0.1)
    optimizer.register_step_post_hook(lambda *args: seen.append(1))
    w.sum().backward()
    optimizer.step()
    assert seen == [1] and w.item() == pytest.approx(0.8)


def test_state_hooks() -> None:
    w, seen = G.ones(1, requires_grad=True), []
    optimizer = optim.SGD([w], lr=0.5)
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    state = optimizer.state_dict()
    assert state["note"] == 1 and seen == ["first", "pre"]

    def lower(o: Any, state: dict[str, Any]) -> None:
        state["param_groups"] = [{**g, "lr": 0.25} for g in state["param_groups"]]

    optimizer.register_load_state_dict_pre_hook(lower)
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(state)
    assert seen[2:] == [0.25] and state["param_groups"][0]["lr"] == 0.5
