"""The record of a custom node: what is read of it, and its rules applied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions import builders
from graphc.ir.regions.custom import Custom


def value(name: str) -> Node:
    return parameter(TensorType(F64), name)


def test_a_custom_node_is_read_by_parts():
    x, y, w, g, v = value("x"), value("y"), value("w"), value("g"), value("v")
    backward = (Region((g, v), (g * w,)), [0])
    (made,) = builders.custom([y], [x], backward=backward, forward=None, refusals=("", "no jvp"), outer=[w])
    rule = Custom.of(made)
    assert (list(rule.values), list(rule.inputs), list(rule.captures)) == ([y], [x], [w])
    assert rule.backward == (made.regions[0], (0,)) and rule.forward is None and not rule.batches
    assert rule.refusals == ("", "no jvp") and rule.split("abc") == ("a", "b", "c")
    (gradient,) = rule.derivatives(made.regions[0], [x])
    assert evaluate(Graph((x, w), (gradient,)), [np.float64(3), np.float64(5)])[0] == 15


def test_a_custom_node_is_written() -> None:
    x, y, w, g, v, other = (value(name) for name in ("x", "y", "w", "g", "v", "other"))
    backward, forward = (Region((g, v), (g * w,)), [0]), (Region((g, v), (g + w,)), [0])
    many = parameter(TensorType(F64, (2,)))
    batches = {3: Region((many,), (many + many,))}
    (made,) = builders.custom([y], [x], backward=backward, forward=forward, batches=batches, outer=[w])
    made.where = "model.py:3"
    record = Custom.of(made)
    assert record.node() is made and record.results() == [made] and [r for r, _ in record.rules] == list(made.regions[:2])
    assert list(record.batches) == [3] and record.params == made.params
    after = replace(record.with_operands([y, other, w]), forward=None, batches={}).node()
    assert after.operands == (y, other, w) and after.regions == made.regions[:1] and after.where == "model.py:3"
    assert (after.params["wrt"], after.params["varying"], after.params["levels"]) == ((0,), (), ())


def test_other_nodes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a custom node, got <"):
        Custom.of(value("x"))
