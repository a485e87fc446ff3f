"""Optimizers against torch's, step by step, eager and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

START, SCALE = np.linspace(-1, 1.5, 6).reshape(2, 3), np.linspace(0.5, 3, 6).reshape(2, 3)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("Adadelta", {}), ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}), ("Adamax", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1, "betas": (0.8, 0.9)}), ("NAdam", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}), ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1}), ("RAdam", {"lr": 0.1, "betas": (0.5, 0.6), "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}), ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "t0": 3, "lambd": 0.01, "weight_decay": 0.1}), ("Rprop", {"lr": 0.1}),
    ("Rprop", {"lr": 0.3, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.5), "maximize": True}),
]  # fmt: skip


def trajectory(library: Any, name: str, options: dict[str, Any], compiled: bool = False) -> list[Any]:
    p = library.nn.Parameter(library.tensor(START))
    optimizer, scale = getattr(library.optim, name)([p], **options), library.tensor(SCALE)

    def step() -> Any:
        optimizer.zero_grad()
        loss = 0.5 * (scale * p * p).sum() + (p - 0.5).cos().sum()
        loss.backward()
        optimizer.step()
        return loss

    run, points = G.compile(step) if compiled else step, []
    for _ in range(12):
        run()
        points.append(p.detach().numpy().copy())
    assert sorted(optimizer.param_groups[0]) == sorted({*optimizer.param_groups[0]})
    return points


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name, options", CASES, ids=str)
def test_steps_are_torchs(name: str, options: dict[str, Any], compiled: bool) -> None:
    found, wanted = trajectory(G, name, options, compiled), trajectory(parity.torch(), name, options)
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if name in ("ASGD", "NAdam") else 1e-9, atol=1e-9)


def test_states_have_torchs_names() -> None:
    for name in ("Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"):
        states = []
        for library in (G, parity.torch()):
            p = library.nn.Parameter(library.ones(2))
            optimizer = getattr(library.optim, name)([p], lr=0.1)
            p.sum().backward()
            optimizer.step()
            states.append((sorted(optimizer.state[p]), sorted({*optimizer.param_groups[0]} - {"params"})))
        assert states[0] == states[1], name


@pytest.mark.parametrize("call", [
    lambda t: t.optim.Adadelta([t.ones(1)], rho=2), lambda t: t.optim.NAdam([t.ones(1)], betas=(1.0, 0.9)),
    lambda t: t.optim.Rprop([t.ones(1)], etas=(1.5, 2)), lambda t: t.optim.RAdam([t.ones(1)], lr=-1.0),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
