"""The main program's model in plain NumPy, with hand-written gradients: the reference for timing and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NumpyMLP"]

Array = NDArray[Any]


class NumpyMLP:
    """Two linear layers with a ReLU between, cross-entropy, Adam; parameters as `nn.Linear` orders them."""

    def __init__(self, parameters: Sequence[Array], lr: float) -> None:
        self.parameters = [np.array(p) for p in parameters]
        self.means = [np.zeros_like(p) for p in self.parameters]
        self.squares = [np.zeros_like(p) for p in self.parameters]
        self.lr, self.steps = lr, 0

    def step(self, x: Array, y: Array) -> float:
        """Take one step on a batch, (n, inputs) with labels (n,); return the loss before the step."""
        loss, gradients = self.gradients(x, y)
        self.adam(gradients)
        return loss

    def gradients(self, x: Array, y: Array) -> tuple[float, list[Array]]:
        """Return the mean cross-entropy and its gradient with respect to each parameter."""
        w1, b1, w2, b2 = self.parameters
        hidden = np.maximum(x @ w1.T + b1, 0)
        logits = hidden @ w2.T + b2
        logits -= logits.max(axis=1, keepdims=True)
        exps = np.exp(logits)
        totals = exps.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = float(np.mean(np.log(totals[:, 0]) - logits[rows, y]))
        by_logits = exps / totals
        by_logits[rows, y] -= 1
        by_logits /= len(y)
        by_hidden = by_logits @ w2
        by_hidden[hidden <= 0] = 0
        return loss, [by_hidden.T @ x, by_hidden.sum(axis=0), by_logits.T @ hidden, by_logits.sum(axis=0)]

    def adam(self, gradients: Sequence[Array], beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        """Update the parameters.  Source: Kingma and Ba (2015), in torch's order of operations."""
        self.steps += 1
        size = self.lr / (1 - beta1**self.steps)
        root = (1 - beta2**self.steps) ** 0.5
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean *= beta1
            mean += (1 - beta1) * g
            square *= beta2
            square += (1 - beta2) * g * g
            p -= size * mean / (np.sqrt(square) / root + eps)
