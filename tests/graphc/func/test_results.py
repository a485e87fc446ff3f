"""What function transforms return, and functional calls of modules with tied parameters."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as torch
from graphc import Tensor, func, nn


def test_vjp_of_one_argument_gives_a_tuple() -> None:
    _, pull = func.vjp(lambda x: x * 2, torch.ones(2))
    found = pull(torch.ones(2))
    assert isinstance(found, tuple) and [g.tolist() for g in found] == [[2, 2]]


def test_functional_call_replaces_tied_tensors() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Tensor) -> Any:
            return self.b(self.a(x))

    new, x = {"a.weight": torch.tensor([[3.0]])}, torch.ones(1, 1)
    model = Tied()
    with torch.no_grad():
        model.a.weight.fill_(2.0)
    assert func.functional_call(model, new, x).item() == 9
    assert func.functional_call(model, new, x, tie_weights=False).item() == 6
    assert model(x).item() == 4
    with pytest.raises(RuntimeError, match="Missing key"):
        func.functional_call(model, {}, x, strict=True)
    with pytest.raises(TypeError):
        func.functional_call(model, new, x, strikt=True)  # type: ignore[call-arg]
