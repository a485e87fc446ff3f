"""Locks for what threads share, which a fork finds free and a signal handler may take again."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

__all__ = ["ForkLock"]

_all: WeakSet[ForkLock] = WeakSet()


class ForkLock:
    """A lock around a few operations on a shared table.

    A forked process gets a new one: whoever held the old one is not there, and each operation under it leaves the table
    whole.  The thread that holds it may take it again, as a signal handler or a finalizer does that runs in it.
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
        """Forget who holds it."""
        self._lock = threading.RLock()


def _in_child() -> None:
    for lock in list(_all):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
