"""Function transforms: gradients, values, pullbacks, nested in one another and in compile."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.core import pytree
from graphc.tensors.tensor import Tensor

X = torch.tensor([1.0, 2.0, 3.0])


class Pair(NamedTuple):
    a: Any
    b: Any


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


def test_functional_call_swaps_and_restores() -> None:
    layer = torch.nn.Linear(3, 2)
    weight = layer.weight
    out = func.functional_call(layer, {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, (X,))
    assert out.tolist() == [6, 6] and layer.weight is weight
    gradient = func.grad(lambda w: func.functional_call(layer, {"weight": w}, X).sum())(torch.ones(2, 3))
    assert gradient.tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(KeyError, match="no parameter or buffer called 'nothing'"):
        func.functional_call(layer, {"nothing": X}, X)


def test_compiled_inside_and_outside() -> None:
    compiled = torch.compile(func.grad(cube))
    assert compiled(X).tolist() == [3, 12, 27]
    np.testing.assert_array_equal(compiled(np.array([1.0, 2.0])), [3, 12])
    inner = torch.compile(lambda x: x**3)
    assert func.grad(lambda x: inner(x).sum())(X).tolist() == [3, 12, 27]
    assert func.grad(lambda y: func.grad(lambda x: inner(x).sum())(y).sum())(X).tolist() == [6, 12, 18]


def test_pytrees() -> None:
    nest = ((1, None), [2, {"b": 3, "a": (4,)}])
    leaves, tree = pytree.flatten(nest)
    assert (
        leaves == [1, 2, 3, 4]
        and tree.size == 4
        and pytree.unflatten([10, 20, 30, 40], tree) == ((10, None), [20, {"b": 30, "a": (40,)}])
    )
    assert list(pytree.paths(tree, "x")) == ["x_0_0", "x_1_0", "x_1_1_b", "x_1_1_a_0"]
    assert pytree.tree_map(lambda a, b: a + b, nest, nest) == ((2, None), [4, {"b": 6, "a": (8,)}])
    with pytest.raises(ValueError, match="expected pytrees of one structure"):
        pytree.tree_map(lambda a, b: a, (1, 2), [1, 2])


@pytest.mark.parametrize("nest", [
    1, (), (1,), [1, (2,)], {"a": 1, 2: [3, None]}, OrderedDict(b=1, a=(2,)), defaultdict(list, x=[1]), Pair(1, [Pair(2, 3)]),
    None,
])  # fmt: skip
def test_a_builder_is_unflatten(nest):
    leaves, tree = pytree.flatten(nest)
    built = pytree.builder(tree)([-x for x in leaves])
    assert built == pytree.unflatten([-x for x in leaves], tree) and type(built) is type(nest)


def test_a_builder_of_a_nest_too_deep_for_python_to_read():
    nest = 1
    for _ in range(150):
        nest = (nest,)
    leaves, tree = pytree.flatten(nest)
    assert pytree.builder(tree)(leaves) == nest


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
