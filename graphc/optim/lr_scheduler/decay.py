"""Schedules that multiply the learning rate by factors indefinitely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.optimizer import Optimizer

__all__ = ["ExponentialLR", "LambdaLR", "MultiStepLR", "MultiplicativeLR", "PolynomialLR", "StepLR"]


class LambdaLR(LRScheduler):
    """Multiply the initial learning rate by a function of the epoch: lr = initial_lr * f(epoch).

    Args:
        optimizer: the optimizer whose learning rates are set.
        lr_lambda: function of the epoch, or a list of functions with one for each group.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if the number of functions is not the number of groups.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1
    ) -> None:
        many = isinstance(lr_lambda, (list, tuple))
        self.lr_lambdas = list(lr_lambda) if many else [lr_lambda] * len(optimizer.param_groups)  # type: ignore[arg-type]
        if len(self.lr_lambdas) != len(optimizer.param_groups):
            raise ValueError(f"Expected {len(optimizer.param_groups)} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict, without the optimizer and the functions."""
        return {k: v for k, v in super().state_dict().items() if k != "lr_lambdas"}

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]  # type: ignore[operator]


class StepLR(LRScheduler):
    """Multiply the learning rate by `gamma` every `step_size` epochs.

    Args:
        optimizer: the optimizer whose learning rates are set.
        step_size: number of epochs between two changes.
        gamma: factor of the learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> rates
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma) if due else self._current()


class MultiStepLR(LRScheduler):
    """Multiply the learning rate by `gamma` at each milestone.

    Args:
        optimizer: the optimizer whose learning rates are set.
        milestones: the epochs at which the learning rate changes.
        gamma: factor of the learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        due = self.milestones.get(self.last_epoch, 0)
        return self._scaled(self.gamma**due) if due else self._current()


class ExponentialLR(LRScheduler):
    """Multiply the learning rate by `gamma` every epoch.

    Args:
        optimizer: the optimizer whose learning rates are set.
        gamma: factor of the learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        return self._scaled(self.gamma) if self.last_epoch > 0 else self._current()


class MultiplicativeLR(LRScheduler):
    """Multiply the learning rate by a function of the epoch, every epoch.

    Args:
        optimizer: the optimizer whose learning rates are set.
        lr_lambda: function of the epoch, or a list of functions with one for each group.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if the number of functions is not the number of groups.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1
    ) -> None:
        many = isinstance(lr_lambda, (list, tuple))
        self.lr_lambdas: Any = list(lr_lambda) if many else [lr_lambda] * len(optimizer.param_groups)  # type: ignore[arg-type]
        if len(self.lr_lambdas) != len(optimizer.param_groups):
            raise ValueError(f"Expected {len(optimizer.param_groups)} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict, without the optimizer and the functions."""
        return {k: v for k, v in super().state_dict().items() if k != "lr_lambdas"}

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        if not self.last_epoch > 0:
            return self._current()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self._current(), strict=True)]


class PolynomialLR(LRScheduler):
    """Let the learning rate fall to 0 as a power of the epochs that are left.

    Args:
        optimizer: the optimizer whose learning rates are set.
        total_iters: number of epochs until it is 0.
        power: the power.
        last_epoch: the last epoch done when training is resumed, or -1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.75]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group."""
        if self.last_epoch == 0 or self.last_epoch > self.total_iters:
            return self._current()
        left, before = 1 - self.last_epoch / self.total_iters, 1 - (self.last_epoch - 1) / self.total_iters
        return self._scaled((left / before) ** self.power)
