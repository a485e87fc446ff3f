"""Eager code against torch's, one thread, in turns: operations, training loops as people write them, looks in each iteration.

    python benchmarks/eager.py [part of a row's name ...]

Needs torch. The losses of the loops are compared with torch's before anything is timed: the first ten iterations from the same
weights, data and noise.  `first ten` are the first ten iterations of a new process, which imports that library alone: in one
that has imported torch the garbage collector visits torch's objects, too.  `compile(model)` is the same loop where graphc
compiles the model, and only that.
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
from training.common import LOOPS, CompiledModels  # noqa: E402

LIBRARIES = ("graphc", "torch")
COMPILED = "compile(model)"
MODELS = ("MLP", "CNN with BatchNorm", "char RNN", "minGPT", "ViT", "U-Net")
"""Loops that are also run with a compiled model."""
WARM = 150
"""Iterations before a loop is timed: what is seen often is compiled by then, the better code of the background too."""
FIRST = "first"
"""The argument that makes this script print the seconds of the first ten iterations of one loop, and nothing else."""


def library_of(name: str) -> Any:
    """Import a library, with one thread."""
    if name == COMPILED:
        return CompiledModels(library_of("graphc"))
    library = importlib.import_module(name)
    if name == "torch":
        library.set_num_threads(1)
    return library


def noise_of(library: Any, same: bool) -> Callable[..., Any]:
    """Return the source of normal numbers: the library's own, or one that is the same for all."""
    rng = np.random.default_rng(5)
    return (lambda *s: library.from_numpy(rng.standard_normal(s).astype(np.float32))) if same else library.randn


def columns(name: str) -> tuple[str, ...]:
    """Return what a loop is run with."""
    return (*LIBRARIES, COMPILED) if name in MODELS else LIBRARIES


def agree(name: str) -> None:
    """Raise AssertionError unless the losses of ten iterations are torch's."""
    steps = [LOOPS[name](library, noise_of(library, True)) for library in map(library_of, columns(name))]
    losses = [[float(step()) for _ in range(10)] for step in steps]
    for others in losses[1:]:
        np.testing.assert_allclose(losses[0], others, rtol=2e-3, err_msg=name)


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


def row(name: str) -> dict[str, float]:
    """Print a loop's row and return its ratios to torch: an iteration, one with a compiled model, the first ten."""
    agree(name)
    steps = {column: step_of(column, name) for column in columns(name)}
    for step in steps.values():
        for _ in range(WARM):
            step()
    times = turns.in_turns(steps)
    start = cold(name)
    ratios = {key: time / times["torch"] for key, time in times.items() if key != "torch"}
    ratios["first ten"] = start["graphc"] / start["torch"]
    print(
        f"{name:28s} {times['graphc'] * 1e3:8.3f} ms  torch {times['torch'] * 1e3:8.3f} ms  {ratios['graphc']:6.2f}"
        f"    first ten {start['graphc']:6.3f} s  torch {start['torch']:6.3f} s  {ratios['first ten']:6.1f}"
        + (f"    {COMPILED} {ratios[COMPILED]:6.2f}" if COMPILED in ratios else ""),
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
    for key in ("graphc", "first ten", COMPILED):
        values = [r[key] for r in training if key in r]
        if values:
            mean = statistics.geometric_mean(values)
            print(f"geometric mean of {len(values)} training loops, {key}: {mean:.2f} of torch's time")


if __name__ == "__main__":
    main(sys.argv[1:])
