"""QR decompositions, eigenvalues of symmetric matrices, singular values: values, gradients, failures."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg

SHAPES = [(3, 3), (2, 5, 3), (3, 7), (1, 1), (12, 4), (0, 3), (3, 0), (0, 4, 2), (2, 0, 0)]


def draw(*shape: int, dtype: str = "float64") -> torch.Tensor:
    return torch.tensor(np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype))


def is_orthonormal(x: torch.Tensor, tolerance: float) -> bool:
    return bool(((x.mT @ x - torch.eye(x.shape[-1], dtype=x.dtype)).abs() < tolerance).all())


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
def test_decompositions_multiply_to_the_matrix(shape: tuple[int, ...], dtype: str, tolerance: float, run: Any) -> None:
    x = draw(*shape, dtype=dtype)
    for mode in ("reduced", "complete"):
        q, r = run(lambda x, mode=mode: linalg.qr(x, mode))(x)
        assert q.shape[-1] == r.shape[-2] == (shape[-2] if mode == "complete" else min(shape[-2:]))
        assert is_orthonormal(q, tolerance) and (r.triu() == r).all()
        np.testing.assert_allclose((q @ r).numpy(), x.numpy(), atol=tolerance)
    for full in (True, False):
        u, s, vh = run(lambda x, full=full: linalg.svd(x, full))(x)
        assert is_orthonormal(u, tolerance) and is_orthonormal(vh.mT, tolerance)
        assert u.shape[-1] == (shape[-2] if full else min(shape[-2:])) and s.shape[-1] == min(shape[-2:])
        k = s.shape[-1]
        np.testing.assert_allclose((u[..., :k] * s[..., None, :] @ vh[..., :k, :]).numpy(), x.numpy(), atol=tolerance)
        assert (s[..., 1:] <= s[..., :-1]).all() and (s >= 0).all()
    assert run(linalg.svdvals)(x).shape == s.shape


@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 5), (20, 20), (1, 1), (0, 0), (0, 3, 3)])
def test_eigenvalues(shape: tuple[int, ...], run: Any) -> None:
    x = draw(*shape)
    for letter, part in (("L", np.tril), ("U", np.triu)):
        one = part(x.numpy())
        whole = one + one.swapaxes(-1, -2) - one * np.eye(shape[-1])
        values, vectors = run(lambda x, letter=letter: linalg.eigh(x, letter))(x)
        np.testing.assert_allclose(values.numpy(), np.linalg.eigvalsh(whole), atol=1e-12)
        alone = run(lambda x, letter=letter: linalg.eigvalsh(x, letter))(x)
        np.testing.assert_allclose(alone.numpy(), values.numpy(), atol=1e-12)
        np.testing.assert_allclose(whole @ vectors.numpy(), (vectors * values[..., None, :]).numpy(), atol=1e-12)


def slope(f: Any, x: Any) -> Any:
    """Return the derivative by central differences."""
    found = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        found[at] = (float(f(torch.tensor(x + step))) - float(f(torch.tensor(x - step)))) / 2e-6
    return found


FUNCTIONS: dict[str, Any] = {
    "qr": lambda x: (linalg.qr(x).Q[..., :2] ** 3).sum() + linalg.qr(x).R.sin().sum(),
    "eigh": lambda x: ((v := linalg.eigh(x + x.mT)).eigenvectors ** 4).sum() + (v.eigenvalues**3).sum(),
    "eigvalsh": lambda x: linalg.eigvalsh(x + x.mT).exp().sum(),
    "svd": lambda x: ((v := linalg.svd(x, False)).U ** 4).sum() + (v.Vh[..., 1] ** 2).sum() + v.S.exp().sum(),
    "svd of all": lambda x: linalg.svd(x).S.sin().sum(),
    "svdvals": lambda x: (linalg.svdvals(x) ** 3).sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3)])
def test_gradients(name: str, shape: tuple[int, ...], run: Any) -> None:
    f, x = FUNCTIONS[name], np.random.default_rng(3).standard_normal(shape)
    if name.startswith("eig"):
        x = np.random.default_rng(3).standard_normal((3, 3))
    grad = torch.func.grad(f)
    np.testing.assert_allclose(run(grad)(torch.tensor(x)).numpy(), slope(f, x), rtol=1e-6, atol=1e-7)
    second = torch.func.grad(lambda x: (grad(x) ** 2).sum())
    expected = slope(lambda x: (grad(x) ** 2).sum(), x)
    np.testing.assert_allclose(run(second)(torch.tensor(x)).numpy(), expected, rtol=1e-5, atol=1e-5)
    tangent = torch.tensor(np.random.default_rng(4).standard_normal(x.shape))
    _, forward = run(lambda x, t: torch.func.jvp(f, (x,), (t,)))(torch.tensor(x), tangent)
    assert float(forward) == pytest.approx(float((grad(torch.tensor(x)) * tangent).sum()))


def test_equal_eigenvalues_have_gradients_of_their_own(run: Any) -> None:
    assert run(torch.func.grad(lambda x: linalg.eigvalsh(x).sum()))(torch.eye(3)).tolist() == np.eye(3).tolist()
    assert run(torch.func.grad(lambda x: linalg.svdvals(x).sum()))(torch.eye(3)).abs().tolist() == np.eye(3).tolist()


def test_in_loops_and_batches(run: Any) -> None:
    x = draw(4, 3, 3)
    looped = run(lambda x: torch.scan(lambda c, x: (c + linalg.svdvals(x @ x), linalg.qr(x).R), torch.zeros(3).double(), x))(x)
    np.testing.assert_allclose(looped[0].numpy(), linalg.svdvals(x @ x).sum(0).numpy())
    np.testing.assert_allclose(looped[1].numpy(), linalg.qr(x).R.numpy())
    np.testing.assert_allclose(run(torch.func.vmap(linalg.eigvalsh))(x).numpy(), linalg.eigvalsh(x).numpy(), atol=1e-12)


def test_elements_that_are_not_finite(run: Any) -> None:
    x = torch.full((2, 2), float("nan"))
    with pytest.raises(linalg.LinAlgError, match=r"linalg.svd: .* non-finite values"):
        run(linalg.svdvals)(x).tolist()
    assert run(linalg.eigvalsh)(x).isnan().all() and run(linalg.qr)(x).Q.isnan().all()


def test_columns_that_are_not_determined_have_no_gradient() -> None:
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows > ncols"):
        torch.func.grad(lambda x: linalg.qr(x, "complete").Q.sum())(draw(3, 2))


def test_products_of_reflections(run: Any) -> None:
    for m, n, k in ((4, 4, 4), (5, 3, 2), (3, 2, 0), (1, 1, 1)):
        x, tau = draw(2, m, n), draw(2, k + 1)[:, :k]
        found = run(linalg.householder_product)(x, tau).numpy()
        for b in range(2):
            expected = np.eye(m)
            for i in range(k):
                v = np.where(np.arange(m) > i, x[b, :, i].numpy(), np.arange(m) == i)
                expected = expected @ (np.eye(m) - float(tau[b, i]) * np.outer(v, v))
            np.testing.assert_allclose(found[b], expected[:, :n], atol=1e-12)
    with pytest.raises(RuntimeError, match=r"input.shape\[-2\] must be greater than or equal"):
        linalg.householder_product(draw(2, 3), draw(2))
    with pytest.raises(RuntimeError, match="batch dimensions of tau"):
        linalg.householder_product(draw(3, 2), draw(2, 2))
    with pytest.raises(RuntimeError, match=r"input.shape\[-1\] must be greater than or equal"):
        linalg.householder_product(draw(3, 2), draw(3))


def test_without_scipy() -> None:
    script = """
import sys
sys.modules["scipy"] = None
import graphc
try:
    graphc.linalg.svd(graphc.eye(2))
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'graphc[linalg]'" in found.stdout, found.stderr


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: linalg.qr(torch.ones(2, 2), "x"), RuntimeError, "unrecognized mode 'x'"),
        (lambda: linalg.qr(torch.ones(2)), RuntimeError, "at least 2 dimensions"),
        (lambda: linalg.qr(torch.ones(2, 2).long()), RuntimeError, "Got Long"),
        (lambda: linalg.eigh(torch.ones(2, 3)), RuntimeError, "they are 2 by 3 matrices"),
        (lambda: linalg.eigh(torch.ones(2, 2), "x"), RuntimeError, "'L' or 'U', but got x"),
        (lambda: linalg.eigvalsh(torch.ones(2, 2).long()), NotImplementedError, "linalg_eigh_cpu.*Long"),
        (lambda: linalg.svd(torch.ones(2, 2), driver="gesvd"), RuntimeError, "only supported on CUDA"),
        (lambda: linalg.eig(torch.ones(2, 2)), NotImplementedError, "complex"),
        (lambda: linalg.eigvals(torch.ones(2, 2)), NotImplementedError, "complex"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
