"""Locks for state that threads share; a fork releases them, and a signal handler may acquire them again."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

__all__ = ["ForkLock"]

_all: WeakSet[ForkLock] = WeakSet()


class ForkLock:
    """A lock around a few operations on a shared table.

    A forked process gets a new lock: the holder of the old one does not exist there, and each operation under the lock leaves
    the table consistent.  The lock is reentrant, for signal handlers and finalizers that run in the thread that holds it.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Replace the lock by a free one."""
        self._lock = threading.RLock()


def _in_child() -> None:
    for lock in list(_all):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
