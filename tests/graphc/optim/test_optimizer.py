"""Optimizers, against their formulas: steps, state, groups, text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import optim

STEPS = 6


Array = Any


def sgd(
    p: Array,
    grads: Callable[[Array], Array],
    lr: float,
    momentum: float = 0,
    dampening: float = 0,
    decay: float = 0,
    nesterov: bool = False,
) -> Array:
    buffer = None
    for _ in range(STEPS):
        g = grads(p) + decay * p
        if momentum:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
    return p


def adam(
    p: Array, grads: Callable[[Array], Array], lr: float, decay: float = 0, decoupled: bool = False, amsgrad: bool = False
) -> Array:
    m = v = top = np.zeros_like(p)
    for step in range(1, STEPS + 1):
        g = grads(p)
        if decoupled:
            p = p * (1 - lr * decay)
        else:
            g = g + decay * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        top = np.maximum(top, v) if amsgrad else v
        p = p - lr / (1 - 0.9**step) * m / (np.sqrt(top) / math.sqrt(1 - 0.999**step) + 1e-8)
    return p


def rmsprop(p: Array, grads: Callable[[Array], Array], lr: float) -> Array:
    v = np.zeros_like(p)
    for _ in range(STEPS):
        g = grads(p)
        v = 0.99 * v + 0.01 * g * g
        p = p - lr * g / (np.sqrt(v) + 1e-8)
    return p


def adagrad(p: Array, grads: Callable[[Array], Array], lr: float) -> Array:
    total = np.zeros_like(p)
    for _ in range(STEPS):
        g = grads(p)
        total = total + g * g
        p = p - lr * g / (np.sqrt(total) + 1e-10)
    return p


CASES: dict[str, tuple[Callable[[Any], Any], Callable[..., Array]]] = {
    "sgd": (lambda p: optim.SGD(p, 0.1), lambda p, g: sgd(p, g, 0.1)),
    "momentum": (lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1), lambda p, g: sgd(p, g, 0.1, 0.9, decay=0.1)),
    "dampening": (lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.5), lambda p, g: sgd(p, g, 0.1, 0.9, 0.5)),
    "nesterov": (lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True), lambda p, g: sgd(p, g, 0.1, 0.9, nesterov=True)),
    "adam": (lambda p: optim.Adam(p, 0.1), lambda p, g: adam(p, g, 0.1)),
    "adam decay": (
        lambda p: optim.Adam(p, 0.1, weight_decay=0.1, amsgrad=True),
        lambda p, g: adam(p, g, 0.1, 0.1, amsgrad=True),
    ),
    "adamw": (lambda p: optim.AdamW(p, 0.1), lambda p, g: adam(p, g, 0.1, 0.01, True)),
    "rmsprop": (lambda p: optim.RMSprop(p, 0.1), lambda p, g: rmsprop(p, g, 0.1)),
    "adagrad": (lambda p: optim.Adagrad(p, 0.1), lambda p, g: adagrad(p, g, 0.1)),
}


START, SCALE = np.linspace(-1, 1.5, 6).reshape(2, 3), np.linspace(0.5, 3, 6).reshape(2, 3)


def trained(make: Callable[[Any], Any], compiled: bool) -> tuple[Array, Any]:
    p = G.nn.Parameter(G.tensor(START))
    optimizer, scale = make([p]), G.tensor(SCALE)

    def step() -> Any:
        optimizer.zero_grad()
        loss = 0.5 * (scale * p * p).sum()
        loss.backward()
        optimizer.step()
        return loss

    run = G.compile(step) if compiled else step
    for _ in range(STEPS):
        run()
    return p.detach().numpy(), optimizer


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", CASES)
def test_steps_follow_the_formula(name: str, compiled: bool) -> None:
    make, reference = CASES[name]
    found, _ = trained(make, compiled)
    np.testing.assert_allclose(found, reference(START, lambda p: SCALE * p), rtol=1e-6)


def test_state_continues_elsewhere() -> None:
    _, optimizer = trained(CASES["adam"][0], False)
    saved = optimizer.state_dict()
    assert float(saved["state"][0]["step"]) == STEPS and saved["param_groups"][0]["params"] == [0]
    p = G.nn.Parameter(G.tensor(START))
    other = optim.Adam([p], 0.5)
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == 0.1
    assert G.equal(other.state[p]["exp_avg"], saved["state"][0]["exp_avg"])


def test_groups_and_checks() -> None:
    a, b = G.nn.Parameter(G.ones(2)), G.nn.Parameter(G.ones(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1)
    (a.sum() + b.sum()).backward()
    optimizer.step()
    np.testing.assert_allclose([a[0].item(), b[0].item()], [0.9, 0.0], rtol=1e-6)
    optimizer.zero_grad()
    assert a.grad is None
    for make, text in (
        (lambda: optim.SGD([a], -1), "Invalid learning rate: -1"),
        (lambda: optim.Adam([a], betas=(1.0, 0)), "Invalid beta parameter at index 0: 1.0"),
        (lambda: optim.Adam([]), "optimizer got an empty parameter list"),
        (lambda: optim.Adam([a * 2]), "can't optimize a non-leaf Tensor"),
        (lambda: optim.SGD([a], nesterov=True), "Nesterov momentum requires a momentum and zero dampening"),
    ):
        with pytest.raises(ValueError, match=text):
            make()
    with pytest.raises(TypeError, match=r"should be an iterable of Tensors or dicts, but got torch\.FloatTensor"):
        optim.Adam(a)


def test_text() -> None:
    text = repr(optim.SGD([G.nn.Parameter(G.ones(1))], lr=0.1, momentum=0.9))
    assert (
        text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n") and "    lr: 0.1\n" in text
    )


class CountsSteps(optim.Optimizer):
    """Divides the learning rate by the number of steps, a Python number in its state."""

    def initial_state(self, p: Any, options: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0}

    def update(self, p: Any, grad: Any, state: dict[str, Any], options: dict[str, Any]) -> None:
        state["step"] += 1
        p.sub_(grad * (options["lr"] / state["step"]))


class StepsItself(optim.Optimizer):
    """The same, written as for torch."""

    def step(self, closure: Any = None) -> None:
        with G.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["step"] = state.get("step", 0) + 1
                    p.sub_(p.grad * (group["lr"] / state["step"]))


MAKERS: dict[str, Callable[[Any], Any]] = {
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.5),
    "dampening": lambda p: optim.SGD(p, 0.1, momentum=0.5, dampening=0.1),
    "adam": lambda p: optim.Adam(p, 0.1),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01, momentum=0.3),
    "counts": lambda p: CountsSteps(p, {"lr": 0.1}),
    "steps": lambda p: StepsItself(p, {"lr": 0.1}),
}


def changed_between_steps(make: Callable[[Any], Any], compiled: bool) -> list[Any]:
    a, b = (G.nn.Parameter(G.tensor(x)) for x in ([1.0, -2.0], [0.5, 3.0]))
    optimizer = make([a])

    def step() -> None:
        a.grad = b.grad = None
        (a.square() + 3 * b.square()).sum().backward()
        optimizer.step()

    run = G.compile(step) if compiled else step
    found = []
    for i in range(8):
        if i == 2:
            optimizer.add_param_group({"params": [b], "lr": 0.2})
        if i == 3:
            optimizer.param_groups[0]["params"].append(b)
            del optimizer.param_groups[1]
        if i == 4:
            optimizer.load_state_dict(optimizer.state_dict())
        if i == 5:
            optimizer.state[a] = {k: v * 2 for k, v in optimizer.state[a].items()}
        if i == 6:
            optimizer.state.clear()
        run()
        found += [a.tolist(), b.tolist()]
    return found


@pytest.mark.filterwarnings("ignore:compiled function 'step' changes Python values")
@pytest.mark.parametrize("name", MAKERS)
def test_what_changes_between_steps(name: str) -> None:
    np.testing.assert_allclose(changed_between_steps(MAKERS[name], True), changed_between_steps(MAKERS[name], False), rtol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_set_to_zero_in_place_whatever_they_are(compiled: bool) -> None:
    p = G.nn.Parameter(G.ones(3))
    optimizer = optim.SGD([p], 0.1)
    clear = G.compile(lambda: optimizer.zero_grad(False)) if compiled else lambda: optimizer.zero_grad(False)
    for _ in range(3):
        p.grad = held = G.tensor([float("nan"), float("inf"), 1.0])
        clear()
        assert held.tolist() == [0.0, 0.0, 0.0]
        assert p.grad is held
    p.pow(3).sum().backward(create_graph=True)
    assert p.grad is not None and p.grad.requires_grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is not None and not p.grad.requires_grad and p.grad.tolist() == [0.0, 0.0, 0.0]


def test_momentum_goes_on_after_data_are_assigned() -> None:
    p = G.nn.Parameter(G.ones(2))
    optimizer = optim.SGD([p], lr=0.25, momentum=0.5)
    for i in range(3):
        optimizer.zero_grad()
        if i == 2:
            p.data = G.ones(2)
        p.square().sum().backward()
        optimizer.step()
    np.testing.assert_allclose(p.tolist(), [0.25, 0.25])  # gradients 2, 1, 2: the buffer is 2, 2, 3
