"""The record of a node that applies a region once: what is read of a fusion, checkpoint or cond, and what is written back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, make, parameter
from graphc.ir.core.predicates import is_call
from graphc.ir.core.types import BOOL, F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions import builders
from graphc.ir.regions.call import Call

X = np.array([1.0, 2.0, 3.0])


def value(*shape: int, name: str = "x") -> Node:
    return parameter(TensorType(F64, shape), name)


def branch(pred: Node, x: Node) -> Node:
    """The double of x or its negative."""
    a, b = value(3), value(3)
    return builders.cond(pred, Region((a,), (a + a,)), Region((b,), (-b,)), [x])[0]


def recomputed(x: Node, *, barrier: bool = False) -> Node:
    a = value(3)
    (made,) = builders.checkpoint(Region((a,), (a * a,)), [x])
    return replace(Call.of(made), attributes={"barrier": barrier}).node()


def kernel(x: Node) -> Node:
    a = value(3)
    return build.fusion([x], Region((a,), (a + 1,)))[0]


# -- reading ------------------------------------------------------------------------------------------------


def test_a_branch_is_read_by_parts() -> None:
    pred, x = parameter(TensorType(BOOL), "pred"), value(3)
    made = branch(pred, x)
    call = Call.of(made)
    assert is_call(made) and call.condition is pred and list(call.arguments) == [x] and call.operands == (pred, x)
    assert call.split("ab") == ("a", "b") and call.origin is made and not call.recomputes
    assert call.arm(np.bool_(True)) is made.regions[0] and call.arm(np.bool_(False)) is made.regions[1]
    with pytest.raises(ValueError, match="too many values"):
        call.body  # noqa: B018


@pytest.mark.parametrize("made", [kernel, recomputed])
def test_one_arm_is_applied_without_a_condition(made) -> None:
    x = value(3)
    node = made(x)
    call = Call.of(node)
    assert call.condition is None and call.operands == (x,) and call.split("a") == (None, "a")
    assert call.body is call.arm(None) is node.regions[0]
    want = {kernel: X + 1, recomputed: X * X}[made]
    for roots in (call.inlined(), call.results()):
        np.testing.assert_array_equal(evaluate(Graph((x,), tuple(roots)), [X])[0], want)


def test_a_barrier_keeps_the_region() -> None:
    assert Call.of(recomputed(value(3), barrier=True)).recomputes and not Call.of(recomputed(value(3))).recomputes
    assert not Call.of(kernel(value(3))).recomputes


@pytest.mark.parametrize("other", [lambda x: x, lambda x: x + x])
def test_other_nodes_are_refused(other) -> None:
    node = other(value(3))
    assert not is_call(node)
    with pytest.raises(ValueError, match="expected a fusion, checkpoint or cond, got <"):
        Call.of(node)


# -- writing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [lambda x: branch(parameter(TensorType(BOOL)), x), kernel, recomputed])
def test_an_unchanged_record_is_its_node(made) -> None:
    node = made(value(3))
    call = Call.of(node)
    assert call.node() is node and call.with_operands(list(call.operands)).node() is node
    assert call.with_results([arm.results for arm in call.arms]).node() is node


def test_decisions_stay_on_what_is_unchanged() -> None:
    pred, x = parameter(TensorType(BOOL), "pred"), value(3)
    plain = branch(pred, x)
    node = make(plain.op, plain.operands, {"registers": 16}, plain.regions)
    assert Call.of(node).node() is node
    assert "registers" not in Call.of(node).with_operands([pred, value(3)]).node().params


def test_only_the_arm_that_changes_is_new() -> None:
    pred, x = parameter(TensorType(BOOL), "pred"), value(3)
    node = branch(pred, x)
    yes, no = node.regions
    after = Call.of(node).with_results([[yes.params[0] * 3], no.results])
    assert after.arms[1] is no and after.arms[0] is not yes
    graph = Graph((pred, x), tuple(after.results()))
    np.testing.assert_array_equal(evaluate(graph, [np.bool_(True), X])[0], X * 3)
    np.testing.assert_array_equal(evaluate(graph, [np.bool_(False), X])[0], -X)


def test_a_new_node_has_the_name_and_the_place_of_the_old_one() -> None:
    node = kernel(value(3))
    node.name, node.where = "state", "model.py:3"
    after = Call.of(node).with_operands([value(3, name="y")])
    assert (after.node().name, after.node().where) == ("state", "model.py:3")
    assert after.node(like=value(3, name="other")).name == "other"


def test_a_wrong_record_is_refused() -> None:
    with pytest.raises(TypeRuleError, match="fusion binds each operand to a parameter of its type"):
        replace(Call.of(kernel(value(3))), arguments=[value(4)]).node()
    with pytest.raises(TypeRuleError, match="cond takes a 0-d bool first"):
        replace(Call.of(branch(parameter(TensorType(BOOL)), value(3))), condition=value()).node()
