"""Sparsity rules: which elements of its operands each element of a result depends on."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F64, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.sparse import colouring, dependence
from graphc.ir.sparse.loops import LOOP_RULES
from graphc.ir.sparse.rules import RULES, Values
from graphc.ir.transforms.jvp import tangents
from tests.ir.transforms.test_vjp import CASES, params
from tests.sparse import dense


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
