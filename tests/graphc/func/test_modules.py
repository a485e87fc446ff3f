"""Calls of modules with other parameters."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as torch
from graphc import func
from tests.graphc.func.pairs import X


def test_functional_call_swaps_and_restores() -> None:
    layer = torch.nn.Linear(3, 2)
    weight = layer.weight
    out = func.functional_call(layer, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, (X,))
    assert out.tolist() == [6, 6] and layer.weight is weight
    gradient = func.grad(lambda w: func.functional_call(layer, {"weight": w}, X).sum())(torch.ones(2, 3))
    assert gradient.tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(KeyError, match="no parameter or buffer called 'nothing'"):
        func.functional_call(layer, {"nothing": X}, X)


def test_functional_call_replaces_tied_tensors() -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: torch.Tensor) -> Any:
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


def test_states_of_several_modules_are_stacked() -> None:
    models = [torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).eval() for _ in range(4)]
    params, buffers = torch.func.stack_module_state(models)
    x = torch.randn(5, 2)
    found = torch.func.vmap(lambda p, b: torch.func.functional_call(models[0], (p, b), x))(params, buffers)
    for row, model in zip(found, models, strict=True):
        assert torch.allclose(row, model(x), atol=1e-6)
    found.sum().backward()
    assert params["0.weight"].is_leaf and params["0.weight"].grad.shape == (4, 3, 2) and models[0][0].weight.grad is None
    mixed, modes = [models[0], torch.nn.ReLU().eval()], [models[0], torch.nn.ReLU()]
    for wrong, match in (([], "at least one model"), (mixed, "same class"), (modes, "mode")):
        with pytest.raises(RuntimeError, match=match):
            torch.func.stack_module_state(wrong)
