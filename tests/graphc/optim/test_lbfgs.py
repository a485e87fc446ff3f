"""L-BFGS against torch's, where it is installed, and on Rosenbrock's function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity


def losses(library: Any, compiled: bool = False, **options: Any) -> tuple[list[float], Any]:
    p = library.tensor([-1.2, 1.0, 0.7, -0.4], dtype=library.float64, requires_grad=True)
    optimizer = library.optim.LBFGS([p], **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()
        loss.backward()
        return loss

    run = G.compile(closure) if compiled else closure
    return [float(optimizer.step(run)) for _ in range(6)], p


@pytest.mark.parametrize("options", [
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7, "lr": 0.5},
    {"lr": 1e-3}, {"lr": 0.01, "max_iter": 4, "history_size": 2},
], ids=str)  # fmt: skip
def test_steps_are_torchs(options: dict[str, Any]) -> None:
    wanted, _ = losses(parity.torch(), **options)
    for compiled in (False, True):
        np.testing.assert_allclose(losses(G, compiled, **options)[0], wanted, rtol=1e-4, atol=1e-12)


def test_a_minimum_is_reached() -> None:
    _, p = losses(G, line_search_fn="strong_wolfe", max_iter=50)
    near = np.allclose(p.detach(), np.ones(4), atol=1e-5)
    assert near or (p.grad.abs() < 1e-3).all()  # the function has a second, local minimum


@pytest.mark.parametrize("call", [
    lambda t: t.optim.LBFGS([{"params": [t.ones(1)]}, {"params": [t.ones(1)]}]), lambda t: t.optim.LBFGS([t.ones(1)]).step(),
    lambda t: t.optim.LBFGS([t.ones(1)], lr=-1.0),
    lambda t: t.optim.LBFGS([t.ones(1)], line_search_fn="x").step(lambda: t.ones(1)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        call(G)
