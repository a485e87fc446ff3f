"""Runs in processes of their own: a case that kills its process, or does not end, is a failure like others."""

from __future__ import annotations

import multiprocessing
import time
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from tests.fuzz import kinds
from tests.fuzz.kinds import Report, runner

__all__ = ["run_watched"]

PATIENCE = 120.0
"""Seconds after which a case is taken for one that does not end; minimizing a failure is part of its case."""

CASES = 4000
"""Cases of one process: what it keeps of them is dropped with it."""

APART = 10_000_000
"""Between the seeds of processes side by side."""


@dataclass
class _Worker:
    """A process at work from a seed on, and the seed of its case."""

    process: BaseProcess
    connection: Connection
    first: int
    seed: int
    heard: float
    checks: int = 0

    def died(self) -> str:
        """Return how the process ended."""
        self.process.join()
        code = self.process.exitcode or 0
        return f"killed its process by signal {-code}" if code < 0 else f"ended its process with {code}"


def run_watched(kind: str, seed: int, seconds: float, count: int | None, modes: tuple[str, ...], jobs: int = 1) -> Report:
    """Run a kind in processes; replace one that dies or hangs by another that goes on behind that case."""
    total, end = Report(kind, seed), time.monotonic() + seconds
    left = [count] * jobs
    workers = [_start(kind, seed + i * APART, seconds, left[i], modes) for i in range(jobs)]
    while workers:
        wait([w.connection for w in workers], timeout=1.0)
        for w in list(workers):
            if _heard(w, total):
                continue
            workers.remove(w)
            remaining, has_cases = end - time.monotonic(), w.seed > w.first  # a kind may need what is not installed
            if has_cases and remaining > 5 and (count is None or total.cases < count * jobs):
                workers.append(_start(kind, w.seed, remaining, None if count is None else count * jobs - total.cases, modes))
    return total


def _start(kind: str, seed: int, seconds: float, count: int | None, modes: tuple[str, ...]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, kind, seed, seconds, min(count or CASES, CASES), modes), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, seed, seed, time.monotonic())


def _heard(w: _Worker, total: Report) -> bool:
    """Take in what a worker says; return whether it goes on.  `w.seed` is then where another one has to begin."""
    try:
        while w.connection.poll():
            message = w.connection.recv()
            w.heard = time.monotonic()
            if isinstance(message, Report):
                total.add(message)
                w.seed = message.seed + message.cases
                w.process.join()
                return False
            w.seed, w.checks = message
    except EOFError:
        total.fail(f"{total.kind}, seed {w.seed}: {w.died()}")
    else:
        if time.monotonic() - w.heard < PATIENCE:
            return True
        w.process.kill()
        w.process.join()
        total.fail(f"{total.kind}, seed {w.seed}: no end within {PATIENCE:.0f} s")
    total.checks += w.checks
    w.seed += 1
    total.cases += w.seed - w.first
    return False


def _work(connection: Connection, kind: str, seed: int, seconds: float, count: int, modes: tuple[str, ...]) -> None:
    """Run cases and tell of each."""
    warnings.simplefilter("ignore")
    kinds.watch = lambda number, checks: connection.send((number, checks))
    extra: dict[str, Any] = {"modes": modes} if kind == "programs" else {}
    report = runner(kind)(seed, seconds, count, **extra)
    kinds.watch = None
    connection.send(report)
