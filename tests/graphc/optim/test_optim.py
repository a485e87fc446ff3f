"""Optimizers against their formulas in NumPy, eagerly and in compiled steps; learning rate schedules."""

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


SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "step": (lambda o: optim.lr_scheduler.StepLR(o, 3, 0.5), lambda e: 0.5 ** (e // 3)),
    "milestones": (lambda o: optim.lr_scheduler.MultiStepLR(o, [2, 5], 0.5), lambda e: 0.5 ** ((e >= 2) + (e >= 5))),
    "exponential": (lambda o: optim.lr_scheduler.ExponentialLR(o, 0.9), lambda e: 0.9**e),
    "lambda": (lambda o: optim.lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 1 / (1 + e)),
    "cosine": (
        lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 4, 0.1),
        lambda e: 0.1 + 0.9 * (1 + math.cos(math.pi * e / 4)) / 2,
    ),
    "linear": (lambda o: optim.lr_scheduler.LinearLR(o, 0.5, 1.0, 4), lambda e: 0.5 + 0.5 * min(e, 4) / 4),
    "constant": (lambda o: optim.lr_scheduler.ConstantLR(o, 0.5, 3), lambda e: 0.5 if e < 3 else 1.0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    make, rate = SCHEDULES[name]
    optimizer = optim.SGD([G.nn.Parameter(G.ones(1))], lr=1.0)
    schedule = make(optimizer)
    for epoch in range(10):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate(epoch), abs=1e-12)
        assert schedule.get_last_lr() == [optimizer.param_groups[0]["lr"]]
        optimizer.step()
        schedule.step()


def test_plateau() -> None:
    optimizer = optim.SGD([G.nn.Parameter(G.ones(1))], lr=1.0)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    for metric in (1.0, 0.5, 0.5, 0.5, 0.5):
        schedule.step(metric)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_compiled_step_reads_the_scheduled_rate() -> None:
    p = G.nn.Parameter(G.zeros(()))
    optimizer = optim.SGD([p], lr=1.0)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

    @G.compile
    def step() -> None:
        optimizer.zero_grad()
        (-p).backward()
        optimizer.step()

    for _ in range(4):
        step()
        schedule.step()
    assert p.item() == 1.875


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
def test_amsgrad_keeps_the_greatest_second_moment(kind: Any) -> None:
    gradients = [3.0, 0.0, 0.0, 0.1, 0.0, 0.2]  # the second moment falls after the first step, its maximum does not
    p = G.tensor([1.0], dtype=G.float64, requires_grad=True)
    optimizer = kind([p], lr=0.1, amsgrad=True, weight_decay=0.0, betas=(0.9, 0.5))
    want, m, v, top = 1.0, 0.0, 0.0, 0.0
    for step, g in enumerate(gradients, 1):
        p.grad = G.tensor([g], dtype=G.float64)
        optimizer.step()
        m, v = 0.9 * m + 0.1 * g, 0.5 * v + 0.5 * g * g
        top = max(top, v)
        want -= 0.1 * (m / (1 - 0.9**step)) / (math.sqrt(top / (1 - 0.5**step)) + 1e-8)
        np.testing.assert_allclose(p.item(), want, rtol=1e-12)
