"""Pseudoinverses, ranks, least squares, condition numbers and norms by singular values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg
from tests.graphc.ops.decompositions.test_orthogonal import draw, slope


@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 3), (3, 7), (0, 3), (2, 3, 0)])
def test_pseudoinverses(shape: tuple[int, ...], run: Any) -> None:
    x = draw(*shape)
    expected = np.linalg.pinv(x.numpy())
    np.testing.assert_allclose(run(linalg.pinv)(x).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(run(torch.pinverse)(x).numpy(), expected, atol=1e-12)


def test_deficient_rank(run: Any) -> None:
    x = torch.tensor(np.outer([1.0, 2, 3], [1.0, -1]))
    np.testing.assert_allclose(run(linalg.pinv)(x).numpy(), np.linalg.pinv(x.numpy()), atol=1e-12)
    assert run(linalg.matrix_rank)(x).item() == 1
    symmetric = x[:, :1] @ x[:, :1].mT
    inverse = run(lambda x: linalg.pinv(x, hermitian=True))(symmetric)
    np.testing.assert_allclose(inverse.numpy(), np.linalg.pinv(symmetric.numpy()))
    assert run(lambda x: linalg.matrix_rank(x, hermitian=True))(symmetric).item() == 1


def test_tolerances() -> None:
    x = torch.diag(torch.tensor([4.0, 1.0, 0.1]))
    for options, rank in (({}, 3), ({"atol": 0.5}, 2), ({"rtol": 0.5}, 1), ({"atol": 2.0, "rtol": 0.01}, 1), ({"tol": 0.1}, 2)):
        assert linalg.matrix_rank(x, **options).item() == rank
    tensors = {"atol": torch.tensor([0.5, 2.0]), "rtol": torch.tensor(0.0)}
    assert linalg.matrix_rank(torch.stack([x, x]), **tensors).tolist() == [2, 1]
    assert linalg.pinv(x, atol=2.0).diagonal().tolist() == [0.25, 0, 0]


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3)])
def test_gradient_of_a_pseudoinverse(shape: tuple[int, ...], run: Any) -> None:
    x = np.random.default_rng(0).standard_normal(shape)

    def f(x: torch.Tensor) -> torch.Tensor:
        return (linalg.pinv(x) ** 3).sum()

    grad = torch.func.grad(f)
    np.testing.assert_allclose(run(grad)(torch.tensor(x)).numpy(), slope(f, x), rtol=1e-6, atol=1e-6)
    second = torch.func.grad(lambda x: (grad(x) ** 2).sum())
    expected = slope(lambda x: (grad(x) ** 2).sum(), x)
    np.testing.assert_allclose(run(second)(torch.tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(driver: str | None, run: Any) -> None:
    a, b = draw(2, 5, 3), draw(5, 2)
    x, residuals, rank, values = run(lambda a, b: linalg.lstsq(a, b, driver=driver))(a, b)
    for i in range(2):
        expected = np.linalg.lstsq(a[i].numpy(), b.numpy(), rcond=None)
        np.testing.assert_allclose(x[i].numpy(), expected[0], atol=1e-12)
        if driver not in (None, "gelsy"):
            np.testing.assert_allclose(residuals[i].numpy(), expected[1])
        if driver in ("gelsd", "gelss"):
            np.testing.assert_allclose(values[i].numpy(), expected[3])
    assert rank.tolist() == ([] if driver == "gels" else [3, 3]) and rank.dtype is torch.int64
    assert residuals.numel() == (0 if driver in (None, "gelsy") else 4)


def test_least_squares_of_vectors_and_wide_matrices(run: Any) -> None:
    a, b = draw(2, 3, 5), draw(2, 3)
    x = run(linalg.lstsq)(a, b).solution
    np.testing.assert_allclose((a @ x[..., None])[..., 0].numpy(), b.numpy(), atol=1e-12)
    np.testing.assert_allclose(x[0].numpy(), np.linalg.pinv(a[0].numpy()) @ b[0].numpy(), atol=1e-12)


def test_condition_numbers(run: Any) -> None:
    x = draw(3, 3)
    for p in (None, 2, -2, 1, -1, float("inf"), "fro", "nuc"):
        found = float(run(lambda x, p=p: linalg.cond(x, p))(x))
        assert found == pytest.approx(np.linalg.cond(x.numpy(), p))
        assert float(linalg.cond(torch.zeros(2, 2) + torch.eye(2)[0], p)) > 1e6 or p == -2
    assert linalg.cond(torch.zeros(2, 0, 0), 1).tolist() == [0, 0]
    assert float(linalg.cond(draw(4, 2))) == pytest.approx(np.linalg.cond(draw(4, 2).numpy()))


def test_norms_by_singular_values(run: Any) -> None:
    x = draw(2, 3, 4)
    for ord in ("nuc", 2, -2):
        for keepdim in (False, True):
            found = run(lambda x, o=ord, k=keepdim: linalg.matrix_norm(x, o, (0, 2), k))(x)
            np.testing.assert_allclose(found.numpy(), np.linalg.norm(x.numpy(), ord, (0, 2), keepdims=keepdim))
        assert float(linalg.norm(x[0], ord)) == pytest.approx(np.linalg.norm(x[0].numpy(), ord))
    assert linalg.matrix_norm(torch.zeros(2, 0), "nuc").item() == 0


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: linalg.pinv(torch.ones(2)), "2 or more dimensions"),
        (lambda: linalg.pinv(torch.ones(2, 3), hermitian=True), "they are 2 by 3 matrices"),
        (lambda: linalg.matrix_rank(torch.ones(2)), "at least 2 dimensions"),
        (lambda: linalg.matrix_rank(torch.ones(2, 2).long()), "types other than float and double"),
        (lambda: linalg.cond(torch.ones(2, 3), 1), r"linalg.cond\(ord=1\): A must be batches of square"),
        (lambda: linalg.cond(torch.ones(2, 2), 3), "invalid norm type: 3"),
        (lambda: linalg.cond(torch.ones(2)), "at least 2 dimensions"),
        (lambda: linalg.matrix_norm(torch.ones(2, 2), 3), "Order 3 not supported"),
        (lambda: linalg.matrix_norm(torch.ones(2, 2).long(), 2), "Got Long"),
        (lambda: linalg.lstsq(torch.ones(2, 3), torch.ones(3, 2)), r"input.size\(-2\) should match"),
        (lambda: linalg.lstsq(torch.ones(2, 3), torch.ones(2, 3).double()), "dtype Float and other's dtype Double"),
        (lambda: linalg.lstsq(torch.ones(2, 3), torch.ones(2, 3), driver="x"), "should be one of"),
    ],
)
def test_refused(call: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call()
