"""Locks for state that threads share; a fork releases them, and a signal handler may acquire them again."""

from __future__ import annotations

import os
from _thread import RLock

__all__ = ["ForkLock"]

_generation = 0
"""How many forks lead to this process."""


class ForkLock(RLock):  # type: ignore[misc]  # final for the type checker alone
    """A lock around operations on state that threads share.

    A forked process gets a new lock: the holder of the old one does not exist there, and each operation under the lock leaves
    the state consistent.  The lock is reentrant, for signal handlers and finalizers that run in the thread that holds it.
    """

    __slots__ = ("_generation",)

    def __init__(self) -> None:
        self._generation = _generation

    def __enter__(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._generation != _generation:
            self._at_fork_reinit()  # type: ignore[attr-defined]
            self._generation = _generation
        return self.acquire()


def _in_child() -> None:
    global _generation
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
