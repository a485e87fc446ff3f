"""Factorizations: values, failures, arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg

RNG = np.random.default_rng(0)
A = RNG.standard_normal((2, 4, 4))
DEFINITE = A @ A.swapaxes(1, 2) + np.eye(4)


def test_cholesky_reads_one_triangle(run: Any) -> None:
    expected = np.linalg.cholesky(DEFINITE)
    lower, upper = np.tril(DEFINITE) + 9 * np.triu(np.ones((4, 4)), 1), np.triu(DEFINITE) + 9 * np.tril(np.ones((4, 4)), -1)
    np.testing.assert_allclose(run(linalg.cholesky)(torch.tensor(lower)).numpy(), expected)
    found = run(lambda x: linalg.cholesky(x, upper=True))(torch.tensor(upper))
    np.testing.assert_allclose(found.numpy(), expected.swapaxes(1, 2))


def test_a_matrix_that_is_not_positive_definite(run: Any) -> None:
    x = torch.tensor(DEFINITE)
    x[1, 2, 2] = -1
    with pytest.raises(linalg.LinAlgError, match=r"linalg.cholesky: .* not positive-definite"):
        run(linalg.cholesky)(x).tolist()
    with pytest.raises(RuntimeError, match=r"^cholesky: .* not positive-definite"):
        run(torch.cholesky)(x).tolist()
    factor, info = run(linalg.cholesky_ex)(x)
    assert info.tolist() == [0, 3] and info.dtype is torch.int32
    np.testing.assert_allclose(factor[0].numpy(), np.linalg.cholesky(DEFINITE[0]))
    with pytest.raises(linalg.LinAlgError, match=r"linalg.cholesky_ex"):
        run(lambda x: linalg.cholesky_ex(x, check_errors=True))(x).L.tolist()


def test_failures_in_loops_and_batches(run: Any) -> None:
    bad = torch.stack([torch.eye(2), -torch.eye(2)])
    with pytest.raises(linalg.LinAlgError):
        run(lambda xs: torch.scan(lambda c, x: (c + linalg.cholesky(x), c), torch.zeros(2, 2), xs)[0])(bad).tolist()
    with pytest.raises(linalg.LinAlgError):
        run(torch.func.vmap(linalg.inv))(bad + torch.eye(2)).tolist()


@pytest.mark.parametrize("shape", [(4, 4), (3, 5, 2), (2, 6), (1, 1), (0, 3), (2, 0, 0)])
def test_lu(shape: tuple[int, ...], run: Any) -> None:
    x = torch.tensor(np.random.default_rng(1).standard_normal(shape))
    p, lower, upper = run(linalg.lu)(x)
    np.testing.assert_allclose((p @ lower @ upper).numpy(), x.numpy(), atol=1e-12)
    assert (lower.tril() == lower).all() and (upper.triu() == upper).all()
    assert (lower.abs() <= 1).all() and (lower.diagonal(0, -2, -1) == 1).all()
    factors, pivots, info = linalg.lu_factor_ex(x)
    assert pivots.dtype is torch.int32 and pivots.shape == (*shape[:-2], min(shape[-2:])) and not info.any()
    for one, other in zip(torch.lu_unpack(factors, pivots), (p, lower, upper), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_singular_factors(run: Any) -> None:
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]])
    assert run(linalg.lu_factor_ex)(x).info.tolist() == 2
    assert linalg.lu(x).U.tolist() == [[2, 4], [0, 0]]
    with pytest.raises(linalg.LinAlgError, match=r"torch.linalg.lu_factor: U has a zero on its diagonal"):
        run(linalg.lu_factor)(x)[0].tolist()


def test_printed_results() -> None:
    assert repr(linalg.cholesky_ex(torch.eye(1))) == (
        "torch.return_types.linalg_cholesky_ex(\nL=tensor([[1.]]),\ninfo=tensor(0, dtype=torch.int32))"
    )


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: linalg.cholesky(torch.ones(2, 2, dtype=torch.int64)), RuntimeError, "Got Long"),
        (lambda: linalg.cholesky(torch.ones(3)), RuntimeError, "at least 2 dimensions"),
        (lambda: linalg.cholesky(torch.ones(2, 3)), RuntimeError, "they are 2 by 3 matrices"),
        (lambda: linalg.lu_factor(torch.ones(3)), RuntimeError, r"Got size: \[3\] instead"),
        (lambda: linalg.lu_factor(torch.ones(2, 2), pivot=False), RuntimeError, "without pivoting"),
        (lambda: linalg.lu(torch.ones(2, 2, dtype=torch.int64)), NotImplementedError, "lu_cpu.*Long"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
