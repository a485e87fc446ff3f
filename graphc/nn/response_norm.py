"""Normalization of each element by neighbouring channels."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.ops.resampling.padding import pad
from graphc.tensors.tensor import Tensor

__all__ = ["local_response_norm"]


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide each element by (k + alpha * mean of squares of neighbouring channels)^beta.

    Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks" (2012).

    Args:
        input: floating-point tensor (N, C, L, …).
        size: number of neighbouring channels, the element's own among them; channels beyond the edge count as 0.
        alpha: factor of the mean.
        beta: exponent.
        k: summand.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if input has fewer than three axes.

    Example:
        >>> F.local_response_norm(graphc.tensor([[[1.0], [2.0], [3.0]]]), 3, alpha=3.0, beta=1.0)
        tensor([[[0.1667],
                 [0.1333],
                 [0.2143]]])
    """
    if input.dim() < 3:
        raise located(ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)"))
    if not input.numel():
        return input
    squares: Any = pad(input * input, [0, 0] * (input.dim() - 2) + [size // 2, (size - 1) // 2])
    means = squares.unfold(1, size, 1).sum(-1) / size
    result: Tensor = input / (means * alpha + k) ** beta
    return result
