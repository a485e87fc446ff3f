"""Normalization of each element by neighbouring channels."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.base import FunctionModule

__all__ = ["LocalResponseNorm"]


class LocalResponseNorm(FunctionModule):
    """Divide each element by (k + alpha * mean of squares of neighbouring channels)^beta.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks" (2012).

    Args:
        size: number of neighbouring channels, the element's own among them.
        alpha: factor of the mean.
        beta: exponent.
        k: summand.

    Shapes:
        Input: (N, C, L, …). Output: the same.

    Example:
        >>> nn.LocalResponseNorm(2)(graphc.ones(2, 4, 5)).shape
        torch.Size([2, 4, 5])
    """

    function = staticmethod(F.local_response_norm)
    options = ("size", "alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """Normalize.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return self._call(input)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
