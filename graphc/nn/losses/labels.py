"""Losses of label sequences, of several labels for each sample, and of distances that a function computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nn import functional as F
from graphc.nn.losses.base import Loss

__all__ = ["CTCLoss", "MultiLabelMarginLoss", "TripletMarginWithDistanceLoss"]


class CTCLoss(Loss):
    """Compute the negative logarithm of the probability that a sequence of distributions spells the targets.

    Source: Graves et al., "Connectionist temporal classification" (2006).

    Args:
        blank: class that separates targets.
        reduction: "mean" divides each loss by the length of its targets first; "sum" or "none".
        zero_infinity: whether infinite losses, of targets that are too long, are 0 and have no gradient.

    Shapes:
        Log_probs: (T, N, C) or (T, C); targets: (N, S), or (S,) of all samples one after another; lengths: (N,). Output: 0-d,
        or with "none" (N,).

    Example:
        >>> log_probs = graphc.full((3, 1, 2), 0.5).log()
        >>> nn.CTCLoss(reduction="sum")(log_probs, graphc.tensor([[1]]), (3,), (1,)).exp()
        tensor(1.3333)
    """

    function = staticmethod(F.ctc_loss)
    options = ("blank", "reduction", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(  # type: ignore[override]
        self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any
    ) -> Any:
        """Return the loss.

        Args:
            log_probs: floating-point tensor (T, N, C) or (T, C).
            targets: integers (N, S) or (S,).
            input_lengths: tensor or tuple (N,).
            target_lengths: tensor or tuple (N,).

        Returns:
            0-d tensor, or with the reduction "none" one loss per sample.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if shapes, lengths or blank do not fit.
        """
        return self._call(log_probs, targets, input_lengths, target_lengths)


class MultiLabelMarginLoss(Loss):
    """Compute the mean of sum over labels i and other classes j of max(0, 1 - input[i] + input[j]) / C.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: (N, C) or (C,); target: the same, labels that end before the first -1. Output: 0-d, or with "none" (N,).

    Example:
        >>> nn.MultiLabelMarginLoss()(graphc.tensor([[0.1, 0.2, 0.4, 0.8]]), graphc.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """

    function = staticmethod(F.multilabel_margin_loss)


class TripletMarginWithDistanceLoss(Loss):
    """Compute the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) for a function d.

    Args:
        distance_function: function of two tensors, None for `F.pairwise_distance`.
        margin: difference of the distances that is wanted, positive.
        swap: whether the distance of positive and negative counts instead of that of anchor and negative if it is smaller.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: three tensors that the function takes. Output: 0-d, or with "none" what the function returns.

    Raises:
        ValueError: if margin is not positive.

    Example:
        >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(-1), margin=4.0)
        >>> loss(graphc.tensor([[0.0, 0.0]]), graphc.tensor([[0.0, 1.0]]), graphc.tensor([[3.0, 0.0]]))
        tensor(2.)
    """

    function = staticmethod(F.triplet_margin_with_distance_loss)
    options = ("distance_function", "margin", "swap", "reduction")

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead")
        self.distance_function, self.margin, self.swap = distance_function, margin, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:  # type: ignore[override]
        """Return the loss.

        Args:
            anchor: tensor that the function takes.
            positive: the same.
            negative: the same.

        Returns:
            0-d tensor, or with the reduction "none" what the function returns.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not fit.
        """
        return self._call(anchor, positive, negative)
