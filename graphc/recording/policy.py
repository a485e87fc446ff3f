"""The policy for compiling eager code, and a report of what was compiled."""

from __future__ import annotations

import atexit
import os
import sys
from dataclasses import asdict, dataclass

from graphc.ir.text import debug
from graphc.recording import structures

__all__ = ["EagerReport", "eager_report", "get_eager", "set_eager"]

MODES = ("auto", "evaluate", "compile")


@dataclass(frozen=True)
class EagerReport:
    """Counts of the work of eager code in this process, in all threads.

    Args:
        structures: how many different pieces of pending work there were (those forgotten since included).
        evaluations: runs on NumPy.
        evaluation_seconds: seconds that these took.
        compiles: pieces of work that were compiled.
        compile_seconds: seconds that this took.
        native_calls: runs as machine code; counted under `GRAPHC_DEBUG=eager` only.
        native_seconds: seconds that these took; likewise.

    Example:
        >>> before = graphc.eager_report()
        >>> (graphc.arange(10.0) * 2).sum().item()
        90.0
        >>> graphc.eager_report().evaluations > before.evaluations
        True
    """

    structures: int
    evaluations: int
    evaluation_seconds: float
    compiles: int
    compile_seconds: float
    native_calls: int
    native_seconds: float

    def __str__(self) -> str:
        return (
            f"graphc: eager code: {self.structures} structures\n"
            f"graphc: {self.native_calls:>8} native calls {self.native_seconds:10.3f} s\n"
            f"graphc: {self.evaluations:>8} on NumPy     {self.evaluation_seconds:10.3f} s\n"
            f"graphc: {self.compiles:>8} compiles     {self.compile_seconds:10.3f} s"
        )


def set_eager(mode: str) -> None:
    """Set when pending work of eager code is compiled, in all threads; results are the same up to rounding.

    The environment variable `GRAPHC_EAGER` sets it when graphc is imported.

    Args:
        mode: "auto": a piece of work that has often run on NumPy is compiled, so that no program waits for a compiler much
            longer than it has worked without. "evaluate": everything runs on NumPy, also what has been compiled before.
            "compile": everything is compiled the first time that it runs.

    Raises:
        ValueError: for another mode.

    Example:
        >>> graphc.set_eager("evaluate")
        >>> (graphc.ones(3) * 2).sum().item()
        6.0
        >>> graphc.set_eager("auto")
    """
    if mode not in MODES:
        raise ValueError(f"set_eager takes one of {', '.join(map(repr, MODES))}, got {mode!r}")
    structures.choose(mode)


if "GRAPHC_EAGER" in os.environ:
    set_eager(os.environ["GRAPHC_EAGER"])


def get_eager() -> str:
    """Return when pending work of eager code is compiled: what `set_eager` or `GRAPHC_EAGER` has set, "auto" by default.

    Example:
        >>> graphc.get_eager()
        'auto'
    """
    return structures.tally.mode


def eager_report() -> EagerReport:
    """Return what eager code has computed so far, and how.

    Under `GRAPHC_DEBUG=eager` native calls are counted too, and the report is printed to stderr when the process ends.

    Returns:
        EagerReport, whose `str` is a table.

    Example:
        >>> graphc.eager_report().compiles >= 0
        True
    """
    counts = asdict(structures.tally)
    del counts["mode"]
    return EagerReport(**counts)


@atexit.register
def _at_exit() -> None:
    if debug.enabled("eager"):
        print(eager_report(), file=sys.stderr)
