"""The base class of learning rate schedules."""

from __future__ import annotations

from typing import Any

from graphc.optim.optimizer import Optimizer

__all__ = ["LRScheduler"]


class LRScheduler:
    """Base class of learning rate schedules.

    A subclass defines `get_lr`. Constructing a schedule sets the rates of epoch 0.

    Args:
        optimizer: the optimizer whose groups' "lr" is set.
        last_epoch: the last epoch done when training is resumed, or -1 to start: each group's "initial_lr" is then its "lr".

    Raises:
        KeyError: if `last_epoch` is not -1 and a group has no "initial_lr".

    Example:
        >>> class Halving(optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = Halving(optimizer)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming an optimizer")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._last_lr: list[float] = []
        self.step()

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `last_epoch`, one for each group.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say its learning rates: expected a method get_lr")

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next epoch and set its learning rates.

        Args:
            epoch: the epoch to go to; None is the next one.
        """
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [lr * factor for lr in self._current()]

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that were set last, a list with one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict, without the optimizer."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer" and not callable(v)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Args:
            state_dict: the state.
        """
        self.__dict__.update(state_dict)
