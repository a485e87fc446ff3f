"""Warn when a Python loop makes a trace grow: each of its iterations is recorded and compiled separately."""

from __future__ import annotations

import dis
import sys
import warnings
from types import CodeType, FrameType

from graphc.core.errors import is_ours

__all__ = ["UNROLLED", "depth", "warn_of_loop"]

UNROLLED = 500
"""Operations recorded from one line of a trace before its loop is looked for."""


def depth() -> int:
    """Return the number of open frames, without this one."""
    frame, count = sys._getframe(1), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1  # type: ignore[assignment]
    return count


def warn_of_loop(below: int) -> None:
    """Warn with the source line of the innermost Python loop that runs below this many frames, if there is one."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(depth() - 1 - below):
        assert frame is not None
        line = None if is_ours(frame.f_code) else _loop_line(frame.f_code, frame.f_lasti)
        if line is not None:
            warnings.warn_explicit(
                f"this Python loop is unrolled: {UNROLLED} operations were recorded on one of its lines so far, and each is "
                "compiled for itself. graphc.fori_loop, graphc.scan and graphc.while_loop run a body that is compiled once.",
                UserWarning, frame.f_code.co_filename, line,
            )  # fmt: skip
            return
        frame = frame.f_back


def _loop_line(code: CodeType, at: int) -> int | None:
    """Return the first line of the innermost loop around an instruction, None if there is none."""
    jumps = [i for i in dis.get_instructions(code) if i.opcode in dis.hasjrel or i.opcode in dis.hasjabs]
    heads = [i.argval for i in jumps if i.argval <= at <= i.offset]
    if not heads:
        return None
    head = max(heads)
    return next((line for start, end, line in code.co_lines() if start <= head < end), None)
