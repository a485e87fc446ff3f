"""Sparse derivatives: exact patterns, colourings, and compiled SciPy matrices equal to the dense ones."""

from __future__ import annotations

import builtins
import doctest
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse

import graphc as torch
from graphc import func
from graphc.core.errors import TracingError
from graphc.ir.core import build
from graphc.ir.core.control_flow import cond, scan, while_loop
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, F64, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.sparse import colouring, dependence
from graphc.ir.sparse.colouring import by_columns, cheaper, symmetric, symmetrized
from graphc.ir.sparse.loops import LOOP_RULES
from graphc.ir.sparse.rules import RULES, Values
from graphc.ir.sparse.sparsity import Sparsity, of_pairs
from graphc.ir.transforms.jvp import tangents
from tests.ir.transforms.test_vjp import CASES, params

rng = np.random.default_rng(0)


def vector(n: int) -> Any:
    return torch.tensor(np.random.default_rng(n).uniform(0.5, 1.5, n))


def dense(result: Node, x: Node, values: Values | None = None) -> np.ndarray:
    (found,) = dependence.dependence([result], [x], values)
    return found.toarray().astype(int)


# -- the rules ------------------------------------------------------------------------------------------------


def test_documented_examples() -> None:
    assert doctest.testmod(dependence).failed == 0
    assert doctest.testmod(colouring).failed == 0


def test_every_primitive_has_a_rule_or_a_reason() -> None:
    without = [name for name, op in PRIMITIVES.items() if op.kind != "region" and (op.flat or not op.differentiable)]
    known = [*RULES, *LOOP_RULES, *without]
    assert sorted(known) == sorted(set(known))
    assert set(known) == set(PRIMITIVES)


@pytest.mark.parametrize("name", CASES)
def test_patterns_hold_every_place_of_the_jacobian(name: str) -> None:
    """A place that is not in the pattern is an exact zero, at points where the derivative is generic."""
    for case in CASES[name]:
        arrays = [a.astype(np.float64) if i in case.wrt else a for i, a in enumerate(case.arrays)]
        xs = params(*arrays)
        y = case.function(*xs)
        for i in case.wrt:
            (found,) = dependence.dependence([y], [xs[i]])
            seed = parameter(xs[i].type)
            (tangent,) = tangents([y], [xs[i]], [seed])
            if tangent is None or not found.shape[1]:
                continue
            units = np.eye(found.shape[1]).reshape(found.shape[1], *xs[i].shape)
            jacobian = np.array([evaluate(Graph((*xs, seed), (tangent,)), [*arrays, u])[0].ravel() for u in units]).T
            assert not jacobian[~found.toarray()].any(), name


def test_movement_moves_places() -> None:
    x = parameter(TensorType(F64, (2, 3)))
    assert dense(build.permute(x, (1, 0)), x).argmax(1).tolist() == [0, 3, 1, 4, 2, 5]
    assert dense(build.flip(x, (1,)), x).argmax(1).tolist() == [2, 1, 0, 5, 4, 3]
    padded = dense(build.pad(x, (0, 1), (0, 0)), x)
    assert padded.sum(1).tolist() == [0, 1, 1, 1, 0, 1, 1, 1]
    assert dense(build.sum_(x, (0,)), x).tolist() == [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1]]
    assert dense(build.cumsum(x, 1), x)[:3, :3].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    joined = build.concatenate([build.slice_(x, (0, 0), (1, 3)), build.constant(2, F64, (1, 3))], 0)
    assert dense(joined, x).sum(1).tolist() == [1, 1, 1, 0, 0, 0]


def test_products_depend_on_rows_and_columns() -> None:
    a, b = parameter(TensorType(F64, (2, 2, 3))), parameter(TensorType(F64, (2, 3, 4)))
    by_a, by_b = dense(build.matmul(a, b), a), dense(build.matmul(a, b), b)
    for place in np.ndindex(2, 2, 4):
        batch, i, j = place
        row = np.ravel_multi_index(place, (2, 2, 4))
        assert np.flatnonzero(by_a[row]).tolist() == [batch * 6 + i * 3 + k for k in range(3)]
        assert np.flatnonzero(by_b[row]).tolist() == [batch * 12 + k * 4 + j for k in range(3)]


def test_what_is_chosen_by_known_values_is_exact() -> None:
    x = parameter(TensorType(F64, (3, 2)))
    index = parameter(TensorType(I64, (2,)))
    known = Values({index: np.array([2, 0])})
    assert dense(build.gather(x, index), x, known).argmax(1).tolist() == [4, 5, 0, 1]
    assert known.read == {index}
    assert dense(build.gather(x, index), x)[0].tolist() == [1, 0, 1, 0, 1, 0]
    added = build.scatter_add(build.zeros_like(x), build.slice_(x, (0, 0), (2, 2)), index)
    put = build.scatter(x * 2.0, build.slice_(x, (0, 0), (2, 2)), index)
    assert [np.flatnonzero(row).tolist() for row in dense(added, x, known)] == [[2], [3], [], [], [0], [1]]
    assert [np.flatnonzero(row).tolist() for row in dense(put, x, known)] == [[2], [3], [2], [3], [0], [1]]
    assert dense(added, x).sum(1).tolist() == [2] * 6
    upper = build.elementwise("lt", build.iota((3, 2), 0), build.iota((3, 2), 1))
    assert dense(build.select(upper, x, 0.0), x).sum(1).tolist() == [0, 1, 0, 0, 0, 0]
    either = build.select(build.elementwise("lt", x, 1.0), x * x, build.flip(x, (0,)))
    assert dense(either, x).sum(1).tolist() == [2, 2, 1, 1, 2, 2]


def test_no_derivative_is_no_dependence() -> None:
    x = parameter(TensorType(F64, (3,)))
    for name in ("floor", "round", "sign", "stop_gradient"):
        assert not dense(build.elementwise(name, x), x).any()
    assert not dense(build.cast(build.elementwise("lt", x, 1.0), F64), x).any()


# -- loops ----------------------------------------------------------------------------------------------------


def shifting(count: int, *, chooses: bool) -> tuple[Node, Node]:
    """Return a scan whose carry is moved on by one place in each step, with an item added in front."""
    x = parameter(TensorType(F64, (count,)))
    carry, item = parameter(TensorType(F64, (4,))), parameter(TensorType(F64))
    moved = build.concatenate([build.reshape(item, (1,)), build.slice_(carry, (0,), (3,))], 0)
    if chooses:
        moved = build.select(build.elementwise("lt", moved, 9.0), moved, moved)
    last, stack = scan(Region((carry, item), (moved, build.sum_(carry, (0,)))), [build.constant(0, F64, (4,))], [x], count)
    return x, build.concatenate([last, stack], 0)


@pytest.mark.parametrize("chooses", [False, True])
def test_scans_are_followed_step_by_step(chooses: bool) -> None:
    x, y = shifting(6, chooses=chooses)
    found = dense(y, x)
    assert found[:4].tolist() == np.eye(6, dtype=int)[[5, 4, 3, 2]].tolist()
    assert [np.flatnonzero(row).tolist() for row in found[4:]] == [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4]]


def test_counters_of_loops_choose_exactly() -> None:
    """y[i] = x[i] * y[i - 1], written into its place by a loop that counts."""
    x = parameter(TensorType(F64, (4,)))
    i, y = parameter(TensorType(I64)), parameter(TensorType(F64, (4,)))
    here = build.reshape(i, (1,))
    new = build.scatter_add(y, build.gather(x, here) * 2, here)
    region = Region((i, y), (i + 1, new))
    start = [build.constant(0, I64), build.constant(0, F64, (4,))]
    test = Region((i, y), (build.elementwise("lt", i, 3),))
    assert np.array_equal(dense(while_loop(test, region, start)[1], x), np.diag([1, 1, 1, 0]))
    assert np.array_equal(dense(scan(region, start, [], 3)[1], x), np.diag([1, 1, 1, 0]))


def test_loops_that_nobody_can_count_are_closed() -> None:
    x = parameter(TensorType(F64, (4,)))
    y = parameter(TensorType(F64, (4,)))
    moved = build.concatenate([build.slice_(y, (0,), (1,)), build.slice_(y, (0,), (3,))], 0)
    test = Region((y,), (build.elementwise("lt", build.sum_(y, (0,)), 3.0),))
    assert np.array_equal(dense(while_loop(test, Region((y,), (moved,)), [x])[0], x), np.tril(np.ones((4, 4))))


def test_branches_count_both_unless_the_choice_is_known() -> None:
    x, flag = parameter(TensorType(F64, (2,))), parameter(TensorType(BOOL))
    z = parameter(TensorType(F64, (2,)))
    (y,) = cond(flag, Region((z,), (z,)), Region((z,), (build.flip(z, (0,)),)), [x])
    assert dense(y, x).tolist() == [[1, 1], [1, 1]]
    assert dense(y, x, Values({flag: np.array(False)})).tolist() == [[0, 1], [1, 0]]


# -- colours --------------------------------------------------------------------------------------------------


def random_pattern(height: int, width: int, seed: int) -> Sparsity:
    draw = np.random.default_rng(seed)
    return of_pairs(draw.integers(0, height, 3 * width), draw.integers(0, width, 3 * width), (height, width))


@pytest.mark.parametrize("seed", range(8))
def test_columns_of_a_colour_share_no_row(seed: int) -> None:
    pattern = random_pattern(20, 30, seed)
    found = by_columns(pattern)
    sums = np.zeros((pattern.shape[0], found.count), int)
    np.add.at(sums, (pattern.rows, found.colours[pattern.indices]), 1)
    assert sums.max() == 1
    meets = nx.from_numpy_array((pattern.toarray().T.astype(int) @ pattern.toarray().astype(int)) - np.eye(30) > 0)
    assert found.count <= 1 + max(nx.greedy_color(meets, "largest_first").values()) + 2


@pytest.mark.parametrize("seed", range(8))
def test_symmetric_colours_tell_every_place(seed: int) -> None:
    pattern = symmetrized(random_pattern(25, 25, seed))
    found = symmetric(pattern)
    matrix = np.zeros((25, 25))
    matrix[pattern.rows, pattern.indices] = np.random.default_rng(seed).normal(size=pattern.nnz)
    matrix = matrix + matrix.T
    sums = np.array([matrix[:, found.colours == c].sum(1) for c in range(found.count)])
    assert np.allclose(sums[found.groups, found.rows], matrix[pattern.rows, pattern.indices], atol=0, rtol=0)
    assert found.count <= by_columns(pattern).count + 1


def test_few_colours() -> None:
    n = np.arange(50)
    arrow = of_pairs([*n, *n, *(0 * n)], [*n, *(0 * n), *n], (50, 50))
    assert symmetric(arrow).count == 2
    wide = of_pairs([*n, *(0 * n)], [*n, *n], (50, 50))
    assert cheaper(wide, None)[0] == "reverse" and cheaper(wide, None)[1].count == 2
    assert cheaper(wide.transposed, None)[0] == "forward" and cheaper(wide.transposed, None)[1].count == 2


# -- matrices -------------------------------------------------------------------------------------------------


def stencil(u: Any) -> Any:
    grid = torch.nn.functional.pad(u.reshape(5, 6), (1, 1, 1, 1))
    across = grid[2:, 1:-1] + grid[:-2, 1:-1] + grid[1:-1, 2:] + grid[1:-1, :-2]
    return (across - 4 * u.reshape(5, 6) + torch.exp(u.reshape(5, 6))).reshape(-1)


def arrow(x: Any) -> Any:
    return torch.cat([(x * x).sum().reshape(1), x[1:] * torch.sin(x[0]) + x[1:] ** 3])


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


# -- through loops --------------------------------------------------------------------------------------------


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
