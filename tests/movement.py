"""Random chains of movement for tests, extents 0 and 1 included."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import I64, TensorType

KINDS = ("permute", "reshape", "broadcast", "slice", "flip", "pad", "interior")
EXTENTS = (0, 1, 1, 2, 3, 4, 6)


def param(*shape: int) -> Node:
    return parameter(TensorType(I64, shape), "x")


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape)


def moved(rng: random.Random, x: Node, fill: Node, kinds: Sequence[str] = KINDS) -> Node:
    """Apply a random movement of some kinds."""
    rank = x.type.rank
    kind = rng.choice(kinds)
    if kind == "permute":
        return build.permute(x, rng.sample(range(rank), rank))
    if kind == "reshape":
        return build.reshape(x, reshaped(rng, x.shape))
    if kind == "broadcast":
        shape = list(x.shape)
        places = sorted(rng.sample(range(rank + 1), 1))
        for at in places:
            shape.insert(at, rng.choice(EXTENTS))
        return build.broadcast(x, tuple(shape), [a for a in range(rank + 1) if a not in places]) if rank < 4 else x
    if kind == "slice":
        start = [rng.randint(0, n) for n in x.shape]
        stop = [rng.randint(a, n) for a, n in zip(start, x.shape, strict=True)]
        return build.slice_(x, start, stop, [rng.choice((1, 1, 2, 3)) for _ in x.shape])
    if kind == "flip":
        return build.flip(x, [a for a in range(rank) if rng.random() < 0.5])
    interior = [rng.choice((0, 0, 1, 2)) if kind == "interior" else 0 for _ in x.shape]
    return build.pad(x, [rng.randint(0, 2) for _ in x.shape], [rng.randint(0, 2) for _ in x.shape], interior, fill)


def reshaped(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return another shape of as many elements: axes merged, split at a divisor, units put between."""
    size, result = int(np.prod(shape, dtype=int)), []
    if size == 0:
        return tuple(rng.sample(shape, len(shape)))
    while size > 1:
        n = rng.choice([d for d in range(2, size + 1) if size % d == 0])
        result.append(n)
        size //= n
    for _ in range(rng.choice((0, 0, 1))):
        result.insert(rng.randint(0, len(result)), 1)
    return tuple(result)
