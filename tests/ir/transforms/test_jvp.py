"""Forward mode: transpose of reverse mode at every primitive; both modes nested; Jacobians and Hessians as torch.func."""

from __future__ import annotations

import doctest
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.func import hessian, jacfwd, jacrev, jvp, linearize
from graphc.ir.core import build
from graphc.ir.core.build import apply, cast, constant, elementwise, zeros_like
from graphc.ir.core.graph import Graph, Node, TypeRuleError, current, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F64, I64
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.transforms import jvp as forward
from graphc.ir.transforms.jvp import tangents
from graphc.ir.transforms.jvp_rules import JVP
from graphc.ir.transforms.vjp import gradients
from graphc.ir.transforms.vjp_rules import VJP
from graphc.tensors.tensor import Tensor
from tests.ir.transforms.test_vjp import CASES, Case, Function, params, projected

inf, nan = float("inf"), float("nan")


def filled(nodes: Sequence[Node | None], like: Sequence[Node]) -> list[Node]:
    return [zeros_like(x) if n is None else n for n, x in zip(nodes, like, strict=True)]


def draw(node: Node, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2.0, node.shape)


def products(function: Function, arrays: Sequence[np.ndarray], wrt: Sequence[int]) -> tuple[float, float]:
    """Return <g, J v> by forward mode and <J^T g, v> by reverse mode, at random positive g and v."""
    xs = params(*arrays)
    by = [xs[i] for i in wrt]
    y = function(*xs)
    vs, g = [parameter(x.type) for x in by], parameter(y.type)
    forth = filled(tangents([y], by, vs), [y])
    back = filled(gradients([y], [g], by), by)
    given = [draw(g, 1), *(draw(v, 2 + i) for i, v in enumerate(vs))]
    found = evaluate(Graph((*xs, g, *vs), (*forth, *back)), [*arrays, *given])
    pairs = zip(found[1:], given[1:], strict=True)
    with np.errstate(all="ignore"):
        return float((found[0] * given[0]).sum()), float(sum((j * v).sum() for j, v in pairs))


# -- every primitive ------------------------------------------------------------------------------------


def cases(name: str) -> list[Case]:
    """Return the cases of a primitive, with floats for all that is differentiated."""
    found = []
    for case in CASES[name]:
        arrays = tuple(a.astype(np.float64) if i in case.wrt else a for i, a in enumerate(case.arrays))
        found.append(Case(case.function, arrays, case.wrt))
    return found


def test_the_tables_have_the_same_primitives() -> None:
    assert set(JVP) == set(VJP)


@pytest.mark.parametrize("name", CASES)
def test_forward_is_the_transpose_of_reverse(name: str) -> None:
    for case in cases(name):
        for wrt in {(i,) for i in case.wrt} | {tuple(case.wrt)}:
            forth, back = products(case.function, case.arrays, wrt)
            assert forth == pytest.approx(back, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_forward_is_the_derivative(name: str) -> None:
    for case in cases(name):
        xs = params(*case.arrays)
        by = [xs[i] for i in case.wrt]
        total = projected(case.function(*xs), 1)
        vs = [parameter(x.type) for x in by]
        (slope,) = filled(tangents([total], by, vs), [total])
        given = [draw(v, 5 + i) for i, v in enumerate(vs)]
        found = float(evaluate(Graph((*xs, *vs), (slope,)), [*case.arrays, *given])[0])
        values = []
        for step in (1e-6, -1e-6):
            moved = list(case.arrays)
            for i, v in zip(case.wrt, given, strict=True):
                moved[i] = moved[i] + step * v
            values.append(float(evaluate(Graph(tuple(xs), (total,)), moved)[0]))
        assert found == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_forward_over_reverse_is_reverse_over_forward(name: str) -> None:
    for case in cases(name):
        xs = params(*case.arrays)
        by = [xs[i] for i in case.wrt]
        y = case.function(*xs)
        total, one = projected(y * y, 1), constant(1, F64)
        vs = [parameter(x.type) for x in by]
        slopes = filled(gradients([total], [one], by), by)
        first = filled(tangents(slopes, by, vs), by)
        (slope,) = filled(tangents([total], by, vs), [total])
        second = filled(gradients([slope], [one], by), by)
        given = [draw(v, 5 + i) for i, v in enumerate(vs)]
        found = evaluate(Graph((*xs, *vs), (*first, *second)), [*case.arrays, *given])
        for a, b in zip(found[: len(by)], found[len(by) :], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_checker_catches_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JVP, "cumsum", lambda node, ts: ts[0])
    case = CASES["cumsum"][0]
    forth, back = products(case.function, case.arrays, case.wrt)
    assert forth != pytest.approx(back)


def at(name: str, *arrays: Sequence[float], wrt: Sequence[int] | None = None) -> tuple[str, Case]:
    operands = tuple(np.array(a, np.float64) for a in arrays)
    return name, Case(lambda *xs: apply(name, *xs), operands, tuple(range(len(operands)) if wrt is None else wrt))


def folded(name: str, *numbers: float) -> tuple[str, Case]:
    return name, Case(lambda x: build.reduce(name, x, (0,)), (np.array(numbers, np.float64),))


SINGULAR = [
    at("abs", [-0.0]), at("abs", [0]), at("sign", [0]), at("floor", [2]), at("round", [0.5]), at("sqrt", [0]), at("rsqrt", [0]),
    at("log", [0]), at("log1p", [-1]), at("div", [1], [0]), at("div", [0], [0]), at("remainder", [4], [2]),
    at("floordiv", [4], [2]), at("maximum", [2], [2]), at("minimum", [2], [2]), at("maximum", [nan], [1]),
    at("maximum", [1], [2]), at("minimum", [1], [2]),
    at("pow", [0], [0]), at("pow", [0], [2]), at("pow", [0], [-1]), at("pow", [nan], [0]),
    at("pow", [-2], [3], wrt=[0]), at("tanh", [inf]), at("sigmoid", [-inf]), at("erf", [inf]), at("exp", [-inf]),
    folded("max", 3, 1, 3, 3), folded("min", 1, 5, 1), folded("max", nan, 1, nan), folded("min", inf, inf),
    folded("prod", 0, 2), folded("prod", 0, 0, 5), folded("prod", 3, 0, 5), folded("prod"), folded("prod", inf, 2, 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case"), SINGULAR)
def test_singular_points_have_the_same_derivative(name: str, case: Case) -> None:
    for i in case.wrt:
        forth, back = products(case.function, case.arrays, (i,))
        assert forth == pytest.approx(back, rel=1e-13, nan_ok=True)


def test_one_derivative_of_two_infinities_at_a_tie() -> None:
    x, y = params(np.array(2.0), np.array(2.0))
    (t,) = tangents([elementwise("maximum", x, y)], [x, y], [constant(4, F64), constant(8, F64)])
    assert t is not None and evaluate(Graph((x, y), (t,)), [np.array(2.0)] * 2) == [6.0]


# -- the loop -------------------------------------------------------------------------------------------


def push(y: Node, x: Node) -> Node:
    (t,) = tangents([y], [x], [build.full_like(x, 1)])
    assert t is not None
    return t


def value(node: Node, x: Node, number: float) -> float:
    return float(evaluate(Graph((x,), (node,)), [np.array(number)])[0])


def test_third_derivative() -> None:
    (x,) = params(np.array(0.7))
    third = push(push(push(elementwise("exp", elementwise("sin", x)), x), x), x)
    s, c = np.sin(0.7), np.cos(0.7)
    assert value(third, x, 0.7) == pytest.approx(np.exp(s) * c * (c * c - 3 * s - 1), rel=1e-13)


def test_deep_chain_neither_recurses_nor_takes_quadratic_time() -> None:
    (x,) = params(np.array(0.5))
    y = x
    for _ in range(150_001):
        y = -y
    assert value(push(y, x), x, 0.5) == -1


def test_what_does_not_vary_has_no_tangent() -> None:
    x, y = params(np.ones(3), np.ones(3))
    assert tangents([x * x, y * y, x], [x], [y])[1:] == [None, y]
    assert tangents([], [x], [y]) == [] and tangents([x], [], []) == [None]


def test_a_changing_node_changes_by_its_seed_alone() -> None:
    (x,) = params(np.array(3.0))
    y = x * 2
    (t,) = tangents([y * x], [x, y], [constant(1, F64), constant(10, F64)])
    assert t is not None and value(t, x, 3.0) == 36


def test_seeds_of_one_node_add_up() -> None:
    (x,) = params(np.array(3.0))
    (t,) = tangents([x * x], [x, x], [constant(1, F64), constant(10, F64)])
    assert t is not None and value(t, x, 3.0) == 66


@pytest.mark.parametrize("barrier", [
    lambda x: apply("stop_gradient", x),
    lambda x: cast(cast(x, I64), F64),
    lambda x: cast(x < 1, F64),
    lambda x: build.zeros_like(x) + cast(build.expand_axes(apply("argmax", x, axis=0), (3,), (0,)), F64),
])  # fmt: skip
def test_nothing_flows_through(barrier: Function) -> None:
    (x,) = params(np.ones(3))
    assert tangents([barrier(x)], [x], [build.full_like(x, 1)]) == [None]


def test_perturbations_are_not_confused() -> None:
    (x,) = params(np.array(5.0))
    y = make(PRIMITIVES["alias"], (constant(1, F64),), unique=True)
    assert value(push(x * push(x + y, y), x), x, 5.0) == 1
    y = make(PRIMITIVES["alias"], (x,), unique=True)
    assert value(push(x * push(x * y, y), x), x, 5.0) == 10
    (g,) = gradients([x * push(x * y * y, y)], [constant(1, F64)], [x])
    assert g is not None and value(g, x, 5.0) == 150


def test_only_what_varies_costs_something() -> None:
    x, y = params(np.ones(3), np.ones((3, 3)))
    names = [n.op.name for n in Graph((x, y), (push(build.matmul(y, build.reshape(x, (3, 1))), x),)).nodes()]
    assert names.count("matmul") == 1
    index = constant(1, I64, (2,))
    (t,) = tangents([build.scatter_add(x, constant(1, F64, (2,)), index)], [x], [x])
    assert t is x


def test_tangents_know_their_node() -> None:
    (x,) = params(np.ones(3))
    current.where = "model.py:7"
    y = elementwise("tanh", x)
    current.where = ""
    y.name = "hidden"
    t = push(y, x)
    assert (t.name, t.where, current.where) == ("t_hidden", "model.py:7", "")


def test_example_in_the_docstring() -> None:
    assert doctest.testmod(forward) == (0, 6)


def test_errors_say_what_is_needed() -> None:
    (x,) = params(np.ones((2, 3)))
    with pytest.raises(TypeRuleError, match=r"type of its node, f64\[2,3\], got f64\[\]"):
        tangents([x], [x], [constant(1, F64)])
    (fused,) = build.fusion([x], Graph((x,), (x * x,)))
    with pytest.raises(TypeRuleError, match="fusion has no derivative rule"):
        tangents([fused], [x], [x])


# -- on tensors -----------------------------------------------------------------------------------------

A = np.random.default_rng(0).normal(size=(5, 4))
W = np.random.default_rng(1).normal(size=4)
V = np.random.default_rng(2).normal(size=4)
MODES = pytest.mark.parametrize("mode", [lambda f: f, torch.compile], ids=["eager", "compiled"])


def logistic(w: Tensor) -> Tensor:
    return torch.log1p(torch.exp(-(torch.tensor(A) @ w))).sum()


def layer(w: Tensor) -> Tensor:
    return torch.tanh(torch.tensor(A) @ w)


def slopes(w: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(A @ w))


def close(found: Tensor, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found.detach().numpy()), expected, rtol=1e-11, atol=1e-12)


LAYER_JACOBIAN = (1 - np.tanh(A @ W) ** 2)[:, None] * A
HESSIAN = A.T @ np.diag(slopes(W) * (1 - slopes(W))) @ A
_S = slopes(W)
THIRD = np.einsum("n,ni,nj,nk->ijk", -_S * (1 - _S) * (1 - 2 * _S), -A, -A, -A)


@MODES
def test_jacobians(mode: Any) -> None:
    for jacobian in (jacrev(layer), jacfwd(layer), jacrev(layer, chunk_size=2)):
        close(mode(jacobian)(torch.tensor(W)), LAYER_JACOBIAN)


@MODES
def test_hessians(mode: Any) -> None:
    by_pairs = [outer(inner(logistic)) for outer in (jacfwd, jacrev) for inner in (jacfwd, jacrev)]
    for second in (hessian(logistic), jacfwd(func.grad(logistic)), *by_pairs):
        close(mode(second)(torch.tensor(W)), HESSIAN)
    rosenbrock = lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()  # noqa: E731
    found = mode(hessian(rosenbrock))(torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64))
    close(found, [[802, -400, 0], [-400, 1002, -400], [0, -400, 200]])


@MODES
def test_third_derivatives(mode: Any) -> None:
    for third in (jacfwd(hessian(logistic)), jacrev(hessian(logistic))):
        close(mode(third)(torch.tensor(W)), -THIRD)


@MODES
def test_hessian_vector_products(mode: Any) -> None:
    def forward_over_reverse(w: Tensor, v: Tensor) -> Tensor:
        return jvp(func.grad(logistic), (w,), (v,))[1]  # type: ignore[no-any-return]

    def reverse_over_forward(w: Tensor, v: Tensor) -> Tensor:
        return func.grad(lambda x: jvp(logistic, (x,), (v,))[1])(w)  # type: ignore[no-any-return]

    for product in (forward_over_reverse, reverse_over_forward):
        close(mode(product)(torch.tensor(W), torch.tensor(V)), HESSIAN @ V)


@MODES
def test_linearize(mode: Any) -> None:
    close(mode(lambda w, v: linearize(layer, w)[1](v))(torch.tensor(W), torch.tensor(V)), LAYER_JACOBIAN @ V)
    inner = mode(jacfwd(lambda w: linearize(layer, w)[1](torch.tensor(V))))(torch.tensor(W))
    close(inner, -2 * np.einsum("n,ni,nj,j->ni", np.tanh(A @ W) * (1 - np.tanh(A @ W) ** 2), A, A, V))


@MODES
def test_batches_of_derivatives(mode: Any) -> None:
    ws = torch.tensor(np.stack([W, V]))
    second = mode(func.vmap(hessian(logistic)))(ws)
    close(second[0], HESSIAN)
    close(mode(jacfwd(func.vmap(layer)))(ws)[0, :, 0], LAYER_JACOBIAN)
    products = mode(lambda vs: func.vmap(linearize(layer, torch.tensor(W))[1])(vs))(ws)
    close(products, np.stack([W, V]) @ LAYER_JACOBIAN.T)


def test_linearize_computes_once() -> None:
    x, y = torch.tensor([1.0, 2.0], dtype=torch.float64), {"b": torch.ones(2, dtype=torch.float64)}
    output, push_forward = linearize(lambda x, y: {"a": (x * y["b"]).sin()}, x, y)
    close(output["a"], np.sin([1, 2]))
    zeros = {"b": torch.zeros(2, dtype=torch.float64)}
    first, second = push_forward(y["b"], zeros)["a"], push_forward(zeros["b"], y)["a"]
    pending = toposort([first._node(), second._node()], lambda n: n.value is not None)
    assert "cos" not in {n.op.name for n in pending if n.value is None}
    close(first, np.cos([1, 2]))
    close(second, np.cos([1, 2]) * [1, 2])


def test_jvp_as_torch_has_it() -> None:
    x, v = torch.tensor([1.0, 2.0, 3.0]), torch.ones(3)
    nested = lambda p, s=2.0: ({"a": p["x"] * s, "b": torch.ones(2)}, p["x"])  # noqa: E731
    output, tangent, aux = jvp(nested, ({"x": x},), ({"x": v},), has_aux=True)
    assert output["a"].tolist() == [2, 4, 6] and tangent["a"].tolist() == [2, 2, 2] and tangent["b"].tolist() == [0, 0]
    assert aux.tolist() == [1, 2, 3] and not aux.requires_grad and not tangent["a"].requires_grad
    assert jvp(lambda x: x * x.detach(), (x,), (v,))[1].tolist() == [1, 2, 3]
    assert jvp(lambda x: x > 1, (x,), (v,))[1].tolist() == [False, False, False]
    assert jvp(lambda x: x.mul_(2) * x, (x.clone(),), (v,))[1].tolist() == [8, 16, 24]
    assert jvp(lambda x: x * 2, (np.ones(2),), (np.ones(2),))[1].tolist() == [2, 2]


def test_values_may_be_looked_at_and_chains_may_be_long() -> None:
    def grow(x: Tensor) -> Tensor:
        while x.sum().item() < 100:
            x = x * x
        return x

    value, slope = jvp(grow, (torch.tensor([2.0, 3.0]),), (torch.ones(2),))
    assert value.tolist() == [256, 6561] and slope.tolist() == [8 * 2**7, 8 * 3**7]

    def chain(x: Tensor) -> Tensor:
        for _ in range(2500):
            x = -x
        return x

    assert jvp(chain, (torch.ones(2),), (torch.ones(2),))[1].tolist() == [1, 1]


def test_nests_and_argnums() -> None:
    def f(p: dict[str, Tensor], y: Tensor) -> dict[str, Tensor]:
        return {"o": (p["a"] * y).sum(), "q": p["b"] * y[:2]}

    p = {"a": torch.tensor([1.0, 2.0, 3.0]), "b": torch.tensor(2.0)}
    for jacobian in (jacrev, jacfwd):
        by_p, by_y = jacobian(f, argnums=(0, 1))(p, p["a"])["q"]
        assert by_p["a"].tolist() == [[0, 0, 0], [0, 0, 0]] and by_p["b"].tolist() == [1, 2]
        assert by_y.tolist() == [[2, 0, 0], [0, 2, 0]]
        assert jacobian(f)(p, p["a"])["o"]["a"].tolist() == [1, 2, 3]
        assert jacobian(f, argnums=-1)(p, p["a"])["o"].tolist() == [1, 2, 3]
        found, aux = jacobian(lambda x: (x * 2, x.sum()), has_aux=True)(p["a"])
        assert found.tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]] and aux.item() == 6
    second = hessian(lambda x, y: (x * x * y).sum(), argnums=(0, 1))
    (xx, xy), (yx, yy) = second(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    assert xx.tolist() == [[6, 0], [0, 8]] and yy.tolist() == [[0, 0], [0, 0]]
    assert xy.tolist() == yx.tolist() == [[2, 0], [0, 4]]


def test_shapes_and_dtypes_of_jacobians() -> None:
    x, y = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.float64)
    for jacobian in (jacrev, jacfwd):
        assert jacobian(lambda x: x.sum(1))(x).shape == (2, 2, 3)
        assert jacobian(lambda x: x.sum())(x).shape == (2, 3)
        assert jacobian(lambda x: x * torch.ones(4))(torch.tensor(1.0)).tolist() == [1, 1, 1, 1]
        assert jacobian(lambda x: x * 2)(torch.ones(0)).shape == (0, 0)
        assert jacobian(lambda x: torch.ones(4))(x).shape == (4, 2, 3)
    assert [g.dtype for g in jacrev(lambda x, y: x * y, (0, 1))(x, y)] == [torch.float32, torch.float64]
    assert [g.dtype for g in jacfwd(lambda x, y: x * y, (0, 1))(x, y)] == [torch.float64, torch.float64]
    assert jacfwd(lambda x: x > 1)(x).dtype is torch.bool


def test_levels_are_not_confused() -> None:
    one = torch.tensor(1.0)

    def slope(f: Any, x: Tensor) -> Tensor:
        return jvp(f, (x,), (one,))[1]  # type: ignore[no-any-return]

    assert slope(lambda x: x * slope(lambda y: x + y, one), one).item() == 1
    assert slope(lambda x: x * func.grad(lambda y: x + y)(one), one).item() == 1
    assert func.grad(lambda x: x * slope(lambda y: x + y, one))(one).item() == 1
    assert slope(lambda x: slope(lambda y: x * y * y, x), torch.tensor(3.0)).item() == 12
    assert jacfwd(lambda x: jacrev(lambda y: x * y * y)(x))(torch.tensor(3.0)).item() == 12


def test_history_leads_outside() -> None:
    w = torch.ones(3, requires_grad=True)
    x = torch.tensor([1.0, 2.0, 3.0])
    output, tangent = jvp(lambda x: x * x * w, (x,), (torch.ones(3),))
    assert output.requires_grad
    tangent.sum().backward()
    assert w.grad.tolist() == [2, 4, 6]
    jacrev(lambda x: (x * x * w).sum())(x).sum().backward()
    assert w.grad.tolist() == [4, 8, 12]
    with torch.no_grad():
        output, tangent = jvp(lambda x: x * x * w, (x,), (torch.ones(3),))
        assert tangent.tolist() == [2, 4, 6] and not tangent.requires_grad and not output.requires_grad
        assert not hessian(lambda x: (x * x * w).sum())(x).requires_grad


def test_through_custom_functions_and_hooks() -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    class Once(Cube):
        backward = staticmethod(torch.autograd.once_differentiable(Cube.backward))

    def hooked(x: Tensor) -> Tensor:
        y = x * 2
        y.register_hook(lambda g: g * 100)
        return y * y

    x, v = torch.tensor([1.0, 2.0]), torch.ones(2)
    assert jvp(Cube.apply, (x,), (v,))[1].tolist() == [3, 12]
    assert hessian(lambda x: Cube.apply(x).sum())(x).tolist() == [[6, 0], [0, 12]]
    assert jvp(hooked, (x,), (v,))[1].tolist() == [8, 16]
    assert jacrev(hooked)(x).tolist() == [[800, 0], [0, 1600]]
    with pytest.raises(RuntimeError, match="OnceBackward has no forward derivative"):
        jvp(Once.apply, (x,), (v,))


X, ONES = torch.tensor([1.0, 2.0, 3.0]), torch.ones(3)


@pytest.mark.parametrize(("act", "kind", "message"), [
    (lambda: jvp(lambda x: x, [X], [ONES]), RuntimeError, "Expected primals to be a tuple"),
    (lambda: jvp(lambda x: x, (X,), (ONES, ONES)), RuntimeError, "to have the same python structure"),
    (lambda: jvp(lambda x: x, (1.0,), (ONES,)), RuntimeError, "Expected primals to only contain Tensors, got <class 'float'>"),
    (lambda: jvp(lambda x: x, (X,), (1.0,)), RuntimeError, "Expected tangents to only contain Tensors, got <class 'float'>"),
    (lambda: jvp(lambda: X, (), ()), RuntimeError, "Expected primals to contain at least one Tensor"),
    (lambda: jvp(lambda x: x, (X,), (torch.ones(2),)), RuntimeError, r"Tensor is of size \[3\] while .* of size \[2\]"),
    (lambda: jvp(lambda x: x, (torch.tensor([1]),), (X[:1],)), ValueError, "floating point or complex, but got: torch.int64"),
    (lambda: jvp(lambda x: 3.0, (X,), (ONES,)), RuntimeError, "return only tensors, got unsupported type <class 'float'>"),
    (lambda: jvp(lambda x: None, (X,), (ONES,)), RuntimeError, r"non-empty output \(got output = \[None\]\)"),
    (lambda: jvp(lambda x: ONES, (X,), (ONES,), strict=True), RuntimeError, "output of f is independent of the inputs"),
    (lambda: jvp(lambda x: x, (X,), (ONES,), has_aux=True), RuntimeError, r"jvp.*should be a tuple: \(output, aux\)"),
    (lambda: jacrev(lambda x: x, has_aux=True)(X), RuntimeError, r"vjp.*should be a tuple: \(output, aux\) if has_aux"),
    (lambda: jacrev(lambda x: x, argnums=1)(X), RuntimeError, "Got argnum=1, but only 1 positional inputs"),
    (lambda: jacfwd(lambda x: x, argnums=())(X), RuntimeError, "argnums must be non-empty"),
    (lambda: jacfwd(lambda x: x, argnums=(0, 0))(X), RuntimeError, r"argnums elements must be unique, got \(0, 0\)"),
    (lambda: jacrev(lambda x: x, argnums="a")(X), RuntimeError, "argnums must be int or Tuple"),
    (lambda: jacrev(lambda x: x > 1)(X), RuntimeError, "All outputs of f must be floating-point"),
    (lambda: jacrev(lambda x: x)(1.0), ValueError, "Thing passed to transform API must be Tensor"),
    (lambda: jacrev(lambda x: x * 1.0)(torch.tensor([1])), RuntimeError, "can require gradients"),
    (lambda: jacrev(lambda x: x, chunk_size=0), ValueError, "`chunk_size` should be greater than 0"),
    (lambda: linearize(lambda x: x, X)[1](torch.ones(2)), RuntimeError, "doesn't match the shape torch.Size"),
    (lambda: linearize(lambda x: x, X)[1](ONES.double()), RuntimeError, "with dtype torch.float64 .* the dtype torch.float32"),
    (lambda: linearize(lambda x: x, X)[1](ONES, ONES), RuntimeError, "to have the same argspec as the primals"),
])  # fmt: skip
def test_errors(act: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        act()
    assert f"at {__file__}" in str(caught.value)
