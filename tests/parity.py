"""Comparisons with PyTorch, where it is installed: the same calls on the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import graphc as G


def torch() -> Any:
    """Return torch, or skip the test."""
    return pytest.importorskip("torch")


def leaves(result: Any) -> list[Any]:
    """Return the tensors of nested tuples, lists and dicts."""
    if isinstance(result, dict):
        return [x for value in result.values() for x in leaves(value)]
    return [x for part in result for x in leaves(part)] if isinstance(result, (tuple, list)) else [result]


def made(library: Any, inputs: Sequence[Any]) -> list[Any]:
    """Return tensors of a library for arrays; floating-point ones require a gradient."""
    tensors = [library.tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
    return [
        t.requires_grad_() if isinstance(x, np.ndarray) and x.dtype.kind == "f" else t
        for x, t in zip(inputs, tensors, strict=True)
    ]


def outcome(library: Any, call: Callable[..., Any], inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the results of a call as arrays, and the gradients of a weighted sum of them."""
    tensors = made(library, inputs)
    results = leaves(call(*tensors))
    floats = [r for r in results if r.requires_grad]
    wrt = [t for t in tensors if isinstance(t, library.Tensor) and t.requires_grad]
    weights = [library.tensor(np.cos(np.arange(r.numel(), dtype=np.float64)).reshape(tuple(r.shape))) for r in floats]
    total = sum((r * w.to(r.dtype)).sum() for r, w in zip(floats, weights, strict=True)) if floats else None
    grads = library.autograd.grad(total, wrt, allow_unused=True) if floats and wrt else []
    return [np.asarray(r.detach()) for r in results], [None if g is None else np.asarray(g.detach()) for g in grads]


def assert_same(call: Callable[[Any], Callable[..., Any]], *inputs: Any, rtol: float = 1e-9, compiled: bool = True) -> None:
    """Assert that `call(graphc)` and `call(torch)` agree on inputs: values, gradients, and values of compiled code."""
    wanted, slopes = outcome(torch(), call(torch()), inputs)
    results, found = outcome(G, call(G), inputs)
    runs = [results]
    if compiled:
        function = G.compile(lambda *tensors: tuple(leaves(call(G)(*tensors))))
        runs.append([np.asarray(r.detach()) for r in function(*made(G, inputs))])
    for run in runs:
        assert len(run) == len(wanted)
        for r, w in zip(run, wanted, strict=True):
            assert (r.shape, r.dtype) == (w.shape, w.dtype)
            np.testing.assert_allclose(r, w, rtol=rtol, atol=rtol)
    assert len(found) == len(slopes)
    for g, s in zip(found, slopes, strict=True):
        s = np.zeros(1) if s is None else s
        np.testing.assert_allclose(np.zeros(1) if g is None else g, s, rtol=rtol, atol=rtol)


def assert_same_error(call: Callable[[Any], Any]) -> None:
    """Assert that `call(graphc)` raises what `call(torch)` raises."""
    with pytest.raises(Exception) as wanted:
        call(torch())
    with pytest.raises(wanted.type):
        call(G)


def assert_second(call: Callable[..., Any], *inputs: np.ndarray, step: float = 1e-5) -> None:
    """Assert that second derivatives of a weighted sum of float64 results are difference quotients of the first."""
    rng = np.random.default_rng(3)
    directions = [rng.standard_normal(x.shape) for x in inputs]

    def slope(by: float) -> tuple[Any, list[Any]]:
        tensors = made(G, [x + by * d for x, d in zip(inputs, directions, strict=True)])
        results = [r for r in leaves(call(*tensors)) if r.requires_grad]
        total = sum((r * G.tensor(np.cos(np.arange(r.numel())).reshape(tuple(r.shape)))).sum() for r in results)
        first = G.autograd.grad(total, tensors, create_graph=True)
        return sum((g * G.tensor(np.sin(1 + np.arange(g.numel())).reshape(tuple(g.shape)))).sum() for g in first), tensors

    along, tensors = slope(0.0)
    second = G.autograd.grad(along, tensors, allow_unused=True) if along.requires_grad else [None] * len(tensors)
    curve = sum(float((g.numpy() * d).sum()) for g, d in zip(second, directions, strict=True) if g is not None)
    wanted = (slope(step)[0].item() - slope(-step)[0].item()) / (2 * step)
    assert curve == pytest.approx(wanted, rel=1e-5, abs=1e-6)
