"""Time several calls in turns: what the other benchmarks share.

Each round gives every call its turn, so that whatever else the machine does falls on all of them alike.  Times are CPU
time of the whole process, all its threads: what other processes take away does not count.  A script that calls
`one_thread` first runs on one core, and every library in it on one thread.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["in_turns", "one_thread", "report", "seconds"]

ROUNDS = 15
MARK = "GRAPHC_BENCHMARK_ALONE"
SECONDS = 0.01
"""Least duration of one turn."""
REST = 0.02
"""Pause before a turn: the threads of the call before, which wait for more work in a busy loop, have gone to sleep by then."""


def one_thread(**variables: str) -> None:
    """Start the running script again on one core, with one thread for each library.

    BLAS chooses its kernel itself, whatever the environment says, but for the `variables` given.
    """
    if MARK in os.environ:
        return
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "NVPL_"))} | {MARK: "1"}
    counts = ("GRAPHC_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment |= dict.fromkeys(counts, "1")
    environment |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_ENABLE_X64": "1"}
    environment["GRAPHC_CACHE"] = "0"  # compilations are to be measured
    environment |= variables
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def seconds(call: Callable[[], Any], count: int = 1) -> float:
    """Return seconds of CPU time a call over `count` calls."""
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count


def in_turns(calls: Mapping[str, Callable[[], Any]], *, rounds: int = ROUNDS, least: float = SECONDS) -> dict[str, float]:
    """Return the median seconds a call of each; every call has run before, and a turn takes at least `least` seconds."""
    counts = {}
    for name, call in calls.items():
        call()
        counts[name] = max(1, round(least / max(seconds(call), 1e-7)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(REST)
            if counts[name] > 1:
                call()  # the caches are its own again
            found[name].append(seconds(call, counts[name]))
    return {name: statistics.median(times) for name, times in found.items()}


def report(what: str, times: Mapping[str, float], *, unit: str = "us") -> None:
    """Print a line for each call: its time, and what part of each of the others' it takes for the first."""
    factor = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    first = next(iter(times.values()))
    print(what)
    for i, (name, t) in enumerate(times.items()):
        ratio = "" if i == 0 else f"   graphc takes {first / t:.2f} of it"
        print(f"  {name:24} {t * factor:10.2f} {unit}{ratio}", flush=True)
