"""Schedules that go up and down: cycles, one cycle, and restarts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, floor, log, pi
from typing import Any

from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


def one_each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return one entry for each group.  Raises ValueError."""
    if not isinstance(value, (list, tuple)):
        return [value] * len(optimizer.param_groups)
    if len(value) != len(optimizer.param_groups):
        raise ValueError(f"{name} must have the same length as optimizer.param_groups, {len(optimizer.param_groups)}")
    return list(value)


def set_momentum(group: dict[str, Any], value: float) -> None:
    """Set the momentum of a group, or the first of its betas."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def check_momentum(optimizer: Optimizer) -> None:
    """Raise ValueError unless the optimizer has momentum."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")


class CyclicLR(LRScheduler):
    """Move the learning rate between two bounds in cycles.

    Source: Smith, "Cyclical learning rates for training neural networks" (2017).

    Args:
        optimizer: the optimizer whose learning rates are set.
        base_lr: lower bound, a number or one for each group.
        max_lr: upper bound, a number or one for each group.
        step_size_up: number of steps from the lower to the upper bound.
        step_size_down: number of steps back, None for step_size_up.
        mode: "triangular", "triangular2" (half the height after each cycle) or "exp_range" (gamma**step of the height).
        gamma: factor of "exp_range".
        scale_fn: function that gives the height instead of mode.
        scale_mode: whether scale_fn takes the number of the "cycle" or of the step ("iterations").
        cycle_momentum: whether the momentum moves the other way.
        base_momentum: lower bound of the momentum.
        max_momentum: upper bound of the momentum.
        last_epoch: the last step done when training is resumed, or -1.

    Raises:
        ValueError: if mode is another word, or the optimizer has no momentum to cycle.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        lows = one_each("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lows, strict=True):
                group["lr"] = lr
        self.max_lrs = one_each("max_lr", optimizer, max_lr)
        self.total_size = float(step_size_up) + float(step_size_up if step_size_down is None else step_size_down)
        self.step_ratio = float(step_size_up) / self.total_size
        self.mode, self.gamma, self.cycle_momentum = mode, gamma, cycle_momentum
        self._scale_fn, self.scale_mode = scale_fn, scale_mode if scale_fn else "cycle"
        if mode == "exp_range" and scale_fn is None:
            self.scale_mode = "iterations"
        if cycle_momentum:
            check_momentum(optimizer)
            self.base_momentums = one_each("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_each("max_momentum", optimizer, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def scale_fn(self, x: float) -> float:
        """Return the height of a cycle.

        Args:
            x: number of the cycle, from 1, or of the step.
        """
        if self._scale_fn is not None:
            return self._scale_fn(x)
        heights = {"triangular": 1.0, "triangular2": 1 / 2.0 ** (x - 1), "exp_range": self.gamma**x}
        return float(heights[self.mode])

    def get_lr(self) -> list[float]:
        """Return the learning rates of step `last_epoch`, one for each group, and set the momentum."""
        cycle = floor(1 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle
        share = place / self.step_ratio if place <= self.step_ratio else (place - 1) / (self.step_ratio - 1)
        height = share * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                set_momentum(group, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class OneCycleLR(LRScheduler):
    """Raise the learning rate to a maximum, then let it fall far below its start, in one cycle.

    Source: Smith and Topin, "Super-convergence" (2018).

    Args:
        optimizer: the optimizer whose learning rates are set.
        max_lr: the maximum, a number or one for each group.
        total_steps: number of steps of the cycle, or
        epochs: number of epochs, with
        steps_per_epoch: the number of steps of each.
        pct_start: share of the steps in which the learning rate rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum moves the other way.
        base_momentum: lower bound of the momentum.
        max_momentum: upper bound of the momentum.
        div_factor: the start is max_lr / div_factor.
        final_div_factor: the end is the start / final_div_factor.
        three_phase: whether the learning rate falls back to its start first, as slowly as it rose.
        last_epoch: the last step done when training is resumed, or -1.

    Raises:
        ValueError: if the number of steps is not given, a number is out of range, anneal_strategy is another word, or the
            optimizer has no momentum to cycle.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
        >>> scheduler.get_last_lr()
        [0.040000000000000036]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        for name, value in (("total_steps", total_steps), ("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
            if value is not None and (value <= 0 or not isinstance(value, int)):
                raise ValueError(f"Expected positive integer {name}, but got {value}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.total_steps = total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        top = pct_start * self.total_steps - 1
        middle = [2 * top] if three_phase else []
        self._ends = [float(top), *(float(m) for m in middle), float(self.total_steps - 1)]
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, one_each("max_lr", optimizer, max_lr), strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            check_momentum(optimizer)
            lows, highs = one_each("base_momentum", optimizer, base_momentum), one_each("max_momentum", optimizer, max_momentum)
            for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                group["base_momentum"], group["max_momentum"] = low, high
                set_momentum(group, high)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (cos(pi * share) + 1)

    def get_lr(self) -> list[float]:
        """Return the learning rates of step `last_epoch`, one for each group, and set the momentum.

        Raises:
            ValueError: after the last step.
        """
        if self.last_epoch > self.total_steps:
            got = f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            raise ValueError(got)
        phase = next((i for i, end in enumerate(self._ends) if self.last_epoch <= end), len(self._ends) - 1)
        begin = self._ends[phase - 1] if phase else 0.0
        share = (self.last_epoch - begin) / (self._ends[phase] - begin)
        rates = []
        for group in self.optimizer.param_groups:
            stops = [group["initial_lr"], group["max_lr"], *([group["initial_lr"]] * (len(self._ends) - 2)), group["min_lr"]]
            rates.append(self._between(stops[phase], stops[phase + 1], share))
            if self.cycle_momentum:
                stops = [group["max_momentum"], group["base_momentum"], *[group["max_momentum"]] * (len(self._ends) - 1)]
                set_momentum(group, self._between(stops[phase], stops[phase + 1], share))
        return rates


class CosineAnnealingWarmRestarts(LRScheduler):
    """Let the learning rate fall along a cosine, and start again.

    Source: Loshchilov and Hutter, "SGDR" (2017).

    Args:
        optimizer: the optimizer whose learning rates are set.
        T_0: number of epochs until the first restart.
        T_mult: factor of that number after each restart.
        eta_min: least learning rate.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if T_0 is not positive or T_mult is below 1.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of epoch `T_cur` of the current period, one for each group."""
        return [self.eta_min + (base - self.eta_min) * (1 + cos(pi * self.T_cur / self.T_i)) / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Advance to the next epoch, or to any, and set its learning rates.

        Args:
            epoch: the epoch to go to, which may be a fraction; None is the next one.

        Raises:
            ValueError: if epoch is negative.
        """
        if epoch is not None and epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        place = float(self.last_epoch + 1 if epoch is None else epoch)
        if self.T_mult == 1:
            self.T_cur, self.T_i = place % self.T_0, self.T_0
        else:
            n = 0 if place < self.T_0 else int(log(place / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = place - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
        self.last_epoch = floor(place)
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = self._current()
