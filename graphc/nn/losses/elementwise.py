"""Losses of each element: regression, divergences, margins."""

from __future__ import annotations

from graphc.nn import functional as F
from graphc.nn.losses.base import Loss

__all__ = ["HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss"]


class MSELoss(Loss):
    """Compute the mean of squared differences, (input - target)^2.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.MSELoss()(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(2.)
    """

    function = staticmethod(F.mse_loss)


class L1Loss(Loss):
    """Compute the mean of absolute differences, |input - target|.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.L1Loss()(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(1.)
    """

    function = staticmethod(F.l1_loss)


class SoftMarginLoss(Loss):
    """Compute the mean of log(1 + exp(-target * input)) for targets -1 and 1.

    Args:
        reduction: "mean", "sum" or "none".

    Shapes:
        Input: any; target: one that broadcasts with it. Output: 0-d, or with "none" the broadcast shape.

    Example:
        >>> nn.SoftMarginLoss()(graphc.tensor([0.0, 10.0]), graphc.tensor([1.0, 1.0]))
        tensor(0.3466)
    """

    function = staticmethod(F.soft_margin_loss)


class SmoothL1Loss(Loss):
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

    function = staticmethod(F.smooth_l1_loss)
    options = ("reduction", "beta")

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta


class HuberLoss(Loss):
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

    function = staticmethod(F.huber_loss)
    options = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta


class KLDivLoss(Loss):
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

    function = staticmethod(F.kl_div)
    options = ("reduction", "log_target")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target


class PoissonNLLLoss(Loss):
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

    function = staticmethod(F.poisson_nll_loss)
    options = ("log_input", "full", "eps", "reduction")

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps
