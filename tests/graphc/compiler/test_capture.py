"""Arguments that alias state or each other."""

from __future__ import annotations

import random
from typing import Any

import pytest

import graphc as torch
from graphc.tensors.tensor import Tensor

PICKS = [
    lambda s: (torch.ones(4), torch.ones(4)),
    lambda s: (s[0], torch.ones(4)),
    lambda s: (s[0], s[0]),
    lambda s: (torch.ones(4), s[1]),
    lambda s: (s[0].detach(), s[1]),
    lambda s: (s[2][0], s[2][1]),
    lambda s: (s[2][0], s[2][0]),
    lambda s: (s[0][:], s[2][1]),
    lambda s: (s[1], s[0].view(4)),
    lambda s: (torch.ones(4), torch.ones(4)),
]


@pytest.mark.parametrize("seed", range(12))
def test_arguments_that_share_storage_with_state_and_with_each_other(seed: int):
    def states() -> list[Tensor]:
        return [torch.arange(4.0), torch.arange(4.0) + 1, torch.ones(3, 4)]

    writes = random.Random(seed).sample(["state", "row", "first", "second", "none", "twice"], 3)

    def function(s: list[Tensor]) -> Any:
        def f(x: Tensor, y: Tensor) -> Tensor:
            out = x * 2 + y
            if "state" in writes:
                s[0].add_(1)
            if "row" in writes:
                s[2][1].mul_(3)
            if "first" in writes:
                x.add_(y)
            if "second" in writes:
                y[1:3].sub_(x[:2])
            if "twice" in writes:
                s[1].copy_(s[0] + x)
            return out + x * 3 + y * 5 + s[0] + s[1] + s[2].sum(0)

        return f

    for order in range(3):
        picks = PICKS[:]
        random.Random(seed * 10 + order).shuffle(picks)
        a, b = states(), states()
        compiled, plain = torch.compile(function(a)), function(b)
        for pick in picks:
            assert compiled(*pick(a)).tolist() == plain(*pick(b)).tolist()
            assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_gradients_of_arguments_that_are_state():
    def step(w: Tensor) -> Any:
        def f(x: Tensor) -> Tensor:
            loss = (w * x).sum()
            loss.backward()
            return loss.detach()

        return f

    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    compiled, plain = torch.compile(step(a)), step(b)
    for pick in (lambda w: torch.ones(2), lambda w: w, lambda w: torch.ones(2), lambda w: w):
        assert compiled(pick(a)).tolist() == plain(pick(b)).tolist()
        assert a.grad.tolist() == b.grad.tolist()
    with pytest.raises(torch.TracingError, match="leads into the history of a tensor made outside"):
        compiled(a * 2)
    g = torch.compile(lambda x, y: torch.autograd.grad((x * y).sum(), x)[0])
    assert g(a, a).tolist() == [2, 4] and g(a, a.detach()).tolist() == [1, 2] and g(a, torch.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize("order", [["share", "", "apart", "share"], ["apart", "share", "", "apart"], ["view", "apart", "view"]])
def test_gradients_that_are_one_tensor(order: list[str]) -> None:
    def outcome(run: Any) -> list[Any]:
        p, q, found = torch.nn.Parameter(torch.tensor([1.0, 2.0])), torch.nn.Parameter(torch.tensor([3.0, 4.0])), []
        f = run(lambda x: (p * x + q * q * x).sum().backward())
        for step in order:
            base = torch.tensor([1.0, 1.0])
            if step == "share":
                p.grad = q.grad = base
            elif step:
                p.grad, q.grad = base.view(2), base.detach() if step == "view" else torch.tensor([2.0, 2.0])
            f(torch.tensor([2.0, 3.0]))
            found += [p.grad.tolist(), q.grad.tolist()]
        return found

    assert outcome(torch.compile) == outcome(lambda f: f)


def test_requires_grad_set_inside_stays() -> None:
    def outcome(run: Any) -> list[Any]:
        p, found = torch.nn.Parameter(torch.tensor([1.0, 2.0])), []

        def frozen(x: Any) -> Any:
            p.requires_grad_(False)
            return x * p

        def back(x: Any) -> Any:
            y = frozen(x)
            p.requires_grad_()
            return y

        def leaf(x: Any) -> Any:
            x.requires_grad_()
            (gradient,) = torch.autograd.grad((x * x * p).sum(), x)
            return gradient

        for f in (back, frozen, leaf, back, leaf):
            x = torch.tensor([3.0, 4.0])
            y = run(f)(x)
            found.append((y.tolist(), p.tolist(), p.requires_grad, x.requires_grad))
            (x * p.detach().requires_grad_()).sum().backward()
            found.append(None if x.grad is None else x.grad.tolist())
        return found

    assert outcome(torch.compile) == outcome(lambda f: f)
