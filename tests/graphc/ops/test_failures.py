"""Errors that are raised by the call itself in eager code, so that a program can catch them."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as torch
from graphc import linalg

ZERO = torch.zeros(2, 2)


def factor(matrix: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return the Cholesky factor of a matrix with just enough added to its diagonal, and the number of attempts."""
    for i in range(9):
        try:
            return linalg.cholesky(matrix + 10.0 ** (i - 6) * torch.eye(2)), i
        except linalg.LinAlgError:
            continue
    raise AssertionError


def test_a_program_adds_to_the_diagonal_until_it_succeeds() -> None:
    found, attempts = factor(torch.tensor([[1.0, 1.0], [1.0, 1.0 - 1e-4]]))
    assert attempts == 2 and found.isfinite().all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.cholesky(ZERO),
        lambda: torch.cholesky(ZERO),
        lambda: linalg.cholesky_ex(ZERO, check_errors=True),
        lambda: linalg.inv(ZERO),
        lambda: ZERO.inverse(),
        lambda: linalg.inv_ex(ZERO, check_errors=True),
        lambda: linalg.solve(ZERO, ZERO),
        lambda: linalg.solve_ex(ZERO, ZERO, check_errors=True),
        lambda: linalg.lu_factor(ZERO),
        lambda: linalg.lu_factor_ex(ZERO, check_errors=True),
        lambda: linalg.tensorinv(ZERO, 1),
        lambda: linalg.tensorsolve(ZERO, torch.ones(2)),
        lambda: linalg.svd(ZERO / 0),
        lambda: linalg.svdvals(ZERO / 0),
    ],
)
def test_calls_raise(call: Any) -> None:
    with pytest.raises(linalg.LinAlgError):
        call()


def test_traced_calls_do_not() -> None:
    inverse = torch.compile(linalg.inv)
    assert inverse(torch.eye(2)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(linalg.LinAlgError):
        inverse(ZERO)
    assert torch.func.vmap(linalg.inv)(torch.eye(2)[None]).shape == (1, 2, 2)
