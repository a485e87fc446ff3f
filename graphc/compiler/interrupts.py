"""Signal handlers that call a compiled function while their thread traces or compiles one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

from graphc.tensors.context import state
from graphc.tracing.trace import Trace

__all__ = ["interrupted"]


@contextmanager
def interrupted() -> Iterator[None]:
    """Run a block where a trace or a compile of this thread was when a call of another compiled function came in.

    A call from the traced function itself is recorded with it.  A handler's is none of it: the trace is set aside, and
    the function runs without being compiled, since a handler that comes in more often than a compile takes would never end.
    """
    trace = _outermost()
    if trace is None or not _in_handler():
        yield
        return
    with trace.set_aside():
        yield


def _outermost() -> Trace | None:
    found = state.trace
    while isinstance(found, Trace) and getattr(found, "outer", None) is not None:
        found = found.outer  # type: ignore[attr-defined]
    return found if isinstance(found, Trace) else None


def _in_handler() -> bool:
    """Tell whether a signal handler of Python is running in this thread, which has to be the main one."""
    if threading.current_thread() is not threading.main_thread():
        return False
    codes = {code for s in signal.valid_signals() if (code := _code(signal.getsignal(s))) is not None}
    frame = sys._getframe(1) if codes else None
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False


def _code(handler: object) -> CodeType | None:
    """Return the code of a handler: of a function, a method, or an object that can be called."""
    call = handler if hasattr(handler, "__code__") or hasattr(handler, "__func__") else getattr(handler, "__call__", None)  # noqa: B004
    found = getattr(getattr(call, "__func__", call), "__code__", None)
    return found if isinstance(found, CodeType) else None
