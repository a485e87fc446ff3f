"""Larger steps, of which the first call of the compiled step is measured: a ResNet, a deep transformer, a long RNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.common import batches, filled, loop
from training.sequences import block

__all__ = ["NAMES"]

NAMES = ["ResNet", "transformer of 12 layers", "RNN loop of 200 steps"]


@loop(NAMES[0])
def resnet(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a residual network of eight blocks in four stages with SGD."""
    nn, F = torch.nn, torch.nn.functional

    class Residual(nn.Module):
        def __init__(self, a: int, b: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
            self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
            self.short = nn.Sequential()
            if stride != 1 or a != b:
                self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + self.short(x))

    stages = [(8, 8, 1), (8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        *[Residual(*stage) for stage in stages],
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    filled(torch, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    data = batches(torch, 2, (4, 3, 32, 32), classes=10)

    def step() -> Any:
        x, y = data()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@loop(NAMES[1])
def transformer(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a transformer of twelve layers with Adam."""
    nn, width = torch.nn, 64
    model = nn.Sequential(*[block(torch, width, 4, 16, True) for _ in range(12)], nn.LayerNorm(width), nn.Linear(width, 10))
    filled(torch, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    data = batches(torch, 2, (4, 16, width), classes=10)

    def step() -> Any:
        x, y = data()
        loss = nn.functional.cross_entropy(model(x)[:, -1], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@loop(NAMES[2])
def rnn(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a recurrent cell over 200 steps in a Python loop."""
    nn = torch.nn
    cell, head = filled(torch, nn.Linear(8 + 32, 32)), filled(torch, nn.Linear(32, 1))
    optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=1e-3)
    data = batches(torch, 2, (16, 200, 8), (16, 1))

    def step() -> Any:
        x, y = data()
        h = torch.zeros(16, 32)
        for t in range(x.shape[1]):
            h = torch.tanh(cell(torch.cat([x[:, t], h], dim=1)))
        loss = ((head(h) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
