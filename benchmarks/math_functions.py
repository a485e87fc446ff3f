"""Math functions, one thread, f32 and f64: ns an element, in turns with NumPy and, where installed, jax.

    python benchmarks/math_functions.py [function ...]

The arrays stay in the second cache; arguments are ordinary.  jax's figure has its call in it, some microseconds.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import turns

import graphc

COUNT = 10_000
FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "sin", "cos", "sin+cos", "atan", "erf", "sqrt")
jnp: Any = importlib.import_module("jax.numpy") if importlib.util.find_spec("jax") is not None else None
jax: Any = importlib.import_module("jax") if jnp is not None else None


def in_numpy(name: str) -> Callable[[Any], Any] | None:
    """Return NumPy's function, None if it has none."""
    special: dict[str, Callable[[Any], Any]] = {
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "sin+cos": lambda x: np.sin(x) + np.cos(x),
        "atan": np.arctan,
    }
    return special.get(name) or getattr(np, name, None)


def in_jax(name: str) -> Callable[[Any], Any]:
    """Return jax's function, compiled."""
    special: dict[str, Callable[[Any], Any]] = {
        "sigmoid": jax.nn.sigmoid,
        "sin+cos": lambda x: jnp.sin(x) + jnp.cos(x),
        "erf": jax.lax.erf,
        "atan": jnp.arctan,
    }
    compiled = jax.jit(special.get(name) or getattr(jnp, name))
    return lambda x: compiled(x).block_until_ready()


def ours(name: str) -> Any:
    """Return our function, compiled."""
    if name == "sin+cos":
        return graphc.compile(lambda x: graphc.sin(x) + graphc.cos(x))
    return graphc.compile(getattr(graphc, name))


def measure(name: str, dtype: Any) -> dict[str, float]:
    """Return the seconds of each library's function on one array, after a check that they agree."""
    x = np.abs(np.random.default_rng(0).standard_normal(COUNT)).astype(dtype)
    compiled, numpy = ours(name), in_numpy(name)
    calls: dict[str, Callable[[], Any]] = {"graphc": lambda: compiled(x)}
    if numpy is not None:
        calls["NumPy"] = lambda: numpy(x)
        np.testing.assert_allclose(compiled(x), numpy(x), rtol=2e-6 if dtype is np.float32 else 1e-13)
    if jax is not None:
        theirs, given = in_jax(name), jnp.asarray(x)
        calls["jax.jit"] = lambda: theirs(given)
    return turns.in_turns(calls, rounds=9, least=0.004)


def main(wanted: list[str]) -> None:
    """Print a line for each function and dtype."""
    turns.one_thread()
    print(f"{'ns an element':16} {'graphc':>8} {'NumPy':>8} {'jax.jit':>8}")
    for name in wanted or FUNCTIONS:
        for dtype in (np.float32, np.float64):
            times = measure(name, dtype)
            columns = [f"{times[c] / COUNT * 1e9:8.3f}" if c in times else " " * 8 for c in ("graphc", "NumPy", "jax.jit")]
            print(f"{name:9} {np.dtype(dtype).name:8} {' '.join(columns)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
