"""Learning to learn and learning from rewards: MAML and DQN."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from training.common import filled, loop

__all__: list[str] = []


@loop("MAML")
def maml(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration over four tasks of sine curves, two inner steps each, differentiated through."""
    nn, F = torch.nn, torch.nn.functional
    model = filled(torch, nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(3)

    def forward(x: Any, w: list[Any]) -> Any:
        x = F.relu(F.linear(x, w[0], w[1]))
        x = F.relu(F.linear(x, w[2], w[3]))
        return F.linear(x, w[4], w[5])

    def task() -> tuple[Any, Any, Any, Any]:
        amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, 3.14)
        x = rng.uniform(-5, 5, (20, 1)).astype(np.float32)
        y = (amplitude * np.sin(x - phase)).astype(np.float32)
        return torch.tensor(x[:10]), torch.tensor(y[:10]), torch.tensor(x[10:]), torch.tensor(y[10:])

    def step() -> Any:
        optimizer.zero_grad()
        total = 0.0
        for _ in range(4):
            x, y, x_test, y_test = task()
            weights = list(model.parameters())
            for _ in range(2):
                loss = F.mse_loss(forward(x, weights), y)
                grads = torch.autograd.grad(loss, weights, create_graph=True)
                weights = [w - 0.01 * g for w, g in zip(weights, grads)]  # noqa: B905
            total = total + F.mse_loss(forward(x_test, weights), y_test)
        total.backward()
        optimizer.step()
        return total.item()

    return step


@loop("DQN")
def dqn(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of Q-learning: an action, a batch from the memory, a target network that follows slowly."""
    nn, F = torch.nn, torch.nn.functional
    policy = filled(torch, nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)))
    target = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
    rng = np.random.default_rng(4)
    states = rng.standard_normal((500, 4)).astype(np.float32)
    actions, rewards = rng.integers(0, 2, 500), rng.standard_normal(500).astype(np.float32)
    state = states[0]
    batch = [torch.tensor(v) for v in (states[:32], actions[:32], rewards[:32], states[1:33])]

    def learn(s: Any, a: Any, r: Any, after: Any) -> Any:
        q = policy(s).gather(1, a.unsqueeze(1))
        with torch.no_grad():
            best = target(after).max(1).values
        loss = F.smooth_l1_loss(q, (r + 0.99 * best).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(policy.parameters(), 100)
        optimizer.step()
        with torch.no_grad():
            for p, t in zip(policy.parameters(), target.parameters()):  # noqa: B905
                t.mul_(0.995).add_(p, alpha=0.005)
        return loss

    def step() -> Any:
        nonlocal state
        with torch.no_grad():
            action = policy(torch.tensor(state).unsqueeze(0)).max(1).indices.item()
        state = states[(int(abs(state[0]) * 100) + action) % 500]
        at = rng.integers(0, 499, 32)
        return learn(*(torch.tensor(v) for v in (states[at], actions[at], rewards[at], states[at + 1]))).item()

    step.whole = lambda: learn(*batch)  # type: ignore[attr-defined]  # what can be compiled: a look chooses the action
    return step
