"""Tensors as matrices, and Vandermonde matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg

A = np.random.default_rng(0).standard_normal((2, 3, 6))


def test_tensor_equations(run: Any) -> None:
    b = np.random.default_rng(1).standard_normal((2, 3))
    np.testing.assert_allclose(run(linalg.tensorsolve)(torch.tensor(A), torch.tensor(b)).numpy(), np.linalg.tensorsolve(A, b))
    moved, axes = np.moveaxis(A, 2, 0), (0,)
    found = run(lambda a, b: linalg.tensorsolve(a, b, dims=axes))(torch.tensor(moved), torch.tensor(b))
    np.testing.assert_allclose(found.numpy(), np.linalg.tensorsolve(moved, b, axes))
    np.testing.assert_allclose(run(linalg.tensorinv)(torch.tensor(A)).numpy(), np.linalg.tensorinv(A, 2))


def test_vander() -> None:
    assert linalg.vander(torch.tensor(3.0), N=3).tolist() == [[1, 3, 9]]
    assert linalg.vander(torch.tensor([[1, 2]], dtype=torch.int32), N=3).dtype is torch.int64


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: linalg.tensorinv(torch.ones(2, 3, 4), 1), RuntimeError, "but got 12 != 2"),
        (lambda: linalg.tensorinv(torch.eye(4), 0), RuntimeError, "strictly positive integer"),
        (lambda: linalg.tensorinv(torch.zeros(4, 4), 1).tolist(), linalg.LinAlgError, "singular"),
        (lambda: linalg.tensorsolve(torch.ones(2, 3, 4), torch.ones(2, 2)), RuntimeError, "invalid for input of size 24"),
        (lambda: linalg.vander(torch.ones(3), N=1), RuntimeError, "N must be greater than 1"),
        (lambda: linalg.vander(torch.ones(3) > 0), RuntimeError, "but got Bool"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
