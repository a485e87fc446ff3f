"""Measure programs with one thread and with several, in turns in one run.

Run `python benchmarks/threads.py [threads] [word …]`, by default with two threads; words choose programs by name.  Times are
medians of elapsed time, in microseconds, so other processes count: the load of the machine is printed first.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import graphc
from graphc.nn import functional as F

ROUNDS = 41

rng = np.random.default_rng(0)


def numbers(*shape: int) -> Any:
    """Return random numbers."""
    return rng.standard_normal(shape).astype(np.float32)


def attention(q: Any, k: Any, v: Any) -> Any:
    """Return the attention of some heads."""
    return graphc.softmax(q @ k.transpose(-1, -2) * 0.125, -1) @ v


def mlp(w1: Any, w2: Any, x: Any) -> Any:
    """Return the loss of two layers."""
    return ((x @ w1).tanh() @ w2).square().mean()


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "tanh(2x+1)·sigmoid(x), 1e6": (lambda x: graphc.tanh(x * 2 + 1) * graphc.sigmoid(x), (numbers(1_000_000),)),
    "gelu, 1024²": (lambda x: F.gelu(x), (numbers(1024, 1024),)),
    "softmax of rows, 1024²": (lambda x: graphc.softmax(x, 1), (numbers(1024, 1024),)),
    "layer norm, 1024²": (lambda x: F.layer_norm(x, (1024,)), (numbers(1024, 1024),)),
    "exp, sum of columns, 1024²": (lambda x: x.exp().sum(0), (numbers(1024, 1024),)),
    "exp, sum of all, 1e6": (lambda x: x.exp().sum(), (numbers(1_000_000),)),
    "normal numbers, 1e6": (lambda x: x + graphc.randn(1_000_000), (numbers(1_000_000),)),
    "product 256³": (lambda a, b: a @ b, (numbers(256, 256), numbers(256, 256))),
    "product 512³": (lambda a, b: a @ b, (numbers(512, 512), numbers(512, 512))),
    "product 1024³": (lambda a, b: a @ b, (numbers(1024, 1024), numbers(1024, 1024))),
    "product 128×3072×768": (lambda a, b: a @ b, (numbers(128, 768), numbers(768, 3072))),
    "attention, 8 heads of 256×64": (attention, (numbers(8, 256, 64), numbers(8, 256, 64), numbers(8, 256, 64))),
    "convolution, 8×16×64², 3×3": (lambda x, w: F.conv2d(x, w, padding=1), (numbers(8, 16, 64, 64), numbers(16, 16, 3, 3))),
    "gradient of an MLP, batch 256": (
        graphc.func.grad(mlp, argnums=(0, 1)), (numbers(784, 512) / 28, numbers(512, 10) / 22, numbers(256, 784))
    ),
}  # fmt: skip


def measure(call: Callable[[], Any], threads: int) -> tuple[float, float]:
    """Return the median seconds of a call with one thread and with several, in turns."""
    times: dict[int, list[float]] = {1: [], threads: []}
    for _ in range(ROUNDS):
        for count, taken in times.items():
            graphc.set_num_threads(count)
            call()
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return statistics.median(times[1]), statistics.median(times[threads])


def main(arguments: list[str]) -> None:
    """Print a line for each program."""
    threads = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 2
    if hasattr(os, "getloadavg"):
        print(f"processors {graphc.get_num_threads()}, load {os.getloadavg()[0]:.1f}")
    for name, (f, arrays) in PROGRAMS.items():
        if arguments and not any(word in name for word in arguments):
            continue
        compiled = graphc.compile(f)
        args = [graphc.tensor(x) for x in arrays]
        one, several = measure(lambda compiled=compiled, args=args: compiled(*args), threads)  # type: ignore[misc]
        print(f"{name:32} {one * 1e6:9.0f} {several * 1e6:9.0f}   {one / several:.2f}×", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
