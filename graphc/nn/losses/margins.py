"""Losses of margins and of embeddings."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.losses.base import Loss, WeightedLoss

__all__ = [
    "CosineEmbeddingLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "MultiLabelSoftMarginLoss",
    "MultiMarginLoss", "TripletMarginLoss",
]  # fmt: skip


class MarginRankingLoss(Loss):
    """Compute the mean of max(0, -target * (input1 - input2) + margin).

    Args:
        margin: difference that is wanted.
        reduction: "mean", "sum" or "none".

    Shapes:
        Inputs: any of one rank; target: 1 and -1. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.MarginRankingLoss()(graphc.tensor([1.0]), graphc.tensor([2.0]), graphc.tensor([1.0]))
        tensor(1.)
    """

    function = staticmethod(F.margin_ranking_loss)
    options = (
        "margin",
        "reduction",
    )

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:  # type: ignore[override]
        """Return the loss.

        Args:
            input1: tensor of the shape that the class describes.
            input2: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input1, input2, target)


class HingeEmbeddingLoss(Loss):
    """Compute the mean of input where target is 1, and of max(0, margin - input) where it is -1.

    Args:
        margin: difference that is wanted.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: 1 and -1. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.HingeEmbeddingLoss()(graphc.tensor([0.5, 0.25]), graphc.tensor([1.0, -1.0]))
        tensor(0.6250)
    """

    function = staticmethod(F.hinge_embedding_loss)
    options = (
        "margin",
        "reduction",
    )

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input, target)


class CosineEmbeddingLoss(Loss):
    """Compute the mean of 1 - cos where target is 1, and of max(0, cos - margin) where it is -1.

    Args:
        margin: difference that is wanted.
        reduction: "mean", "sum" or "none".

    Shapes:
        Inputs: (N, D) or (D,); target: (N,) or (). Output: 0-d, or with "none" (N,).

    Example:
        >>> nn.CosineEmbeddingLoss()(graphc.ones(2, 3), -graphc.ones(2, 3), graphc.tensor([1.0, 1.0]))
        tensor(2.)
    """

    function = staticmethod(F.cosine_embedding_loss)
    options = (
        "margin",
        "reduction",
    )

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:  # type: ignore[override]
        """Return the loss.

        Args:
            input1: tensor of the shape that the class describes.
            input2: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input1, input2, target)


class TripletMarginLoss(Loss):
    """Compute the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Args:
        margin: difference that is wanted.
        p: the order of the norm, or the power.
        eps: added to the differences, or the least variance.
        swap: whether the distance of positive and negative counts if it is smaller.
        reduction: "mean", "sum" or "none".

    Shapes:
        Inputs: (N, D) or (D,). Output: 0-d, or with "none" (N,).

    Example:
        >>> nn.TripletMarginLoss()(graphc.zeros(1, 2), graphc.zeros(1, 2), graphc.tensor([[0.3, 0.4]]))
        tensor(0.5000)
    """

    function = staticmethod(F.triplet_margin_loss)
    options = (
        "margin",
        "p",
        "eps",
        "swap",
        "reduction",
    )

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:  # type: ignore[override]
        """Return the loss.

        Args:
            anchor: tensor of the shape that the class describes.
            positive: tensor of the shape that the class describes.
            negative: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(anchor, positive, negative)


class MultiMarginLoss(WeightedLoss):
    """Compute the mean of sum over j of max(0, margin - input[target] + input[j])^p / C, for all j but the target.

    Args:
        p: the order of the norm, or the power.
        margin: difference that is wanted.
        weight: factors of the classes (C,), or None.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: (N, C) or (C,); target: (N,) or (). Output: 0-d, or with "none" (N,).

    Example:
        >>> nn.MultiMarginLoss()(graphc.tensor([[0.1, 0.2, 0.4]]), graphc.tensor([2]))
        tensor(0.5000)
    """

    function = staticmethod(F.multi_margin_loss)
    options = (
        "p",
        "margin",
        "weight",
        "reduction",
    )

    def __init__(self, p: float = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input, target)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Compute the mean binary cross-entropy of logits over the classes of each row.

    Args:
        weight: factors of the classes (C,), or None.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input and target: (N, C). Output: 0-d, or with "none" (N,).

    Example:
        >>> nn.MultiLabelSoftMarginLoss()(graphc.zeros(1, 2), graphc.tensor([[0.0, 1.0]]))
        tensor(0.6931)
    """

    function = staticmethod(F.multilabel_soft_margin_loss)
    options = (
        "weight",
        "reduction",
    )

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input, target)


class GaussianNLLLoss(Loss):
    """Compute the mean of (log(var) + (input - target)^2 / var) / 2.

    Args:
        full: whether to add log(2 pi) / 2.
        eps: added to the differences, or the least variance.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it; var: that of input, or without the last axis. Output: 0-d, or
        with "none" the broadcast shape.

    Example:
        >>> nn.GaussianNLLLoss()(graphc.tensor([1.0]), graphc.tensor([3.0]), graphc.tensor([1.0]))
        tensor(2.)
    """

    function = staticmethod(F.gaussian_nll_loss)
    options = (
        "full",
        "eps",
        "reduction",
    )

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Any:  # type: ignore[override]
        """Return the loss.

        Args:
            input: tensor of the shape that the class describes.
            target: tensor of the shape that the class describes.
            var: tensor of the shape that the class describes.

        Returns:
            0-d tensor, or with the reduction "none" one loss per element or row.

        Raises:
            ValueError: if the reduction is an unknown word, or an option is out of range.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(input, target, var)
