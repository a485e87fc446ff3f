"""Linear systems and inverses: broadcasting, vectors, failures, derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((2, 5, 4, 4)), RNG.standard_normal((5, 4, 3))


def test_leading_axes_broadcast(run: Any) -> None:
    a, b = torch.tensor(A), torch.tensor(B)
    np.testing.assert_allclose(run(linalg.solve)(a, b).numpy(), np.linalg.solve(A, B))
    np.testing.assert_allclose(run(linalg.solve)(a[1, 2], b).numpy(), np.linalg.solve(A[1, 2], B))
    np.testing.assert_allclose(run(linalg.solve)(a, b[0]).numpy(), np.linalg.solve(A, B[0]))
    assert run(linalg.solve)(a[0, 0], torch.zeros(5, 4, 0, dtype=torch.float64)).shape == (5, 4, 0)
    assert run(linalg.solve)(torch.ones(0, 0), torch.ones(2, 0, 3)).shape == (2, 0, 3)


def test_right_sides_that_are_vectors(run: Any) -> None:
    a, b = torch.tensor(A), torch.tensor(B)
    one = run(linalg.solve)(a[0, 0], b[0, :, 0])
    np.testing.assert_allclose(one.numpy(), np.linalg.solve(A[0, 0], B[0, :, 0]))
    many = run(linalg.solve)(a[0], b[..., 0])
    np.testing.assert_allclose(many.numpy(), np.linalg.solve(A[0], B[..., :1])[..., 0])


def test_singular_matrices(run: Any) -> None:
    x = torch.tensor([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]])
    with pytest.raises(linalg.LinAlgError, match=r"torch.linalg.solve: .* singular"):
        run(linalg.solve)(x, torch.ones(2, 2)).tolist()
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: .* singular"):
        run(linalg.inv)(x).tolist()
    assert run(linalg.inv_ex)(x).info.tolist() == [2, 0]
    result, info = run(linalg.solve_ex)(x, torch.ones(2, 2))
    assert info.tolist() == [2, 0] and result[1].tolist() == [1, 1]
    for call in (lambda x: linalg.inv_ex(x, check_errors=True), lambda x: linalg.solve_ex(x, x, check_errors=True)):
        with pytest.raises(linalg.LinAlgError, match=r"_ex: .* singular"):
            run(call)(x)[0].tolist()


def test_gradient_of_an_inverse_in_a_loop(run: Any) -> None:
    """Newton steps, whose Jacobian is inverted in each iteration: the gradient is that of the root."""

    def root(c: torch.Tensor) -> torch.Tensor:
        def step(x: torch.Tensor, _: Any) -> Any:
            jacobian = torch.stack([torch.stack([2 * x[0], torch.ones_like(x[0])]), torch.stack([x[1], x[0]])])
            return x - linalg.solve(jacobian, torch.stack([x[0] ** 2 + x[1] - c, x[0] * x[1] - 1])), x[0]

        return torch.scan(step, torch.tensor([2.0, 0.5], dtype=torch.float64), None, 30)[0][0]

    c = torch.tensor(4.5, dtype=torch.float64)
    x = float(root(c))
    assert x**2 + 1 / x == pytest.approx(4.5)
    assert float(run(torch.func.grad(root))(c)) == pytest.approx(1 / (2 * x - 1 / x**2))


def test_triangular_systems(run: Any) -> None:
    a = A + 4 * np.eye(4)
    for upper in (False, True):
        part = np.triu(a) if upper else np.tril(a)
        for unit in (False, True):
            matrix = part - part * np.eye(4) + np.eye(4) if unit else part

            def solve(a: Any, b: Any, upper: bool = upper, unit: bool = unit) -> Any:
                return linalg.solve_triangular(a, b, upper=upper, unitriangular=unit)

            def right(a: Any, b: Any, upper: bool = upper, unit: bool = unit) -> Any:
                return linalg.solve_triangular(a, b, upper=upper, unitriangular=unit, left=False)

            found = run(solve)(torch.tensor(a), torch.tensor(B)).numpy()
            np.testing.assert_allclose(matrix @ found, np.broadcast_to(B, found.shape), atol=1e-12)
            b = B.swapaxes(1, 2)
            found = run(right)(torch.tensor(a), torch.tensor(b)).numpy()
            np.testing.assert_allclose(found @ matrix, np.broadcast_to(b, found.shape), atol=1e-12)
    assert linalg.solve_triangular(torch.zeros(1, 1), torch.ones(1, 1), upper=True).tolist() == [[float("inf")]]


def test_solutions_by_factors(run: Any) -> None:
    factors, pivots = linalg.lu_factor(torch.tensor(A))
    for left in (True, False):
        for adjoint in (True, False):
            matrix = A.swapaxes(-1, -2) if adjoint else A
            b = B if left else B.swapaxes(-1, -2)
            found = run(lambda f, p, b, left=left, adjoint=adjoint: linalg.lu_solve(f, p, b, left=left, adjoint=adjoint))(
                factors, pivots, torch.tensor(b)
            ).numpy()
            np.testing.assert_allclose(matrix @ found if left else found @ matrix, np.broadcast_to(b, found.shape), atol=1e-10)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: linalg.solve(torch.eye(2), torch.ones(3, 2)), r"equation AX = B \(2x2 and 3x2\)"),
        (lambda: linalg.solve(torch.eye(2), torch.ones(2), left=False), r"equation XA = B \(2x2 and 2x1\)"),
        (lambda: linalg.solve(torch.eye(2), torch.tensor(1.0)), "tensor B must have at least 2 dimensions"),
        (lambda: linalg.solve(torch.eye(2), torch.ones(2, dtype=torch.float64)), "A of type Float and B of type Double"),
        (lambda: linalg.inv(torch.ones(2, 3)), "they are 2 by 3 matrices"),
        (lambda: linalg.inv(torch.ones(2, 2, dtype=torch.int64)), "Got Long"),
        (lambda: linalg.solve_triangular(torch.eye(2), torch.ones(2), upper=True), "tensor B must have at least 2"),
        (lambda: linalg.lu_solve(torch.eye(2), torch.tensor([1, 2]), torch.eye(2)), "scalar type torch.int32"),
        (lambda: linalg.lu_solve(torch.eye(2), torch.ones(1, dtype=torch.int32), torch.eye(2)), "Number of pivots"),
    ],
)
def test_refused(call: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call()
