"""Learning rate schedules, against their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import graphc as G
from graphc import optim

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
