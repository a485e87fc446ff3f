"""The main job's train step: its call beside the same step in NumPy, one thread; and a cold compile in fresh processes.

    python benchmarks/step.py

The bars: a compiled step at least 3 times as fast as NumPy's; capture to first result below 0.4 s (wall-clock time on a
machine that does nothing else; CPU time stands beside it).  What takes how
long in a cold compile is shown by `GRAPHC_DEBUG=time python -m graphc`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import numpy as np
import turns

from graphc.cli.digits import load
from graphc.cli.train import BATCH, Trainer

PROCESSES = 5
COLD = "cold"
"""The argument that makes this script print the seconds of a first call, and nothing else."""


def first_call() -> tuple[float, float]:
    """Return the seconds from the first line captured to the first result, by the wall clock and of CPU time."""
    digits, trainer = load(), Trainer()
    x, y = digits.train_x[:BATCH], digits.train_y[:BATCH]
    start, cpu = time.perf_counter(), time.process_time()
    trainer.step(x, y)
    return time.perf_counter() - start, time.process_time() - cpu


def warm() -> None:
    """Print how long a step takes."""
    digits, trainer = load(), Trainer()
    twin = trainer.numpy_twin()
    x, y = digits.train_x[:BATCH], digits.train_y[:BATCH]
    for _ in range(3):
        np.testing.assert_allclose(trainer.step(x, y), twin.step(x, y), rtol=1e-4)
    times = turns.in_turns({"graphc": lambda: trainer.step(x, y), "NumPy": lambda: twin.step(x, y)}, rounds=31)
    turns.report(f"a step on {BATCH} digits: NumPy takes {times['NumPy'] / times['graphc']:.1f} times as long", times)


def main(arguments: list[str]) -> None:
    """Print both figures."""
    if arguments == [COLD]:
        print(*first_call())
        return
    turns.one_thread()
    warm()
    command = [sys.executable, __file__, COLD]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(PROCESSES)]
    for clock, times in zip(("wall clock", "CPU time"), zip(*runs, strict=True), strict=True):
        found = sorted(map(float, times))
        print(f"capture to first result, {clock}: {statistics.median(found):.3f} s (from {found[0]:.3f} to {found[-1]:.3f})")


if __name__ == "__main__":
    main(sys.argv[1:])
