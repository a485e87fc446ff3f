"""Report on stderr that a compilation takes long: a spinner of rich on a terminal, else a line now and one at the end.

The environment variable `GRAPHC_NOTICE` is the number of seconds after which that is, 2 by default; 0 means never.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any

__all__ = ["SECONDS", "notice_of_compiling", "seconds"]

SECONDS = 2.0
"""How long a compilation lasts before a line on stderr says so."""

_thread = threading.local()


def seconds() -> float:
    """Return the seconds after which a notice is shown, 0 for never.  Raises ValueError for a wrong `GRAPHC_NOTICE`."""
    wish = os.environ.get("GRAPHC_NOTICE", "").strip()
    try:
        chosen = float(wish) if wish else SECONDS
    except ValueError:
        chosen = -1.0
    if not 0.0 <= chosen < threading.TIMEOUT_MAX:
        raise ValueError(f"GRAPHC_NOTICE is a number of seconds, at least 0, got {wish!r}")
    return chosen


@contextmanager
def notice_of_compiling(name: str) -> Iterator[None]:
    """Show a notice while the block, which compiles a function of this name, runs for longer than `seconds`.

    A block inside another one of the same thread belongs to it.
    """
    after = 0.0 if getattr(_thread, "inside", False) else seconds()
    if not after:
        yield
        return
    notice = _Notice(name)
    timer = threading.Timer(after, notice.show)
    timer.daemon = True
    timer.start()
    _thread.inside = True
    try:
        yield
    finally:
        _thread.inside = False
        timer.cancel()
        notice.end()


class _Notice:
    """The line about one compilation; a timer shows it and the compiling thread ends it."""

    def __init__(self, name: str) -> None:
        self.name, self.start = name, perf_counter()
        self._lock = threading.Lock()
        self._stop: Callable[[], Any] | None = None
        self._ended = False

    def show(self) -> None:
        """Show that the compilation goes on, unless it has ended meanwhile."""
        with self._lock:
            if not self._ended:
                self._stop = _spinner(f"graphc: compiling {self.name}") or _line(f"graphc: compiling {self.name} ...")

    def end(self) -> None:
        """Print how long it took, if it was shown."""
        with self._lock:
            self._ended = True
            if self._stop is not None:
                self._stop()
                _line(f"graphc: compiled {self.name} in {perf_counter() - self.start:.1f} s")


def _spinner(text: str) -> Callable[[], Any] | None:
    """Start a spinner on a terminal and return what stops it; None without a terminal or without rich."""
    try:
        if not sys.stderr.isatty():
            return None
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    except (ImportError, AttributeError, ValueError):  # no rich, no stderr, a closed one
        return None
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    progress.add_task(text, total=None)
    return progress.stop


def _line(text: str) -> Callable[[], Any]:
    """Write a line to stderr, which may be missing or closed; return what ends it: nothing has to."""
    with suppress(ValueError, OSError):
        print(text, file=sys.stderr, flush=True)
    return lambda: None
