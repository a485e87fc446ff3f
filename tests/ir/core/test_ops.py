"""The traits of a row are true of its NumPy semantics."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from graphc.ir.core.build import apply, constant
from graphc.ir.core.graph import Node, Primitive, TypeRuleError, parameter
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS
from graphc.ir.core.predicates import coefficients, is_plus_zero, is_zero, may_fail
from graphc.ir.core.types import BOOL, F64, I64, TensorType
from graphc.ir.text.parser import parse

RNG = np.random.default_rng(0)
X, Y = (RNG.standard_normal((4, 6)) for _ in range(2))
N, M = (RNG.integers(-9, 9, (4, 6)) for _ in range(2))
AT = (np.array([3, 0, 2]), np.array([1, 5, 1]))
LINEAR: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    **{name: ((X, Y), {}) for name in ("add", "sub")},
    "neg": ((X,), {}),
    "select": ((X > 0, X, Y), {}),
    "cast": ((X,), {"dtype": F64}),
    "reshape": ((X,), {"shape": (3, 8)}),
    "permute": ((X,), {"axes": (1, 0)}),
    "broadcast": ((X,), {"shape": (4, 5, 6), "axes": (0, 2)}),
    "slice": ((X,), {"start": (1, 0), "stop": (4, 5), "step": (2, 1)}),
    "pad": ((X, np.array(2.5)), {"low": (1, 0), "high": (0, 2), "interior": (0, 1)}),
    "flip": ((X,), {"axes": (0,)}),
    "concatenate": ((X, Y, X), {"axis": 1}),
    "sum": ((X,), {"axes": (1,)}),
    "cumsum": ((X,), {"axis": 1}),
    "gather": ((X, *AT), {}),
    "scatter_add": ((X, Y[0, :3], *AT), {}),
    "scatter": ((X, Y[0, :3], *AT), {}),
}
"""Operands and parameters of each linear primitive."""


def reference(op: Primitive) -> Any:
    """Return what a primitive computes."""
    assert op.reference is not None
    return op.reference


def named(trait: str) -> list[Primitive]:
    """Return the primitives that have a trait."""
    return [op for op in PRIMITIVES.values() if getattr(op, trait)]


def test_linear_primitives() -> None:
    assert [op.name for op in named("linear")] == [name for name in PRIMITIVES if name in LINEAR]
    for op in named("linear"):
        operands, params = LINEAR[op.name]
        moved = [x if x.dtype.kind != "f" else x * 0.5 + 1 for x in operands]
        twice = [x if x.dtype.kind != "f" else 3 * x + 2 * m for x, m in zip(operands, moved, strict=True)]
        expected = 3 * reference(op)(*operands, **params) + 2 * reference(op)(*moved, **params)
        np.testing.assert_allclose(reference(op)(*twice, **params), expected, atol=1e-12)


def test_commutative_primitives() -> None:
    for op in named("commutative"):
        a, b = (X, Y) if op.differentiable or op.name in ("eq", "ne") else (N, M)
        np.testing.assert_array_equal(reference(op)(a, b), reference(op)(b, a))
    assert {"add", "mul", "maximum"} <= {op.name for op in named("commutative")}


def test_idempotent_primitives() -> None:
    for op in named("idempotent"):
        x: Any = X > 0 if op.name in ("any", "all", "and", "or") else X
        found = reference(op)(x, x) if op.arity == 2 else reference(op)(np.stack([x, x]), axes=(0,))
        np.testing.assert_array_equal(found, x)
    assert {op.name for op in named("idempotent")} >= {"max", "min", "any", "all"}


def test_flat_primitives_have_no_slope() -> None:
    for op in named("flat"):
        operands = [X, Y + np.sign(Y)][: op.arity]
        near = [x * (1 + 1e-12) for x in operands]
        np.testing.assert_array_equal(reference(op)(*operands), reference(op)(*near))
    assert {op.name for op in named("flat")} == {"sign", "floor", "ceil", "trunc", "round", "floordiv"}


def test_views_share_memory() -> None:
    for op in named("view"):
        operands, params = LINEAR[op.name]
        assert np.shares_memory(reference(op)(*operands, **params), operands[0])
    assert not np.shares_memory(reference(PRIMITIVES["pad"])(*LINEAR["pad"][0], **LINEAR["pad"][1]), X)


def test_indices_are_checked() -> None:
    for op in PRIMITIVES.values():
        if op.indices is not None:
            operands = LINEAR[op.name][0]
            wrong = [x + 9 if i == op.indices else x for i, x in enumerate(operands)]
            assert op.may_fail and all(x.dtype.kind == "f" for x in operands[: op.indices])
            with pytest.raises(IndexError):
                reference(op)(*wrong)


def test_reductions_fold_axes() -> None:
    assert REDUCTIONS == ("sum", "prod", "max", "min", "any", "all")


def test_what_may_fail() -> None:
    text = """graph f(%x: f64[4], %i: i64[], %p: bool[]) -> (f64[], f64[]) {{
      %y: f64[] = cond %p, %x, %i (%x: f64[4], %i: i64[]) {{
        %z: f64[] = {0}
        return %z
      }} (%x: f64[4], %i: i64[]) {{
        %z: f64[] = sum %x {{axes=[0]}}
        return %z
      }}
      %z: f64[] = neg %y
      return %y, %z
    }}"""
    safe, risky = (parse(text.format(line)) for line in ("prod %x {axes=[0]}", "gather %x, %i"))
    assert [may_fail(r) for r in (*safe.results, *risky.results)] == [False, False, True, False]


def test_zeros() -> None:
    values = [(0.0, F64), (-0.0, F64), (0, I64), (False, BOOL), (1.0, F64)]
    nodes = [constant(value, dtype) for value, dtype in values]
    assert [is_zero(n) for n in nodes] == [True, True, True, True, False]
    assert [is_plus_zero(n) for n in nodes] == [True, False, True, True, False]
    assert not is_zero(parameter(TensorType(F64)))


def test_attributes_are_checked_when_a_node_is_made() -> None:
    x: Node = parameter(TensorType(F64, (4, 6)))
    for name, params, text in (
        ("sum", {"axes": (0.5,)}, "sum needs counts for axes, got (0.5,)"),
        ("sum", {}, "sum has the parameters axes, got none"),
        ("flip", {"axes": (0,), "axis": 1}, "flip has the parameters axes, got axes, axis"),
        ("neg", {"axis": 0}, "neg has no parameters, got axis"),
        ("gather", {"check": 1}, "gather takes at least 2 operands, got 1"),
    ):
        with pytest.raises(TypeRuleError) as error:
            apply(name, x, **params)
        assert str(error.value) == text


def test_coefficients_are_numbers_among_attributes() -> None:
    x = parameter(TensorType(F64, (4, 6)))
    assert [coefficients(n) for n in (-x, apply("cast", x, dtype=F64), apply("derived", x, x, x, rule="fmod"))] == [[], [], []]


def test_fields_of_rows_have_their_meaning_written_down() -> None:
    described = {f.name for f in fields(Primitive)} - {"name", "kind", "infer", "reference", "doc", "interned"}
    assert all(any(getattr(op, name) for op in PRIMITIVES.values()) for name in described)
    kinds = {op.kind for op in PRIMITIVES.values()}
    assert kinds == {"elementwise", "movement", "reduce", "leaf", "region", "other"}
    assert all(op.doc.endswith(".") for op in PRIMITIVES.values())
