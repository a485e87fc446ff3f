"""Patterns of rewrite rules."""

from __future__ import annotations

from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.rewrite.engine import rule
from graphc.ir.rewrite.pattern import Var, op
from graphc.ir.rewrite.simplify import RULES

X, Y = Var("x"), Var("y")


def test_patterns_print_as_they_are_written() -> None:
    assert str(rule("r", op("select", ~X, X * -1, 2 / (X + Y)), Y)) == "select(~x, x * -1, 2 / (x + y)) → y"


def test_rules_name_primitives_that_exist() -> None:
    for r in RULES.rules:
        assert set(r.pattern.names) <= set(PRIMITIVES)
