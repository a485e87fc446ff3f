"""Measure sparse derivatives: compressed against dense, and against jax's dense ones, one thread.

Run `taskset -c 0 python benchmarks/sparse.py [n]` (jax is left out if not installed).  Each figure is the median of rounds
taken in turns; `first` is the first call, with pattern, colouring and compilation.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import graphc
from graphc import func

ROUNDS = 15
Function = Callable[..., Any]


def banded(np_: Any) -> Function:
    """Return a function whose Jacobian has three diagonals."""
    return lambda x: np_.sin(x[1:-1]) * x[:-2] - x[2:] ** 2 * np_.exp(x[1:-1])


def rosenbrock(np_: Any) -> Function:
    """Return a function whose Hessian has three diagonals."""
    return lambda x: np_.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def first_and_rest(calls: dict[str, Function], x: Any) -> dict[str, tuple[float, float]]:
    """Return the milliseconds of the first call of each, and the median of further ones, taken in turns."""
    first = {name: seconds(call, x) for name, call in calls.items()}
    rounds = [{name: seconds(call, x) for name, call in calls.items()} for _ in range(ROUNDS)]
    return {name: (first[name] * 1e3, statistics.median(r[name] for r in rounds) * 1e3) for name in calls}


def seconds(call: Function, x: Any) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call(x)
    return time.perf_counter() - start


def dense_by_jax(n: int) -> dict[str, dict[str, Function]]:
    """Return jax's dense Jacobian and Hessian, if it is installed and they are not too large for memory."""
    try:
        jax = importlib.import_module("jax")
    except ImportError:
        return {"jacobian": {}, "hessian": {}}
    jax.config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")
    jacobian, hessian = jax.jit(jax.jacfwd(banded(jnp))), jax.jit(jax.hessian(rosenbrock(jnp)))
    return {
        "jacobian": {"jax dense": lambda x: np.asarray(jacobian(x))},
        "hessian": {"jax dense": lambda x: np.asarray(hessian(x))},
    }


def main() -> None:
    """Print a line for each way."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    x = np.linspace(0.1, 1.0, n)
    theirs = dense_by_jax(n)
    ours = {
        "jacobian": {
            "sparse": func.sparse_jacobian(banded(graphc)),
            "dense": graphc.compile(func.jacfwd(banded(graphc))),
        },
        "hessian": {
            "sparse": func.sparse_hessian(rosenbrock(graphc)),
            "dense": graphc.compile(func.hessian(rosenbrock(graphc))),
        },
    }
    for what, calls in ours.items():
        print(f"{what} of {n} by {n}, ms")
        for name, (first, rest) in first_and_rest({**calls, **theirs[what]}, x).items():
            print(f"  {name:10} first {first:9.2f}   then {rest:9.3f}")
        assert np.allclose(calls["sparse"](x).toarray(), calls["dense"](x))
    for size in (10_000, 100_000):
        wide = np.linspace(0.1, 1.0, size)
        calls = {"pattern": func.jacobian_sparsity(banded(graphc)), "jacobian": func.sparse_jacobian(banded(graphc))}
        figures = first_and_rest(calls, wide)
        print(f"n = {size}: pattern {figures['pattern'][1]:.1f} ms, jacobian first {figures['jacobian'][0]:.1f} ms, ", end="")
        print(f"then {figures['jacobian'][1]:.3f} ms")


if __name__ == "__main__":
    main()
