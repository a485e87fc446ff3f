"""Jacobians and Hessians."""

from __future__ import annotations

import numpy as np

import graphc as torch


def test_unit_vectors_form_no_product_of_zero_and_infinity():
    x = np.array([[1.0, np.inf, 2.0], [3.0, 4.0, 5.0]])
    compiled = torch.compile(torch.func.jacfwd(lambda w: torch.from_numpy(x) @ w))
    np.testing.assert_array_equal(compiled(np.ones(3)), x)


def test_the_hessian_of_a_model_is_one_matrix_product():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((40, 30)), rng.standard_normal(30)

    def loss(w, x):
        return torch.log1p(torch.exp(x @ w)).sum()

    compiled = torch.compile(torch.func.hessian(loss))
    s = 1 / (1 + np.exp(-x @ w))
    np.testing.assert_allclose(compiled(w, x), (x.T * (s * (1 - s))) @ x, rtol=1e-12, atol=1e-12)
    assert compiled.lower(w, x).ir("optimized").count("matmul") == 1
