"""The kind `programs`: random programs in all modes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import graphc
import graphc.nn.functional as F
from tests.fuzz.generate import generate
from tests.fuzz.kinds import Report
from tests.fuzz.minimize import minimize
from tests.fuzz.modes import ALL_MODES, Checker, Failure, Traced, build, other_sizes
from tests.fuzz.program import Program, arrays
from tests.fuzz.stages import first_difference

__all__ = ["replay", "run"]


def run(seed: int, seconds: float, count: int | None = None, modes: Sequence[str] = ALL_MODES, shrink: int = 10) -> Report:
    """Check the programs of the seeds from `seed` on; minimize the first few failures that look different."""
    checker, report = Checker(modes), Report("programs", seed)
    end = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < end and (count is None or report.cases < count):
        number = seed + report.cases
        failures = checker.check(generate(number))
        for f in failures[:1]:
            others = f" ({len(failures) - 1} more)" if len(failures) > 1 else ""
            text = f"python -m tests.fuzz --replay {number}{others}\n{f.mode}: {f.message}"
            if len(seen) < shrink:
                text += f"\n{smallest(f).text}"
                seen.add(text)
            report.fail(text)
        report.cases += 1
        report.checks = checker.checks
    report.counts.update(checker.counts)
    return report


def replay(seed: int, modes: Sequence[str] = ALL_MODES, shrink: bool = False) -> bool:
    """Check the program of one seed and print what differs; return whether something does."""
    failures = Checker(modes).check(generate(seed))
    for i, f in enumerate(failures):
        if i == 0 or f.text != failures[i - 1].text:
            print(f.text)
        print(f"{f.mode}: {f.message}")
    if failures and shrink:
        small = smallest(failures[0])
        print(f"\n{small.text}\n{small.mode}: {small.message}\n{parting(small)}")
    return bool(failures)


def smallest(failure: Failure) -> Failure:
    """Return the same failure in the smallest program found."""
    failure = _at_own_sizes(failure)

    def again(program: Program) -> Failure | None:
        mode = failure.mode.removeprefix("gradient ")
        modes = ("torch", "gradient") if mode == "trace" else (mode, "gradient")
        checker = Checker(modes, always=True)
        return next(
            (f for f in checker.check(program, (failure.what,)) if f.mode == failure.mode and f.family == failure.family), None
        )

    small = minimize(failure.program, lambda p: again(p) is not None)
    found = again(small)
    return found or failure


def _at_own_sizes(failure: Failure) -> Failure:
    """Turn a failure at other sizes into one at the program's own, if it is one without the sizes before."""
    if not failure.mode.endswith("sizes"):
        return failure
    for other in other_sizes(failure.program, 3):
        for f in Checker(("compiled", "gradient"), always=True).check(other, (failure.what,)):
            if f.family == failure.family:
                return f
    return failure


def parting(failure: Failure) -> str:
    """Return where in the pipeline a failure begins."""
    try:
        program = failure.program
        return first_difference(Traced(build(program, failure.what, graphc, F)["run"], arrays(program)))
    except Exception as error:
        return f"no stages: {type(error).__name__}: {error}"
