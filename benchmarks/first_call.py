"""The first call of compiled training steps: CPU seconds of a new process, and where they go.

    python benchmarks/first_call.py [part of a row's name ...]

The steps are those of the training loops in `benchmarks/eager.py`, compiled whole (the loss is returned and not looked at), and
three larger ones.  Recording, passes, writing of kernels, and LLVM are thread CPU time, so what else the machine does does not
count.  `bar` is .6 of what the call took when this was first measured.  `next process` is the first call of a process after
another one has stored what it compiled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import turns

turns.one_thread()

from training import agents, generative, large, sequences, small, supervised  # noqa: E402, F401
from training.common import LOOPS  # noqa: E402

import graphc  # noqa: E402
from graphc.codegen.program import program, translate  # noqa: E402
from graphc.codegen.runtime import tiers  # noqa: E402

NAMES = [name for name in LOOPS if name not in small.NAMES]
BARS = {"minGPT": 0.8, "GAN": 1.2, "ResNet": 1.2, "U-Net": 1.2, "transformer of 12 layers": 1.2, "RNN loop of 200 steps": 1.2}
FIRST = "first"
"""The argument that makes this script print the seconds of one first call as JSON, and nothing else."""
PARTS = ("capture", "passes", "kernels", "LLVM")


class Clock:
    """CPU seconds of parts of a call; a part inside another is not counted in it."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.inside = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what runs in the block as one part."""
        start, outer, self.inside = time.thread_time(), self.inside, 0.0
        yield
        total = time.thread_time() - start
        self.seconds[name] += total - self.inside
        self.inside = outer + total

    def wrap(self, module: Any, function: str, name: str) -> None:
        """Count all calls of a module's function as one part."""
        original = getattr(module, function)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return original(*args, **kwargs)

        setattr(module, function, timed)


def first_call(name: str) -> dict[str, float]:
    """Return the seconds of the parts of the first call in this process."""
    step: Callable[[], Any] = LOOPS[name](graphc, graphc.randn)
    warm_up()
    clock = Clock()
    clock.wrap(tiers, "compile_text", "LLVM")
    clock.wrap(translate, "optimize", "passes")
    clock.wrap(program, "program_text_of", "kernels")
    warnings.simplefilter("ignore")  # steps that change Python values
    graphc.Tensor.item = lambda self: self  # type: ignore[method-assign]
    compiled = graphc.compile(getattr(step, "whole", step))
    with clock.part("capture"):
        compiled()
    return clock.seconds


def next_process(command: list[str]) -> float:
    """Return the seconds of the first call of a process that finds on disk what another one has compiled."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GRAPHC_CACHE": folder}
        for _ in range(2):
            ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return sum(json.loads(ran.stdout).values())


def warm_up() -> None:
    """Start what each process starts once: LLVM, and the native entry."""
    graphc.compile(lambda x: x * 2)(graphc.ones(3))


def main(arguments: list[str]) -> None:
    """Print a row for each step whose name has one of the arguments in it."""
    if arguments[:1] == [FIRST]:
        print(json.dumps(first_call(*arguments[1:])))
        return
    for name in (n for n in NAMES if not arguments or any(a in n for a in arguments)):
        command = [sys.executable, __file__, FIRST, name]
        run = partial(subprocess.run, command, capture_output=True, text=True, check=True)
        parts = min((json.loads(run().stdout) for _ in range(3)), key=lambda p: sum(p.values()))
        row = "  ".join(f"{part} {parts[part]:5.2f}" for part in PARTS)
        bar = f"bar {BARS.get(name, 1.2):.2f}    next process {next_process(command):5.2f} s"
        print(f"{name:28s} {sum(parts.values()):6.2f} s    {row}    {bar}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
