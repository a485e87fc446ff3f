"""Several schedules one after the other, or at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from graphc.optim.lr_scheduler.base import LRScheduler
from graphc.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(LRScheduler):
    """Schedules of one optimizer."""

    def _keep(self, optimizer: Any, schedulers: Sequence[LRScheduler]) -> None:
        if not schedulers:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler.")
        if any(s.optimizer is not optimizer for s in schedulers):
            raise ValueError(f"{type(self).__name__} expects all schedulers to belong to the same optimizer")
        self.optimizer, self._schedulers = optimizer, list(schedulers)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict, with that of each schedule."""
        own = {k: v for k, v in super().state_dict().items() if k != "_schedulers"}
        return {**own, "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Args:
            state_dict: the state.
        """
        states = state_dict["_schedulers"]
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, states, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Several):
    """Follow one schedule after the other; each starts from the initial learning rates.

    Args:
        optimizer: the optimizer whose learning rates are set.
        schedulers: list of schedules of it.
        milestones: the epochs at which the second and the later ones start.
        last_epoch: the last epoch done when training is resumed, or -1.

    Raises:
        ValueError: if the schedules are not of the optimizer, or the number of milestones does not fit.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> warm = optim.lr_scheduler.ConstantLR(optimizer, factor=0.1, total_iters=2)
        >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        >>> scheduler = optim.lr_scheduler.SequentialLR(optimizer, [warm, decay], [1])
        >>> rates = []
        >>> for epoch in range(3):
        ...     rates += scheduler.get_last_lr()
        ...     scheduler.step()
        >>> rates
        [0.1, 1.0, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._keep(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            got = f"{len(schedulers)} schedulers and {len(milestones)} milestones"
            raise ValueError(
                f"Sequential Schedulers expects number of schedulers to be one more than milestones, but got {got}"
            )
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        self._restart()
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        self._schedulers[0].step()
        self._last_lr = self._schedulers[0].get_last_lr()

    def _restart(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next epoch and set its learning rates.

        Args:
            epoch: accepted for the signature's sake and ignored.
        """
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index and self._milestones[index - 1] == self.last_epoch:
            self._restart()
            scheduler.step(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Several):
    """Apply several schedules in each epoch, one after the other.

    Args:
        schedulers: list of schedules of one optimizer.
        optimizer: that optimizer; None for the one of the first schedule.

    Raises:
        ValueError: if there are no schedules, or they are not of one optimizer.

    Example:
        >>> optimizer = optim.SGD([graphc.zeros(1)], lr=1.0)
        >>> halves = [optim.lr_scheduler.ExponentialLR(optimizer, 0.5) for _ in range(2)]
        >>> scheduler = optim.lr_scheduler.ChainedScheduler(halves)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        first = schedulers[0].optimizer if schedulers else None
        self._keep(first if optimizer is None else optimizer, schedulers)
        self._last_lr = self._current()

    def step(self, epoch: int | None = None) -> None:
        """Advance every schedule to the next epoch.

        Args:
            epoch: accepted for the signature's sake and ignored.
        """
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()
