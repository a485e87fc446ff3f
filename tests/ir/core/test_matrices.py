"""Type rules and reference semantics of the primitives on dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core.build import apply
from graphc.ir.core.graph import Node, TypeRuleError, parameter
from graphc.ir.core.matrices import cholesky, lu, lu_solve, permutation, triangular_solve
from graphc.ir.core.types import F32, F64, I64, TensorType


def matrix(*shape: int, dtype: object = F64) -> Node:
    return parameter(TensorType(dtype, shape))  # type: ignore[arg-type]


def test_cholesky() -> None:
    a = np.array([[4.0, 99.0], [2.0, 5.0]])  # the upper triangle is not read
    assert cholesky(a).tolist() == [[2, 0], [1, 2]]
    both = cholesky(np.stack([a, -a]))
    assert both[0].tolist() == [[2, 0], [1, 2]] and np.isnan(both[1, 0, 0])


def test_triangular_solve() -> None:
    a, b = np.array([[2.0, 3.0], [1.0, 4.0]]), np.array([[2.0], [9.0]])
    assert triangular_solve(a, b, False, False).tolist() == [[1], [2]]
    assert triangular_solve(a, b, False, True).tolist() == [[2], [7]]
    assert triangular_solve(a, b, True, False).tolist() == [[-2.375], [2.25]]


def test_lu() -> None:
    a = np.array([[[0.0, 2.0], [4.0, 1.0]]])
    factors = lu(a)
    assert factors.tolist() == [[[4, 1], [0, 2], [1, 1]]]
    b = np.array([[[2.0], [5.0]]])
    assert lu_solve(a, factors, b, False).tolist() == [[[1], [1]]]
    assert (np.swapaxes(a, 1, 2) @ lu_solve(a, factors, b, True)).tolist() == b.tolist()
    assert lu(np.zeros((2, 1))).tolist() == [[0], [0], [0]]


def test_permutation() -> None:
    assert permutation(np.array([2, 2]), 3).tolist() == [2, 0, 1]


def test_operands_that_do_not_fit() -> None:
    a, b, numbers = matrix(2, 2), matrix(3, 1), matrix(2, 2, dtype=I64)
    for name, operands, params, text in (
        ("cholesky", (b,), {}, "cholesky takes square matrices, got f64\\[3,1\\]"),
        ("cholesky", (matrix(2),), {}, "cholesky takes matrices, got f64\\[2\\]"),
        ("cholesky", (numbers,), {}, "cholesky is defined for float, got i64\\[2,2\\]"),
        ("triangular_solve", (a, b), {"upper": True, "unit": True}, "as many rows"),
        ("triangular_solve", (a, matrix(2, 2, dtype=F32)), {"upper": True, "unit": True}, "one dtype"),
        ("lu", (matrix((1 << 24) + 1, 1),), {}, "up to 2\\*\\*24 rows"),
        ("lu_solve", (a, a, a), {"transposed": True}, "takes the factors of lu"),
        ("lu_solve", (a, matrix(3, 2), b), {"transposed": True}, "as many rows"),
        ("permutation", (a,), {"rows": 2}, "one i64"),
        ("permutation", (numbers,), {"rows": 1}, "one i64 for each row, got i64\\[2,2\\], 1"),
    ):
        with pytest.raises(TypeRuleError, match=text):
            apply(name, *operands, **params)
