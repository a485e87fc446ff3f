"""Find the operation whose gradient is NaN: a switch for the thread, off by default since it costs a check of every step."""

from __future__ import annotations

from graphc.tensors.context import state

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch the checks on or off at once; as a context manager, until the end of the block.

    While they are on, backward() raises RuntimeError that names the first operation, of those recorded meanwhile,
    that makes a NaN of gradients without one, and where it was called.  `check_nan=False` leaves them off.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = state.anomaly
        state.anomaly = mode and check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        state.anomaly = self._before


class detect_anomaly(set_detect_anomaly):
    """Do the checks within a `with` block."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
