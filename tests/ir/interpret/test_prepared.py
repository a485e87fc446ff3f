"""Prepared evaluation computes what `evaluate_nodes` computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F32, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.interpret.prepared import Prepared
from graphc.ir.regions import builders


def check(params: list[Node], roots: list[Node], seed: int = 0) -> Prepared:
    """Compare both evaluations on two sets of arrays, dtypes and shapes included; return the prepared one."""
    rng = np.random.default_rng(seed)
    prepared = Prepared(params, roots)
    for _ in range(2):
        arrays = [(rng.standard_normal(p.shape) * 3).astype(p.dtype.numpy) for p in params]
        expected = evaluate_nodes(roots, dict(zip(params, arrays, strict=True)))
        for a, b in zip(prepared(arrays), expected, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype and a.shape == b.shape and type(a) is np.ndarray
    return prepared


def param(*shape: int, dtype: Any = F32) -> Node:
    return parameter(TensorType(dtype, shape))


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4)])
def test_operands_that_are_broadcast_are_left_to_numpy(shape: tuple[int, ...]) -> None:
    x, row, number = param(5, *shape), param(*shape), param()
    wide = build.broadcast(row, x.shape, tuple(range(1, len(x.shape))))
    spread = build.broadcast(number, x.shape, ())
    prepared = check([x, row, number], [x * wide + spread, build.apply("lt", x, spread), x * wide])
    assert len(prepared.shapes) == 2
    assert wide not in check([x, row, number], [wide * spread, wide]).shapes, "a root keeps its shape"
    assert not check([row, number], [wide + spread]).shapes, "no other operand has the full shape"


def test_a_broadcast_that_others_read_keeps_its_shape() -> None:
    x, row = param(3, 4), param(4)
    wide = build.broadcast(row, (3, 4), (1,))
    assert not check([x, row], [x + wide, build.sum_(wide, (0,))]).shapes
    assert not check([x, row], [x + build.apply("exp", wide)]).shapes


def test_values_without_parameters_are_computed_once_and_not_given_away() -> None:
    x = param(3, 4)
    ramp = build.apply("sqrt", build.iota((3, 4), 1, F32))
    view = build.reshape(ramp, (12,))
    prepared = check([x], [x + ramp, view, ramp])
    assert not any(function is np.sqrt for function, *_ in prepared.steps)
    arrays = [np.zeros((3, 4), np.float32)]
    first = prepared(arrays)
    first[1][:] = 7
    np.testing.assert_array_equal(prepared(arrays)[2], first[2])
    assert first[2].max() < 7


def test_values_are_dropped_after_their_last_reader() -> None:
    x = param(4)
    y = build.apply("exp", x)
    prepared = check([x], [build.apply("sin", build.apply("cos", y)), y])
    dropped = [i for *_, last, _ in prepared.steps for i in last]
    assert len(dropped) == len(set(dropped)) == 2
    assert prepared.roots[1] not in dropped


def test_loops_several_results_and_errors_with_their_line() -> None:
    x, c = param(4), param(4)
    body = Region((c,), (build.apply("tanh", c), build.sum_(c, (0,))))
    last, sums = builders.scan(body, [x], [], 3)
    check([x], [last * 2, sums])
    index = param(2, dtype=I64)
    taken = build.gather(x, index)
    taken.where = "script.py:7"
    prepared = Prepared([x, index], [taken])
    with pytest.raises(IndexError, match=r"out of bounds[^\n]*\n  at script.py:7"):
        prepared([np.zeros(4, np.float32), np.array([0, 9])])
    with pytest.raises(ValueError, match="not bound to an array"):
        Prepared([], [x + 1])


def test_every_elementwise_primitive_has_the_dtype_of_its_type() -> None:
    x, y = param(6), param(6)
    for name, op in PRIMITIVES.items():
        if op.kind == "elementwise" and op.arity in (1, 2) and name not in ("cast", "derived"):
            try:
                node = build.apply(name, *([x, y][: op.arity]))
            except TypeError:  # of integers or bools
                continue
            check([x, y], [node, node])


@pytest.mark.filterwarnings("error")
def test_values_computed_beforehand_raise_no_warnings() -> None:
    x, zero = param(3), build.constant(0.0, F32, (3,))
    check([x], [x * (1 / zero), x * (zero / zero)])
