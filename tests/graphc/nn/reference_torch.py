"""Compare a function with torch's: values, gradients, eager and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as G


def outcome(M: Any, function: Any, arrays: tuple[Any, ...], compiled: bool = False) -> tuple[Any, list[Any]]:
    """Return the value of a function of a library and of tensors, and the gradients of a scalar made of it."""
    tensors = [M.tensor(a) if isinstance(a, np.ndarray) else a for a in arrays]
    leaves = [
        t.requires_grad_() for t, a in zip(tensors, arrays, strict=True) if isinstance(a, np.ndarray) and a.dtype.kind == "f"
    ]

    def run(*tensors: Any) -> Any:
        y = function(M, *tensors)
        (y * y.detach().cos()).sum().backward()
        return y.detach()

    value = (G.compile(run) if compiled else run)(*tensors)
    return value.numpy(), [t.grad.numpy() for t in leaves]


def check(torch: Any, function: Any, *arrays: Any) -> None:
    """Assert that values and gradients are torch's."""
    value, gradients = outcome(torch, function, arrays)
    for compiled in (False, True):
        mine, own = outcome(G, function, arrays, compiled)
        assert mine.dtype == value.dtype
        np.testing.assert_allclose(mine, value, rtol=1e-7, atol=1e-10)
        for a, b in zip(own, gradients, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)
