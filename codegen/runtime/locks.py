"""Locks for state that threads share; a fork releases them, and a signal handler may acquire them again."""

from __future__ import annotations

import os
import threading
from typing import Any

__all__ = ["ForkLock"]

_generation = 0
"""How many forks lead to this process."""


class ForkLock:
    """A lock around operations on state that threads share.

    A forked process gets a new lock: the holder of the old one does not exist there, and each operation under the lock leaves
    the state consistent.  The lock is reentrant, for signal handlers and finalizers that run in the thread that holds it.
    """

    __slots__ = ("_generation", "_lock")

    def __init__(self) -> None:
        self._lock, self._generation = threading.RLock(), _generation

    def __enter__(self) -> None:
        if self._generation != _generation:
            self._lock, self._generation = threading.RLock(), _generation
        self._lock.acquire()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()


def _in_child() -> None:
    global _generation
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
