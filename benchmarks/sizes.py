"""Measure one function at twenty batch sizes, first calls included, against jax.jit, in turns in one run, one thread.

Run `python benchmarks/sizes.py`; without jax, the second column stays empty.  Milliseconds for all twenty first calls,
what the first of them took, the median of the last ten, and how often LLVM was called.
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("GRAPHC_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import graphc
from graphc import func
from graphc.codegen.program.program import code_cache_size

try:
    import jax
except ImportError:
    jax = None

SIZES = [17, 64, 100, 1000, 33, 48, 256, 512, 999, 128, 20, 77, 300, 640, 31, 1024, 90, 450, 720, 25]
rng = np.random.default_rng(0)


def floats(*shape: int) -> Any:
    """Return random numbers that products keep small."""
    return (rng.standard_normal(shape) / shape[-1] ** 0.5).astype(np.float32)


WEIGHTS = [floats(64, 128), floats(128), floats(128, 10), floats(10)]
ATTENTION = [floats(64, 64) for _ in range(4)]


def elementwise(np: Any, x: Any) -> Any:
    """Return tanh(2x+1)·x²."""
    return np.tanh(x * 2 + 1) * (x * x)


def softmax(np: Any, x: Any) -> Any:
    """Return softmax over rows."""
    e = np.exp(x - _over_rows(np, "max", x))
    return e / _over_rows(np, "sum", e)


def _over_rows(np: Any, name: str, x: Any) -> Any:
    return getattr(np, f"a{name}" if name == "max" else name)(x, -1)[..., None]


def mlp(np: Any, weights: Any, x: Any, y: Any) -> Any:
    """Return the mean squared error of two layers."""
    w1, b1, w2, b2 = weights
    return ((np.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()


def attention(np: Any, weights: Any, x: Any) -> Any:
    """Return the mean square of one head of attention."""
    q, k, v = (x @ w for w in weights[:3])
    return ((softmax(np, q @ k.T * 0.125) @ v @ weights[3]) ** 2).mean()


CASES: dict[str, tuple[Callable[..., Any], bool, Callable[[int], tuple[Any, ...]]]] = {
    "tanh(2x+1)x²": (elementwise, False, lambda n: (floats(n, 64),)),
    "softmax": (softmax, False, lambda n: (floats(n, 64),)),
    "MLP": (mlp, False, lambda n: (WEIGHTS, floats(n, 64), floats(n, 10))),
    "MLP, gradient": (mlp, True, lambda n: (WEIGHTS, floats(n, 64), floats(n, 10))),
    "attention, gradient": (attention, True, lambda n: (ATTENTION, floats(n, 64))),
}
"""Name -> the function of an array module and arguments, whether its gradient is taken, arguments for a size."""


def ours(function: Callable[..., Any], gradient: bool) -> Callable[..., Any]:
    """Return the function compiled by graphc."""

    def bare(*args: Any) -> Any:
        return function(graphc, *args)

    return graphc.compile(func.grad_and_value(bare)) if gradient else graphc.compile(bare)  # type: ignore[no-any-return]


def theirs(function: Callable[..., Any], gradient: bool) -> Callable[..., Any]:
    """Return the function compiled by jax."""

    def bare(*args: Any) -> Any:
        return function(jax.numpy, *args)

    compiled = jax.jit(jax.value_and_grad(bare) if gradient else bare)
    return lambda *args: jax.block_until_ready(compiled(*args))


def milliseconds(call: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call(*args)
    return 1e3 * (time.perf_counter() - start)


def shown(times: list[float]) -> str:
    """Spell the total, the first, and the median of the last ten."""
    return f"{sum(times):8.0f} {times[0]:8.1f} {statistics.median(times[-10:]):8.2f}" if times else f"{'':26}"


def main() -> None:
    """Print the table."""
    graphc.compile(lambda x: x + 1)(floats(3))
    if jax is not None:
        jax.jit(lambda x: x + 1)(floats(3)).block_until_ready()
    columns = f"{'first':>8} {'median':>8}"
    print(f"{'20 sizes, ms':20} {'graphc':>8} {columns} {'LLVM':>5}  {'jax':>8} {columns} {'ratio':>6}")
    for name, (function, gradient, arguments) in CASES.items():
        before = code_cache_size()
        calls = [ours(function, gradient)] + ([theirs(function, gradient)] if jax is not None else [])
        times: list[list[float]] = [[] for _ in calls]
        for n in SIZES:
            args = arguments(n)
            for call, taken in zip(calls, times, strict=True):
                taken.append(milliseconds(call, args))
        jax_times = times[1] if jax is not None else []
        ratio = f"{sum(jax_times) / sum(times[0]):6.1f}" if jax_times else ""
        print(f"{name:20} {shown(times[0])} {code_cache_size() - before:5}  {shown(jax_times)} {ratio}", flush=True)


if __name__ == "__main__":
    main()
