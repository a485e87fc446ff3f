"""Products with Jacobians and Hessians: values, histories and errors are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
import graphc.autograd.functional as AF

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
A, B, V = RNG.standard_normal(3), RNG.standard_normal((2, 3)), RNG.standard_normal(2)


def listed(found: Any) -> Any:
    return [listed(x) for x in found] if isinstance(found, tuple) else (found.detach().numpy(), found.requires_grad)


def assert_same(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, list):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            assert_same(a, b)
    else:
        np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-9, atol=1e-12)
        assert mine[1] == theirs[1]


def two(a: Any, b: Any) -> Any:
    return (b * a).sum(1).sin(), a * b[0]


def one(a: Any, b: Any) -> Any:
    return (b * a).sin().sum()


CALLS: dict[str, Any] = {
    "vjp": lambda F, t, g: F.vjp(two, (t(A, True), t(B)), (t(V), t(A)), create_graph=g),
    "jvp": lambda F, t, g: F.jvp(two, (t(A, True), t(B)), (t(A), t(B)), create_graph=g),
    "jacobian": lambda F, t, g: F.jacobian(two, (t(A, True), t(B)), create_graph=g),
    "jacobian of one": lambda F, t, g: F.jacobian(lambda x: x.exp(), t(B, True), create_graph=g, vectorize=True),
    "unused": lambda F, t, g: F.jacobian(lambda x, y: x.exp(), (t(B), t(A)), create_graph=g),
    "hessian": lambda F, t, g: F.hessian(one, (t(A, True), t(B)), create_graph=g),
    "hessian of one": lambda F, t, g: F.hessian(lambda a: (a**3).sum(), t(A, True), create_graph=g),
    "linear": lambda F, t, g: F.hessian(lambda a: a.sum(), t(A)),
    "vhp": lambda F, t, g: F.vhp(one, (t(A, True), t(B)), (t(A), t(B)), create_graph=g),
    "hvp": lambda F, t, g: F.hvp(one, (t(A), t(B)), (t(A), t(B))),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_results_are_torchs(name: str, create_graph: bool) -> None:
    def made(M: Any) -> Any:
        return lambda array, grad=False: M.tensor(array, requires_grad=grad)

    mine = CALLS[name](AF, made(G), create_graph)
    assert_same(listed(mine), listed(CALLS[name](torch.autograd.functional, made(torch), create_graph)))


def test_errors() -> None:
    x = G.tensor(A)
    for error, match, call in [
        (RuntimeError, "v can only be None", lambda: AF.vjp(lambda x: x, x)),
        (RuntimeError, "v can only be None", lambda: AF.jvp(lambda x: x, x)),
        (RuntimeError, "v has invalid size", lambda: AF.vjp(lambda x: x, x, G.tensor(V))),
        (RuntimeError, "invalid length: should be 2 but got 1", lambda: AF.vjp(lambda x: (x, x), x, (x,))),
        (TypeError, "must be either a Tensor or a tuple of Tensors", lambda: AF.vjp(lambda x: x, 3.0)),
        (RuntimeError, "should contain a single element", lambda: AF.hessian(lambda x: x, x)),
        (RuntimeError, "should return a single Tensor", lambda: AF.vhp(lambda x: (x, x), x, x)),
        (RuntimeError, "not allowed in strict mode", lambda: AF.jacobian(lambda x, y: x, (x, x), strict=True)),
        (RuntimeError, "not allowed in strict mode", lambda: AF.hvp(lambda x: x.sum(), x, x, strict=True)),
        (RuntimeError, "not supported together", lambda: AF.jacobian(lambda x: x, x, strict=True, vectorize=True)),
        (ValueError, "strategy", lambda: AF.jacobian(lambda x: x, x, strategy="both")),
    ]:
        with pytest.raises(error, match=match):
            call()
