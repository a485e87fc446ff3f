"""Elementwise functions and rows, one thread, in turns with NumPy and, where installed, jax and torch.

    python benchmarks/elementwise.py [part of a row's name ...]

The bars: `tanh(x*w+b)*sigmoid(x)` on 1e6 floats within 0.7 of jax's time; softmax over rows of 1024x1024, as one
kernel, within 0.8 of torch's.  Further rows are measured for their own sake.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import turns

import graphc
from graphc.nn import functional as F


def install(name: str) -> Any:
    """Import a library that may be missing; None if it is."""
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


jax, torch = install("jax"), install("torch")


class Row(NamedTuple):
    """A function to measure: ours, the same in NumPy, in jax and in torch, where they have it."""

    name: str
    shape: tuple[int, ...]
    ours: Callable[[Any], Any]
    numpy: Callable[[Any], Any] | None = None
    jax: Callable[[Any], Any] | None = None
    torch: Callable[[Any], Any] | None = None


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _layer_norm(x: Any) -> Any:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)


def _jax_layer_norm(x: Any) -> Any:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)


W, B = np.float32(1.3), np.float32(-0.2)
ROWS = (
    Row(
        "tanh*sigmoid",
        (1_000_000,),
        lambda x: graphc.tanh(x * W.item() + B.item()) * graphc.sigmoid(x),
        lambda x: np.tanh(x * W + B) * (1 / (1 + np.exp(-x))),
        lambda x: jax.numpy.tanh(x * W + B) * jax.nn.sigmoid(x),
        lambda x: torch.tanh(x * W.item() + B.item()) * torch.sigmoid(x),
    ),
    Row(
        "softmax rows",
        (1024, 1024),
        lambda x: F.softmax(x, dim=1),
        _softmax,
        lambda x: jax.nn.softmax(x, axis=1),
        lambda x: torch.softmax(x, 1),
    ),
    Row(
        "layer_norm rows",
        (1024, 1024),
        lambda x: F.layer_norm(x, (1024,)),
        _layer_norm,
        _jax_layer_norm,
        lambda x: torch.nn.functional.layer_norm(x, (1024,)),
    ),
    Row(
        "gelu",
        (1024, 1024),
        lambda x: F.gelu(x),
        None,
        lambda x: jax.nn.gelu(x, approximate=False),
        lambda x: torch.nn.functional.gelu(x),
    ),
    *(
        Row(
            f"sum over axis {axis}",
            (1024, 1024),
            lambda x, axis=axis: x.sum() if axis is None else x.sum(dim=axis),  # type: ignore[misc]
            lambda x, axis=axis: x.sum(axis=axis),  # type: ignore[misc]
            lambda x, axis=axis: x.sum(axis=axis),  # type: ignore[misc]
            lambda x, axis=axis: x.sum() if axis is None else x.sum(axis),  # type: ignore[misc]
        )
        for axis in (1, 0, None)
    ),
    Row("var over axis 1", (1024, 1024), lambda x: x.var(dim=1), lambda x: x.var(axis=1, ddof=1),
        lambda x: x.var(axis=1, ddof=1), lambda x: x.var(1)),
)  # fmt: skip


def main(wanted: list[str]) -> None:
    """Measure the rows whose name contains one of the words, or all."""
    turns.one_thread()
    for row in ROWS:
        if wanted and not any(word in row.name for word in wanted):
            continue
        x = np.random.default_rng(0).standard_normal(row.shape, dtype=np.float32)
        compiled = graphc.compile(row.ours)
        calls: dict[str, Callable[[], Any]] = {"graphc": lambda compiled=compiled, x=x: compiled(x)}  # type: ignore[misc]
        if jax is not None and row.jax is not None:
            function, given = jax.jit(row.jax), jax.numpy.asarray(x)
            calls["jax.jit"] = lambda function=function, given=given: function(given).block_until_ready()  # type: ignore[misc]
            np.testing.assert_allclose(compiled(x), function(given), rtol=2e-4, atol=2e-4)
        if torch is not None and row.torch is not None:
            torch.set_num_threads(1)
            tensor = torch.from_numpy(x)
            calls["torch"] = lambda row=row, tensor=tensor: row.torch(tensor)  # type: ignore[misc]
            np.testing.assert_allclose(compiled(x), row.torch(tensor), rtol=2e-4, atol=2e-4)
        if row.numpy is not None:
            calls["NumPy"] = lambda row=row, x=x: row.numpy(x)  # type: ignore[misc]
            np.testing.assert_allclose(compiled(x), row.numpy(x), rtol=2e-4, atol=2e-4)
        kernels = compiled.lower(x).cost().kernels
        times = turns.in_turns(calls)
        turns.report(f"{row.name}, f32 {'x'.join(map(str, row.shape))}: {kernels} kernel{'s' * (kernels > 1)}", times)


if __name__ == "__main__":
    main(sys.argv[1:])
