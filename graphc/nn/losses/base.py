"""The base classes of losses."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.nn.layers.base import FunctionModule

__all__ = ["Loss", "WeightedLoss"]


class Loss(FunctionModule):
    """A loss with a reduction: "mean", "sum" or "none"."""

    options: ClassVar[tuple[str, ...]] = ("reduction",)

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or the batch of target is not that of input.
            RuntimeError: if the shapes do not broadcast.
            IndexError: if a class index is out of range.
        """
        return self._call(input, target)


class WeightedLoss(Loss):
    """A loss with weights, which belong to the state."""

    options: ClassVar[tuple[str, ...]] = ("weight", "reduction")

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
