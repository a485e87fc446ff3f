"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """Compute the cosine of the angle between vectors: x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)).

    Args:
        dim: axis along which the vectors lie.
        eps: smallest length that is divided by.

    Shapes:
        Input: two tensors whose shapes broadcast. Output: the broadcast shape without dim.

    Example:
        >>> nn.CosineSimilarity()(graphc.tensor([[1.0, 0.0]]), graphc.tensor([[1.0, 1.0]]))
        tensor([0.7071])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Compare vectors along the axis.

        Args:
            x1: tensor.
            x2: tensor whose shape broadcasts with that of x1.

        Returns:
            Tensor of the broadcast shape without the axis.
        """
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """Compute the p-norm of x1 - x2 + eps over the last axis.

    Args:
        p: order of the norm.
        eps: number added to every difference.
        keepdim: whether the last axis stays, with extent 1.

    Shapes:
        Input: two tensors (…, D) whose shapes broadcast. Output: (…), with keepdim (…, 1).

    Example:
        >>> nn.PairwiseDistance(eps=0.0)(graphc.tensor([[3.0, 4.0]]), graphc.tensor([[0.0, 0.0]]))
        tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """Measure along the last axis.

        Args:
            x1: tensor (…, D).
            x2: tensor whose shape broadcasts with that of x1.

        Returns:
            Tensor of the broadcast shape without the last axis, or with extent 1 there.
        """
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
