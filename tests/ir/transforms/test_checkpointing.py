"""Scans in segments: gradients that store few states."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.ir.transforms import checkpointing
from graphc.ir.transforms.checkpointing import kept_states, segment_lengths
from graphc.utils.checkpoint import checkpoint
from tests.graphc.control_flow.memory import tensor


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
