"""The base classes of losses."""

from __future__ import annotations

from typing import Any

from graphc.nn.module import Module

__all__ = ["Loss", "WeightedLoss"]


class Loss(Module):
    """A loss with a reduction: "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with weights, which belong to the state."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
