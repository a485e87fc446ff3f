"""Schedules that end after a number of epochs."""

from __future__ import annotations

from math import cos, pi

from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.optimizer import Optimizer

__all__ = ["ConstantLR", "CosineAnnealingLR", "LinearLR"]


class ConstantLR(LRScheduler):
    """Multiply the learning rate by `factor` for the first `total_iters` epochs.

    Args:
        optimizer: the optimizer whose learning rates are set.
        factor: factor of the learning rate, in [0, 1].
        total_iters: number of epochs with the reduced learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if `factor` is out of range.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if not 0 <= factor <= 1.0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1.0 / self.factor) if self.last_epoch == self.total_iters else self._current()


class LinearLR(LRScheduler):
    """Multiply the learning rate by a factor that changes linearly with the epoch up to `total_iters`, and then stays.

    Args:
        optimizer: the optimizer whose learning rates are set.
        start_factor: factor at epoch 0, in (0, 1].
        end_factor: factor from epoch `total_iters` on, in [0, 1].
        total_iters: number of epochs from one factor to the other.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if a factor is out of range.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1.0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1.0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self.last_epoch > self.total_iters:
            return self._current()
        rise = self.end_factor - self.start_factor
        return self._scaled(1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))


class CosineAnnealingLR(LRScheduler):
    """Anneal the learning rate along a cosine, from the initial one to `eta_min` in `T_max` epochs, and back.

    At epoch t, without other changes to the learning rate::

        lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2

    Source: Loshchilov and Hutter, "SGDR" (2017).

    Args:
        optimizer: the optimizer whose learning rates are set.
        T_max: number of epochs of half a period.
        eta_min: the smallest learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> [round(rate, 6) for rate in rates]
        [1.0, 0.5, 0.0, 0.5, 1.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group, each computed from the one before."""
        epoch, low = self.last_epoch, self.eta_min
        if epoch == 0:
            return self._current()
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            rise = (1 - cos(pi / self.T_max)) / 2
            return [lr + (base - low) * rise for base, lr in zip(self.base_lrs, self._current(), strict=True)]
        ratio = (1 + cos(pi * epoch / self.T_max)) / (1 + cos(pi * (epoch - 1) / self.T_max))
        return [ratio * (lr - low) + low for lr in self._current()]
