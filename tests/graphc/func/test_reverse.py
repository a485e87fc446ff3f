"""Gradients and vector-Jacobian products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.tensors.tensor import Tensor
from tests.graphc.func.pairs import Pair, X


def cube(x: Tensor) -> Tensor:
    return (x**3).sum()


def test_gradients_nest() -> None:
    first = func.grad(cube)
    second = func.grad(lambda x: first(x).sum())
    third = func.grad(lambda x: second(x).sum())
    assert first(X).tolist() == [3, 12, 27] and second(X).tolist() == [6, 12, 18] and third(X).tolist() == [6, 6, 6]
    assert not first(X).requires_grad


def test_levels_are_not_confused() -> None:
    """d/dx (x · d/dy (x + y)) is 1, not 2."""
    one = torch.tensor(1.0)
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(torch.tensor(2.0)))(one).item() == 1
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(x))(torch.tensor(3.0)).item() == 12


def test_argnums_nests_and_aux() -> None:
    def f(a: dict[str, Tensor], b: Tensor, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        return (a["x"] * b * scale).sum() + a["y"].sum(), a["x"]

    a = {"x": X, "y": torch.ones(2)}
    (da, db), aux = func.grad(f, argnums=(0, 1), has_aux=True)(a, X + 1, scale=2.0)
    assert (
        da["x"].tolist() == [4, 6, 8] and da["y"].tolist() == [1, 1] and db.tolist() == [2, 4, 6] and aux.tolist() == [1, 2, 3]
    )
    assert not aux.requires_grad
    gradient, (value, _) = func.grad_and_value(f, has_aux=True)(a, X)
    assert gradient["x"].tolist() == [1, 2, 3] and value.item() == 16
    assert func.grad(cube, argnums=-1)(X).tolist() == [3, 12, 27]


def test_vjp() -> None:
    (product, again), pull = func.vjp(lambda a, b: (a * b, a), X, X + 1)
    assert product.tolist() == [2, 6, 12] and again.tolist() == [1, 2, 3]
    da, db = pull((torch.ones(3), torch.ones(3)))
    assert da.tolist() == [3, 4, 5] and db.tolist() == [1, 2, 3]
    assert pull((X, torch.zeros(3)))[1].tolist() == [1, 4, 9]
    (pulled,) = func.vjp(lambda x: x * 2, X)[1](torch.ones(3))
    assert pulled.tolist() == [2, 2, 2]
    assert func.vjp(lambda x: (x * 2, x), X, has_aux=True)[2].tolist() == [1, 2, 3]


def test_vjp_within_grad() -> None:
    def f(x: Tensor) -> Tensor:
        _, pull = func.vjp(lambda y: y * y * x, x)
        return pull(torch.ones(3))[0].sum()  # type: ignore[no-any-return]

    assert func.grad(f)(X).tolist() == [4, 8, 12]


def test_what_nothing_depends_on_gets_zeros() -> None:
    assert func.grad(lambda x: torch.tensor(1.0))(X).tolist() == [0, 0, 0]
    assert func.grad(lambda x, y: y.sum())(X, X).tolist() == [0, 0, 0]


def test_parameters_from_outside_keep_their_history() -> None:
    w = torch.ones(3, requires_grad=True)
    g = func.grad(lambda x: (x * x * w).sum())(X)
    assert g.requires_grad
    g.sum().backward()
    assert w.grad.tolist() == [2, 4, 6]
    with torch.no_grad():
        assert not func.grad(lambda x: (x * x * w).sum())(X).requires_grad


def test_numpy_arguments() -> None:
    assert func.grad(cube)(np.array([1.0, 2.0])).tolist() == [3, 12]


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (
            lambda: func.grad(lambda x: x)(X),
            RuntimeError,
            "Expected f\\(\\*args\\) to return a scalar Tensor, got tensor with 1 dims",
        ),
        (lambda: func.grad(lambda x: 1)(X), RuntimeError, "Expected f\\(\\*args\\) to return a Tensor, got <class 'int'>"),
        (lambda: func.grad(cube, argnums=2)(X), RuntimeError, "Got argnum=2, but only 1 positional inputs"),
        (lambda: func.grad(cube)(3.0), ValueError, "Thing passed to transform API must be Tensor, got <class 'float'>"),
        (lambda: func.grad(cube)(torch.tensor([1, 2])), RuntimeError, "can require gradients"),
        (lambda: func.grad(cube, has_aux=True)(X), RuntimeError, "should be a tuple: \\(output, aux\\) if has_aux is True"),
        (lambda: func.vjp(lambda x: x, X)[1](torch.ones(2)), RuntimeError, "Mismatch in shape"),
    ],
)
def test_errors(act: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        act()


def test_compiled_inside_and_outside() -> None:
    compiled = torch.compile(func.grad(cube))
    assert compiled(X).tolist() == [3, 12, 27]
    np.testing.assert_array_equal(compiled(np.array([1.0, 2.0])), [3, 12])
    inner = torch.compile(lambda x: x**3)
    assert func.grad(lambda x: inner(x).sum())(X).tolist() == [3, 12, 27]
    assert func.grad(lambda y: func.grad(lambda x: inner(x).sum())(y).sum())(X).tolist() == [6, 12, 18]


def test_calls_in_a_row_return_the_same_nest():
    f = torch.compile(lambda x, y: {"sum": (x + y, [x - y, None]), "pair": Pair(x * 2, (y * 2,))})
    x, y = np.arange(3.0), np.ones(3)
    for a, b in ((x, y), (y, x), (x, y)):
        found = f(a, b)
        np.testing.assert_array_equal(found["sum"][0], a + b)
        np.testing.assert_array_equal(found["sum"][1][0], a - b)
        assert found["sum"][1][1] is None and type(found["pair"]) is Pair
        np.testing.assert_array_equal(found["pair"].b[0], b * 2)
    np.testing.assert_array_equal(f(x=x, y=y)["sum"][0], x + y)
    np.testing.assert_array_equal(f(np.ones(5), np.ones(5))["sum"][0], np.full(5, 2.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: func.grad(lambda x: x * 2)(torch.ones(2)), "return a scalar Tensor, got tensor with 1 dims"),
        (lambda: func.grad(lambda x: 3.0)(torch.ones(2)), "return a Tensor, got <class 'float'>"),
        (lambda: func.grad(lambda x: x.sum())(torch.ones(2, dtype=torch.int64)), "only Tensors of floating point dtype"),
        (lambda: func.grad(lambda x: x.sum())("text"), "must be Tensor, got <class 'str'>"),
        (lambda: func.grad(lambda x: x.sum(), argnums=2)(torch.ones(2)), "Got argnum=2, but only 1 positional inputs"),
    ],
)
def test_errors_name_the_line_of_the_call(call, message):
    with pytest.raises((RuntimeError, ValueError), match=message) as caught:
        call()
    assert f"\n  at {__file__}:{call.__code__.co_firstlineno}" in str(caught.value)


def test_vjp_of_one_argument_gives_a_tuple() -> None:
    _, pull = func.vjp(lambda x: x * 2, torch.ones(2))
    cotangents = pull(torch.ones(2))
    assert isinstance(cotangents, tuple) and [g.tolist() for g in cotangents] == [[2, 2]]
