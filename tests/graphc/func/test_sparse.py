"""Sparse derivatives: exact patterns, colourings, and compiled SciPy matrices equal to the dense ones."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import graphc as torch
from graphc import func
from graphc.core.errors import TracingError
from tests.sparse import arrow

rng = np.random.default_rng(0)


def vector(n: int) -> Any:
    return torch.tensor(np.random.default_rng(n).uniform(0.5, 1.5, n))


def stencil(u: Any) -> Any:
    grid = torch.nn.functional.pad(u.reshape(5, 6), (1, 1, 1, 1))
    across = grid[2:, 1:-1] + grid[:-2, 1:-1] + grid[1:-1, 2:] + grid[1:-1, :-2]
    return (across - 4 * u.reshape(5, 6) + torch.exp(u.reshape(5, 6))).reshape(-1)


JACOBIANS = {
    "banded": (lambda x: torch.sin(x[1:-1]) * x[:-2] - x[2:] ** 2, 30, 3 * 28),
    "stencil": (stencil, 30, 30 + 2 * (4 * 6 + 5 * 5)),
    "arrow": (arrow, 30, 30 + 2 * 29),
    "one row": (lambda x: (x**3).sum(), 30, 30),
    "one column": (lambda x: torch.exp(x[0]) * torch.arange(1, 8), 5, 7),
    "gathered": (lambda x: x[torch.tensor([3, 3, 0])] ** 2, 5, 3),
    "empty": (lambda x: torch.floor(x) + x.detach(), 5, 0),
    "nothing": (lambda x: x[:0] * 2, 5, 0),
    "running": (lambda x: torch.cumsum(x, 0) ** 2, 6, 21),
    "sorted out": (lambda x: torch.where(torch.arange(6) < 2, x, x.flip(0) ** 2), 6, 6),
    "batched": (lambda x: func.vmap(lambda r: torch.tanh(r).sum() * r)(x.reshape(5, 3)), 15, 45),
}


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians_are_the_dense_ones(name: str, mode: str | None) -> None:
    function, n, places = JACOBIANS[name]
    x = vector(n)
    found = func.sparse_jacobian(function, mode=mode)(x)
    wanted = func.jacfwd(function)(x).numpy()
    assert isinstance(found, scipy.sparse.csr_array) and found.dtype == np.float64
    assert found.nnz == places and found.has_canonical_format
    np.testing.assert_allclose(found.toarray(), wanted.reshape(found.shape), rtol=1e-13, atol=0)
    assert func.jacobian_sparsity(function)(x).nnz == places


def test_jacobians_agree_with_finite_differences() -> None:
    x, h = vector(30), 1e-6
    found = func.sparse_jacobian(stencil)(x).toarray()
    for i in range(30):
        unit = torch.tensor(np.eye(30)[i] * h)
        wanted = (stencil(x + unit) - stencil(x - unit)) / (2 * h)
        np.testing.assert_allclose(found[:, i], wanted.numpy(), rtol=1e-7, atol=1e-8)


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


HESSIANS = {
    "rosenbrock": (rosenbrock, 20, 20 + 2 * 19, 3),
    "arrow": (lambda x: x[0] * (x**2).sum() + torch.exp(x).sum(), 20, 20 + 2 * 19, 2),
    "separable": (lambda x: torch.tanh(x * 2).sum(), 20, 20, 1),
    "linear": (lambda x: (3 * x).sum(), 20, 0, 0),
    "bilinear": (lambda x: (x[:10] * x[10:]).sum(), 20, 20, 2),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_are_the_dense_ones(name: str) -> None:
    function, n, places, colours = HESSIANS[name]
    x = vector(n)
    compute = func.sparse_hessian(function)
    found = compute(x)
    assert found.nnz == places == func.hessian_sparsity(function)(x).nnz
    np.testing.assert_allclose(found.toarray(), func.hessian(function)(x).numpy(), rtol=1e-12, atol=1e-12)
    (plan,) = compute._plans.values()
    assert plan.directions.count <= colours


def test_networks_have_block_diagonal_derivatives() -> None:
    """Samples of a batch do not depend on one another."""
    weight = torch.tensor(rng.normal(size=(3, 4)))
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
    x = torch.tensor(rng.normal(size=(6, 3)))

    def outputs(x: Any) -> Any:
        return net(x @ weight)

    found = func.sparse_jacobian(outputs)(x)
    assert found.nnz == 6 * 2 * 3
    np.testing.assert_allclose(found.toarray(), func.jacrev(outputs)(x).detach().numpy().reshape(12, 18), rtol=1e-10)
    second = func.sparse_hessian(lambda x: torch.log(torch.exp(outputs(x)).sum(1)).sum())(x)
    assert second.nnz == 6 * 9


def test_nests_of_arguments_and_results() -> None:
    x, y, s = vector(4), vector(3), torch.tensor(2.0, dtype=torch.float64)

    def pair(p: Any, k: Any, q: Any) -> Any:
        return {"a": p["x"][1:] * q * k, "b": (p["x"][:2] * p["s"], torch.ones(2))}

    args = ({"x": x, "s": s}, 3.0, y)
    dense_one = func.jacfwd(pair, argnums=(0, 2))(*args)
    for mode in ("forward", "reverse"):
        found = func.sparse_jacobian(pair, argnums=(0, 2), mode=mode)(*args)
        for got, wanted in (
            (found["a"][0]["x"], dense_one["a"][0]["x"]), (found["a"][1], dense_one["a"][1]),
            (found["a"][0]["s"], dense_one["a"][0]["s"]), (found["b"][0][0]["s"], dense_one["b"][0][0]["s"]),
            (found["b"][1][0]["x"], dense_one["b"][1][0]["x"]),
        ):  # fmt: skip
            np.testing.assert_allclose(got.toarray(), wanted.numpy().reshape(got.shape))
    assert found["a"][0]["s"].nnz == 0 and found["b"][0][0]["s"].shape == (2, 1)

    def energy(p: Any, q: Any) -> Any:
        return (p**2).sum() * 0.5 + (p[:3] * torch.exp(q)).sum()

    (pp, pq), (qp, qq) = func.sparse_hessian(energy, argnums=(0, 1))(x, y)
    (dpp, dpq), (dqp, dqq) = func.hessian(energy, argnums=(0, 1))(x, y)
    for got, wanted in ((pp, dpp), (pq, dpq), (qp, dqp), (qq, dqq)):
        np.testing.assert_allclose(got.toarray(), wanted.numpy(), rtol=1e-12)
    assert pq.nnz == 3


def test_arrays_and_single_precision() -> None:
    x = np.linspace(0.1, 1, 10, dtype=np.float32)
    found = func.sparse_jacobian(lambda x: torch.exp(x))(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), np.diag(np.exp(x)), rtol=1e-6)


def test_not_a_number_stays_in_its_place() -> None:
    x = vector(12)
    for place, value in ((3, np.nan), (7, np.inf), (9, 0.0)):
        x[place] = value

    def steep(x: Any) -> Any:
        return torch.sqrt(x)[1:] * torch.log(x[:-1])

    inside = func.jacobian_sparsity(steep)(x).toarray()
    for mode, alike in (("forward", func.jacfwd), ("reverse", func.jacrev)):
        found = func.sparse_jacobian(steep, mode=mode)(x).toarray()
        wanted = alike(steep)(x).numpy()
        assert np.isfinite(wanted).sum() > 50 and not np.isfinite(wanted).all()
        np.testing.assert_allclose(found[inside], wanted[inside])  # what is NaN there is NaN here, and nothing else
        assert not found[~inside].any()

    def curved(x: Any) -> Any:
        return steep(x).sum()

    second = func.sparse_hessian(curved)(x).toarray()
    far = ~np.isin(np.arange(12), [2, 3, 4, 6, 7, 8, 9, 10])
    assert np.isfinite(second[far][:, far]).all()


def test_custom_functions_say_what_they_depend_on() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = vector(5)
    found = func.sparse_jacobian(lambda x: Square.apply(x)[1:])(x)
    np.testing.assert_allclose(found.toarray(), np.diag(2 * x.numpy())[1:])
    assert found.nnz == 4


def test_plans_are_kept_and_outside_indices_are_watched() -> None:
    index = torch.tensor([0, 2])
    scale = torch.tensor(2.0, dtype=torch.float64)
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x[index] * scale

    compute = func.sparse_jacobian(f)
    x = vector(4)
    compute(x)
    first = len(calls)
    assert compute(x * 2).toarray().tolist() == [[2, 0, 0, 0], [0, 0, 2, 0]] and len(calls) == first
    scale.fill_(3.0)
    assert compute(x).toarray().tolist() == [[3, 0, 0, 0], [0, 0, 3, 0]] and len(calls) == first
    index[1] = 3
    assert compute(x).toarray().tolist() == [[3, 0, 0, 0], [0, 0, 0, 3]] and len(calls) > first
    assert compute(vector(5)).shape == (2, 5)


def test_given_patterns_are_used_and_checked() -> None:
    def f(x: Any) -> Any:
        return x[1:] * x[:-1]

    x = vector(8)
    whole = scipy.sparse.diags_array([1.0, 1.0], offsets=[0, 1], shape=(7, 8))
    for pattern in (whole, whole.toarray() > 0, func.jacobian_sparsity(f)(x)):
        np.testing.assert_allclose(func.sparse_jacobian(f, pattern=pattern)(x).toarray(), func.jacfwd(f)(x).numpy())
    with pytest.raises(ValueError, match=r"pattern of all outputs by all inputs, 7 × 8, got one of 7 × 7"):
        func.sparse_jacobian(f, pattern=np.eye(7))(x)
    with pytest.raises(ValueError, match=r"lacks some in 7 rows, the first of them row 0\n  at .*test_sparse"):
        func.sparse_jacobian(f, pattern=np.eye(7, 8))(x)
    with pytest.raises(ValueError, match="got one of 1 dimensions"):
        func.sparse_jacobian(f, pattern=np.ones(8))
    with pytest.raises(ValueError, match="lacks some"):
        func.sparse_hessian(rosenbrock, pattern=np.eye(8))(x)


def test_errors() -> None:
    def f(x: Any) -> Any:
        return x * 2

    with pytest.raises(ValueError, match=r"mode is 'forward', 'reverse' or None, got 'sideways'"):
        func.sparse_jacobian(f, mode="sideways")
    inside = func.sparse_jacobian(f)
    with pytest.raises(TracingError, match="SciPy matrices, which are made outside of compiled and batched functions only"):
        torch.compile(lambda x: inside(x))(vector(3))
    with pytest.raises(TracingError, match="its pattern is made outside"):
        func.vmap(lambda x: func.jacobian_sparsity(f)(x))(vector(3))
    with pytest.raises(RuntimeError, match="Got argnum=1, but only 1 positional inputs"):
        func.sparse_jacobian(f, argnums=1)(vector(3))
    with pytest.raises(RuntimeError, match="a function that returns a 0-d Tensor, got one with 1 dims"):
        func.sparse_hessian(f)(vector(3))


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"graphc.func.sparse_jacobian needs SciPy: pip install 'graphc\[sparse\]'"):
        func.sparse_jacobian(lambda x: x)
    assert func.jacobian_sparsity(lambda x: x**2)(vector(3)).toarray().tolist() == np.eye(3).tolist()


LOOPS = {
    "scan": (lambda x: torch.scan(lambda c, e: (torch.sin(e), e * e * c), x[0] * 0 + 1, x)[1], 11),
    "scan in segments": (lambda x: torch.scan(lambda c, e: (torch.sin(e), e * c), x[0] * 0 + 1, x, checkpoint=True)[1], 11),
    "fori": (lambda x: torch.fori_loop(0, 3, lambda i, y: torch.cat([y[1:] * y[:-1], y[:1]]), x), 23),
    "while": (lambda x: torch.while_loop(lambda y: y.sum() < 30, lambda y: y * 1.5 + y * y * 0.01, x), 6),
    "cond": (lambda x: torch.cond(x.sum() > 0, lambda x: x * x, lambda x: x.flip(0), (x,)), 12),
}


@pytest.mark.parametrize("name", LOOPS)
def test_patterns_go_through_loops(name: str) -> None:
    function, places = LOOPS[name]
    x = vector(6)
    for mode in ("forward", "reverse"):
        found = func.sparse_jacobian(function, mode=mode)(x)
        np.testing.assert_allclose(found.toarray(), func.jacrev(function)(x).numpy(), rtol=1e-10)
        assert found.nnz >= places and (name == "scan" or found.nnz == places)

    def total(x: Any) -> Any:
        return (function(x) ** 2).sum()

    np.testing.assert_allclose(func.sparse_hessian(total)(x).toarray(), func.hessian(total)(x).numpy(), rtol=1e-9, atol=1e-9)


def test_patterns_of_loops_without_a_known_end_are_closed() -> None:
    """Each iteration mixes neighbours, so a pattern of any number of iterations is dense; what stays apart stays sparse."""

    def spread(x: Any) -> Any:
        return torch.while_loop(lambda y: y.sum() < 90, lambda y: y + torch.cat([y[1:], y.new_zeros(1)]) ** 2 * 0.3, x)

    def apart(x: Any) -> Any:
        def body(y: Any, n: Any) -> Any:
            z = torch.while_loop(lambda z: (z * z).sum() < 40, lambda z: z * 1.3 + z**3 * 0.01, y)
            return torch.scan(lambda c, e: (c, e.sin() * y.cos() + e), 0.0, torch.stack([z, z * y]))[1].sum(0), n + 1

        return torch.while_loop(lambda y, n: y.sum() * n < 20, body, (x, torch.tensor(0)))[0]

    x = vector(6)
    for function, places in ((spread, 21), (apart, 6)):
        assert func.jacobian_sparsity(function)(x).nnz == places
        np.testing.assert_allclose(func.sparse_jacobian(function)(x).toarray(), func.jacrev(function)(x).numpy(), rtol=1e-9)

        def total(x: Any, function: Any = function) -> Any:
            return (function(x) ** 2).sum()

        dense = func.hessian(total)(x).numpy()
        pattern = func.hessian_sparsity(total)(x).toarray()
        assert (pattern | (dense == 0)).all() and pattern.sum() == (36 if function is spread else 6)
        np.testing.assert_allclose(func.sparse_hessian(total)(x).toarray(), dense, rtol=1e-8, atol=1e-8 * abs(dense).max())
        np.testing.assert_allclose(func.sparse_hessian(total, pattern=pattern)(x).toarray(), dense, rtol=1e-8, atol=1e-6)


def test_patterns_of_loops_that_are_counted_are_those_of_their_turns() -> None:
    def shifted(x: Any) -> Any:
        def body(y: Any, n: Any) -> Any:
            return torch.cat([y[1:] * y[:-1], y[:1]]), n + 1

        return torch.while_loop(lambda y, n: n < 2, body, (x, torch.tensor(0)))[0]

    x = vector(6)
    unrolled = lambda x: torch.fori_loop(0, 2, lambda i, y: torch.cat([y[1:] * y[:-1], y[:1]]), x)  # noqa: E731
    assert func.jacobian_sparsity(shifted)(x) == func.jacobian_sparsity(unrolled)(x)
    total = lambda x: (shifted(x) ** 2).sum()  # noqa: E731
    found = func.sparse_hessian(total)(x)
    np.testing.assert_allclose(found.toarray(), func.hessian(total)(x).numpy(), rtol=1e-9, atol=1e-9)
