"""Classifiers and regressors: an MLP, a CNN with batch normalization, a U-Net, a physics-informed network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.common import batches, filled, loop

__all__: list[str] = []


@loop("MLP")
def mlp(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a classifier of three layers with Adam."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(64, 128)
            self.fc2 = nn.Linear(128, 128)
            self.fc3 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = nn.functional.relu(self.fc1(x))
            x = nn.functional.relu(self.fc2(x))
            return self.fc3(x)

    model = filled(torch, Net())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    data = batches(torch, 8, (32, 64), classes=10)

    def step() -> Any:
        x, y = data()
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@loop("CNN with BatchNorm")
def cnn(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a small convolutional classifier with SGD, momentum and a count of right answers."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 4 * 4, 10),
    )  # fmt: skip
    model = filled(torch, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    data = batches(torch, 8, (16, 1, 16, 16), classes=10)
    correct = 0

    def step() -> Any:
        nonlocal correct
        x, y = data()
        optimizer.zero_grad()
        output = model(x)
        loss = nn.functional.cross_entropy(output, y)
        loss.backward()
        optimizer.step()
        correct += (output.argmax(dim=1) == y).sum().item()
        return loss.item()

    return step


@loop("U-Net")
def unet(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of two levels down and up with skip connections, a mask as target."""
    nn = torch.nn

    def block(a: int, b: int) -> Any:
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.middle = block(1, 8), block(8, 16), block(16, 32)
            self.pool = nn.MaxPool2d(2)
            self.up2, self.dec2 = nn.ConvTranspose2d(32, 16, 2, stride=2), block(32, 16)
            self.up1, self.dec1 = nn.ConvTranspose2d(16, 8, 2, stride=2), block(16, 8)
            self.head = nn.Conv2d(8, 1, 1)

        def forward(self, x: Any) -> Any:
            d1 = self.down1(x)
            d2 = self.down2(self.pool(d1))
            m = self.middle(self.pool(d2))
            u2 = self.dec2(torch.cat([self.up2(m), d2], dim=1))
            u1 = self.dec1(torch.cat([self.up1(u2), d1], dim=1))
            return self.head(u1)

    model = filled(torch, UNet())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss()
    data = batches(torch, 4, (4, 1, 16, 16), (4, 1, 16, 16))

    def step() -> Any:
        x, y = data()
        loss = criterion(model(x), (y > 0).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@loop("PINN")
def pinn(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration for u'' = -sin(x) with both boundary values: gradients of gradients."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    model = filled(torch, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    edge = torch.tensor([[0.0], [3.0]])

    def step() -> Any:
        x = noise(64, 1).requires_grad_()
        u = model(x)
        du = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
        ddu = torch.autograd.grad(du, x, torch.ones_like(du), create_graph=True)[0]
        residual = ((ddu + torch.sin(x)) ** 2).mean()
        boundary = (model(edge) ** 2).mean()
        loss = residual + 10 * boundary
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
