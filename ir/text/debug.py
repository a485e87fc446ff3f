"""The one debugging switch: `GRAPHC_DEBUG`, a comma-separated list of topics, written to stderr, and of modes.

passes    the IR after each pass that changed it     rules    each rewrite rule that fired
time      milliseconds of each stage of a compile    kernels  loop kernels as they are scheduled
llvm      LLVM IR as emitted                         eager    at exit, how eager code was computed
all       every topic

check     a mode: every stage of every program that runs is evaluated and compared with the one before
bounds    a mode: every load and store of compiled code is checked, and an error where it would leave its buffer
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["MODES", "TOPICS", "enabled", "enabling", "show", "timed"]

TOPICS = ("passes", "rules", "time", "kernels", "llvm", "eager")
MODES = ("check", "bounds")

_enabled: ContextVar[frozenset[str]] = ContextVar("asked", default=frozenset())


@contextmanager
def enabling(*topics: str) -> Iterator[None]:
    """Enable topics or modes in a block, in addition to those of the environment."""
    token = _enabled.set(_enabled.get() | set(topics))
    try:
        yield
    finally:
        _enabled.reset(token)


def enabled(topic: str) -> bool:
    """Return whether a topic or mode is enabled.  Raises ValueError for an unknown word in GRAPHC_DEBUG."""
    topics = {word for word in os.environ.get("GRAPHC_DEBUG", "").replace(" ", "").split(",") if word}
    unknown = topics - {*TOPICS, *MODES, "all", "0"}
    if unknown:
        raise ValueError(f"GRAPHC_DEBUG knows {', '.join((*TOPICS, *MODES))} and all, got {', '.join(sorted(unknown))}")
    return topic in topics or topic in _enabled.get() or ("all" in topics and topic in TOPICS)


def show(topic: str, text: str) -> None:
    """Write a text to stderr if its topic is enabled."""
    if enabled(topic):
        print(text, file=sys.stderr)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Time a stage and report it under the topic `time`."""
    start = time.perf_counter()
    yield
    show("time", f"graphc: {what:<24} {1e3 * (time.perf_counter() - start):8.2f} ms")
