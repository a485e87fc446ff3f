"""A variational autoencoder and two adversarial pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.common import batches, filled, loop

__all__: list[str] = []


@loop("VAE")
def vae(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a variational autoencoder with its reparametrization."""
    nn, F = torch.nn, torch.nn.functional

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.mu, self.logvar = nn.Linear(64, 64), nn.Linear(64, 8), nn.Linear(64, 8)
            self.fc3, self.fc4 = nn.Linear(8, 64), nn.Linear(64, 64)

        def forward(self, x: Any) -> Any:
            h = F.relu(self.fc1(x))
            mu, logvar = self.mu(h), self.logvar(h)
            std = torch.exp(0.5 * logvar)
            z = mu + noise(*std.shape) * std
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar

    model = filled(torch, VAE())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    data = batches(torch, 8, (32, 64))

    def step() -> Any:
        (x,) = data()
        x = torch.sigmoid(x)
        recon, mu, logvar = model(x)
        bce = F.binary_cross_entropy(recon, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = bce + kld
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _pair(torch: Any, last: list[Any]) -> tuple[Any, Any]:
    nn = torch.nn
    generator = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.Tanh())
    critic = nn.Sequential(nn.Linear(32, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), *last)
    return filled(torch, generator), filled(torch, critic)


@loop("GAN")
def gan(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a generator and a discriminator, each with its Adam."""
    generator, discriminator = _pair(torch, [torch.nn.Sigmoid()])
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = torch.nn.BCELoss()
    data = batches(torch, 8, (32, 32))

    def step() -> Any:
        (real,) = data()
        ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)
        fake = generator(noise(32, 16))
        opt_d.zero_grad()
        loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        loss_g = criterion(discriminator(fake), ones)
        loss_g.backward()
        opt_g.step()
        return loss_d.item() + loss_g.item()

    return step


@loop("WGAN-GP")
def wgan(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a critic with gradient penalty and, every second time, its generator."""
    generator, critic = _pair(torch, [])
    opt_g = torch.optim.RMSprop(generator.parameters(), lr=1e-4)
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9))
    data = batches(torch, 8, (32, 32))
    count = 0

    def step() -> Any:
        nonlocal count
        (real,) = data()
        with torch.no_grad():
            fake = generator(noise(32, 16))
        mix = torch.sigmoid(noise(32, 1))
        between = (mix * real + (1 - mix) * fake).requires_grad_(True)
        score = critic(between)
        (slope,) = torch.autograd.grad(score, between, torch.ones_like(score), create_graph=True, retain_graph=True)
        penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
        loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
        opt_c.zero_grad()
        loss.backward()
        opt_c.step()
        count += 1
        if count % 2 == 0:
            opt_g.zero_grad()
            loss_g = -critic(generator(noise(32, 16))).mean()
            loss_g.backward()
            opt_g.step()
        return loss.item()

    return step
