"""Checkpoints: gradients that store the inputs of a function only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.core.errors import TracingError
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.utils.checkpoint import checkpoint, checkpoint_sequential
from tests.graphc.control_flow.memory import tensor
from tests.targets import TARGET


def network(layers: int, width: int, *, dropout: float = 0.0) -> list[Any]:
    torch.manual_seed(0)
    return [
        torch.nn.Sequential(
            torch.nn.Linear(width, 4 * width), torch.nn.Tanh(), torch.nn.Dropout(dropout), torch.nn.Linear(4 * width, width)
        )
        for _ in range(layers)
    ]


def step(layers: list[Any], *, again: bool) -> Any:
    parameters = [p for layer in layers for p in layer.parameters()]

    def run(x: Any) -> Any:
        for layer in layers:
            x = x + (checkpoint(layer, x, use_reentrant=False) if again else layer(x))
        loss = (x**2).mean()
        return loss, torch.autograd.grad(loss, parameters)

    return run


def values(result: Any) -> list[np.ndarray]:
    loss, gradients = result
    return [x.detach().numpy() for x in (loss, *gradients)]


def test_compiled_steps_need_less_memory_for_the_same_gradients() -> None:
    layers, x = network(6, 16, dropout=0.25), torch.randn(2048, 16)
    found, arenas = [], []
    for again in (False, True):
        for compiled in (False, True):
            run = torch.compile(step(layers, again=again)) if compiled else step(layers, again=again)
            torch.manual_seed(1)  # the masks of dropout are the same when they are computed again
            found.append(values(run(x)))
            follows = torch.rand(1).item()
            found[-1].append(np.array(follows))
        arenas.append(torch.compile(step(layers, again=again)).lower(x).cost().arena_bytes)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
    assert arenas[1] < 0.45 * arenas[0]  # both have the scratch space of a matrix product


def test_what_is_computed_again_stays_apart() -> None:
    graph = parse("""graph f(%x: f64[4], %g: f64[4]) -> (f64[4], f64[4]) {
      %y: f64[4] = checkpoint %x {barrier=false} (%x: f64[4]) {
        %y: f64[4] = exp %x
        return %y
      }
      %d: f64[4] = checkpoint %x, %g {barrier=true} (%x: f64[4], %g: f64[4]) {
        %y: f64[4] = exp %x
        %d: f64[4] = mul %g, %y
        return %d
      }
      return %y, %d
    }""")
    text = to_text(optimize(graph, TARGET)["optimized"])
    assert text.count("exp") == 2 and text.count("checkpoint") == 1


def test_second_derivatives_and_closures() -> None:
    w, x = tensor(3).requires_grad_(), tensor(3)

    def plain(x: Any) -> Any:
        return torch.sin(x * w)

    def penalty(f: Any, x: Any) -> Any:
        return (func.grad(lambda x: f(x).sum())(x) ** 2).sum()

    def again(x: Any) -> Any:
        return checkpoint(plain, x)

    for run in (lambda f: penalty(f, x), torch.compile(lambda f: penalty(f, x))):
        (wanted,) = torch.autograd.grad(run(plain), [w])
        (found,) = torch.autograd.grad(run(again), [w])
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-13)


def test_checkpoints_in_checkpoints() -> None:
    x = tensor(5)

    def outer(x: Any) -> Any:
        return torch.cos(checkpoint(lambda y: torch.exp(torch.sin(y)), x * 2) + x)

    found = torch.compile(func.grad(lambda x: checkpoint(outer, x).sum()))(x)
    wanted = func.grad(lambda x: torch.cos(torch.exp(torch.sin(x * 2)) + x).sum())(x)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-14)


def test_nests_numbers_and_keywords() -> None:
    x, y = tensor(3), tensor(3)

    def f(pair: Any, scale: float, *, shift: Any) -> Any:
        return {"a": pair["x"] * scale + shift, "n": 3}, pair["y"]

    found = checkpoint(f, {"x": x, "y": y}, 2.0, shift=y, use_reentrant=False)
    np.testing.assert_allclose(found[0]["a"].numpy(), x.numpy() * 2 + y.numpy())
    assert found[0]["n"] == 3 and np.array_equal(found[1].numpy(), y.numpy())


def test_buffers_may_be_written_and_arguments_may_not() -> None:
    norm, x = torch.nn.BatchNorm1d(3), torch.randn(8, 3)
    other = torch.nn.BatchNorm1d(3)
    found, wanted = checkpoint(norm, x), other(x)
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy())
    np.testing.assert_allclose(norm.running_mean.numpy(), other.running_mean.numpy())
    assert norm.running_mean.abs().sum() > 0
    with pytest.raises(TypeError, match="expected a function that only reads its arguments, got one that writes to"):
        checkpoint(lambda x: x.add_(1), torch.ones(2))
    with pytest.raises(TypeError, match="expected writes of values without a history"):
        kept = torch.zeros(3)
        checkpoint(lambda x: kept.copy_(x * 2).sum(), torch.ones(3, requires_grad=True))


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"Unexpected keyword arguments: k\n  at .*test_checkpoint"):
        checkpoint(lambda x, k: x, tensor(2), k=1, use_reentrant=True)
    with pytest.raises(TracingError, match="checkpoint"):
        checkpoint(lambda x: x * 2 if x.sum() > 0 else x, tensor(2))


def test_sequences() -> None:
    layers, x = network(4, 8), torch.randn(5, 8)
    whole = torch.nn.Sequential(*layers)
    for segments in (1, 2, 3, 4):
        np.testing.assert_allclose(checkpoint_sequential(whole, segments, x).detach().numpy(), whole(x).detach().numpy())
        np.testing.assert_allclose(checkpoint_sequential(layers, segments, x).detach().numpy(), whole(x).detach().numpy())
