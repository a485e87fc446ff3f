"""The record of a loop: what is read of a node, what is written back, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, make, parameter
from graphc.ir.core.predicates import is_loop
from graphc.ir.core.signatures import Layout
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions import builders
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.text.parser import parse

SCAN = """graph f(%c0: f64[3], %n0: i64[], %a: f64[5,3], %w: f64[3]) -> (f64[3], i64[], f64[5,3], f64[5]) {
  %0: (f64[3], i64[], f64[5,3], f64[5]) = scan %c0, %n0, %a, %w {carries=2, length=5, reverse=false, xs=1}
      (%c: f64[3], %n: i64[], %x: f64[3], %v: f64[3]) {
    %1: f64[3] = mul %c, %v
    %2: f64[3] = add %1, %x
    %3: f64[] = sum %2 {axes=[0]}
    %4: i64[] = constant 1
    %5: i64[] = add %n, %4
    return %2, %5, %x, %3
  }
  %6: f64[3] = result %0 {index=0}
  %7: i64[] = result %0 {index=1}
  %8: f64[5,3] = result %0 {index=2}
  %9: f64[5] = result %0 {index=3}
  return %6, %7, %8, %9
}
"""

WHILE = """graph f(%x0: f64[], %w: f64[]) -> (f64[]) {
  %0: (f64[], f64[?]) = while %x0, %w {carries=1} (%t: f64[], %limit: f64[]) {
    %1: bool[] = lt %t, %limit
    return %1
  } (%x: f64[], %v: f64[]) {
    %2: f64[] = add %x, %x
    return %2, %x
  }
  %3: f64[] = result %0 {index=0}
  return %3
}
"""

RESULT = np.array([1.0, 2.0, 3.0])


def graph_and_loop(text: str) -> tuple[Graph, Loop]:
    graph = parse(text)
    (node,) = filter(is_loop, graph.nodes())
    return graph, Loop.of(node)


def value(*shape: int, name: str = "x") -> Node:
    return parameter(TensorType(F64, shape), name)


def names(bindings: object) -> list[tuple[str, str]]:
    return [(b.operand.name, b.param.name) for b in bindings]


# -- reading ------------------------------------------------------------------------------------------------


def test_the_parts_of_a_scan():
    graph, loop = graph_and_loop(SCAN)
    assert names(loop.carries) == [("c0", "c"), ("n0", "n")]
    assert names(loop.xs) == [("a", "x")] and names(loop.captures) == [("w", "v")]
    assert [c.next for c in loop.carries] == list(loop.body.results[:2]) and list(loop.ys) == list(loop.body.results[2:])
    assert (loop.length, loop.reverse, loop.condition) == (5, False, None)
    assert loop.operands == graph.params == loop.origin.operands
    ends, stacks = loop.results()
    assert [*ends, *stacks] == list(graph.results) and len(stacks) == 2


def test_the_parts_of_a_while():
    _, loop = graph_and_loop(WHILE)
    test, body = loop.origin.regions
    assert [b.in_condition for b in loop.bindings] == list(test.params)
    assert [b.param for b in loop.bindings] == list(body.params)
    assert loop.condition is test.results[0] and loop.carries[0].next is body.results[0]
    assert (list(loop.ys), list(loop.xs), loop.length, loop.reverse) == ([body.params[0]], [], None, False)


def test_values_are_divided_among_the_parts():
    _, loop = graph_and_loop(SCAN)
    assert loop.split("abcd") == ("ab", "c", "d")
    assert loop.split_results([0, 1, 2, 3]) == ([0, 1], [2, 3])
    assert Layout(0, 2).split((7, 8)) == ((), (7, 8), ())
    assert list(loop.indices(3)) == [0, 1, 2] and list(replace(loop, reverse=True).indices(3)) == [2, 1, 0]


def branch(x: Node) -> Node:
    return builders.cond(x > 0, Region((), (x,)), Region((), (-x,)), [])[0]


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x + x, branch])
def test_other_nodes_are_refused(make):
    node = make(value())
    assert not is_loop(node)
    with pytest.raises(ValueError, match="expected a scan or while, got <"):
        Loop.of(node)


# -- writing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SCAN, WHILE])
def test_an_unchanged_record_is_its_node(text):
    _, loop = graph_and_loop(text)
    assert loop.node() is loop.origin and replace(loop, ys=list(loop.ys)).node() is loop.origin
    assert loop.with_operands(loop.operands).node() is loop.origin
    assert loop.with_results(loop.body.results).node() is loop.origin
    assert all(a is b for a, b in zip(loop.regions, loop.origin.regions, strict=True))


def test_decisions_stay_on_what_is_unchanged():
    _, loop = graph_and_loop(WHILE)
    node = loop.origin
    decided = make(node.op, node.operands, {**node.params, "registers": 9}, node.regions)
    assert Loop.of(decided).node() is decided
    assert "registers" not in replace(Loop.of(decided), ys=[]).node().params


def test_only_the_region_that_changes_is_new():
    _, loop = graph_and_loop(WHILE)
    longer = replace(loop, ys=[*loop.ys, loop.carries[0].next])
    assert longer.regions[0] is loop.regions[0] and longer.regions[1] is not loop.regions[1]
    assert [str(t) for t in longer.node().types] == ["f64[]", "f64[?]", "f64[?]"]


def test_parts_are_dropped_with_what_belongs_to_them():
    graph, loop = graph_and_loop(SCAN)
    short = replace(loop, carries=loop.carries[:1], ys=loop.ys[1:])
    ends, stacks = short.results()
    arrays = [RESULT, np.int64(0), np.arange(15.0).reshape(5, 3), RESULT / 4]
    want = evaluate(graph, arrays)
    got = evaluate(Graph(graph.params, (*ends, *stacks)), arrays)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[3])
    assert short.params == {"carries": 1, "xs": 1, "length": 5, "reverse": False}
    assert short.node().operands == (*graph.params[:1], *graph.params[2:])


def test_parts_are_added():
    graph, loop = graph_and_loop(SCAN)
    total, scale, element = value(3, name="total"), value(name="scale"), value(name="element")
    grown = replace(
        loop,
        carries=[*loop.carries, Carry(build.constant(0.0, F64, (3,)), total, next=total + loop.xs[0].param)],
        xs=[*loop.xs, Binding(value(5, name="weights"), element)],
        captures=[*loop.captures, Binding(build.constant(2.0, F64), scale)],
        ys=[*loop.ys, element * scale],
    )
    ends, stacks = grown.results()
    weights = grown.xs[1].operand
    arrays = [RESULT, np.int64(0), np.arange(15.0).reshape(5, 3), RESULT / 4, np.arange(5.0)]
    *_, total_of, scaled = evaluate(Graph((*graph.params, weights), (*ends, *stacks[2:])), arrays)
    np.testing.assert_array_equal(total_of, arrays[2].sum(0))
    np.testing.assert_array_equal(scaled, 2 * np.arange(5.0))


def test_a_new_node_has_the_name_and_the_place_of_the_old_one():
    _, loop = graph_and_loop(SCAN)
    loop.origin.name, loop.origin.where = "state", "model.py:3"
    after = replace(loop, reverse=True).node()
    assert (after.name, after.where, after.params["reverse"]) == ("state", "model.py:3", True)
    other = value(name="other")
    assert replace(loop, length=5, ys=[]).node(like=other).name == "other"


def test_a_parameter_stands_for_a_value_in_condition_and_body():
    x, limit = value(), value(name="limit")
    now, bound = value(name="now"), value(name="bound")
    loop = Loop([Carry(x, now, next=now * 2)], captures=[Binding(limit, bound)], condition=now < bound)
    test, body = loop.regions
    assert test.params == body.params == (now, bound)
    ((end,), stacks) = loop.results()
    assert evaluate(Graph((x, limit), (end,)), [np.float64(3), np.float64(20)])[0] == 24 and not stacks


def test_operands_and_results_are_replaced():
    graph, loop = graph_and_loop(SCAN)
    others = [parameter(o.type, f"other{i}") for i, o in enumerate(loop.operands)]
    moved = loop.with_operands(others)
    assert list(moved.operands) == others and moved.body is loop.body and isinstance(moved.carries[1], Carry)
    c, n = (c.param for c in loop.carries)
    changed = loop.with_results([c, n, c, *loop.body.results[3:]])
    assert [k.next for k in changed.carries] == [c, n] and changed.ys[0] is c
    ends, _ = changed.results()
    arrays = [RESULT, np.int64(4), np.zeros((5, 3)), RESULT]
    np.testing.assert_array_equal(evaluate(Graph(graph.params, tuple(ends)), arrays)[0], RESULT)


# -- wrong records ------------------------------------------------------------------------------------------

CASES = {
    "what is carried on has another type": (
        lambda loop: replace(loop, carries=[replace(loop.carries[0], next=loop.ys[1]), *loop.carries[1:]]),
        r"scan wants carried on by its body f64\[3\], i64\[\], got f64\[\], i64\[\]",
    ),
    "a parameter has another type": (
        lambda loop: replace(loop, captures=[replace(loop.captures[0], param=value())]),
        "scan calls its region with",
    ),
    "another number of elements": (
        lambda loop: replace(loop, length=4),
        r"scan runs over sequences of as many items as it has iterations, got 4, f64\[5,3\]",
    ),
    "no length, over what has one": (lambda loop: replace(loop, length=None), "scan runs over sequences that grow"),
    "neither length nor xs": (
        lambda loop: replace(loop, length=None, xs=[], ys=[]), "scan without a length runs over sequences that grow",
    ),
    "a negative length": (lambda loop: replace(loop, length=-1), "scan needs a length for length, got -1"),
    "a condition that is no truth value": (
        lambda loop: Loop(loop.carries, captures=loop.captures, condition=loop.ys[1]), r"while wants of its region bool\[\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_wrong_records_raise_what_their_nodes_would(case):
    change, message = CASES[case]
    _, loop = graph_and_loop(SCAN)
    with pytest.raises(TypeRuleError, match=message):
        change(loop).node()


@pytest.mark.parametrize("change", [{"length": 3}, {"reverse": True}, {"xs": [Binding(value(3), value())]}])
def test_a_condition_excludes_xs_length_and_direction(change):
    _, loop = graph_and_loop(WHILE)
    with pytest.raises(ValueError, match="a loop with a condition"):
        replace(loop, **change)


@pytest.mark.parametrize("count", [3, 5])
def test_as_many_operands_and_results_as_there_are(count):
    _, loop = graph_and_loop(SCAN)
    with pytest.raises(ValueError, match="zip"):
        loop.with_operands([value(3)] * count)
    with pytest.raises(ValueError, match="zip"):
        loop.with_results(loop.body.results[:1])
