"""Each invariant of the verifier's list has a graph that breaks it, made around `make`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.ir.core.build import apply, broadcast, constant, fusion, sum_
from graphc.ir.core.graph import Graph, Node, Primitive, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F32, F64, I32, I64, U8, DType, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.text import verifier
from graphc.ir.text.parser import IRSyntaxError, parse
from graphc.ir.text.verifier import CHECKS, VerificationError, verify
from graphc.ir.transforms.vjp import adjoint
from tests.targets import TARGET


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
        verify(graph, after, TARGET)
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
    verify(fuse(graph, TARGET), after="fuse")
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
    stranger = Primitive("twice", neg.kind, neg.infer, neg.reference, "2x.")
    refused(Graph((x,), (make(stranger, (x,)),)), "known", "twice is no primitive")


def test_known_is_by_identity() -> None:
    x = p()
    neg = PRIMITIVES["neg"]
    double = Primitive("neg", neg.kind, neg.infer, neg.reference, neg.doc)
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
    loop = make(PRIMITIVES["while"], (x,), {"carries": 1}, (test, body))
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


COLUMNS = """\
graph f(%x: f32[4,3]) -> (RESULTS) {
  %f: (RESULTS) = fusion %x {dims=[DIMS], outer=OUTER, results=[RESULT], reduces=[REDUCES]} (%x: f32[4,3]) {
    %r: f32[4] = sum %x {axes=[1]}
    %s: f32[3] = sum %x {axes=[0]}
    %i: i64[3] = argmax %x {axis=0}
    %t: f32[] = sum %x {axes=[0,1]}
    return %RETURNED
  }
  %0: FIRST = result %f {index=0}
  %1: SECOND = result %f {index=1}
  return %0, %1
}
"""


@pytest.mark.parametrize(
    ("returned", "dims", "outer", "loops", "message"),
    [
        ("r, %s", "4,3", 1, "[[0]],[[1]]", ""),
        ("r, %s", "3,4", 1, "[[1]],[[0]]", ""),
        ("r, %s", "4,3", 2, "[[0]],[[1]]", "reductions fold different outer loops"),
        ("r, %i", "4,3", 1, "[[0]],[[1]]", "argmax folds outer loops, and positions are kept in no accumulators"),
        ("r, %t", "4,3", 1, "[[0]],[]", "sum is read at"),
        ("s, %t", "4,3", 1, "[[1]],[]", "reductions fold different outer loops"),
        ("s, %i", "3,4", 1, "[[0]],[[0]]", ""),
        ("s, %s", "4,3", 2, "[[1]],[[1]]", "sum is read at"),
    ],
)
def test_lawful_outer_reductions(returned: str, dims: str, outer: int, loops: str, message: str) -> None:
    types = {"r": "f32[4]", "s": "f32[3]", "i": "i64[3]", "t": "f32[]"}
    first, second = returned[0], returned[-1]
    rows, columns = (dims.split(",").index(n) for n in "43")
    reduces = {"r": f"[[{columns}]]", "s": f"[[{rows}]]", "i": f"[[{rows}]]", "t": f"[[{rows}],[{columns}]]"}
    kept = dict.fromkeys(name for name in "rsit" if name in (first, second))
    text = COLUMNS.replace("RETURNED", returned).replace("RESULTS", f"{types[first]}, {types[second]}")
    text = text.replace("DIMS", dims).replace("OUTER", str(outer)).replace("RESULT", loops).replace("FIRST", types[first])
    text = text.replace("SECOND", types[second]).replace("REDUCES", ",".join(reduces[name] for name in kept))
    text = "\n".join(line for line in text.splitlines() if line[:5] != "    %" or line[5] in kept)
    if message:
        refused(parse(text), "lawful", message)
    else:
        verify(parse(text), target=TARGET)


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
        ("%y: f32[4,3] = scan %x {carries=2, xs=0, length=2, reverse=false} (%c: f32[4,3]) { return %c }",
         "over operands, got 2, 0, 1"),
        ("%y: f32[4,3] = scan %x {carries=1, xs=0, length=2, reverse=0} (%c: f32[4,3]) { return %c }",
         "scan needs a flag for reverse"),
        ("%y: f32[4,3] = while %x {carries=1000000000000} (%c: f32[4,3]) { %t: bool[] = constant true return %t } "
         "(%c: f32[4,3]) { return %c }", "while carries operands"),
        ("%y: f32[4,3] = while %x {carries=-1} (%c: f32[4,3]) { %t: bool[] = constant true return %t } "
         "(%c: f32[4,3]) { return %c }", "while needs a count for carries"),
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


# -- decisions ------------------------------------------------------------------------------------------------

REGISTERS = """\
graph f(%s: f64[8,3], %w: f64[8,3]) -> (f64[8,3], f64[40,8]) {
  %0: (f64[8,3], f64[40,8]) = scan %s, %w {carries=1, xs=0, length=40, reverse=false, DECISIONS} \
(%c: f64[8,3], %w: f64[8,3]) {
    %0: f64[8,3] = mul %c, %w
    %1: f64[8,3] = cumsum %0 {axis=1}
    %2: f64[8] = sum %1 {axes=[1]}
    return %1, %2
  }
  %1: f64[8,3] = result %0 {index=0}
  %2: f64[40,8] = result %0 {index=1}
  return %1, %2
}
"""


def test_vectorizable() -> None:
    verify(parse(REGISTERS.replace("DECISIONS", "registers=16, lanes=8, lane_axes=[[0,0],[0,1]]")))


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ("lanes=8, lane_axes=[[0,0],[0,1]]", "has lanes in registers only"),
        ("registers=16, lanes=8", "says along which axes"),
        ("registers=16, lane_axes=[[0,0],[0,1]]", "says along which axes"),
        ("registers=16, lanes=3, lane_axes=[[1,1],[1,none]]", "whose elements its bodies mix"),
        ("registers=16, lanes=8, lane_axes=[[none,none],[none,none]]", "or along none"),
        ("registers=16, lanes=4, lane_axes=[[0,0],[0,1]]", "are 8, along .* not 4"),
        ("registers=16, lanes=8, lane_axes=[[0,none],[0,1]]", "not 8, along ..0, None., .0, 1.."),
        ("registers=16, lanes=8, lane_axes=[[0,0],[0,0]]", "not 8, along ..0, 0., .0, 0.."),
        ("registers=16, lanes=8, lane_axes=[[0],[0,1]]", "are no axes of the operands and the results"),
        ("registers=16, lanes=8, lane_axes=[[0,2],[0,1]]", "are no axes of the operands and the results"),
    ],
)
def test_vectorizable_refuses_lanes(decisions: str, message: str) -> None:
    refused(parse(REGISTERS.replace("DECISIONS", decisions)), "vectorizable", message)


def test_vectorizable_refuses_an_axis_that_is_too_long() -> None:
    wide = REGISTERS.replace("[8", "[17").replace(",8]", ",17]")
    decisions = "registers=16, lanes=17, lane_axes=[[0,0],[0,1]]"
    refused(
        parse(wide.replace("DECISIONS", decisions)), "vectorizable", "an axis of 17 elements has no lanes, which are at most 16"
    )


def test_promotable() -> None:
    verify(parse(REGISTERS.replace("[8", "[4").replace(",8]", ",4]").replace("DECISIONS", "registers=16")))
    refused(parse(REGISTERS.replace("DECISIONS", "registers=16")), "promotable", r"f64\[8,3\] is larger than 16 elements")
    wide = REGISTERS.replace(",3]", ",30]").replace("DECISIONS", "registers=16, lanes=8, lane_axes=[[0,0],[0,1]]")
    refused(parse(wide), "promotable", r"f64\[1,30\] is larger than 16 elements")
    held = """\
graph f(%p: bool[], %x: f32[3]) -> (f32[3]) {
  %0: f32[3] = cond %p, %x {registers=16} (%x: f32[3]) {
    %0: f32[3] = fusion %x (%x: f32[3]) { return %x }
    return %0
  } (%x: f32[3]) {
    return %x
  }
  return %0
}
"""
    refused(parse(held), "promotable", "cond does not fit into registers: fusion is no straight-line code")
    many = REGISTERS.replace("DECISIONS", "registers=17")
    refused(parse(many.replace("[8", "[4").replace(",8]", ",4]")), "promotable", "values of 17 elements .* which hold 16")


def test_promotable_refuses_too_many_operations() -> None:
    lines = "\n".join(f"    %{i + 1}: f64[4,4] = matmul %{i}, %w" for i in range(500))
    text = f"""\
graph f(%s: f64[4,4], %w: f64[4,4]) -> (f64[4,4]) {{
  %0: f64[4,4] = scan %s, %w {{carries=1, xs=0, length=4, reverse=false, registers=16}} \
(%0: f64[4,4], %w: f64[4,4]) {{
{lines}
    return %500
  }}
  return %0
}}
"""
    refused(parse(text), "promotable", "its bodies are more than 30000 operations")


UPDATES = """\
graph f(%s: f32[40], %t: f32[40], %v: f32[1], %i: i64[1]) -> (f32[40], f32[40], f32[1]) {
  %0: (f32[40], f32[40], f32[1]) = scan %s, %t, %v, %v, %i {carries=3, xs=0, length=9, reverse=false} \
(%c: f32[40], %d: f32[40], %e: f32[1], %v: f32[1], %i: i64[1]) {
    %r: f32[1] = gather %c, %i
    LINES
  }
  %1: f32[40] = result %0 {index=0}
  %2: f32[40] = result %0 {index=1}
  %3: f32[1] = result %0 {index=2}
  return %1, %2, %3
}
"""


def updates(lines: str) -> Graph:
    return parse(UPDATES.replace("LINES", "\n    ".join(line.strip() for line in lines.split(";"))))


def test_writable() -> None:
    verify(updates("%a: f32[40] = scatter %c, %r, %i {in_place=0}; return %a, %d, %r"))
    first = "%a: f32[40] = scatter_add %c, %v, %i {in_place=0}; "
    verify(updates(first + "%b: f32[40] = scatter %a, %r, %i {in_place=0}; return %b, %d, %r"))
    second = "%q: f32[1] = gather %a, %i; %b: f32[40] = scatter %d, %q, %i {in_place=0}; "
    verify(updates(first + second + "%n: f32[40] = add %a, %d; %m: f32[1] = gather %n, %i; return %a, %b, %m"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("%a: f32[40] = scatter %c, %v, %i {in_place=1}; return %a, %d, %r", "scatter updates its operand 0, not 1"),
        ("%a: f32[40] = scatter %c, %v, %i {in_place=0}; return %d, %a, %r", "overwrites what is no value of its loop"),
        ("%a: f32[40] = scatter %c, %v, %i; %b: f32[40] = scatter %a, %r, %i {in_place=0}; return %b, %d, %r",
         "overwrites what is no value of its loop"),
        ("%a: f32[40] = neg %c; %b: f32[40] = scatter %a, %v, %i {in_place=0}; return %b, %d, %r",
         "overwrites what is no value of its loop"),
        ("%a: f32[40] = scatter %c, %v, %i {in_place=0}; return %a, %a, %r", "is another result of the body as well"),
        ("%a: f32[40] = scatter %c, %v, %i {in_place=0}; %q: f32[1] = gather %a, %i; %b: f32[40] = scatter_add %c, %q, %i; "
         "return %a, %b, %r", "scatter overwrites in place what scatter_add reads afterwards"),
        ("%a: f32[40] = scatter %c, %v, %i {in_place=0}; %n: f32[40] = add %a, %c; return %a, %n, %r",
         "scatter overwrites in place what add reads afterwards"),
        ("%b: f32[1] = scatter %e, %v, %i {in_place=0}; return %c, %d, %b", "scatter updates .* in place, which is small"),
    ],
)  # fmt: skip
def test_writable_refuses_updates_in_place(lines: str, message: str) -> None:
    refused(updates(lines), "writable", message)


def test_writable_refuses_updates_that_overwrite_what_the_other_needs() -> None:
    lines = "%a: f32[40] = scatter %c, %v, %i {in_place=0}; %b: f32[40] = scatter %d, %v, %i {in_place=0}; "
    first = "%n: f32[40] = add %a, %d; %m: f32[40] = add %b, %c; "
    second = "%p: f32[40] = add %n, %m; %q: f32[1] = gather %p, %i; "
    refused(updates(lines + first + second + "return %a, %b, %q"), "writable", "overwrite what is read after one another")


def test_writable_refuses_inputs_and_other_regions() -> None:
    x, v, i = p((40,), "x"), p((1,), "v"), p((1,), "i", I64)
    update = make(PRIMITIVES["scatter"], (x, v, i), {"in_place": 0})
    refused(Graph((x, v, i), (update,)), "writable", "scatter overwrites what is no value of its loop")
    inner = [parameter(n.type) for n in (x, v, i)]
    body = Region(tuple(inner), (make(PRIMITIVES["scatter"], inner, {"in_place": 0}),))
    held = make(PRIMITIVES["checkpoint"], (x, v, i), {"barrier": True}, (body,))
    refused(Graph((x, v, i), (held,)), "writable", "scatter overwrites what is no value of its loop")


def test_decisions_are_of_their_kinds() -> None:
    axes = ("lane_axes=[0,1]", "lane_axes=[[0,-1],[0,1]]")
    for decision in ("registers=true", "registers=-1", "lanes=true", "in_place=0", *axes):
        with pytest.raises(IRSyntaxError, match="scan"):
            parse(REGISTERS.replace("DECISIONS", decision))


JOINED = """\
graph f(%x: f32[3], %y: f32[4]) -> (f32[7]) {
  %0: f32[3] = fusion %x {dims=[3], outer=1, results=[[[0]]], reduces=[]} (%x: f32[3]) {
    %0: f32[3] = exp %x
    return %0
  }
  %1: f32[7] = concatenate %0, %y {axis=0, in_place=NUMBERS}
  LINE
  return %RESULT
}
"""


@pytest.mark.parametrize(
    ("numbers", "line", "result", "message"),
    [
        ("[1]", "", "1", "operand 1 of concatenate is not made by a kernel for it alone"),
        ("[0,2]", "", "1", "concatenate has 2 operands, and none is number 2"),
        (
            "[0]",
            "%2: f32[7] = concatenate %y, %0 {axis=0}; %3: f32[7] = add %1, %2",
            "3",
            "operand 0 of concatenate is not made",
        ),
    ],
)
def test_writable_refuses_joins_in_place(numbers: str, line: str, result: str, message: str) -> None:
    text = JOINED.replace("NUMBERS", numbers).replace("LINE", line.replace(";", "\n ")).replace("RESULT", result)
    refused(parse(text), "writable", message)
    verify(parse(JOINED.replace("NUMBERS", "[0]").replace("LINE", "").replace("RESULT", "1")))


PACKED = """\
graph f(%s: f64[20,20], %w: f64[20,20]) -> (f64[20,20]) {
  %0: f64[20,20] = scan %s, %w {carries=1, xs=0, length=9, reverse=false} (%c: f64[20,20], %w: f64[20,20]) {
    %t: f64[20,20] = permute FACTOR {axes=[1,0]}
    %1: f64[20,20] = matmul %c, %t {packed=true}
    return %1
  }
  return %0
}
"""


def test_packable() -> None:
    verify(parse(PACKED.replace("FACTOR", "%w")))
    refused(parse(PACKED.replace("FACTOR", "%c")), "packable", "a packed factor that is no view of what its loop captures")
    copied = PACKED.replace("%t: f64[20,20] = permute FACTOR {axes=[1,0]}", "%t: f64[20,20] = exp %w")
    refused(parse(copied), "packable", "a packed factor that is no view of what its loop captures")
    x, w = p((20, 20), "x"), p((20, 20), "w")
    refused(
        Graph((x, w), (make(PRIMITIVES["matmul"], (x, w), {"packed": True}),)), "packable", "no view of what its loop captures"
    )
    batch = PACKED.replace("FACTOR", "%w").replace("f64[20,20]", "f64[2,20,20]").replace("axes=[1,0]", "axes=[0,2,1]")
    refused(parse(batch), "packable", "matmul of a batch has no packed factor")


COMPILED = """\
graph f(%x: f64[20], %w: f64[20]) -> (f64[20]) {
  %a: f64[20] = fusion %x {dims=[20], outer=1, results=[[[0]]], reduces=[]} (%x: f64[20]) {
    return %x
  }
  %0: f64[20] = scan %a, %w {carries=1, xs=0, length=9, reverse=false} (%c: f64[20], %w: f64[20]) {
    %1: f64[20] = fusion %c, %w {dims=[20], outer=1, results=[[[0]]], reduces=[]} (%c: f64[20], %w: f64[20]) {
      %1: f64[20] = mul %c, %w
      return %1
    }
    return %1
  }
  return %0
}
"""
SCHEDULE = " {dims=[20], outer=1, results=[[[0]]], reduces=[]}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  return %0\n", "  %2: f64[20] = exp %0\n  return %2\n", "exp is computed in no kernel, and not in registers"),
        ("    return %1\n  }\n  return", "    %2: f64[20] = exp %1\n    return %2\n  }\n  return", "exp is computed in no"),
        ("    return %1\n  }\n  return", "    return %c\n  }\n  return", "parameter is a result, and no buffer of its own"),
        ("  return %0\n", "  return %x\n", "parameter is a result, and no buffer of its own"),
        ("  return %0\n", "  %2: f64[20] = flip %0 {axes=[0]}\n  return %2\n", "flip is a result, and no buffer of its own"),
        ("  return %0\n", "  %2: f64[20] = constant 1.0\n  return %2\n", "constant is a result, and no buffer of its own"),
        ("scan %a,", "scan %k,", "scan reads constant, which has no buffer"),
        ("scan %a,", "scan %p,", "scan reads pad, which has no buffer"),
        ("scan %a,", "scan %r,", ""),
    ],
)
def test_stored(old: str, new: str, message: str) -> None:
    verify(parse(COMPILED), target=TARGET)
    assert COMPILED.count(old) == 1
    moved = """  %k: f64[20] = constant 1.0
  %z: f64[] = constant 0.0
  %s: f64[19] = slice %x {start=[1], stop=[20], step=[1]}
  %p: f64[20] = pad %s, %z {low=[0], high=[1], interior=[0]}
  %r: f64[20] = flip %x {axes=[0]}
"""
    graph = parse(COMPILED.replace(old, new).replace("  %0: f64[20] = scan", f"{moved}  %0: f64[20] = scan"))
    verify(graph)  # it is a graph, but cannot be compiled as it is
    if message:
        refused(graph, "stored", message)
    else:
        verify(graph, target=TARGET)


def test_stored_twice() -> None:
    x = p()
    (once,) = fusion((x,), Region((x,), (x + 1,)))
    schedule = {"dims": (4, 3), "outer": 2, "results": (((0,), (1,)),), "reduces": ()}
    scheduled = make(once.op, once.operands, schedule, once.regions)
    verify(Graph((x,), (scheduled,)), target=TARGET)
    refused(Graph((x,), (scheduled, scheduled)), "stored", "fusion is a result, and no buffer of its own")
    refused(Graph((x,), (once,)), "stored", "a fusion has no schedule")


def test_promotable_refuses_what_is_packed_or_joined_in_registers() -> None:
    joined = JOINED.replace("NUMBERS", "[]").replace("LINE", "").replace("RESULT", "1")
    refused(parse(joined), "writable", "names none")
    small = PACKED.replace("FACTOR", "%w").replace("20,20", "3,3").replace("reverse=false", "reverse=false, registers=16")
    refused(parse(small), "promotable", "matmul has a packed factor, in registers")
