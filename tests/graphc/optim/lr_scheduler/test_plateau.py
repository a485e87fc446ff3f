"""The schedule that waits for a plateau."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from graphc import optim
from tests import parity


def test_plateau() -> None:
    optimizer = optim.SGD([G.nn.Parameter(G.ones(1))], lr=1.0)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    for metric in (1.0, 0.5, 0.5, 0.5, 0.5):
        schedule.step(metric)
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "just_not", "better"),
    [("min", "rel", 18.0, 17.9), ("min", "abs", 19.9, 19.8), ("max", "rel", 22.0, 22.1), ("max", "abs", 20.1, 20.2)],
)
def test_a_metric_is_better_beyond_the_threshold(mode: str, threshold_mode: str, just_not: float, better: float) -> None:
    optimizer = optim.SGD([G.zeros(1, requires_grad=True)], lr=1.0)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode, patience=9, threshold=0.1, threshold_mode=threshold_mode)
    for metric, best, bad in ((20.0, 20.0, 0), (just_not, 20.0, 1), (better, better, 0)):
        schedule.step(metric)
        assert (schedule.best, schedule.num_bad_epochs) == (best, bad)


def test_cooldown_and_the_least_rate() -> None:
    optimizer = optim.SGD([G.zeros(1, requires_grad=True)], lr=1.0)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.25, cooldown=1, min_lr=0.125)
    rates = []
    for _ in range(7):
        schedule.step(1.0)
        rates += schedule.get_last_lr()
    assert rates == [1.0, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    fine = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, eps=0.2)
    for _ in range(3):
        fine.step(1.0)
    assert fine.get_last_lr() == [0.125]


def rates(library: Any, mode: str, metrics: list[float], resume_at: int | None = None) -> list[list[float]]:
    """Return the rates of two groups after each metric; at one of them, the schedule and the optimizer are made again."""
    optimizer: Any = None
    schedule: Any = None
    found = []
    for i, metric in enumerate(metrics):
        if i == 0 or i == resume_at:
            states = [] if i == 0 else [optimizer.state_dict(), schedule.state_dict()]
            first, second = (library.zeros(1, requires_grad=True) for _ in range(2))
            groups = [{"params": [first]}, {"params": [second], "lr": 0.5}]
            optimizer = library.optim.SGD(groups, lr=1.0)
            schedule = library.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, mode, patience=1, factor=0.5, threshold=0.1, cooldown=1, min_lr=[0.2, 0.1]
            )
            for what, state in zip((optimizer, schedule), states, strict=False):
                what.load_state_dict(state)
        optimizer.step()
        schedule.step(metric)
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("resume_at", [None, 5])
def test_metrics_of_any_sign_least_rates_and_states_are_torchs(mode: str, resume_at: int | None) -> None:
    metrics = [-1.0, -1.0, -0.95, -0.9, -1.05, -1.2, -1.2, -0.5, 0.0, 0.0, 1.0, 1.0, 1.05, 1.05, 1.05, 1.05]
    found = rates(G, mode, metrics, resume_at)
    assert found == rates(parity.torch(), mode, metrics) and found[-1] != [1.0, 0.5]
    with pytest.raises(ValueError, match="expected 1 min_lrs, got 2"):
        optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([G.zeros(1)], lr=1.0), min_lr=[0.1, 0.2])
