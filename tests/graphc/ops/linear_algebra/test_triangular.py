"""Triangular systems and factors under torch's own names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch

A, B = np.array([[2.0, 1.0], [5.0, 4.0]]), np.array([[[4.0], [8.0]], [[1.0], [0.0]]])


def test_triangular_solve(run: Any) -> None:
    a, b = torch.tensor(A), torch.tensor(B)
    for upper in (True, False):
        for transpose in (True, False):
            part = np.triu(A) if upper else np.tril(A)
            found, copy = run(lambda b, a, u=upper, t=transpose: b.triangular_solve(a, u, t))(b, a)
            np.testing.assert_allclose((part.T if transpose else part) @ found.numpy(), B)
            assert copy.shape == (2, 2, 2)


def test_cholesky_solve(run: Any) -> None:
    factor = torch.tensor(np.tril(A))
    for upper in (True, False):
        given = factor.mT if upper else factor
        found = run(lambda b, f, u=upper: b.cholesky_solve(f, u))(torch.tensor(B), given)
        np.testing.assert_allclose(np.tril(A) @ np.tril(A).T @ found.numpy(), B)
        inverse = run(lambda f, u=upper: f.cholesky_inverse(u))(given)
        np.testing.assert_allclose(inverse.numpy(), np.linalg.inv(np.tril(A) @ np.tril(A).T))


def test_lu_unpack(run: Any) -> None:
    factors, pivots = torch.linalg.lu_factor(torch.tensor(A))
    assert run(torch.lu_unpack)(factors, pivots).P.tolist() == [[0, 1], [1, 0]]
    p, lower, upper = torch.lu_unpack(factors, pivots, unpack_pivots=False)
    assert p.numel() == 0 and lower.tolist() == [[1, 0], [0.4, 1]] and upper.shape == (2, 2)
    assert [x.numel() for x in torch.lu_unpack(factors, pivots, unpack_data=False)] == [4, 0, 0]
    with pytest.raises(RuntimeError, match=r"must be between 1 and LU.size"):
        run(torch.lu_unpack)(factors, pivots + 5).P.tolist()
    np.testing.assert_allclose(torch.lu_solve(torch.tensor(B), factors, pivots).numpy(), np.linalg.solve(A, B))


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: torch.triangular_solve(torch.ones(3), torch.eye(2)), RuntimeError, "Expected b to have at least 2"),
        (lambda: torch.triangular_solve(torch.ones(3, 1), torch.eye(2)), RuntimeError, "each A matrix is 2 by 2 but each b"),
        (lambda: torch.triangular_solve(torch.eye(2), torch.ones(2, 3)), RuntimeError, "they are 2 by 3 matrices"),
        (lambda: torch.cholesky_solve(torch.ones(3), torch.eye(2)), RuntimeError, "b should have at least 2 dimensions"),
        (lambda: torch.cholesky_solve(torch.eye(2), torch.eye(2).double()), RuntimeError, "b of type Float and A of type D"),
        (lambda: torch.cholesky_inverse(torch.ones(2, 3)), RuntimeError, "they are 2 by 3 matrices"),
        (lambda: torch.cholesky_inverse(torch.ones(2, 2).long()), NotImplementedError, "Long"),
        (lambda: torch.lu_unpack(torch.eye(2), torch.tensor([1, 2])), RuntimeError, "torch.int32 dtype"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
