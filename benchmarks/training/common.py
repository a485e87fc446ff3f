"""What the loops share: the library as an argument, weights and data that are the same in each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

__all__ = ["LOOPS", "CompiledModels", "Loop", "batches", "filled", "loop"]

Loop = Callable[[Any, Callable[..., Any]], Callable[[], Any]]
"""A function of a library and of its source of noise, a function of a shape; returns one iteration, which returns its loss."""

LOOPS: dict[str, Loop] = {}
"""All loops by name."""


def loop(name: str) -> Callable[[Loop], Loop]:
    """Register a loop under a name."""

    def register(function: Loop) -> Loop:
        LOOPS[name] = function
        return function

    return register


class CompiledModels:
    """A library whose models are compiled, while loss, `backward` and optimizer stay outside."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


def filled(torch: Any, module: Any) -> Any:
    """Return the module with weights that are the same in each library."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in module.parameters():
            fan = p.shape[1:].numel() if len(p.shape) > 1 else 100
            p.copy_(torch.from_numpy(rng.standard_normal(tuple(p.shape)).astype(np.float32) / fan**0.5))
    return torch.compile(module) if isinstance(torch, CompiledModels) else module


def batches(torch: Any, count: int, *shapes: tuple[int, ...], classes: int = 0) -> Callable[[], tuple[Any, ...]]:
    """Return a function that gives `count` batches, over and over: floats, and for `classes` also labels."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        batch = [torch.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]
        if classes:
            batch.append(torch.from_numpy(rng.integers(0, classes, shapes[0][0])))
        made.append(tuple(batch))
    return cycle(made).__next__
