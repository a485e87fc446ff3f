"""The operation that produced a NaN or an infinity, found by evaluating a graph."""

from __future__ import annotations

import numpy as np

from graphc.ir.interpret.nan_origin import find_culprit
from graphc.ir.text.parser import parse

LOG_TIMES_ZERO = parse("""graph f(%x: f64[2], %zero: f64[2]) -> (f64[2]) {
  %l: f64[2] = log %x
  %y: f64[2] = mul %l, %zero
  return %y
}""")


def test_the_infinity_before_the_nan_is_named() -> None:
    culprit = find_culprit(LOG_TIMES_ZERO, [np.array([1.0, 0.0]), np.zeros(2)])
    assert culprit is not None and culprit.node.op.name == "log" and not culprit.is_leaf
    assert culprit.operands[0].tolist() == [1.0, 0.0] and culprit.value.tolist() == [0.0, -np.inf]
    assert culprit.iterations == ()


def test_finite_results_and_infinities_of_inputs_have_no_culprit() -> None:
    assert find_culprit(LOG_TIMES_ZERO, [np.ones(2), np.zeros(2)]) is None
    masked = parse("graph f(%x: f64[2], %m: f64[2]) -> (f64[2]) {\n  %y: f64[2] = add %x, %m\n  return %y\n}")
    assert find_culprit(masked, [np.ones(2), np.array([0.0, -np.inf])]) is None


def test_a_nan_among_the_inputs_is_a_leaf() -> None:
    culprit = find_culprit(LOG_TIMES_ZERO, [np.array([1.0, np.nan]), np.zeros(2)])
    assert culprit is not None and culprit.is_leaf and culprit.node.name == "x"


def test_a_value_that_a_select_discards_does_not_count() -> None:
    graph = parse("""graph f(%x: f64[2], %p: bool[2]) -> (f64[2]) {
      %l: f64[2] = log %x
      %y: f64[2] = select %p, %x, %l
      return %y
    }""")
    zero = np.array([0.0, 1.0])
    assert find_culprit(graph, [zero, np.array([True, True])]) is None
    culprit = find_culprit(graph, [zero, np.array([False, True])])
    assert culprit is not None and culprit.node.op.name == "log"


def test_the_iteration_is_named() -> None:
    graph = parse("""graph f(%c: f64[]) -> (f64[]) {
      %one: f64[] = constant 1.0
      %r: f64[] = scan %c, %one {carries=1, xs=0, length=5, reverse=false} (%c: f64[], %one: f64[]) {
        %l: f64[] = log %c
        %next: f64[] = sub %c, %one
        %s: f64[] = add %next, %l
        return %s
      }
      return %r
    }""")
    culprit = find_culprit(graph, [np.array(1.0)])
    assert culprit is not None and culprit.node.op.name == "log" and [i for _, i in culprit.iterations] == [1]


def test_the_operation_inside_a_checkpoint_is_named() -> None:
    graph = parse("""graph f(%x: f64[2]) -> (f64[2]) {
      %y: f64[2] = checkpoint %x {barrier=false} (%a: f64[2]) {
        %l: f64[2] = log %a
        %s: f64[2] = mul %l, %a
        return %s
      }
      return %y
    }""")
    culprit = find_culprit(graph, [np.array([1.0, 0.0])])
    assert culprit is not None and culprit.node.op.name == "log" and culprit.iterations == ()
