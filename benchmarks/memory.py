"""Resident memory of long processes: a training loop of 10,000 iterations, and 3,000 different structures.

    python benchmarks/memory.py

A loop is to be flat: what it holds after a tenth of its iterations is what it holds at the end.  Different structures are to be
bounded: caches of structures, programs and machine code drop what was not used for longest, so memory stops growing once they
are full, after 1,500 structures at the latest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import turns

turns.one_thread()

import numpy as np  # noqa: E402
from training import supervised  # noqa: E402, F401
from training.common import LOOPS  # noqa: E402

import graphc  # noqa: E402

PAGE = 4096


def resident() -> float:
    """Return the resident memory of this process in MB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE / 1e6


def loop() -> Iterator[float]:
    """Yield the memory after each tenth of 10,000 iterations of a classifier's training."""
    step = LOOPS["MLP"](graphc, graphc.randn)
    for _ in range(10):
        for _ in range(1000):
            step()
        yield resident()


def structures(mode: str) -> Callable[[], Iterator[float]]:
    """Return a generator of the memory after each 500 of 3,000 structures, each computed on NumPy or as machine code."""

    def run() -> Iterator[float]:
        graphc.set_eager(mode)
        rng = np.random.default_rng(0)
        functions = (graphc.exp, graphc.sin, graphc.tanh, graphc.abs, lambda x: x * x, lambda x: x.sum(0, keepdim=True) + x)
        for _ in range(6):
            for _ in range(500):
                x = graphc.ones(16, 16, requires_grad=True)
                y = x
                for choice in rng.integers(0, len(functions), 6):
                    y = functions[choice](y)
                y.sum().backward()
            yield resident()

    return run


ROWS: dict[str, Callable[[], Iterator[float]]] = {
    "10,000 iterations": loop,
    "3,000 structures on NumPy": structures("evaluate"),
    "3,000 structures as machine code": structures("compile"),
}


def main(arguments: list[str]) -> None:
    """Print a row for each process: the memory at equal distances, and the growth over the last half."""
    if arguments:
        print(json.dumps(list(ROWS[arguments[0]]())))
        return
    for name in ROWS:
        text = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True).stdout
        sizes = json.loads(text)
        growth = sizes[-1] - sizes[len(sizes) // 2]
        print(f"{name:34s} {' '.join(f'{s:6.0f}' for s in sizes)} MB    last half {growth:+.1f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
