"""Learning rate schedules: call `step()` once an epoch, after the optimizer's steps."""

from graphc.optim.lr_scheduler.annealing import ConstantLR, CosineAnnealingLR, LinearLR
from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, MultiStepLR, StepLR
from graphc.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
    "ReduceLROnPlateau", "StepLR",
]  # fmt: skip
