"""The exponential of matrices, small and large, and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch

RNG = np.random.default_rng(0)


def series(x: Any) -> Any:
    """Return the exponential by scaling, the series, and squaring, in long doubles."""
    x = x.astype(np.longdouble) / 2**24
    term = total = np.broadcast_to(np.eye(x.shape[-1], dtype=np.longdouble), x.shape)
    for k in range(1, 12):
        term = term @ x / k
        total = total + term
    for _ in range(24):
        total = total @ total
    return total.astype(np.float64)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 2e-4)])
@pytest.mark.parametrize("scale", [0, 1e-6, 0.3, 2, 20])
def test_values(scale: float, dtype: str, tolerance: float, run: Any) -> None:
    for shape in ((3, 3), (2, 2, 4, 4), (1, 1), (0, 0), (0, 3, 3)):
        x = RNG.standard_normal(shape) * scale
        x = (x - x.swapaxes(-1, -2) if scale > 2 else x).astype(dtype)  # of skew symmetric matrices it is orthogonal
        found = run(torch.matrix_exp)(torch.tensor(x)).numpy()
        np.testing.assert_allclose(found, series(x), rtol=tolerance, atol=tolerance)
        assert found.dtype == x.dtype


def test_matrices_of_a_batch_are_squared_as_often_as_each_needs(run: Any) -> None:
    x = torch.tensor([[[1e-3]], [[-700.0]], [[3.0]]], dtype=torch.float64)
    np.testing.assert_allclose(run(torch.linalg.matrix_exp)(x).numpy(), np.exp(x.numpy()), rtol=1e-11)
    assert run(torch.linalg.matrix_exp)(torch.tensor([[float("nan")]])).isnan().all()


def test_derivatives(run: Any) -> None:
    x = np.random.default_rng(1).standard_normal((3, 3)) * 2

    def f(x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.matrix_exp(x).cos().sum()

    grad = torch.func.grad(f)
    slope = torch.func.grad(lambda x: grad(x).sin().sum())
    for function, derivative in ((f, grad), (lambda x: grad(x).sin().sum(), slope)):
        found = run(derivative)(torch.tensor(x)).numpy()
        for at in ((0, 0), (1, 2), (2, 1)):
            step = np.zeros((3, 3))
            step[at] = 1e-6
            expected = (float(function(torch.tensor(x + step))) - float(function(torch.tensor(x - step)))) / 2e-6
            assert found[at] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    "x, text", [(torch.ones(2, 3), "2 by 3"), (torch.ones(2), "at least 2"), (torch.ones(2, 2).long(), "Got Long")]
)
def test_refused(x: torch.Tensor, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        torch.linalg.matrix_exp(x)
