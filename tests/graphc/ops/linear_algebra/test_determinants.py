"""Determinants, and their derivatives at singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg


def cofactors(x: Any) -> Any:
    n = len(x)
    rest = [[np.delete(np.delete(x, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * np.linalg.det(rest[i][j]) for j in range(n)] for i in range(n)])


def test_gradient_of_a_singular_matrix(run: Any) -> None:
    regular = np.random.default_rng(0).standard_normal((3, 3))
    one, two = regular.copy(), regular.copy()
    one[2] = one[0] * 2  # exactly singular: of rank 2
    two[1:] = 0
    x = torch.tensor(np.stack([regular, one, two, np.zeros((3, 3))]))
    found = run(torch.func.grad(lambda x: linalg.det(x).sum()))(x).numpy()
    np.testing.assert_allclose(found, [cofactors(m) for m in x.numpy()], atol=1e-12)


def test_second_derivative() -> None:
    def slope(x: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(linalg.det)(x).square().sum()

    x = torch.tensor([[2.0, 1.0], [3.0, 4.0]])
    assert torch.func.grad(slope)(x).tolist() == pytest.approx(2 * x.numpy())  # the cofactors are the elements
    assert torch.func.grad(slope)(torch.ones(2, 2)).isnan().all()


def test_signs_and_logarithms(run: Any) -> None:
    x = torch.stack([torch.eye(3) * 1e30, torch.eye(3)[[1, 0, 2]], torch.zeros(3, 3)])
    sign, logarithm = run(linalg.slogdet)(x)
    assert sign.tolist() == [1, -1, 0]
    np.testing.assert_allclose(logarithm.numpy(), [np.log(1e30) * 3, 0, -np.inf])
    np.testing.assert_allclose(run(torch.logdet)(x).numpy(), [np.log(1e30) * 3, np.nan, -np.inf])


def test_empty_matrices(run: Any) -> None:
    assert run(linalg.det)(torch.zeros(2, 0, 0)).tolist() == [1, 1]
    assert run(linalg.slogdet)(torch.zeros(0, 0)).logabsdet.tolist() == 0
    assert linalg.det(torch.zeros(0, 3, 3)).shape == (0,)


@pytest.mark.parametrize("call", [linalg.det, torch.det, linalg.slogdet, torch.slogdet, torch.logdet])
def test_refused(call: Any) -> None:
    integers = torch.ones(2, 2, dtype=torch.int32)
    for x, text in ((torch.ones(2, 3), "2 by 3"), (torch.ones(2), "at least 2"), (integers, "Got Int")):
        with pytest.raises(RuntimeError, match=text):
            call(x)
