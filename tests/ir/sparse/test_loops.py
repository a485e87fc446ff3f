"""Sparsity patterns of loops and branches."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.types import BOOL, F64, I64, TensorType
from graphc.ir.regions.builders import cond, scan, while_loop
from graphc.ir.sparse.rules import Values
from tests.sparse import dense


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
