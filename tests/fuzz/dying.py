"""A kind for tests of the workers: case 2 kills its process, case 4 fails."""

from __future__ import annotations

import os
import signal

from tests.fuzz.kinds import Report

__all__ = ["run"]


def run(seed: int, seconds: float, count: int | None = None) -> Report:
    """Run a few cases that do nothing."""
    report = Report("dying", seed)
    while report.cases < (count or 0):
        number = seed + report.cases
        if number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        report.checks += 1
        if number == 4:
            report.fail("case 4")
        report.cases += 1
    return report
