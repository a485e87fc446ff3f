"""The kind `programs`: random programs in all modes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from graphc.debug import first_difference_of_graph
from tests.fuzz.generate import generate
from tests.fuzz.kinds import Report
from tests.fuzz.minimize import minimize
from tests.fuzz.modes import ALL_MODES, Checker, Failure
from tests.fuzz.program import Program
from tests.fuzz.traced import Traced

__all__ = ["replay", "run", "smallest"]

SHRUNK = 10
"""How many failures of a run are minimized: a program that is wrong is rarely alone."""


def run(seed: int, seconds: float, count: int | None = None, modes: Sequence[str] = ALL_MODES) -> Report:
    """Check the programs of the seeds from `seed` on; minimize the first few failures."""
    checker, report = Checker(modes), Report("programs", seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (count is None or report.cases < count):
        number = seed + report.cases
        failures = checker.program(generate(number))
        for f in failures[:1]:
            others = f" ({len(failures) - 1} more)" if len(failures) > 1 else ""
            text = f"python -m tests.fuzz --replay {number}{others}\n{f.mode}: {f.message}"
            report.fail(f"{text}\n{smallest(f).case.text}" if len(report.failures) < SHRUNK else text)
        report.cases += 1
        report.checks = checker.checks
    report.counts.update(checker.counts)
    return report


def replay(seed: int, modes: Sequence[str] = ALL_MODES, shrink: bool = False) -> bool:
    """Check the program of one seed and print what differs; return whether something does."""
    failures = Checker(modes).program(generate(seed))
    for i, f in enumerate(failures):
        if i == 0 or f.case is not failures[i - 1].case:
            print(f.case.text)
        print(f"{f.mode}: {f.message}")
    if failures and shrink:
        small = smallest(failures[0])
        print(f"\n{small.case.text}\n{small.mode}: {small.message}\n{parting(small)}")
    return bool(failures)


def smallest(failure: Failure) -> Failure:
    """Return the same failure in the smallest program found."""
    failure = _at_own_sizes(failure)
    assert failure.case.program is not None

    def again(program: Program) -> Failure | None:
        mode = failure.mode.removeprefix("gradient ")
        checker = Checker(("torch" if mode == "trace" else mode, "gradient"), always=True)
        found = checker.program(program, (failure.what,))
        return next((f for f in found if f.mode == failure.mode and f.family == failure.family), None)

    small = minimize(failure.case.program, lambda p: again(p) is not None)
    return again(small) or failure


def _at_own_sizes(failure: Failure) -> Failure:
    """Turn a failure at other sizes into one at the program's own, if it is one without the sizes before."""
    for other in failure.case.later if failure.mode.endswith("sizes") else ():
        for f in Checker(("compiled",), always=True).case(other):
            if f.family == failure.family:
                return f
    return failure


def parting(failure: Failure) -> str:
    """Return where in the pipeline a failure begins."""
    try:
        traced = Traced(failure.case.names["run"], failure.case.args)
        found = first_difference_of_graph(traced.graph, traced.inputs, traced.variant.strides, dynamic=False)
    except Exception as error:
        return f"stages: {type(error).__name__}: {error}"
    return (
        str(found) if found is not None else "no stage differs: it is the front end, a derivative rule, or other sizes before"
    )
