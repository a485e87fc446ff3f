"""A chain of operations, a step written by hand, and loops that look at a value in each iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from training.common import LOOPS, loop

__all__ = ["NAMES"]

OTHERS = frozenset(LOOPS)
"""The loops of modules imported before."""


@loop("chain of 1,000, recorded")
def recorded(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 1,000 operations on 8 elements, of which nothing is looked at."""
    x = torch.ones(8)

    def step() -> Any:
        y = x
        for _ in range(1000):
            y = y * 1.0001
        return 0.0

    return step


@loop("chain of 1,000, value")
def chain(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 1,000 operations on 8 elements and a look at the last one."""
    x = torch.ones(8)

    def step() -> Any:
        y = x
        for _ in range(1000):
            y = y * 1.0001
        return y[0].item()

    return step


@loop("six layers by hand")
def six(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return a step of six layers of 64, mean of squares, backward, SGD by hand."""
    rng = np.random.default_rng(0)
    weights = [torch.from_numpy((rng.standard_normal((64, 64)) / 8).astype(np.float32)).requires_grad_() for _ in range(6)]
    x = torch.from_numpy(rng.standard_normal((32, 64)).astype(np.float32))

    def step() -> Any:
        h = x
        for p in weights:
            h = torch.tanh(h @ p) + h * 0.5
        loss = (h**2).mean()
        loss.backward()
        with torch.no_grad():
            for p in weights:
                p -= 0.01 * p.grad
                p.grad = None
        return loss.item()

    return step


@loop("power iteration, a look each iteration")
def power(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 100 iterations of `x = tanh(A @ x)` that stop when the norm is small."""
    a = torch.from_numpy((np.random.default_rng(0).standard_normal((50, 50)) / 6).astype(np.float32))

    def step() -> Any:
        x = torch.ones(50)
        for _ in range(100):
            x = torch.tanh(a @ x)
            if x.norm() < 1e-9:
                break
        return x[0].item()

    return step


@loop("HMM forward pass, a look each iteration")
def hmm(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 100 steps of the forward algorithm with scaling, its log likelihood summed in Python."""
    rng = np.random.default_rng(0)
    transition = torch.from_numpy(rng.dirichlet(np.ones(8), 8).astype(np.float32))
    emission = torch.from_numpy(rng.dirichlet(np.ones(5), 8).astype(np.float32))
    seen = rng.integers(0, 5, 100).tolist()

    def step() -> Any:
        alpha = torch.ones(8) / 8
        total = 0.0
        for symbol in seen:
            alpha = (alpha @ transition) * emission[:, symbol]
            scale = alpha.sum()
            total += scale.log().item()
            alpha = alpha / scale
        return total

    return step


@loop("recurrent policy, a look each iteration")
def policy(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 50 steps of a recurrent policy whose actions are read, then a policy gradient."""
    rng = np.random.default_rng(0)
    w, u, v = (
        torch.from_numpy((rng.standard_normal(s) * 0.3).astype(np.float32)).requires_grad_()
        for s in ((4, 16), (16, 16), (16, 2))
    )

    def step() -> Any:
        h, state, logs = torch.zeros(16), torch.ones(4), []
        for t in range(50):
            h = torch.tanh(state @ w + h @ u)
            p = torch.log_softmax(h @ v, dim=0)
            action = int(p[0].item() < p[1].item())
            logs.append(p[action])
            state = torch.full((4,), 0.1 * action + 0.01 * t)
        loss = -torch.stack(logs).mean()
        loss.backward()
        value = loss.item()
        w.grad = u.grad = v.grad = None
        return value

    return step


@loop("Viterbi, a look each iteration")
def viterbi(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 50 steps of Viterbi's recursion that keep the best predecessors as lists."""
    rng = np.random.default_rng(0)
    transition = torch.from_numpy(np.log(rng.dirichlet(np.ones(6), 6)).astype(np.float32))
    emission = torch.from_numpy(np.log(rng.dirichlet(np.ones(5), 6)).astype(np.float32))
    seen = rng.integers(0, 5, 50).tolist()

    def step() -> Any:
        score, back = torch.zeros(6), []
        for symbol in seen:
            best, at = (score.unsqueeze(1) + transition).max(dim=0)
            back.append(at.tolist())
            score = best + emission[:, symbol]
        state = int(score.argmax())
        path = [state]
        for at in reversed(back):
            state = at[state]
            path.append(state)
        return float(sum(path)) + score.max().item()

    return step


@loop("buf[i] = row")
def buffer(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return 500 rows written into a buffer."""
    row = torch.ones(8)

    def step() -> Any:
        buf = torch.zeros(500, 8)
        for i in range(500):
            buf[i] = row * i
        return buf.sum().item()

    return step


NAMES = frozenset(LOOPS) - OTHERS
"""The loops of this module."""
