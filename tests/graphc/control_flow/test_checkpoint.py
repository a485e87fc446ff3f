"""Time for memory: checkpoints and scans in segments give the same gradients from less memory."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.core.errors import TracingError
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.transforms import checkpointing
from graphc.ir.transforms.checkpointing import kept_states, segment_lengths
from graphc.utils.checkpoint import checkpoint, checkpoint_sequential
from tests.targets import TARGET

rng = np.random.default_rng(0)


def tensor(*shape: int) -> Any:
    return torch.tensor(rng.uniform(-1, 1, shape))


# -- checkpoint ---------------------------------------------------------------------------------------------


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


# -- scans --------------------------------------------------------------------------------------------------


def test_documented_examples() -> None:
    assert doctest.testmod(checkpointing).failed == 0


@pytest.mark.parametrize("length", [1, 3, 10, 97, 100, 1000, 4096, 9973])
def test_segments_keep_the_budget(length: int) -> None:
    for budget in (32, 64, 200):
        lengths = segment_lengths(length, budget)
        assert kept_states(length, lengths) <= budget
        assert all(a > b for a, b in zip([length, *lengths], lengths, strict=False))
    assert kept_states(length, segment_lengths(length, None)) <= 2.5 * length**0.5 + 2


def test_budgets_that_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"expected a budget of at least \d+ states for 1000 steps, got 5"):
        segment_lengths(1000, 5)
    with pytest.raises(ValueError, match=r"scan\(f\): expected a budget of at least .*\n  at .*test_checkpoint"):

        def f(c: Any, _: Any) -> Any:
            return c, None

        torch.scan(f, tensor(2), length=1000, checkpoint=5)
    with pytest.raises(TypeError, match="expected checkpoint to be a bool or a number of states to keep, got 'yes'"):
        torch.scan(f, tensor(2), length=10, checkpoint="yes")


def rollout(steps: int, keep: Any, *, reverse: bool = False) -> Any:
    """Return a loss over a recurrence with items, a closure, stacked results and a random number a step."""

    def loss(w: Any, start: Any, xs: Any) -> Any:
        def body(c: Any, x: Any) -> Any:
            new = torch.tanh(c * w + x) + 0.01 * torch.rand(c.shape, dtype=c.dtype)
            return new, new.sum()

        last, sums = torch.scan(body, start, xs, reverse=reverse, checkpoint=keep)
        return (last**2).sum() + (sums * torch.arange(steps)).mean()

    return loss


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [12, 97, 100])
@pytest.mark.parametrize("width", [3, 40])
def test_scans_in_segments_have_the_same_gradients(width: int, steps: int, reverse: bool) -> None:
    args = tensor(width), tensor(width), tensor(steps, width)
    found = []
    for keep in (False, True, 20):
        for wrap in (torch.compile, lambda f: f):
            torch.manual_seed(0)
            run = wrap(func.grad_and_value(rollout(steps, keep, reverse=reverse), argnums=(0, 1, 2)))
            gradients, value = run(*args)
            found.append([value.numpy(), *(g.numpy() for g in gradients), torch.rand(1).numpy()])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_gradients_in_segments_agree_with_finite_differences() -> None:
    w, start, xs = tensor(2), tensor(2), tensor(30, 2)
    loss = rollout(30, 12)

    def at(w: Any) -> float:
        torch.manual_seed(0)
        return float(loss(w, start, xs))

    torch.manual_seed(0)
    found = func.grad(loss)(w, start, xs).numpy()
    for i in range(2):
        h = torch.tensor(np.eye(2)[i] * 1e-6)
        assert found[i] == pytest.approx((at(w + h) - at(w - h)) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("width", [3, 64])
def test_a_thousand_steps_under_a_budget_of_32_states(width: int) -> None:
    """Peak memory is below an eighth of the plain gradient's."""
    start, w = tensor(width), tensor(width)

    def loss(keep: Any) -> Any:
        def run(start: Any, w: Any) -> Any:
            last, _ = torch.scan(lambda c, _: (torch.sin(c * w) + c, None), start, length=1000, checkpoint=keep)
            return last.sum()

        return torch.compile(func.grad(run, argnums=(0, 1)))

    plain, short = loss(False), loss(32)
    for a, b in zip(plain(start, w), short(start, w), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    kept = [f.lower(start, w).cost().arena_bytes for f in (plain, short, loss(True))]
    assert kept[1] < kept[0] / 8
    assert kept[2] < kept[0] / 8


def test_items_and_their_gradients_are_not_copied() -> None:
    """With sequences too the arena holds the kept states and little else."""
    args = tensor(32), tensor(32), tensor(1000, 32)

    def loss(keep: Any) -> Any:
        def run(w: Any, start: Any, xs: Any) -> Any:
            last, _ = torch.scan(lambda c, x: (torch.tanh(c * w + x), None), start, xs, checkpoint=keep)
            return last.sum()

        return torch.compile(func.grad(run, argnums=(0, 1, 2)))

    plain, short = (loss(keep).lower(*args).cost().arena_bytes for keep in (False, 32))
    assert short < plain / 8


def test_second_derivatives_of_scans_in_segments() -> None:
    w, start, xs = tensor(2), tensor(2), tensor(12, 2)

    def plain(keep: Any) -> Any:
        def run(w: Any) -> Any:
            last, _ = torch.scan(lambda c, x: (torch.sin(c * w + x), None), start, xs, checkpoint=keep)
            return last.sum()

        return func.grad(lambda w: (func.grad(run)(w) ** 2).sum())(w)

    np.testing.assert_allclose(plain(8).numpy(), plain(False).numpy(), rtol=1e-12)


@pytest.mark.parametrize("wrap", [torch.compile, lambda f: f])
def test_transforms_go_through_checkpoints(wrap: Any) -> None:
    x, v = tensor(6), tensor(6)

    def plain(x: Any) -> Any:
        return torch.sin(x * 2) * x

    def again(x: Any) -> Any:
        return checkpoint(plain, x)

    for transformed in (
        lambda f: wrap(lambda x, v: func.jvp(f, (x,), (v,))[1])(x, v),
        lambda f: wrap(func.vmap(func.grad(f)))(x),
        lambda f: wrap(func.hessian(lambda x: f(x).sum()))(x),
        lambda f: wrap(func.jacrev(func.jacrev(lambda x: f(x).sum())))(x),
    ):
        np.testing.assert_allclose(transformed(again).numpy(), transformed(plain).numpy(), rtol=1e-12, atol=1e-14)
