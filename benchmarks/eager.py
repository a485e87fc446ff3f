"""Eager code against torch's, one thread, in turns: operations, training loops as people write them, looks in each iteration.

    python benchmarks/eager.py [part of a row's name ...]

Needs torch. The losses of the loops are compared with torch's before anything is timed: the first ten iterations from the same
weights, data and noise.  `first ten` are the first ten iterations of a new process, which imports that library alone: in one
that has imported torch the garbage collector visits torch's objects, too.
"""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import turns

turns.one_thread()

import numpy as np  # noqa: E402
from training import agents, generative, sequences, small, supervised  # noqa: E402, F401
from training.common import LOOPS  # noqa: E402

LIBRARIES = ("graphc", "torch")
WARM = 30
"""Iterations before a loop is timed: what is seen often is compiled by then."""
FIRST = "first"
"""The argument that makes this script print the seconds of the first ten iterations of one loop, and nothing else."""


def library_of(name: str) -> Any:
    """Import a library, with one thread."""
    library = importlib.import_module(name)
    if name == "torch":
        library.set_num_threads(1)
    return library


def noise_of(library: Any, same: bool) -> Callable[..., Any]:
    """Return the source of normal numbers: the library's own, or one that is the same for all."""
    rng = np.random.default_rng(5)
    return (lambda *s: library.from_numpy(rng.standard_normal(s).astype(np.float32))) if same else library.randn


def agree(name: str) -> None:
    """Raise AssertionError unless the losses of ten iterations are torch's."""
    steps = [LOOPS[name](library, noise_of(library, True)) for library in map(library_of, LIBRARIES)]
    losses = [[float(step()) for _ in range(10)] for step in steps]
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3, err_msg=name)


def step_of(library: str, name: str) -> Callable[[], Any]:
    """Return an iteration of a loop with one of the libraries."""
    module = library_of(library)
    return LOOPS[name](module, noise_of(module, False))


def first_ten(library: str, name: str) -> float:
    """Return the seconds of the first ten iterations in this process."""
    step = step_of(library, name)
    start = time.perf_counter()
    for _ in range(10):
        step()
    return time.perf_counter() - start


def cold(name: str) -> dict[str, float]:
    """Return the seconds of the first ten iterations in new processes, by library."""
    command = [sys.executable, __file__, FIRST]
    return {
        key: statistics.median(
            json.loads(subprocess.run([*command, key, name], capture_output=True, text=True, check=True).stdout)
            for _ in range(3)
        )
        for key in LIBRARIES
    }


def row(name: str) -> tuple[float, float]:
    """Print a loop's row and return its ratios to torch: an iteration, the first ten."""
    agree(name)
    steps = {library: step_of(library, name) for library in LIBRARIES}
    for step in steps.values():
        for _ in range(WARM):
            step()
    times = turns.in_turns(steps)
    start = cold(name)
    ratios = times["graphc"] / times["torch"], start["graphc"] / start["torch"]
    print(
        f"{name:28s} {times['graphc'] * 1e3:8.3f} ms  torch {times['torch'] * 1e3:8.3f} ms  {ratios[0]:6.2f}"
        f"    first ten {start['graphc']:6.3f} s  torch {start['torch']:6.3f} s  {ratios[1]:6.1f}",
        flush=True,
    )
    return ratios


def main(arguments: list[str]) -> None:
    """Print a row for each loop whose name has one of the arguments in it, and the geometric means of the training loops."""
    if arguments[:1] == [FIRST]:
        print(json.dumps(first_ten(*arguments[1:])))
        return
    names = [n for n in LOOPS if not arguments or any(a in n for a in arguments)]
    ratios = {name: row(name) for name in names}
    training = [r for name, r in ratios.items() if name not in small.NAMES]
    if training:
        warm, first = (statistics.geometric_mean(values) for values in zip(*training, strict=True))
        print(f"geometric mean of {len(training)} training loops: {warm:.2f} of torch's time; first ten iterations {first:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
