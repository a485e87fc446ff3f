"""The kind `programs`: random programs in all modes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.fuzz.generate import generate
from tests.fuzz.kinds import Report
from tests.fuzz.modes import ALL_MODES, Checker

__all__ = ["replay", "run"]


def run(seed: int, seconds: float, count: int | None = None, modes: Sequence[str] = ALL_MODES) -> Report:
    """Check the programs of the seeds from `seed` on."""
    checker, report = Checker(modes), Report("programs", seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (count is None or report.cases < count):
        number = seed + report.cases
        for f in checker.check(generate(number)):
            report.fail(f"python -m tests.fuzz --replay {number}\n{f.mode}: {f.message}")
        report.cases += 1
        report.checks = checker.checks
    report.counts.update(checker.counts)
    return report


def replay(seed: int, modes: Sequence[str] = ALL_MODES) -> bool:
    """Check the program of one seed and print what differs; return whether something does."""
    failures = Checker(modes).check(generate(seed))
    for i, f in enumerate(failures):
        print(f.text if i == 0 or f.text != failures[i - 1].text else "")
        print(f"{f.mode}: {f.message}")
    return bool(failures)
