"""Calls with arguments that make no sense: a value or an exception of torch's types with a message, never an internal error."""

from __future__ import annotations

import inspect
import random
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from graphc.nn import functional as F

ALLOWED = (TypeError, ValueError, RuntimeError, IndexError, NotImplementedError, OverflowError)
SKIPPED = {
    "save", "load", "compile", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "set_default_dtype",
    "set_grad_enabled", "set_printoptions", "while_loop", "scan",
}  # fmt: skip
JUNK: list[Any] = [
    lambda: G.ones(2, 3), lambda: G.tensor(2.0), lambda: G.tensor([1, 2]), lambda: G.zeros(0, 2), lambda: G.tensor([True]),
    lambda: G.ones(1, 2, 4, 4), lambda: 2.0, lambda: -1, lambda: 0, lambda: 3, lambda: 10**30, lambda: float("nan"),
    lambda: "x", lambda: "mean", lambda: None, lambda: True, lambda: (), lambda: [], lambda: (1, 2), lambda: {},
    lambda: object(), lambda: np.ones(2), lambda: np.float32(2), lambda: len, lambda: G.float32, lambda: int, lambda: 1j,
    lambda: slice(None), lambda: [G.ones(2), G.ones(2)], lambda: [[1, 2], [3]], lambda: nn.Linear(2, 2), lambda: {1},
    lambda: (2.5, 1),
]  # fmt: skip


def functions() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for module in (G, F, G.linalg, nn.init, nn.utils):
        for name in module.__all__:
            value = getattr(module, name)
            if name not in SKIPPED and inspect.isfunction(value):
                found.append((f"{module.__name__}.{name}", value))
    methods = [n for n in dir(G.Tensor) if not n.startswith("_") and callable(getattr(G.Tensor, n))]
    return found + [(f"Tensor.{n}", lambda *a, n=n: getattr(G.Tensor, n)(G.ones(2, 3), *a)) for n in methods]


def outcome(call: Any, *args: Any) -> BaseException | None:
    try:
        found = call(*args)
        for item in found if isinstance(found, (tuple, list)) else [found]:
            if isinstance(item, G.Tensor) and item.numel() < 1000:
                item.tolist()
    except BaseException as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(4))
def test_public_functions_refuse_junk_in_torchs_words(seed: int) -> None:
    rng = random.Random(seed)
    for name, call in functions():
        for count in (1, 2, 3):
            args = [rng.choice(JUNK)() for _ in range(count)]
            error = outcome(call, *args)
            torchs = isinstance(error, ALLOWED) and not isinstance(error, RecursionError)
            assert error is None or (torchs and str(error).strip()), f"{name}{args}: {error!r}"


def test_modules_refuse_junk() -> None:
    rng = random.Random(0)
    made = (nn.ReLU(), nn.GELU(), nn.Dropout(), nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(2, 2), nn.Conv1d(2, 2, 1), nn.SiLU())
    for module in made:
        for _ in range(20):
            error = outcome(module, rng.choice(JUNK)())
            assert error is None or (isinstance(error, ALLOWED) and str(error).strip()), repr(error)


def test_the_message_says_what_came() -> None:
    with pytest.raises(TypeError, match=r"got float\n  at .*test_junk_arguments"):
        F.gelu(2.0)
    with pytest.raises(TypeError, match=r"sort\(\) received .* got \(list of int\)"):
        G.sort([3, 1])
    with pytest.raises(TypeError, match=r"dropout\(\) received .* got \(str 'x', float 0\.5"):
        nn.Dropout()("x")


def test_errors_of_the_users_own_functions_stay_what_they_are() -> None:
    class Mine(nn.Module):
        def forward(self, x: Any) -> Any:
            return {}["missing"]

    with pytest.raises(KeyError, match="missing"):
        Mine()(G.ones(1))
    with pytest.raises(AttributeError, match="nothing"):
        G.func.grad(lambda x: x.nothing)(G.ones(1))
    with pytest.raises(ZeroDivisionError):
        G.func.vmap(lambda x: x * (1 // 0))(G.ones(2))
    with pytest.raises(AttributeError, match="no attribute `x`"):
        nn.ReLU().get_submodule("x")
