"""Loops, branches, checkpoints and custom functions are built of regions that may read other values."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, parameter
from graphc.ir.core.types import BOOL, F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import added, checkpoint, cond, custom, scan, while_loop
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Loop


def value(name: str, *shape: int) -> Node:
    return parameter(TensorType(F64, shape), name)


def test_a_scan_reads_other_values() -> None:
    x, xs, w, c, item = value("x"), value("xs", 4), value("w"), value("c"), value("item")
    end, stack = scan(Region((c, item), (c * w + item, c)), [x], [xs], 4, reverse=True)
    loop = Loop.of(end.operands[0])
    assert [b.operand for b in loop.captures] == [w] and loop.length == 4 and loop.reverse
    arrays = [np.float64(1), np.arange(4.0), np.float64(2)]
    got = evaluate(Graph((x, xs, w), (end, stack)), arrays)
    assert got[0] == ((((1 * 2 + 3) * 2 + 2) * 2 + 1) * 2 + 0) and got[1].tolist() == [25, 12, 5, 1]


def test_a_while_reads_other_values_in_both_regions() -> None:
    x, limit, w, c, d = value("x"), value("limit"), value("w"), value("c"), value("d")
    end, stack = while_loop(Region((c,), (c < limit,)), Region((d,), (d * w, d)), [x])
    got = evaluate(Graph((x, limit, w), (end, stack)), [np.float64(1), np.float64(20), np.float64(3)])
    assert got[0] == 27 and got[1].tolist() == [1, 3, 9]
    loop = Loop.of(end.operands[0])
    assert {b.operand for b in loop.captures} == {limit, w}
    twice = evaluate(Graph((x, limit, w), (added(stack, stack),)), [np.float64(1), np.float64(20), np.float64(3)])
    assert twice[0].tolist() == [2, 6, 18] and added(x, w) is x + w


def test_branches_and_checkpoints_read_other_values() -> None:
    pred, x, w = parameter(TensorType(BOOL), "pred"), value("x"), value("w")
    a, b = value("a"), value("b")
    (chosen,) = cond(pred, Region((a,), (a * w,)), Region((b,), (b - w,)), [x])
    call = Call.of(chosen)
    assert call.condition is pred and call.arguments == (x, w)
    for flag, want in ((True, 6), (False, -1)):
        assert evaluate(Graph((pred, x, w), (chosen,)), [np.bool_(flag), np.float64(2), np.float64(3)])[0] == want
    (again,) = checkpoint(Region((a,), (a * w,)), [x])
    assert Call.of(again).arguments == (x, w) and not Call.of(again).recomputes


def test_custom_functions_have_the_rules_they_are_given() -> None:
    x, y, g, v = (value(name) for name in "xygv")
    (made,) = custom([y], [x], backward=None, forward=(Region((g, v), (g * v,)), [0]), refusals=("no reverse", ""))
    record = Custom.of(made)
    assert record.backward is None and record.forward == (made.regions[0], (0,)) and record.refusals == ("no reverse", "")


def test_wrong_regions_are_refused() -> None:
    x, c, d = value("x"), value("c"), value("d")
    with pytest.raises(TypeRuleError, match=r"a loop binds 1 operands and carries 1 of them, got \[\(1, 0\)\]"):
        scan(Region((c,), ()), [x], [], 3)
    with pytest.raises(TypeRuleError, match=r"a loop binds 1 operands and carries 1 of them, got \[\(2, 1\)\]"):
        scan(Region((c, d), (c,)), [x], [], 3)
    with pytest.raises(TypeRuleError, match="scan wants carried on by its body"):
        scan(Region((c,), (c > 0,)), [x], [], 3)
    with pytest.raises(TypeRuleError, match="cond takes a 0-d bool first"):
        cond(x, Region((c,), (c,)), Region((d,), (d,)), [x])
    with pytest.raises(TypeRuleError, match="custom calls its region with"):
        custom([x], [x], backward=(Region((c,), (c,)), [0]), forward=None)
