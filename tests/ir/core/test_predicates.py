"""Predicates on nodes."""

from __future__ import annotations

import pytest

from graphc.ir.core.build import apply, argsort, broadcast, flip, gather, iota, reshape, select, slice_
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.predicates import stays_within
from graphc.ir.core.types import BOOL, F32, I64, TensorType

X = parameter(TensorType(F32, (4, 3)))
GIVEN = parameter(TensorType(I64, (2,)))
LARGEST = apply("argmax", X, axis=0)
"""Rows of X, for each column."""


@pytest.mark.parametrize(
    "index",
    [
        LARGEST,
        apply("argmin", X, axis=1),
        argsort(X, 0),
        iota((2, 4), 1),
        flip(slice_(reshape(argsort(X, 0), (12,)), (2,), (9,), (1,)), (0,)),
        broadcast(LARGEST, (5, 3), (1,)),
        select(parameter(TensorType(BOOL, (3,))), LARGEST, iota((3,), 0)),
    ],
)
def test_positions_along_an_axis_of_the_extent_stay_within(index: Node) -> None:
    assert stays_within(gather(X, index))


@pytest.mark.parametrize(
    "index", [GIVEN, LARGEST + 1, iota((5,), 0), select(parameter(TensorType(BOOL, (2,))), GIVEN, iota((2,), 0))]
)
def test_other_indices_may_leave(index: Node) -> None:
    assert not stays_within(gather(X, index))


def test_each_axis_has_its_extent() -> None:
    assert stays_within(gather(X, LARGEST, iota((3,), 0))) and not stays_within(gather(X, iota((3,), 0), LARGEST))
    assert not stays_within(X + 1)
