"""Sections of docstrings that methods share with the functions they are derived from."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

__all__ = ["section"]


def section(function: Callable[..., Any], title: str) -> str:
    """Return a section of a function's docstring, not indented, with its title and a last newline; empty if there is none."""
    lines = cleandoc(function.__doc__ or "").splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if line.strip() == f"{title}:"), len(lines))
    stop = next((i for i in range(start, len(lines)) if not lines[i].strip()), len(lines))
    return "".join(lines[start:stop])
