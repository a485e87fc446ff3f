"""Defer signal handlers while their thread traces or compiles a function."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from graphc.recording.context import state
from graphc.tracing.trace import Trace

__all__ = ["compiling"]


@contextmanager
def compiling() -> Iterator[None]:
    """Trace and compile in a block: an interrupting signal handler suspends the trace, and compiles nothing.

    The operations of a handler are not part of the trace; and a handler that is called more often than a compilation takes
    would restart the same compilation forever.
    """
    state.compiling = True
    handlers = _handlers() if threading.current_thread() is threading.main_thread() else []
    replaced = [(number, handler, _aside(handler)) for number, handler in handlers]
    try:
        for number, _, aside in replaced:
            signal.signal(number, aside)
        yield
    finally:
        for number, handler, aside in replaced:
            if signal.getsignal(number) is aside:
                signal.signal(number, handler)
        state.compiling = False


def _handlers() -> list[tuple[int, Callable[..., Any]]]:
    """Return the signals that the user's Python code handles."""
    handlers = [(s, signal.getsignal(s)) for s in signal.valid_signals()]
    return [(s, h) for s, h in handlers if callable(h) and h is not signal.default_int_handler]


def _aside(handler: Callable[..., Any]) -> Callable[..., Any]:
    def call(number: int, frame: Any) -> Any:
        trace = _outermost()
        with nullcontext() if trace is None else trace.set_aside():
            return handler(number, frame)

    return call


def _outermost() -> Trace | None:
    trace = state.trace
    while isinstance(trace, Trace) and getattr(trace, "outer", None) is not None:
        trace = trace.outer  # type: ignore[attr-defined]
    return trace if isinstance(trace, Trace) else None
