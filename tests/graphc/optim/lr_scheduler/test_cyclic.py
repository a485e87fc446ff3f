"""Schedules against torch's, where it is installed."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from tests import parity

SCHEDULES: dict[str, Any] = {
    "cyclic": lambda s, o: s.CyclicLR(o, 0.1, 0.5, step_size_up=3),
    "cyclic2": lambda s, o: s.CyclicLR(o, 0.1, 0.5, step_size_up=2, step_size_down=4, mode="triangular2"),
    "range": lambda s, o: s.CyclicLR(o, 0.1, 0.5, step_size_up=2, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "own": lambda s, o: s.CyclicLR(o, 0.1, 0.5, step_size_up=2, scale_fn=lambda x: 1 / x),
    "one": lambda s, o: s.OneCycleLR(o, 1.0, total_steps=20),
    "linear": lambda s, o: s.OneCycleLR(o, 1.0, epochs=4, steps_per_epoch=5, anneal_strategy="linear", pct_start=0.5),
    "three": lambda s, o: s.OneCycleLR(o, 1.0, total_steps=20, three_phase=True, div_factor=5, final_div_factor=7),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3),
    "restarts2": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, T_mult=2, eta_min=0.01),
    "multiplied": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 1 - 0.01 * epoch),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=7, power=2.0),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 8), s.ExponentialLR(o, 0.8)], [4, 12]
    ),
    "sequential2": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.2, 3), s.StepLR(o, 2, 0.5)], [3]),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.2, 3), s.ExponentialLR(o, 0.9)]),
}  # fmt: skip


def rates(library: Any, name: str, kind: str) -> list[Any]:
    groups = [{"params": [library.ones(1)], "lr": 0.3}, {"params": [library.ones(2)], "lr": 0.6}]
    options: Any = {"lr": 0.3, "momentum": 0.9} if kind == "SGD" else {"lr": 0.3}
    optimizer = getattr(library.optim, kind)(groups, **options)
    scheduler = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
    seen = []
    for _ in range(19):
        momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups]
        seen.append([*scheduler.get_last_lr(), *momenta])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_torchs(name: str, kind: str) -> None:
    for ours, theirs in zip(rates(G, name, kind), rates(parity.torch(), name, kind), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("call", [
    lambda s, o: s.OneCycleLR(o, 1.0), lambda s, o: s.OneCycleLR(o, 1.0, total_steps=-1),
    lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"),
    lambda s, o: s.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x"), lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    lambda s, o: s.SequentialLR(o, [s.ConstantLR(o)], [1]), lambda s, o: s.CyclicLR(o, 0.1, 0.2),
    lambda s, o: s.ChainedScheduler([]),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    def build(t: Any) -> Any:
        return call(t.optim.lr_scheduler, t.optim.Adagrad([t.nn.Parameter(t.ones(1))], lr=0.1))

    parity.assert_same_error(build)


def test_states_of_several_schedules() -> None:
    optimizer = G.optim.SGD([G.ones(1)], lr=1.0)
    s = G.optim.lr_scheduler
    first = s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.5, 2), s.ExponentialLR(optimizer, 0.5)], [2])
    for _ in range(3):
        first.step()
    other = G.optim.SGD([G.ones(1)], lr=1.0)
    again = s.SequentialLR(other, [s.ConstantLR(other, 0.5, 2), s.ExponentialLR(other, 0.5)], [2])
    again.load_state_dict(first.state_dict())
    assert again.last_epoch == 3 and again.get_last_lr() == first.get_last_lr() == [0.5]
