"""The record of a custom node: what is read of it, and its rules applied."""

from __future__ import annotations

import numpy as np

from graphc.ir.core import control_flow
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.custom import Custom, applied


def value(name: str) -> Node:
    return parameter(TensorType(F64), name)


def test_a_custom_node_is_read_by_parts():
    x, y, w, g, v = value("x"), value("y"), value("w"), value("g"), value("v")
    backward = (Region((g, v), (g * w,)), [0])
    (made,) = control_flow.custom([y], [x], backward=backward, forward=None, refusals=("", "no jvp"), outer=[w])
    rule = Custom.of(made)
    assert (list(rule.values), list(rule.inputs), list(rule.captures)) == ([y], [x], [w])
    assert rule.backward == (made.regions[0], (0,)) and rule.forward is None and not rule.batches
    assert rule.refusals == ("", "no jvp") and rule.split("abc") == ("a", "b", "c")
    (gradient,) = applied(made, made.regions[0], [x])
    assert evaluate(Graph((x, w), (gradient,)), [np.float64(3), np.float64(5)])[0] == 15
