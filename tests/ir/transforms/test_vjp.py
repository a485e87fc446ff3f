"""Gradients: every rule against finite differences, twice; torch's subgradients; the loop's own promises."""

from __future__ import annotations

import doctest
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan, pi, sqrt

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.build import apply, cast, constant, derived, elementwise, select, sum_, zeros_like
from graphc.ir.core.graph import Graph, Node, TypeRuleError, current, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, F32, F64, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite.simplify import simplify
from graphc.ir.transforms import vjp
from graphc.ir.transforms.vjp import adjoint, gradients
from graphc.ir.transforms.vjp_control import LOOP_VJP
from graphc.ir.transforms.vjp_rules import VJP, each

Function = Callable[..., Node]


def params(*arrays: np.ndarray) -> list[Node]:
    kinds = {d.numpy: d for d in (F32, F64, I64, BOOL)}
    return [parameter(TensorType(kinds[a.dtype], a.shape), f"x{i}") for i, a in enumerate(arrays)]


def projected(y: Node, seed: int) -> Node:
    """Return a 0-d weighted sum of `y`, with fixed irregular weights."""
    position = cast(build.iota((y.type.size,), 0), F64)
    weights = elementwise("sin", position * 1.7 + float(seed)) + 1.5
    return sum_(build.reshape(cast(y, F64), (y.type.size,)) * weights, (0,))


def scalar_graph(function: Function, arrays: Sequence[np.ndarray]) -> Graph:
    xs = params(*arrays)
    return Graph(tuple(xs), (projected(function(*xs), 1),))


def gradient_graph(function: Function, arrays: Sequence[np.ndarray], wrt: Sequence[int]) -> Graph:
    """A weighted sum of the gradients: what is differentiated for the second order."""
    xs = params(*arrays)
    found = gradients([projected(function(*xs), 1)], [constant(1, F64)], [xs[i] for i in wrt])
    total = constant(0, F64)
    for i, g in enumerate(found):
        total = total + projected(xs[wrt[i]] * 0 if g is None else g, 2 + i)
    return Graph(tuple(xs), (total,))


def assert_gradient(graph: Graph, arrays: Sequence[np.ndarray], wrt: Sequence[int], tolerance: float = 2e-6) -> None:
    """Compare the adjoint of a scalar graph with central differences in f64, at every element."""
    found = evaluate(adjoint(graph, wrt, value=False), arrays)
    step = 1e-5
    for g, i in zip(found, wrt, strict=True):
        for at in np.ndindex(arrays[i].shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[i][at] += sign * step
                values.append(float(evaluate(graph, moved)[0]))
            expected = (values[0] - values[1]) / (2 * step)
            assert abs(g[at] - expected) <= tolerance * (1 + abs(expected)), (i, at, float(g[at]), expected)


def assert_differentiable_twice(function: Function, arrays: Sequence[np.ndarray], wrt: Sequence[int]) -> None:
    assert_gradient(scalar_graph(function, arrays), arrays, wrt)
    assert_gradient(gradient_graph(function, arrays, wrt), arrays, wrt)


@dataclass
class Case:
    """A function that ends in one primitive, where to differentiate it, and by which operands."""

    function: Function
    arrays: tuple[np.ndarray, ...]
    wrt: tuple[int, ...] = (0,)


def values(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


def unary(name: str, x: np.ndarray) -> list[Case]:
    return [Case(lambda x: elementwise(name, x), (x,))]


def binary(name: str, x: np.ndarray, y: np.ndarray) -> list[Case]:
    return [Case(lambda x, y: elementwise(name, x, y), (x, y), (0, 1))]


X = values(2, 3)
Y = values(2, 3, seed=1)
POSITIVE = values(2, 3, low=0.3, high=3.0, seed=2)
INDEX = np.array([1, 0, 1, 2])
MIXED = np.array([True, False, True, False, False, True]).reshape(2, 3)


def reduction(name: str, shape: tuple[int, ...], *axes: int) -> Case:
    return Case(lambda x: build.reduce(name, x, axes), (values(*shape, seed=3),))


def prod_of(*numbers: float) -> Case:
    return Case(lambda x: build.reduce("prod", x, (0,)), (np.array(numbers),))


A = values(3, 3, seed=5) + 3 * np.eye(3)


def definite(x: Node) -> Node:
    """Return positive definite matrices."""
    n = x.type.rank
    same = cast(elementwise("eq", build.iota(x.shape, n - 2), build.iota(x.shape, n - 1)), F64)
    return build.matmul(x, build.swap_last(x)) + same


def symmetric(x: Node) -> Node:
    """Return symmetric matrices with distinct eigenvalues."""
    return x + build.swap_last(x)


def by_normal_equations(x: Node) -> Node:
    """Return the pseudoinverse of matrices of full column rank."""
    back = build.swap_last(x)
    square = build.matmul(back, x)
    return apply("lu_solve", square, apply("lu", square), back, transposed=False)


CASES: dict[str, list[Case]] = {
    **{n: unary(n, X) for n in ("neg", "abs", "sign", "floor", "ceil", "trunc", "round", "alias")},
    **{n: unary(n, X) for n in ("exp", "expm1", "sin", "cos", "atan", "tanh", "sigmoid", "erf")},
    **{n: unary(n, POSITIVE) for n in ("sqrt", "rsqrt", "log")},
    "log1p": unary("log1p", POSITIVE - 1),
    **{n: binary(n, X, Y) for n in ("add", "sub", "mul", "maximum", "minimum")},
    **{n: binary(n, X, np.copysign(POSITIVE, Y)) for n in ("div", "floordiv", "remainder")},
    "pow": [
        *binary("pow", POSITIVE, Y),
        *(Case(lambda x, e=e: elementwise("pow", x, e), (X,)) for e in (0, 1, 2, 3, -2)),
        # A negative base: no logarithm may be built, for the exponent takes no gradient.
        Case(lambda x, e: elementwise("pow", x, e), (-POSITIVE, np.full((2, 3), 3.0))),
        Case(lambda x, e: elementwise("pow", x, e), (POSITIVE, np.zeros((2, 3))), (0, 1)),
    ],
    "select": [Case(lambda c, x, y: select(c, x * x, y * y), (MIXED, X, Y), (1, 2))],
    "cast": [Case(lambda x: cast(cast(x, I64), F64) + x, (X,)), Case(lambda x: cast(x, F64), (X,))],
    "reshape": [Case(lambda x: build.reshape(x, (3, 2, 1)), (X,))],
    "permute": [Case(lambda x: build.permute(x, (2, 0, 1)), (values(2, 3, 4),))],
    "broadcast": [
        Case(lambda x: build.broadcast(x, (3, 2, 4, 3), (1, 3)), (X,)),
        Case(lambda x: build.broadcast(x, (3, 0), (0,)), (X[0],)),
    ],
    "slice": [
        Case(lambda x: build.slice_(x, (1, 2), (4, 9), (2, 3)), (values(5, 9),)),
        Case(lambda x: build.slice_(x, (3,), (3,)), (values(5),)),
    ],
    "pad": [
        Case(lambda x, v: build.pad(x, (1, 0), (2, 3), (0, 2), v), (X, np.array(0.7)), (0, 1)),
        Case(lambda x, v: build.pad(x, (1,), (2,), (1,), v), (np.zeros(0), np.array(0.7)), (0, 1)),
    ],
    "flip": [Case(lambda x: build.flip(x, (0, 2)), (values(2, 3, 2),))],
    "concatenate": [Case(lambda x, y: build.concatenate([x, y, x * x], 1), (X, values(2, 2)), (0, 1))],
    "sum": [reduction("sum", (2, 3, 4), 0, 2), reduction("sum", (2, 0), 1)],
    "prod": [
        reduction("prod", (2, 5, 3), 1), reduction("prod", (2, 2, 3), 0, 2), reduction("prod", (2, 0), 1),
        prod_of(1.5), prod_of(0, 2), prod_of(0, 0, 3), prod_of(0, 0, 0, 2), prod_of(2, 0, -1, 3, 0.5),
    ],
    "max": [reduction("max", (2, 4, 3), 1), reduction("max", (2, 3), 0, 1)],
    "min": [reduction("min", (2, 4, 3), 1), reduction("min", (2, 3), 0, 1)],
    "cumsum": [Case(lambda x: build.cumsum(x, 1), (values(2, 4),))],
    "gather": [
        Case(lambda x, i: build.gather(x, i), (X.T.copy(), INDEX)),
        Case(lambda x, i: build.gather(x, i, i), (values(3, 3, 2), INDEX)),
    ],
    "scatter": [
        Case(lambda x, u, i: build.scatter(x, u, i), (values(3, 2), values(4, 2), INDEX), (0, 1)),
        Case(lambda x, u, i: build.scatter(x, u, i, i), (values(3, 3), values(), np.array(2)), (0, 1)),
    ],
    "scatter_add": [Case(lambda x, u, i: build.scatter_add(x, u, i), (values(3, 2), values(4, 2), INDEX), (0, 1))],
    "derived": [
        Case(lambda x, y: derived("xlogy", x * elementwise("log", y), x, y), (X, abs(X) + 0.5), (0, 1)),
        Case(lambda x: derived("atanh", (elementwise("log1p", x) - elementwise("log1p", -x)) * 0.5, x), (X / 10,), (0,)),
    ],
    "cholesky": [
        Case(lambda x: apply("cholesky", definite(x)), (values(3, 3),)),
        Case(lambda x: apply("cholesky", definite(x)), (values(2, 2, 2),)),
    ],
    "triangular_solve": [
        Case(lambda a, b, u=u, d=d: apply("triangular_solve", a, b, upper=u, unit=d), (A, values(3, 2)), (0, 1))
        for u in (False, True) for d in (False, True)
    ],
    "lu": [Case(lambda x: apply("lu", x), (values(*shape),)) for shape in ((3, 3), (2, 4, 2), (2, 4), (1, 1))],
    "lu_solve": [
        Case(lambda a, b, t=t: apply("lu_solve", a, apply("lu", a), b, transposed=t), (A, values(3, 2)), (0, 1))
        for t in (False, True)
    ],
    "qr": [Case(lambda x: apply("qr", x, complete=False), (values(*s, seed=4),)) for s in ((3, 3), (4, 2), (2, 3, 1))],
    "eigh": [Case(lambda x: apply("eigh", symmetric(x)), (values(*s, seed=4),)) for s in ((3, 3), (2, 2, 2))],
    "svd": [
        Case(lambda x: apply("svd", x, full=False), (values(*s, seed=4),)) for s in ((3, 3), (4, 2), (2, 2, 3))
    ],
    "pinv": [
        Case(lambda x: apply("pinv", x, by_normal_equations(x)), (values(4, 2, seed=4),)),
        Case(lambda x: apply("pinv", x, build.swap_last(by_normal_equations(build.swap_last(x)))), (values(2, 2, 3, seed=4),)),
    ],
    "matmul": [Case(build.matmul, (X, values(3, 4)), (0, 1)), Case(build.matmul, (values(2, 2, 3), values(2, 3, 1)), (0, 1))],
}  # fmt: skip


def test_every_primitive_has_a_rule_or_a_reason() -> None:
    assert set(VJP) == {name for name, op in PRIMITIVES.items() if op.differentiable and op.kind != "region"}
    assert set(LOOP_VJP) == {name for name, op in PRIMITIVES.items() if op.kind == "region"} - {"fusion"}
    assert set(CASES) == set(VJP)


@pytest.mark.parametrize("name", CASES)
def test_rule_is_the_derivative_twice(name: str) -> None:
    for case in CASES[name]:
        # The square makes the primitive's result matter in the second derivative.
        assert_gradient(scalar_graph(case.function, case.arrays), case.arrays, case.wrt)
        assert_differentiable_twice(lambda *xs, f=case.function: f(*xs) * f(*xs), case.arrays, case.wrt)


def test_checker_catches_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VJP, "sin", each(lambda g, y, x: -g * elementwise("cos", x)))
    with pytest.raises(AssertionError):
        assert_gradient(scalar_graph(lambda x: elementwise("sin", x), [X]), [X], (0,))


def test_checker_catches_a_wrong_second_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    # Right at first order, but it hides the dependence on x.
    monkeypatch.setitem(VJP, "sin", each(lambda g, y, x: g * apply("stop_gradient", elementwise("cos", x))))
    with pytest.raises(AssertionError):
        assert_differentiable_twice(lambda x: elementwise("sin", x), [X], (0,))


# -- subgradients, singular points ----------------------------------------------------------------------


def grad_of(function: Function, *arrays: Sequence[float] | float, wrt: Sequence[int] | None = None) -> list[list[float]]:
    """Return the gradients of the sum of the function, in f64."""
    operands = [np.asarray(a, np.float64) for a in arrays]
    xs = params(*operands)
    y = function(*xs)
    graph = Graph(tuple(xs), (sum_(y, range(y.type.rank)),))
    indices = range(len(xs)) if wrt is None else wrt
    return [g.tolist() for g in evaluate(adjoint(graph, indices, value=False), operands)]


def op(name: str) -> Function:
    return lambda *xs: elementwise(name, *xs)


def test_ties_are_shared() -> None:
    assert grad_of(op("maximum"), [1, 2, 3], [2, 2, 2]) == [[0, 0.5, 1], [1, 0.5, 0]]
    assert grad_of(op("minimum"), [1, 2, 3], [2, 2, 2]) == [[1, 0.5, 0], [0, 0.5, 1]]
    assert grad_of(lambda x: build.reduce("max", x, (0,)), [3, 1, 3, 3]) == [[1 / 3, 0, 1 / 3, 1 / 3]]
    assert grad_of(lambda x: build.reduce("min", x, (0,)), [1, 5, 1]) == [[0.5, 0, 0.5]]


def test_extrema_of_nan() -> None:
    assert grad_of(op("maximum"), [nan], [1]) == [[1], [1]]
    assert grad_of(lambda x: build.reduce("max", x, (0,)), [nan, 1, nan]) == [[0.5, 0, 0.5]]
    assert grad_of(lambda x: build.reduce("min", x, (0,)), [inf, inf]) == [[0.5, 0.5]]


def test_kinks_and_steps() -> None:
    assert grad_of(op("abs"), [-2, -0.0, 0, 2]) == [[-1, 0, 0, 1]]
    for name in ("sign", "floor", "ceil", "trunc", "round"):
        assert grad_of(op(name), [-1.5, 0, 2]) == [[0, 0, 0]]
    assert grad_of(op("remainder"), [7, -7], [2, 2]) == [[1, 1], [-3, 4]]
    assert grad_of(op("floordiv"), [7, -7], [2, 2]) == [[0, 0], [0, 0]]


def test_sqrt_at_zero_is_infinite() -> None:
    assert grad_of(op("sqrt"), [0, 4]) == [[inf, 0.25]]
    assert grad_of(op("log"), [0]) == [[inf]]


def test_pow_at_its_singular_points() -> None:
    by_base, by_exponent = grad_of(op("pow"), [0, 0, 2, 0, nan], [0, 2, 0, -1, 0])
    assert by_base == [0, 0, 0, -inf, 0]
    assert by_exponent[:4] == [0, 0, np.log(2), -inf]
    assert grad_of(lambda x: elementwise("pow", x, 0), [0, -1, nan, inf]) == [[0, 0, 0, 0]]
    assert grad_of(lambda x: elementwise("pow", x, 2), [-3, 0]) == [[-6, 0]]
    assert grad_of(op("pow"), [-2, 3], [3, 2], wrt=[0]) == [[12, 6]]


def test_pow_twice_at_a_zero_exponent() -> None:
    def slope(x: Node) -> Node:
        y = elementwise("pow", x, build.zeros_like(x) * x)  # an exponent of zero that is no constant
        (g,) = gradients([y], [build.full_like(y, 1)], [x])
        assert g is not None
        return g

    assert grad_of(lambda x: elementwise("pow", x, 0) * 3, [0.0]) == [[0]]
    assert grad_of(slope, [0.5, 2.0]) == [[0, 0]]


def test_prod_around_zeros() -> None:
    prod = lambda x: build.reduce("prod", x, (0,))  # noqa: E731
    assert grad_of(prod, [0, 2]) == [[2, 0]]
    assert grad_of(prod, [0, 0, 5]) == [[0, 0, 0]]
    assert grad_of(prod, [3, 0, 5]) == [[0, 15, 0]]


def test_select_keeps_the_other_arm_out() -> None:
    safe_log = lambda x: select(x > 0, elementwise("log", select(x > 0, x, 1)), 0)  # noqa: E731
    assert grad_of(safe_log, [-1, 0, 2]) == [[0, 0, 0.5]]
    # An infinite cotangent on one arm does not become NaN on the other.
    assert grad_of(lambda x, y: elementwise("sqrt", select(x < y, x, y)), [0, 5], [1, 0]) == [[inf, 0], [0, inf]]


@pytest.mark.parametrize(("name", "x", "expected"), [
    ("expm1", -50.0, np.exp(-50.0)), ("exp", 700.0, np.exp(700.0)), ("tanh", 400.0, 0.0), ("sigmoid", -700.0, np.exp(-700.0)),
    ("sigmoid", 800.0, 0.0), ("atan", 1e100, 1e-200), ("atan", 1e200, 0.0), ("erf", 40.0, 0.0), ("log1p", -1 + 2**-40, 2.0**40),
    ("erf", 0.0, 2 / sqrt(pi)), ("tanh", inf, 0.0), ("sigmoid", -inf, 0.0),
])  # fmt: skip
def test_far_out(name: str, x: float, expected: float) -> None:
    assert grad_of(op(name), x) == [pytest.approx(expected, rel=1e-14, abs=0)]


# -- the loop -------------------------------------------------------------------------------------------


def grad(y: Node, x: Node) -> Node:
    (g,) = gradients([y], [build.full_like(y, 1)], [x])
    assert g is not None
    return g


def test_third_derivative_of_a_composite() -> None:
    at = np.linspace(-1, 1, 9)
    (x,) = params(at)
    y = elementwise("exp", elementwise("sin", x))
    third = grad(grad(grad(y, x), x), x)
    s, c = np.sin(at), np.cos(at)
    expected = np.exp(s) * c * (c * c - 3 * s - 1)
    np.testing.assert_allclose(evaluate(Graph((x,), (third,)), [at])[0], expected, rtol=1e-13, atol=1e-15)
    t = elementwise("tanh", x)
    third = grad(grad(grad(t, x), x), x)
    u = np.tanh(at)
    np.testing.assert_allclose(evaluate(Graph((x,), (third,)), [at])[0], (1 - u * u) * (6 * u * u - 2), rtol=1e-13, atol=1e-15)


def test_deep_chain_neither_recurses_nor_takes_quadratic_time() -> None:
    (x,) = params(np.array(0.5))
    y = x
    for _ in range(150_001):
        y = -y
    (g,) = evaluate(adjoint(Graph((x,), (y,)), [0], value=False), [np.array(0.5)])
    assert g == -1


def test_fan_out_adds_up_in_order() -> None:
    (x,) = params(X)
    a, b, c = (elementwise(n, x) for n in ("sin", "exp", "tanh"))
    assert evaluate(Graph((x,), (grad(a + b + c, x),)), [X])[0] == pytest.approx(np.cos(X) + np.exp(X) + 1 - np.tanh(X) ** 2)


def test_unreached_is_none_and_repeated_is_repeated() -> None:
    x, y = params(X, Y)
    total = sum_(x * x, (0, 1))
    found = gradients([total], [constant(1, F64)], [x, y, x])
    assert found[1] is None
    assert found[0] is found[2]
    assert gradients([total], [constant(1, F64)], []) == []
    (zeros,) = evaluate(adjoint(Graph((x, y), (total,)), [1], value=False), [X, Y])
    assert not zeros.any()


def test_wrt_that_depends_on_wrt() -> None:
    (x,) = params(np.array(3.0))
    y = x * 2
    by_x, by_y = gradients([y * y], [constant(1, F64)], [x, y])
    assert by_x is not None and by_y is not None
    assert evaluate(Graph((x,), (by_x, by_y)), [np.array(3.0)]) == [24.0, 12.0]


def test_wrt_above_does_not_go_deeper() -> None:
    (x,) = params(np.array(3.0))
    y = elementwise("exp", x)
    assert gradients([y], [constant(1, F64)], [y]) == [constant(1, F64)]


def test_several_outputs_are_weighted() -> None:
    (x,) = params(np.array(3.0))
    (g,) = gradients([x * x, x, x], [constant(1, F64), constant(10, F64), constant(100, F64)], [x])
    assert g is not None and evaluate(Graph((x,), (g,)), [np.array(3.0)]) == [116.0]


@pytest.mark.parametrize("barrier", [
    lambda x: apply("stop_gradient", x),
    lambda x: cast(cast(x, I64), F64),
    lambda x: cast(x < 1, F64),
    lambda x: build.zeros_like(x) + cast(build.expand_axes(apply("argmax", x, axis=0), (3,), (0,)), F64),
])  # fmt: skip
def test_nothing_flows_through(barrier: Function) -> None:
    (x,) = params(X[0])
    assert gradients([barrier(x)], [build.full_like(x, 1)], [x]) == [None]


def test_integers_have_no_gradient() -> None:
    (i,) = params(INDEX)
    y = cast(i, F64)
    assert gradients([y], [build.full_like(y, 1)], [i]) == [None]


def test_perturbations_are_not_confused() -> None:
    (x,) = params(np.array(5.0))
    y = make(PRIMITIVES["alias"], (constant(1, F64),), unique=True)
    inner = grad(x + y, y)
    assert evaluate(Graph((x,), (grad(x * inner, x),)), [np.array(5.0)]) == [1.0]
    # d/dx (x * d/dy (x*y) at y=x) = d/dx x*x
    y = make(PRIMITIVES["alias"], (x,), unique=True)
    assert evaluate(Graph((x,), (grad(x * grad(x * y, y), x),)), [np.array(5.0)]) == [10.0]


def test_adjoints_know_their_forward_node() -> None:
    (x,) = params(X)
    current.where = "model.py:7"
    y = elementwise("tanh", x)
    current.where = "model.py:8"
    z = elementwise("sin", y)
    current.where = ""
    y.name, z.name = "hidden", "out"
    g = grad(z, x)
    hidden = g.operands[0]
    assert (hidden.name, hidden.where, g.name, g.where) == (
        "d_hidden",
        "model.py:8 (gradient)",
        "d_x0",
        "model.py:7 (gradient)",
    )
    assert current.where == ""


def test_superfluous_contributions_are_not_built() -> None:
    x, y = params(POSITIVE, Y)
    g = grad(elementwise("pow", x, y), x)
    names = {n.op.name for n in Graph((x, y), (g,)).nodes()}
    assert "log" not in names


def test_adjoint_appends_gradients() -> None:
    (x,) = params(X.astype(np.float32))
    graph = adjoint(Graph((x,), (sum_(x * x, (0, 1)), x * 3), "f"), [0])
    assert [r.type for r in graph.results] == [TensorType(F32), x.type, x.type]
    assert graph.name == "f_adjoint"


def test_example_in_the_docstring() -> None:
    assert doctest.testmod(vjp) == (0, 4)


def test_errors_say_what_is_needed() -> None:
    (x,) = params(X)
    with pytest.raises(TypeRuleError, match=r"0-d float as first result, got f64\[2,3\]"):
        adjoint(Graph((x,), (x,)), [0])
    with pytest.raises(TypeRuleError, match=r"type of its output, f64\[2,3\], got f64\[\]"):
        gradients([x], [constant(1, F64)], [x])
    (fused,) = build.fusion([x], Graph((x,), (x * x,)))
    with pytest.raises(TypeRuleError, match="fusion has no derivative rule"):
        gradients([fused], [zeros_like(fused)], [x])


def test_gradients_of_neighbours_become_one_part() -> None:
    x = parameter(TensorType(F64, (6, 2)))
    rows = [build.slice_(x, (i, 0), (i + 1, 2)) for i in range(1, 5)]
    total = sum_(rows[0] * rows[1] + rows[2] * rows[3] * rows[0], (0, 1))
    graph = adjoint(Graph((x,), (total,)), [0])
    array = np.arange(12.0).reshape(6, 2) + 1
    want = np.zeros((6, 2))
    want[1], want[2] = array[2] + array[3] * array[4], array[1]
    want[3], want[4] = array[4] * array[1], array[3] * array[1]
    np.testing.assert_array_equal(evaluate(graph, [array])[1], want)
    simple = simplify(graph)
    np.testing.assert_array_equal(evaluate(simple, [array])[1], want)
    assert [n.op.name for n in simple.nodes()].count("pad") < 4
