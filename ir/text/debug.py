"""The one debugging switch: `GRAPHC_DEBUG`, a comma-separated list of topics, written to stderr.

passes    the IR after each pass that changed it     rules    each rewrite rule that fired
time      milliseconds of each stage of a compile    kernels  loop kernels as they are scheduled
llvm      LLVM IR as emitted                         all      everything
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TOPICS", "enabled", "show", "timed"]

TOPICS = ("passes", "rules", "time", "kernels", "llvm")


def enabled(topic: str) -> bool:
    """Tell whether a topic was asked for.  Raises ValueError for a word in GRAPHC_DEBUG that is no topic."""
    asked = {word for word in os.environ.get("GRAPHC_DEBUG", "").replace(" ", "").split(",") if word}
    unknown = asked - {*TOPICS, "all", "0"}
    if unknown:
        raise ValueError(f"GRAPHC_DEBUG knows {', '.join(TOPICS)} and all, got {', '.join(sorted(unknown))}")
    return topic in asked or "all" in asked


def show(topic: str, text: str) -> None:
    """Write a text to stderr if its topic was asked for."""
    if enabled(topic):
        print(text, file=sys.stderr)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Time a stage and show it under the topic `time`."""
    start = time.perf_counter()
    yield
    show("time", f"graphc: {what:<24} {1e3 * (time.perf_counter() - start):8.2f} ms")
