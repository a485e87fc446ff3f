"""Compiled modules and functions whose results are differentiated outside: a call is an event of the recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import nn
from graphc.recording.recording import Recording

F = nn.functional
DATA = [np.random.RandomState(i).randn(8, 6).astype(np.float32) for i in range(3)]


def trained(compiled: bool, build: Any, steps: int = 6) -> tuple[list[float], list[Any]]:
    torch.manual_seed(0)
    model = build()
    call = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for i in range(steps):
        optimizer.zero_grad()
        loss = (call(torch.tensor(DATA[i % 3])) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [v.numpy() for v in model.state_dict().values()]


class Token(nn.Module):
    """Has a parameter made of a tensor that nothing else refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 6))
        self.layer = nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        return self.layer(torch.cat([self.token, x])).tanh()


MODELS = {
    "token": Token,
    "plain": lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)),
    "state": lambda: nn.Sequential(nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2)),
    "noise": lambda: nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.Linear(5, 2)),
}


@pytest.fixture
def on_nodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets longer whenever a recording becomes nodes."""
    calls: list[int] = []
    real = Recording._materialize
    monkeypatch.setattr(Recording, "_materialize", lambda self: calls.append(0) or real(self))
    return calls


@pytest.mark.parametrize("name", MODELS)
def test_training_around_a_compiled_model_is_eager_training(name: str, on_nodes: list[int]) -> None:
    wanted, state = trained(False, MODELS[name])
    losses, made = trained(True, MODELS[name])
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    for a, b in zip(made, state, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert not on_nodes and losses[-1] < losses[0]


def test_gradients_go_to_arguments_weights_and_second_derivatives() -> None:
    w = torch.tensor([2.0, 3.0], requires_grad=True)

    @torch.compile
    def f(x: Any) -> Any:
        return (w * x**3).sum(), x.detach() * 2

    for i in range(3):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y, doubled = f(x)
        assert doubled.tolist() == [2.0, 4.0] and not doubled.requires_grad and y.item() == 26.0
        y, _ = f(x)
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        assert g.tolist() == [6.0, 36.0]
        g.sum().backward()  # 3wx²
        assert x.grad.tolist() == [12.0, 36.0] and w.grad.tolist() == [3.0 * (i + 1), 12.0 * (i + 1)]


def test_what_a_call_depends_on_is_seen() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.Linear(5, 2))
    compiled = torch.compile(model)
    x = torch.tensor(DATA[0])
    for _ in range(2):
        model.eval()
        assert compiled(x).tolist() == compiled(x).tolist()
        model.train()
        assert compiled(x).tolist() != compiled(x).tolist()
    model[0].weight.requires_grad_(False)
    compiled(x).sum().backward()
    assert model[0].weight.grad is None and model[0].bias.grad is not None
    with torch.no_grad():
        assert not compiled(x).requires_grad
        model[2].bias.fill_(7.0)
        model[2].weight.fill_(0.0)
    assert compiled(x).tolist() == [[7.0, 7.0]] * 8


def test_a_second_backward_raises() -> None:
    compiled = torch.compile(nn.Linear(6, 2))
    for _ in range(2):
        y = compiled(torch.tensor(DATA[0])).square().sum()
        y.backward(retain_graph=True)
        y.backward()
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()


def test_a_second_backward_through_a_call_needs_what_its_steps_have_saved() -> None:
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    for function, saves in ((lambda x: x + 1, False), (lambda x: x * x, True)):
        total = torch.compile(function)(x).sum()
        total.backward()
        if saves:
            with pytest.raises(RuntimeError, match="a second time"):
                total.backward()
        else:
            total.backward()


def test_a_parameter_over_a_tensor_that_stays_in_use_shares_with_it() -> None:
    data = torch.zeros(6)
    weight = nn.Parameter(data)
    compiled = torch.compile(lambda x: (weight * x).sum())
    x = torch.ones(6)
    for i in range(3):
        y = compiled(x)
        y.backward()
        assert y.item() == 6.0 * i and weight.grad.tolist() == [i + 1.0] * 6
        data += 1.0
        assert weight.tolist() == [i + 1.0] * 6
