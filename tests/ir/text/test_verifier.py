"""Each invariant of the verifier's list has a graph that breaks it, made around `make`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.ir.core.build import apply, broadcast, constant, fusion, sum_
from graphc.ir.core.graph import Graph, Node, Primitive, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F32, F64, I32, U8, DType, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.text import verifier
from graphc.ir.text.verifier import CHECKS, VerificationError, verify
from graphc.ir.transforms.vjp import adjoint


def p(shape: tuple[int, ...] = (4, 3), name: str = "x", dtype: DType = F32) -> Node:
    return parameter(TensorType(dtype, shape), name)


def broken(node: Node, **slots: Any) -> Node:
    """Return a copy of a node that interning does not know, with other contents."""
    copy = make(node.op, node.operands, node.params, node.regions, unique=True)
    for slot, value in slots.items():
        object.__setattr__(copy, slot, value)
    return copy


def refused(graph: Graph, rule: str, message: str, after: str = "") -> VerificationError:
    with pytest.raises(VerificationError, match=message) as caught:
        verify(graph, after)
    assert caught.value.rule == rule
    return caught.value


def test_every_invariant_is_listed_and_tested() -> None:
    assert verifier.__doc__ is not None
    listed = [line[3 : line.index("*:")] for line in verifier.__doc__.splitlines() if line.startswith("- *")]
    assert listed == list(CHECKS)
    assert [name for name in CHECKS if not any(test.startswith(f"test_{name}") for test in globals())] == []


def test_sound_graphs_pass() -> None:
    x, w = p((4, 3), "x"), p((3,), "w")
    loss = sum_(apply("tanh", x * broadcast(w, (4, 3), (1,))), (0, 1))
    graph = adjoint(Graph((x, w), (loss, constant(1, F32)), "f"), [0, 1])
    verify(graph)
    verify(fuse(graph), after="fuse")
    verify(Graph((x,), (x, x)))


def test_the_message_names_the_pass_and_shows_the_lines() -> None:
    x = p()
    wrong = broken(sum_(apply("exp", x), (1,)), types=(TensorType(F32, (3,)),))
    error = refused(Graph((x,), (apply("neg", wrong),)), "typed", "after fuse", "fuse")
    assert str(error) == (
        "after fuse: sum has types f32[4], not f32[3] (the graph is not typed)\n"
        "  graph graph(%x: f32[4,3]) -> (f32[3]) {\n"
        "    %0: f32[4,3] = exp %x\n"
        "→   %1: f32[3] = sum %0 {axes=[1]}\n"
        "    %2: f32[3] = neg %1\n"
        "    return %2\n"
        "  }"
    )
    assert error.node is wrong


def test_acyclic() -> None:
    x = p()
    first = broken(apply("exp", x))
    second = apply("neg", first)
    object.__setattr__(first, "operands", (second,))
    refused(Graph((x,), (second,)), "acyclic", "needs its own result")


def test_acyclic_accepts_shared_operands() -> None:
    x = node = p(())
    for _ in range(60):
        node = node * node
    verify(Graph((x,), (node, node.operands[0])))


def test_known() -> None:
    x = p()
    neg = PRIMITIVES["neg"]
    stranger = Primitive("twice", neg.kind, neg.infer, neg.meaning, "2x.")
    refused(Graph((x,), (make(stranger, (x,)),)), "known", "twice is no primitive")


def test_known_is_by_identity() -> None:
    x = p()
    neg = PRIMITIVES["neg"]
    double = Primitive("neg", neg.kind, neg.infer, neg.meaning, neg.doc)
    refused(Graph((x,), (make(double, (x,)),)), "known", "neg is no primitive")


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ({"types": (TensorType(DType("f16", np.dtype(np.float16), "float"), ()),)}, "f16 is no dtype"),
        ({"types": (TensorType(F32, (-1,)),)}, r"\(-1,\) is no shape"),
        ({"types": (TensorType(F32, (np.int64(2),)),)}, "is no shape"),  # type: ignore[arg-type]
        ({"params": {"value": 0.1, "dtype": F32, "shape": ()}}, "0.1 is no number of dtype f32"),
        ({"params": {"value": 1, "dtype": F32, "shape": ()}}, "1 is no number of dtype f32"),
        ({"params": {"value": "1", "dtype": F32, "shape": ()}}, "'1' is no number of dtype f32"),
        ({"params": {"value": 1.0, "dtype": F32, "shape": np.zeros(0)}}, "parameter shape is a ndarray"),
        ({"params": {"value": 1.0, "dtype": F32, "shape": ([],)}}, "parameter shape is a tuple"),
    ],
)
def test_sane(slots: dict[str, Any], message: str) -> None:
    refused(Graph((), (broken(constant(1, F32), **slots),)), "sane", message)


def test_sane_wants_wrapped_integers() -> None:
    refused(Graph((), (apply("constant", value=256, dtype=U8, shape=()),)), "sane", "256 is no number of dtype u8")


def test_typed() -> None:
    x = p()
    wrong = broken(apply("neg", x), types=(TensorType(F64, (4, 3)),))
    refused(Graph((x,), (wrong,)), "typed", r"neg has types f32\[4,3\], not f64\[4,3\]")


def test_typed_when_the_rule_fails() -> None:
    x, y = p(), p((4, 3), "y", I32)
    refused(Graph((x, y), (broken(x + x, operands=(x, y)),)), "typed", "add needs operands of one type")
    refused(Graph((x,), (broken(sum_(x, (0,)), params={}),)), "typed", "sum does not fit its operands and parameters: 'axes'")


def test_typed_within_regions() -> None:
    x, inner = p(), p()
    body = Region((inner,), (broken(apply("neg", inner), operands=(inner, inner)),))
    error = refused(Graph((x,), tuple(fusion((x,), body))), "typed", "neg takes 1 operand, got 2")
    assert "→     %0: f32[4,3] = neg %x, %x\n" in str(error)


def test_closed() -> None:
    x, y = p(), p((4, 3), "y")
    refused(Graph((x,), (x + y,)), "closed", "add comes from outside the region, or reads a parameter that does")


def test_closed_regions() -> None:
    x, inner = p(), p((4, 3), "inner")
    refused(Graph((x,), tuple(fusion((x,), Region((inner,), (inner + x,))))), "closed", "add comes from outside the region, or")
    refused(Graph((), (x,)), "closed", "parameter comes from outside the region")


def test_closed_binds_distinct_parameters() -> None:
    x = p()
    refused(Graph((x, x), (x,)), "closed", "parameter x is bound twice")
    y = apply("neg", x)
    refused(Graph((x, y), (y,)), "closed", "neg is bound as a parameter")


def two_results(x: Node) -> Node:
    inner = p()
    return make(PRIMITIVES["fusion"], (x,), {}, (Region((inner,), (-inner, apply("exp", inner))),))


def test_single() -> None:
    x = p()
    refused(Graph((x,), (two_results(x),)), "single", "fusion is a result of the region, but has several")
    wrong = broken(apply("neg", x), operands=(two_results(x),))
    refused(Graph((x,), (wrong,)), "single", "neg reads a node that has several results")


def test_interned() -> None:
    x = p()
    y = apply("neg", x)
    refused(Graph((x,), (y + broken(y),)), "interned", "two neg nodes are equal")


def test_interned_but_for_what_has_an_identity() -> None:
    x = p()
    verify(Graph((x,), (make(PRIMITIVES["alias"], (x,), unique=True), make(PRIMITIVES["alias"], (x,), unique=True))))
    verify(Graph((), (constant(0.0, F32), constant(-0.0, F32))))


def test_rooted() -> None:
    refused(Graph((p(),), ()), "rooted", "a region has no results")


def test_flat() -> None:
    x, outer, inner = p(), p(), p()
    (nested,) = fusion((outer,), Region((inner,), (-inner,)))
    whole = fusion((x,), Region((outer,), (nested,)))
    refused(Graph((x,), tuple(whole)), "flat", "the body of a fusion has a node with a region")
