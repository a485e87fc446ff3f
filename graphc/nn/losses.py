"""Losses as modules."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.module import Module

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "NLLLoss",
    "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
]  # fmt: skip


class _Loss(Module):
    """A loss with a reduction: "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class MSELoss(_Loss):
    """Compute the mean of squared differences, (input - target)^2.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.MSELoss()(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(2.)
    """

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """Compute the mean of absolute differences, |input - target|.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.L1Loss()(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(1.)
    """

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.l1_loss(input, target, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """Compute the mean of log(1 + exp(-target * input)) for targets -1 and 1.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.SoftMarginLoss()(graphc.tensor([0.0, 10.0]), graphc.tensor([1.0, 1.0]))
        tensor(0.3466)
    """

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Compute the mean of d^2 / (2 beta) for differences d = |input - target| below beta, and of d - beta / 2 for others.

    Source: Girshick, "Fast R-CNN" (2015).

    Args:
        reduction: "mean", "sum" or "none".
        beta: difference at which the square becomes linear; 0 gives L1Loss.

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.SmoothL1Loss(reduction="none")(graphc.tensor([0.5, 3.0]), graphc.zeros(2))
        tensor([0.1250, 2.5000])
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Compute the mean of the Huber loss.

    d^2 / 2 for differences d = |input - target| up to delta, and delta * (d - delta / 2) for others. Source: Huber,
    "Robust estimation of a location parameter" (1964).

    Args:
        reduction: "mean", "sum" or "none".
        delta: difference at which the square becomes linear; positive.

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.HuberLoss(reduction="none")(graphc.tensor([0.5, 3.0]), graphc.zeros(2))
        tensor([0.1250, 2.5000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class KLDivLoss(_Loss):
    """Compute the mean of target * (log(target) - input): the Kullback-Leibler divergence of log-probabilities.

    Args:
        reduction: "mean" (over elements), "batchmean" (the sum divided by the first extent), "sum" or "none".
        log_target: whether the target is given as logarithms.

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.KLDivLoss("batchmean")(graphc.tensor([[0.5, 0.5]]).log(), graphc.tensor([[1.0, 0.0]]))
        tensor(0.6931)
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """Compute the mean negative log-likelihood of counts under a Poisson distribution, without the term log(target!).

    exp(input) - target * input if input is the logarithm of the rate, else input - target * log(input + eps).

    Args:
        log_input: whether the input is given as logarithms of rates.
        full: whether to add Stirling's approximation of log(target!) where the target is above 1.
        eps: number that keeps the logarithm of a rate of 0 finite.
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.PoissonNLLLoss()(graphc.tensor([0.0, 0.0]), graphc.tensor([0.0, 2.0]))
        tensor(1.)
    """

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor.
            target: tensor whose shape broadcasts with that of input.

        Returns:
            0-d tensor, or with "none" one of the broadcast shape.

        Raises:
            ValueError: if the reduction is an unknown word.
            RuntimeError: if the shapes do not broadcast.
        """
        return F.poisson_nll_loss(input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class _WeightedLoss(_Loss):
    """A loss with weights, which belong to the state."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class NLLLoss(_WeightedLoss):
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

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor (N, C, …) or (C,) of log-probabilities.
            target: class indices (N, …) or 0-d.

        Returns:
            0-d tensor, or with "none" one loss per row.

        Raises:
            ValueError: if the reduction is an unknown word, or the batch of target is not that of input.
            IndexError: if a class does not exist.
        """
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
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

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor (N, C, …) or (C,) of logits.
            target: class indices (N, …) or 0-d, or probabilities of the shape of input.

        Returns:
            0-d tensor, or with "none" one loss per row.

        Raises:
            ValueError: if the reduction is an unknown word, or the batch of target is not that of input.
            IndexError: if a class does not exist.
        """
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_WeightedLoss):
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

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor of probabilities.
            target: tensor of probabilities, of the shape of input.

        Returns:
            0-d tensor, or with "none" one of the shape of input.

        Raises:
            ValueError: if the reduction is an unknown word, or the shapes differ.
        """
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
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

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        """Return the loss.

        Args:
            input: floating-point tensor of logits.
            target: tensor of probabilities, of the shape of input.

        Returns:
            0-d tensor, or with "none" one of the shape of input.

        Raises:
            ValueError: if the reduction is an unknown word, or the shapes differ.
        """
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )
