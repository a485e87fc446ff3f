"""Models of sequences: a character RNN written by hand, a small GPT, a vision transformer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from training.common import batches, filled, loop

__all__: list[str] = []

VOCABULARY = 40


def _texts(torch: Any, count: int, batch: int, length: int) -> Callable[[], tuple[Any, Any]]:
    rng = np.random.default_rng(2)
    texts = [torch.from_numpy(rng.integers(0, VOCABULARY, (batch, length + 1))) for _ in range(count)]
    following = cycle(texts)

    def draw() -> tuple[Any, Any]:
        text = next(following)
        return text[:, :-1], text[:, 1:]

    return draw


@loop("char RNN")
def char_rnn(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a recurrent cell over 20 characters, with clipped gradients."""
    nn = torch.nn

    class RNN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(VOCABULARY, 32)
            self.i2h = nn.Linear(32 + 64, 64)
            self.h2o = nn.Linear(64, VOCABULARY)

        def forward(self, x: Any) -> Any:
            h = torch.zeros(x.shape[0], 64)
            out = []
            e = self.embed(x)
            for t in range(x.shape[1]):
                h = torch.tanh(self.i2h(torch.cat([e[:, t], h], dim=1)))
                out.append(self.h2o(h))
            return torch.stack(out, dim=1)

    model = filled(torch, RNN())
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    data = _texts(torch, 8, 16, 20)

    def step() -> Any:
        x, y = data()
        logits = model(x)
        loss = nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def block(torch: Any, width: int, heads: int, length: int, causal: bool) -> Any:
    """Return a transformer block: attention and an MLP, each behind a normalization and around a residual."""
    nn, F = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)
            self.proj = nn.Linear(width, width)
            self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

        def forward(self, x: Any) -> Any:
            b, t, c = x.size()
            q, k, v = self.qkv(x).split(c, dim=2)
            q, k, v = (z.view(b, t, heads, c // heads).transpose(1, 2) for z in (q, k, v))
            scores = (q @ k.transpose(-2, -1)) * (c // heads) ** -0.5
            if causal:
                scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
            return self.proj(y.transpose(1, 2).contiguous().view(b, t, c))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.attn = nn.LayerNorm(width), Attention()
            self.ln2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    return Block()


@loop("minGPT")
def gpt(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a GPT of two layers with AdamW on two groups of parameters."""
    nn, F = torch.nn, torch.nn.functional
    length, width = 32, 64

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tok, self.pos = nn.Embedding(VOCABULARY, width), nn.Embedding(length, width)
            self.blocks = nn.ModuleList([block(torch, width, 4, length, True) for _ in range(2)])
            self.ln = nn.LayerNorm(width)
            self.head = nn.Linear(width, VOCABULARY, bias=False)

        def forward(self, idx: Any, targets: Any) -> Any:
            x = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
            for block in self.blocks:
                x = block(x)
            logits = self.head(self.ln(x))
            return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))

    model = filled(torch, GPT())
    decay = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95))
    data = _texts(torch, 8, 8, length)

    def step() -> Any:
        x, y = data()
        _, loss = model(x, y)
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


@loop("ViT")
def vit(torch: Any, noise: Callable[..., Any]) -> Callable[[], Any]:
    """Return an iteration of a transformer over 16 patches of an image, with a class token."""
    nn = torch.nn
    width = 48

    class ViT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(1, width, 4, stride=4)
            self.cls = nn.Parameter(torch.zeros(1, 1, width))
            self.pos = nn.Parameter(torch.zeros(1, 17, width))
            self.blocks = nn.Sequential(*[block(torch, width, 4, 17, False) for _ in range(2)])
            self.head = nn.Linear(width, 10)

        def forward(self, x: Any) -> Any:
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
            return self.head(self.blocks(x)[:, 0])

    model = filled(torch, ViT())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.99)
    data = batches(torch, 8, (8, 1, 16, 16), classes=10)

    def step() -> Any:
        x, y = data()
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        return loss.item()

    return step
