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
from graphc.ir.text.parser import IRSyntaxError, parse
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
    refused(Graph((x,), (broken(sum_(x, (0,)), params={}),)), "typed", "sum has the parameters axes, got none")


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


def test_values_have_offsets_of_64_bits() -> None:
    x = p(())
    refused(Graph((x,), (broadcast(x, (1 << 40, 1 << 40), ()),)), "sane", "has more than 281474976710656 elements")


def test_results_have_known_extents() -> None:
    carry, x = p((), "c"), p((), "x")
    test, body = Region((carry,), (apply("lt", carry, constant(3, F32)),)), Region((carry,), (carry + 1, carry))
    loop = make(PRIMITIVES["while"], (x,), {"carried": 1}, (test, body))
    refused(Graph((x,), (apply("result", loop, index=1),)), "rooted", "is a result of the region, but grows")


def test_flat() -> None:
    x, outer, inner = p(), p(), p()
    (nested,) = fusion((outer,), Region((inner,), (-inner,)))
    whole = fusion((x,), Region((outer,), (nested,)))
    refused(Graph((x,), tuple(whole)), "flat", "the body of a fusion has a node with a region")


CENTRED = """\
graph f(%x: f32[4,3]) -> (f32[4,3]) {{
  %0: f32[4,3] = fusion %x {{{schedule}}} (%x: f32[4,3]) {{
    %s: f32[4] = sum %x {{axes=[1]}}
    %0: f32[4,3] = broadcast %s {{shape=[4,3], axes=[0]}}
    %1: f32[4,3] = sub %x, %0
    %2: f32[4,3] = flip %1 {{axes=[{flipped}]}}
    return %2
  }}
  return %0
}}
"""


def centred(schedule: str, flipped: int = 1) -> Graph:
    return parse(CENTRED.format(schedule=schedule, flipped=flipped))


def test_lawful() -> None:
    rows = "dims=[4,3], outer=1, results=[[[0],[1]]], reduces=[[[1]]]"
    verify(centred(rows))
    refused(centred(rows, flipped=0), "lawful", "sum is read elsewhere than at its own point")


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("dims=[7,99], outer=5, results=[[[0],[1]]], reduces=[[[1]]]", "5 of .* are no outer loops"),
        ("dims=[4,3], outer=1, results=[[[0],[1]]], reduces=[]", "reduces tells the loops of 1 reductions"),
        ("dims=[4,3], outer=1, results=[[[1],[0]]], reduces=[[[1]]]", "are no loops for the axes .4, 3. of a result"),
        ("dims=[4,3], outer=1, results=[[[0],[2]]], reduces=[[[1]]]", "are no loops for the axes .4, 3. of a result"),
        ("dims=[4,3], outer=1, results=[[[0],[1]]], reduces=[[[0]]]", "are no loops for the axes .3. of a reduction"),
        ("dims=[4,3,2], outer=1, results=[[[0],[1]]], reduces=[[[1,2]]]", "are no loops for the axes .3. of a reduction"),
        ("dims=[2,4,3], outer=2, results=[[[1],[2]]], reduces=[[[2]]]", "does not have all outer loops"),
        ("dims=[4,3], outer=0, results=[[[0],[1]]], reduces=[[[1]]]", "sum is read at .* loops are outer ones"),
        ("dims=[4,3,3], outer=2, results=[[[0],[1]]], reduces=[[[2]]]", "sum is read at .* loops are outer ones"),
        ("dims=[4,3], outer=2, results=[[[0],[1]]], reduces=[[[1]]]", "sum folds outer loops, and is read in its own kernel"),
    ],
)  # fmt: skip
def test_lawful_refuses_schedules_of_another_body(schedule: str, message: str) -> None:
    refused(centred(schedule), "lawful", message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%y: f32[4,3] = fusion %x {dims=[4,3], outer=-1, results=[[[0],[1]]], reduces=[]} (%x: f32[4,3]) { return %x }",
         "fusion needs a count for outer, got -1"),
        ("%y: f32[4,3] = fusion %x {dims=[4,3], outer=1, results=[[[0],[1]]]} (%x: f32[4,3]) { return %x }",
         "fusion has the parameters dims, outer, results, reduces, got dims, outer, results"),
        ("%y: f32[4,3] = fusion %x {dims=[4,3], outer=1, results=[0], reduces=[]} (%x: f32[4,3]) { return %x }",
         "fusion needs lists of axes for results"),
        ("%y: f32[4,3] = neg %x {axis=0}", "neg has no parameters, got axis"),
        ("%y: f32[4,3] = neg %x (%x: f32[4,3]) { return %x }", "neg has 0 regions, got 1"),
        ("%y: f32[4,3] = neg %x, %x", "neg takes 1 operand, got 2"),
        ("%y: i32[4,3] = cast %x, %x {dtype=i32}", "cast takes 1 operand, got 2"),
        ("%y: f32[4,3] = cast %x {dtype=f32[]}", "cast needs a dtype for dtype"),
        ("%y: f32[2] = constant %x 1.0", "constant takes 0 operands, got 1"),
        ("%y: i64[2] = iota %x {axis=0, dtype=i64, shape=[2]}", "iota takes 0 operands, got 1"),
        ("%y: i64[2] = iota {axis=false, dtype=i64, shape=[2]}", "iota needs a count for axis, got False"),
        ("%y: f32[12] = reshape %x {shape=[12.0]}", "reshape needs counts for shape"),
        ("%y: f32[12] = reshape %x {shape=12}", "reshape needs counts for shape"),
        ("%y: f32[3,4] = permute %x {axes=[1.0,0]}", "permute needs counts for axes"),
        ("%y: f32[4,3] = flip %x {axes=[0,0]}", "flip needs axes of its operand"),
        ("%y: f32[4] = sum %x {axes=[true]}", "sum needs counts for axes"),
        ("%y: f32[4] = sum %x {axis=1}", "sum has the parameters axes, got axis"),
        ("%y: f32[4,3] = result %x {index=0}", "several results, got 1"),
        ("%y: f32[4,3] = scan %x {carried=2, sequences=0, length=2, reverse=false} (%c: f32[4,3]) { return %c }",
         "over operands, got 2, 0, 1"),
        ("%y: f32[4,3] = scan %x {carried=1, sequences=0, length=2, reverse=0} (%c: f32[4,3]) { return %c }",
         "scan needs a flag for reverse"),
        ("%y: f32[4,3] = while %x {carried=1000000000000} (%c: f32[4,3]) { %t: bool[] = constant true return %t } "
         "(%c: f32[4,3]) { return %c }", "while carries operands"),
        ("%y: f32[4,3] = while %x {carried=-1} (%c: f32[4,3]) { %t: bool[] = constant true return %t } "
         "(%c: f32[4,3]) { return %c }", "while needs a count for carried"),
        ("%y: f32[4,3] = checkpoint %x {barrier=1} (%c: f32[4,3]) { return %c }", "checkpoint needs a flag for barrier"),
    ],
)  # fmt: skip
def test_applications_have_what_their_primitive_asks_for(line: str, message: str) -> None:
    with pytest.raises(IRSyntaxError, match=message):
        parse(f"graph f(%x: f32[4,3]) -> ({line.split(':')[1].split('=')[0]}) {{ {line} return %y }}")


SQUARE = "dims=[3,3], outer=1, results=[[[0],[1]]], reduces=[[[1]]]"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("%1: f32[3,3] = broadcast %s {shape=[3,3], axes=[1]}", "loops are outer ones"),
        ("%0: f32[] = constant 0.0; %c: f32[4] = pad %s, %0 {low=[1], high=[0], interior=[0]};"
         "%d: f32[3] = slice %c {start=[0], stop=[3], step=[1]};"
         "%1: f32[3,3] = broadcast %d {shape=[3,3], axes=[0]}", "elsewhere"),
        ("%c: f32[2] = slice %s {start=[0], stop=[2], step=[1]}; %0: f32[] = constant 0.0;"
         "%d: f32[3] = pad %c, %0 {low=[0], high=[1], interior=[0]};"
         "%1: f32[3,3] = broadcast %d {shape=[3,3], axes=[0]}", "elsewhere"),
        ("%0: i64[3] = iota {dtype=i64, shape=[3], axis=0}; %c: f32[3] = gather %s, %0;"
         "%1: f32[3,3] = broadcast %c {shape=[3,3], axes=[0]}", "elsewhere"),
        ("%c: f32[3,3] = broadcast %s {shape=[3,3], axes=[0]}; %d: f32[3,3] = mul %c, %x; "
         "%e: f32[3,3] = permute %d {axes=[1,0]}; %1: f32[3,3] = add %e, %d", "is read at two points"),
    ],
)  # fmt: skip
def test_lawful_refuses_reductions_read_elsewhere(body: str, message: str) -> None:
    lines = "\n    ".join(line.strip() for line in body.split(";"))
    text = f"""\
graph f(%x: f32[3,3]) -> (f32[3,3]) {{
  %f: f32[3,3] = fusion %x {{{SQUARE}}} (%x: f32[3,3]) {{
    %s: f32[3] = sum %x {{axes=[1]}}
    {lines}
    return %1
  }}
  return %f
}}
"""
    refused(parse(text), "lawful", message)


def test_lawful_sums_of_sums_are_at_their_own_points() -> None:
    text = """\
graph f(%x: f32[3,3]) -> (f32[3]) {
  %f: f32[3] = fusion %x {dims=[3,3], outer=1, results=[[[0]]], reduces=[[[1]],[[1]]]} (%x: f32[3,3]) {
    %s: f32[3] = sum %x {axes=[1]}
    %0: f32[3,3] = broadcast %s {shape=[3,3], axes=[AXIS]}
    %1: f32[3,3] = sub %x, %0
    %2: f32[3] = sum %1 {axes=[1]}
    return %2
  }
  return %f
}
"""
    verify(parse(text.replace("AXIS", "0")))
    refused(parse(text.replace("AXIS", "1")), "lawful", "loops are outer ones")
