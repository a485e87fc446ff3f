"""The schedule that waits for a plateau."""

from __future__ import annotations

import graphc as G
from graphc import optim


def test_plateau() -> None:
    optimizer = optim.SGD([G.nn.Parameter(G.ones(1))], lr=1.0)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    for metric in (1.0, 0.5, 0.5, 0.5, 0.5):
        schedule.step(metric)
    assert optimizer.param_groups[0]["lr"] == 0.5
