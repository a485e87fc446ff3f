"""Losses of classes: likelihoods and cross-entropies."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.losses.base import WeightedLoss

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss"]


class NLLLoss(WeightedLoss):
    """Compute the mean of minus the log-probability at each class index.

    The mean is weighted by the weights of the rows that count.

    Args:
        weight: one factor per class, (C,), or None; a buffer.
        ignore_index: class whose rows count as nothing.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: (N, C, …) or (C,); target: class indices (N, …) or 0-d. Output: 0-d, or with "none" the shape of the
        indices.

    Example:
        >>> nn.NLLLoss()(graphc.tensor([[0.25, 0.75], [0.5, 0.5]]).log(), graphc.tensor([1, 0]))
        tensor(0.4904)
    """

    function = staticmethod(F.nll_loss)
    options = ("weight", "ignore_index", "reduction")

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index


class CrossEntropyLoss(WeightedLoss):
    """Compute the mean of minus the log-softmax of logits at class indices, or against class probabilities.

    With class indices the mean is weighted by the weights of the rows that count.

    Args:
        weight: one factor per class, (C,), or None; a buffer.
        ignore_index: class whose rows count as nothing.
        reduction: "mean", "sum" or "none".
        label_smoothing: s in [0, 1]: targets are mixed with the uniform distribution, (1 - s) * target + s / C.

    Shapes:
        Input: (N, C, …) or (C,); target: class indices (N, …) or 0-d,
        or probabilities of the shape of the input. Output: 0-d, or with "none" the shape of the indices.

    Example:
        >>> nn.CrossEntropyLoss()(graphc.tensor([[0.0, 0.0], [0.0, 100.0]]), graphc.tensor([1, 1]))
        tensor(0.3466)
    """

    function = staticmethod(F.cross_entropy)
    options = ("weight", "ignore_index", "reduction", "label_smoothing")

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing


class BCELoss(WeightedLoss):
    """Compute the mean binary cross-entropy of probabilities: -(t log p + (1 - t) log(1 - p)), each logarithm at least -100.

    Args:
        weight: factors of the losses that broadcast to their shape, or None; a buffer.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: the same. Output: 0-d, or with "none" the same.

    Example:
        >>> nn.BCELoss(reduction="sum")(graphc.tensor([0.5, 0.0]), graphc.tensor([1.0, 0.0]))
        tensor(0.6931)
    """

    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(WeightedLoss):
    """Compute the mean binary cross-entropy of logits.

    -(t log s + (1 - t) log(1 - s)) with s = sigmoid(input), computed without overflow.

    Args:
        weight: factors of the losses that broadcast to their shape, or None; a buffer.
        reduction: "mean", "sum" or "none".
        pos_weight: factors of the terms of t, which broadcast to the shape of the input, or None; a buffer.

    Shapes:
        Input: any; target: the same. Output: 0-d, or with "none" the same.

    Example:
        >>> nn.BCEWithLogitsLoss(reduction="sum")(graphc.tensor([0.0, 100.0]), graphc.tensor([1.0, 1.0]))
        tensor(0.6931)
    """

    function = staticmethod(F.binary_cross_entropy_with_logits)
    options = ("weight", "reduction", "pos_weight")

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)
