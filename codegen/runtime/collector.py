"""Pause Python's garbage collector during a compilation, of which the trace is a part.

A compilation makes hundreds of thousands of objects that stay alive until it ends.  The collector would visit them, and all
other objects of the process, again and again, and find nothing: a tenth of the time of a long program's first call.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collector"]

_paused = 0
"""How many blocks of the main thread have paused it."""


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the collector in a block of the main thread, unless it is disabled anyway; the outermost block starts it again.

    Another thread, one that compiles in the background above all, leaves it as it is: the program may disable it meanwhile.
    """
    global _paused
    if threading.current_thread() is not threading.main_thread() or not gc.isenabled():
        yield
        return
    gc.disable()
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1
        gc.enable()


def _in_child() -> None:
    """Start the collector in a process forked by another thread while the main thread had paused it."""
    global _paused
    if _paused:
        _paused = 0
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
