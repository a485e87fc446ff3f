"""The pass that applies rewrite rules: it ends, keeps what does not change, and reports faulty rules."""

from __future__ import annotations

import re

import pytest

from graphc.ir.core import build
from graphc.ir.core.build import cast, elementwise, sum_
from graphc.ir.core.graph import Graph, Region, TypeRuleError, current, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F32, F64, TensorType
from graphc.ir.rewrite.engine import RewriteLoopError, RuleSet, rewrite, rule
from graphc.ir.rewrite.pattern import Var, op
from graphc.ir.rewrite.simplify import RULES, simplify
from tests.ir.rewrite.rules import Builder, C, assert_means_the_same, graph_of

X, Y = Var("x"), Var("y")


def test_checker_catches_a_bad_rule() -> None:
    bad = RuleSet((rule("add-plus-zero", X + 0.0, X),))
    graph = graph_of("f", lambda x: x + 0.0)
    after = graph.replace(rewrite(graph.results, bad))
    assert after.results == graph.params
    with pytest.raises(AssertionError):
        assert_means_the_same(graph, after, exact=True)


def test_rules_know_their_line() -> None:
    made = rule("here", X + 0, X)
    assert re.fullmatch(r"test_engine.py:\d+", made.where)
    assert all(re.fullmatch(r"\w+\.py:\d+", r.where) for r in RULES.rules)


def test_rule_that_changes_the_type_is_reported() -> None:
    bad = RuleSet((rule("wrong", op("cast", X), X),))
    graph = graph_of("f", lambda x: cast(x, F32))
    with pytest.raises(TypeRuleError, match=r"rule wrong \(test_engine.py:\d+\) must keep the type f32\[196\], got f64"):
        rewrite(graph.results, bad)


def test_rules_in_a_circle_are_reported() -> None:
    circle = RuleSet((rule("there", X + 1, X - 1), rule("back", X - 1, X + 1)))
    with pytest.raises(RewriteLoopError):
        rewrite(graph_of("f", lambda x: x + 1).results, circle)


def test_shared_reduction_is_not_done_twice() -> None:
    (x,) = graph_of(C, lambda x: x).params
    rows = sum_(x, (1,))
    both = Graph((x,), (rows, sum_(rows, (0, 1))))
    assert simplify(both) is both
    assert simplify(Graph((x,), both.results[1:])).results[0] is sum_(x, (0, 1, 2))


def test_unchanged_is_the_same_object() -> None:
    graph = graph_of("f f", lambda x, y: elementwise("exp", x) * y + 1)
    assert simplify(graph) is graph
    empty = Graph((), ())
    assert simplify(empty) is empty


def test_regions_are_simplified() -> None:
    def body(builder: Builder) -> Region:
        p = parameter(TensorType(F64, (4,)))
        return Region((p,), (builder(p),))

    (x,) = graph_of("f64[4]", lambda x: x).params
    (fused,) = build.fusion([x * 1], body(lambda p: p * 1 + p))
    (after,) = simplify(Graph((x,), (fused,))).results
    assert after.operands == (x,)
    assert after.regions[0].results[0] is after.regions[0].params[0] + after.regions[0].params[0]
    (plain,) = build.fusion([x], body(lambda p: p + p))
    graph = Graph((x,), (plain,))
    assert simplify(graph) is graph


def test_new_nodes_have_name_and_place() -> None:
    (x,) = graph_of("f", lambda x: x).params
    current.where = "user.py:3"
    y = elementwise("pow", x + 7.25, 2)
    current.where = "user.py:4"
    y.name = "square"
    (after,) = simplify(Graph((x,), (y,))).results
    current.where = ""
    assert (after.op.name, after.name, after.where) == ("mul", "square", "user.py:3")
    assert current.where == ""


def test_deep_chains_do_not_recurse() -> None:
    (x,) = graph_of("f64[2]", lambda x: x).params
    y = x
    for _ in range(10_000):
        y = (y + 1.5) * 1
    (after,) = simplify(Graph((x,), (y,))).results
    assert len(Graph((x,), (after,)).nodes()) == 10_001


def test_unique_nodes_may_go_too() -> None:
    (x,) = graph_of("f", lambda x: x).params
    alias = make(PRIMITIVES["alias"], (x,), unique=True)
    assert simplify(Graph((x,), (alias * alias,))).results[0] is x * x
