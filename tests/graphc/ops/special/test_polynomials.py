"""Orthogonal polynomials are those of NumPy, for degrees that are numbers and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre

import graphc as G

X = np.array([-1.5, -1, -0.3, 0, 0.25, 0.7, 1, 2.0])


def second(n: int, x: Any, first: Any) -> Any:
    """Return a Chebyshev polynomial that begins with 1 and `first`."""
    a, b = np.ones_like(x), first
    for _ in range(n):
        a, b = b, 2 * x * b - a
    return a


REFERENCES = {
    "chebyshev_polynomial_t": lambda n, x: Chebyshev.basis(n)(x), "chebyshev_polynomial_u": lambda n, x: second(n, x, 2 * x),
    "chebyshev_polynomial_v": lambda n, x: second(n, x, 2 * x - 1),
    "chebyshev_polynomial_w": lambda n, x: second(n, x, 2 * x + 1),
    "hermite_polynomial_h": lambda n, x: Hermite.basis(n)(x), "hermite_polynomial_he": lambda n, x: HermiteE.basis(n)(x),
    "laguerre_polynomial_l": lambda n, x: Laguerre.basis(n)(x), "legendre_polynomial_p": lambda n, x: Legendre.basis(n)(x),
}  # fmt: skip
SHIFTED = {f"shifted_{k}": lambda n, x, f=f: f(n, 2 * x - 1) for k, f in REFERENCES.items() if "cheb" in k}
REFERENCES |= SHIFTED


@pytest.mark.parametrize("name", REFERENCES)
def test_values_and_slopes(name: str) -> None:
    f, reference = getattr(G.special, name), REFERENCES[name]
    degrees = np.array([-2, 0, 1, 2, 5, 9, 30])
    wanted = np.stack([reference(n, X) if n >= 0 else 0 * X for n in degrees], 1)
    scale = np.abs(wanted).max(0, initial=1e-300, keepdims=True)
    for run in (f, G.compile(f)):
        found = run(G.tensor(X[:, None]), G.tensor(degrees)).numpy()
        np.testing.assert_allclose(found / np.maximum(scale, 1), wanted / np.maximum(scale, 1), atol=1e-14, rtol=1e-13)
    for n in degrees.tolist():
        np.testing.assert_allclose(f(G.tensor(X), n).numpy(), f(G.tensor(X[:, None]), G.tensor([n])).numpy()[:, 0], rtol=1e-14)
    x = G.tensor([0.3, -0.4], dtype=G.float64)
    loops = G.func.grad(lambda x: f(x, G.tensor([4, 6])).sum())(x)
    written = [G.func.grad(lambda x, n=n: f(x, n).sum())(x)[i].item() for i, n in enumerate((4, 6))]
    np.testing.assert_allclose(loops.numpy(), written, rtol=1e-12)
    assert (
        f(0.5, G.tensor([1, 2])).dtype == G.float32 and f(G.tensor([1, 2]), 2.9).tolist() == f(G.tensor([1.0, 2.0]), 2).tolist()
    )
