"""A progress bar: rich's where it is installed, else a line that is overwritten."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Protocol

__all__ = ["Report", "track"]


class Report(Protocol):
    """Called by the loop after each iteration to show the state."""

    def __call__(self) -> str: ...


def track(count: int, what: str, report: Report, *, quiet: bool = False) -> Iterator[int]:
    """Yield 0 … count-1 and show progress on stderr, with the text of `report`; nothing if quiet."""
    if quiet:
        yield from range(count)
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    except ImportError:
        yield from _plain(count, what, report)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[report]}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=count, report="")
        for i in range(count):
            yield i
            progress.update(task, advance=1, report=report())


def _plain(count: int, what: str, report: Report) -> Iterator[int]:
    for i in range(count):
        yield i
        print(f"\r{what} {i + 1}/{count}  {report()}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
