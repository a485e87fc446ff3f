"""A schedule that follows a measured value."""

from __future__ import annotations

from typing import Any

from graphc.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau:
    """Multiply the learning rate by `factor` when a metric has stopped improving.

    Args:
        optimizer: the optimizer whose learning rates are changed.
        mode: "min" if smaller metrics are better, or "max".
        factor: factor of the learning rate, below 1.
        patience: number of epochs without improvement that are tolerated; the next one reduces the learning rate.
        threshold: the least change that counts as an improvement.
        threshold_mode: "rel" if `threshold` is relative to the best metric so far, or "abs".
        cooldown: number of epochs after a reduction in which epochs without improvement are not counted.
        min_lr: the smallest learning rate.
        eps: reductions by at most this are skipped.

    Raises:
        ValueError: if `factor` is not below 1, or for another `mode` or `threshold_mode`.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.min_lr, self.eps = (
            threshold,
            threshold_mode,
            cooldown,
            min_lr,
            eps,
        )
        self.best = float("inf") if mode == "min" else float("-inf")
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold * (abs(self.best) if self.threshold_mode == "rel" and abs(self.best) != float("inf") else 1)
        return sign * value < sign * self.best - margin

    def step(self, metrics: Any) -> None:
        """Record the metric of an epoch, and reduce the learning rates if it is time to.

        Args:
            metrics: the metric, a number or a tensor of one element.
        """
        value = float(metrics)
        self.last_epoch += 1
        better = self._is_better(value)
        self.best = value if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()

    def _reduce(self) -> None:
        for group in self.optimizer.param_groups:
            lower = max(group["lr"] * self.factor, self.min_lr)
            if group["lr"] - lower > self.eps:
                group["lr"] = lower
        self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def get_last_lr(self) -> list[float]:
        """Return the current learning rates, a list with one for each group."""
        return [group["lr"] for group in self.optimizer.param_groups]
