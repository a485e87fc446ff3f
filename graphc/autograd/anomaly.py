"""Find the operation whose gradient is NaN; per thread, and off by default since every operation is checked."""

from __future__ import annotations

from graphc.recording.context import state

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch the search for NaN gradients on or off from now on; as a context manager, only within the block.

    While it is on, `backward` checks the gradients of every operation that was recorded in the meantime.

    Args:
        mode: whether to check.
        check_nan: False switches the checks off all the same.

    Raises:
        RuntimeError: by `backward`, if an operation's gradient has a NaN and the incoming gradient has none; the message
            names the operation and where it was called.

    Example:
        >>> with graphc.autograd.set_detect_anomaly(True):
        ...     x = graphc.tensor([4.0], requires_grad=True)
        ...     x.sqrt().backward()
        >>> x.grad
        tensor([0.2500])
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = state.anomaly
        state.anomaly = mode and check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        state.anomaly = self._before


class detect_anomaly(set_detect_anomaly):
    """Search for the operation whose gradient is NaN, within a `with` block.

    Args:
        check_nan: False switches the checks off.

    Raises:
        RuntimeError: by `backward`, as with `set_detect_anomaly`.

    Example:
        >>> with graphc.autograd.detect_anomaly():  # doctest: +ELLIPSIS
        ...     x = graphc.tensor([0.0], requires_grad=True)
        ...     (x.sqrt() * 0).backward()
        Traceback (most recent call last):
            ...
        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output...
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
