"""Errors that tell the user's own file and line."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import CodeType, FrameType

from graphc.codegen.program.validation import MiscompilationError

__all__ = ["LEADS_OUT", "MiscompilationError", "TracingError", "add_place", "is_ours", "placed", "user_place"]

_PACKAGE = str(Path(__file__).parent.parent)
_ROOTS = tuple(str(Path(p).resolve()) for p in (_PACKAGE, f"{_PACKAGE}/ir", f"{_PACKAGE}/codegen"))
_ours: dict[CodeType, bool] = {}


LEADS_OUT = (
    "expected a gradient that stays within the compiled function, got one that leads into the history of a tensor made "
    "outside; pass the leaf that it was made of as an argument, or detach it"
)
"""Said where a gradient would have to go on outside of what is compiled."""


class TracingError(RuntimeError):
    """A function being compiled asked for something that is known only when it runs; `asked` and `unbound` are
    the node of that, and the parameter it depends on."""

    unbound: object = None
    asked: object = None


def is_ours(code: CodeType) -> bool:
    """Tell whether code is of this package, or of Python's own import system."""
    found = _ours.get(code)
    if found is None:
        found = _ours[code] = code.co_filename.startswith((_PACKAGE, *_ROOTS)) or code.co_filename.startswith("<frozen")
    return found


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code):
        frame = frame.f_back
    return frame


def user_place() -> str:
    """Return `file:line` of the innermost frame outside this package; empty if there is none."""
    frame = _user_frame()
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def add_place(error: Exception) -> None:
    """Append the user's file, line and source text to an error's message, once."""
    frame = _user_frame()
    if frame is None or getattr(error, "_has_place", False) or not (error.args and isinstance(error.args[0], str)):
        return
    file, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(file, line).strip()
    error.args = (f"{error.args[0]}\n  at {file}:{line}{': ' + source if source else ''}", *error.args[1:])
    error._has_place = True  # type: ignore[attr-defined]


def placed(error: Exception) -> Exception:
    """Return the error with the user's file, line and source text appended to its message."""
    add_place(error)
    return error
