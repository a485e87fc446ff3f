"""Learning rate schedules: call `step()` once an epoch, after the optimizer's steps."""

from graphc.optim.lr_scheduler.annealing import ConstantLR, CosineAnnealingLR, LinearLR
from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from graphc.optim.lr_scheduler.cyclic import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from graphc.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, MultiplicativeLR, MultiStepLR, PolynomialLR, StepLR
from graphc.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
