"""The UCI optical digits, which are part of the package (`DIGITS.md` gives their source)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "batches", "load"]


class Digits(NamedTuple):
    """Images, f32 in [0, 1] of shape (n, 64), and labels, i64 of shape (n,), for training and testing."""

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]


def load(seed: int = 0) -> Digits:
    """Load the digits, shuffled by a seed; four fifths are training data."""
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        pixels, labels = file["pixels"], file["labels"]
    order = np.random.default_rng(seed).permutation(len(labels))
    x, y = pixels[order].astype(np.float32) / 16, labels[order].astype(np.int64)
    held_out = len(labels) // 5
    return Digits(x[held_out:], y[held_out:], x[:held_out], y[:held_out])


def batches(x: NDArray[Any], y: NDArray[Any], size: int, rng: np.random.Generator) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return full batches of the rows of `x` and `y` in an order drawn from `rng`; an incomplete last batch is dropped."""
    order = rng.permutation(len(x))
    starts = range(0, len(x) - size + 1, size)
    return [(x[order[s : s + size]], y[order[s : s + size]]) for s in starts]
