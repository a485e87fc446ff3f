"""The text of graphs: what is printed, that it is read back as the same graph, and that bad text fails well."""

from __future__ import annotations

import json
import math
import random
import re
from typing import Any

import numpy as np
import pytest

from graphc.ir.core.build import (
    apply,
    broadcast,
    cast,
    constant,
    fusion,
    gather,
    iota,
    matmul,
    permute,
    reduce,
    reshape,
    select,
)
from graphc.ir.core.graph import Graph, Node, Region, current, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, DTYPES, F32, F64, I32, I64, U8, DType, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.text.networkx_view import to_networkx
from graphc.ir.text.parser import IRSyntaxError, parse
from graphc.ir.text.printer import describe, to_text
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.vjp import adjoint
from tests.paths import ROOT
from tests.targets import TARGET

DOC = ROOT / "docs" / "ir.md"

EXAMPLE = """\
graph f(%x: f32[4,3], %w: f32[3]) -> (f32[4]) {
  %0: f32[4,3] = broadcast %w {shape=[4,3], axes=[1]}
  %1: f32[4,3] = mul %x, %0
  %total: f32[4] = sum %1 {axes=[1]}
  return %total
}
"""

FUSION = """\
graph f(%x: f32[4,3]) -> (f32[4], f32[4,3]) {
  %0: (f32[4], f32[4,3]) = fusion %x {dims=[4,3], outer=1, results=[[[0]],[[0],[1]]], reduces=[[[1]]]} (%x: f32[4,3]) {
    %e: f32[4,3] = exp %x
    %0: f32[4] = sum %e {axes=[1]}
    return %0, %e
  }
  %1: f32[4] = result %0 {index=0}
  %2: f32[4,3] = result %0 {index=1}
  return %1, %2
}
"""


LOOP = """\
graph f(%x: f32[3], %limit: f32[]) -> (f32[3], i64[]) {
  %0: i64[] = constant 0
  %1: (f32[3], i64[]) = while %x, %0, %limit {carries=2} (%y: f32[3], %0: i64[], %limit: f32[]) {
    %1: f32[] = max %y {axes=[0]}
    %2: bool[] = lt %limit, %1
    return %2
  } (%y: f32[3], %count: i64[], %limit: f32[]) {
    %0: f32[3] = constant 0.5
    %1: f32[3] = mul %y, %0
    %2: i64[] = constant 1
    %3: i64[] = add %count, %2
    return %1, %3
  }
  %2: f32[3] = result %1 {index=0}
  %3: i64[] = result %1 {index=1}
  return %2, %3
}
"""


TAPED = """\
graph f(%x: f32[], %w: f32[]) -> (f32[], f32[]) {
  %0: (f32[], f32[?]) = while %x {carries=1} (%x: f32[]) {
    %0: f32[] = constant 5.0
    %1: bool[] = lt %x, %0
    return %1
  } (%x: f32[]) {
    %0: f32[] = mul %x, %x
    return %0, %x
  }
  %1: f32[] = result %0 {index=0}
  %2: f32[?] = result %0 {index=1}
  %3: f32[] = scan %w, %2 {carries=1, xs=1, length=none, reverse=true} (%d: f32[], %x: f32[]) {
    %0: f32[] = mul %d, %x
    %1: f32[] = add %0, %0
    return %1
  }
  return %1, %3
}
"""


def p(shape: tuple[int, ...] = (4, 3), name: str = "", dtype: DType = F32) -> Node:
    return parameter(TensorType(dtype, shape), name)


def sum_(x: Node, axes: tuple[int, ...]) -> Node:
    return reduce("sum", x, axes)


def example() -> Graph:
    x, w = p((4, 3), "x"), p((3,), "w")
    total = sum_(x * broadcast(w, (4, 3), (1,)), (1,))
    total.name = "total"
    return Graph((x, w), (total,), "f")


def softmax_loss() -> Graph:
    x, w = p((4, 3), "x"), p((3, 5), "w")
    y = matmul(x, w)
    e = apply("exp", y - broadcast(reduce("max", y, (1,)), (4, 5), (0,)))
    s = e / broadcast(sum_(e, (1,)), (4, 5), (0,))
    return adjoint(Graph((x, w), (sum_(apply("log", s) * -0.1, (0, 1)),), "loss"), [0, 1])


def every_kind() -> Graph:
    x, n = p((2, 6), "x"), p((3,), "n", I64)
    found = gather(x, cast(cast(n, U8), I64))
    wide = apply("pad", permute(reshape(x, (3, 4)), (1, 0)), constant(-0.0, F32), low=(1, 0), high=(0, 1), interior=(0, 2))
    mask = apply("lt", iota((2, 6), 1, F32), x) & constant(True, BOOL, (2, 6))
    bits = apply("random_bits", p((2,), "key", I64), shape=(2,))
    params = (x, n, *(o for o in bits.operands))
    return Graph(params, (found, wide, select(mask, x, math.nan), bits), "kinds")


def same(a: Region, b: Region) -> bool:
    """Whether two regions are the same but for names: one walk over both."""
    pairs = dict(zip(a.params, b.params, strict=True))
    for m, n in zip(a.nodes(), b.nodes(), strict=True):
        pairs[m] = n
        alike = (m.op, m.types, repr(m.params)) == (n.op, n.types, repr(n.params))
        if not alike or tuple(pairs[o] for o in m.operands) != n.operands:
            return False
        if not all(same(x, y) for x, y in zip(m.regions, n.regions, strict=True)):
            return False
    return tuple(pairs[r] for r in a.results) == b.results


# -- printing and reading back ------------------------------------------------------------------------


def test_text_of_a_graph() -> None:
    assert to_text(example()) == EXAMPLE


def test_text_of_a_fusion_with_two_results() -> None:
    x, inner = p((4, 3), "x"), p((4, 3), "x")
    e = apply("exp", inner)
    e.name = "e"
    body = Region((inner,), (sum_(e, (1,)), e))
    rows = {"dims": (4, 3), "outer": 1, "results": (((0,),), ((0,), (1,))), "reduces": (((1,),),)}
    whole = make(PRIMITIVES["fusion"], (x,), rows, (body,))
    results = tuple(apply("result", whole, index=i) for i in (0, 1))
    assert to_text(Graph((x,), results, "f")) == FUSION


@pytest.mark.parametrize("text", [EXAMPLE, FUSION, LOOP, TAPED], ids=["example", "fusion", "loop", "taped"])
def test_text_is_read_back(text: str) -> None:
    graph = parse(text)
    assert to_text(graph) == text
    verify(graph)


@pytest.mark.parametrize(
    "make_graph", [example, softmax_loss, every_kind, lambda: fuse(softmax_loss(), TARGET), lambda: fuse(every_kind(), TARGET)]
)
def test_graphs_survive_the_round_trip(make_graph: Any) -> None:
    graph = make_graph()
    again = parse(to_text(graph))
    assert to_text(again) == to_text(graph)
    assert same(graph, again)
    assert graph.name == again.name
    verify(again)


def test_a_graph_that_was_read_computes_the_same() -> None:
    graph = fuse(softmax_loss(), TARGET)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(q.shape).astype(np.float32) for q in graph.params]
    for want, got in zip(evaluate(graph, arrays), evaluate(parse(to_text(graph)), arrays), strict=True):
        np.testing.assert_array_equal(want, got)


def test_names_are_made_unique_and_plain() -> None:
    x = p((2,), "1 x'")
    a, b = -x, apply("exp", x)
    a.name = b.name = "layer.0"
    text = to_text(Graph((x,), (a + b,), "<lambda>"))
    assert "graph _lambda_(%_1_x_: f32[2])" in text
    assert "%layer.0: f32[2] = neg %_1_x_\n" in text
    assert "%layer.0_1: f32[2] = exp %_1_x_\n" in text
    assert to_text(parse(text)) == text


def test_suffixes_do_not_meet_given_names() -> None:
    a, b, c = p((), "a_1"), p((), "a"), p((), "a")
    text = to_text(Graph((a, b, c), (a + b + c,)))
    assert text.startswith("graph graph(%a_1: f32[], %a: f32[], %a_2: f32[])")


def test_constants_are_shared_and_keep_their_names() -> None:
    two = constant(2, F32)
    before, two.name = two.name, "two"
    text = "graph g() -> (f32[], f32[]) {\n  %other: f32[] = constant 2.0\n  %n: f32[] = neg %other\n  return %other, %n\n}\n"
    graph = parse(text)
    assert graph.results[0] is two
    assert two.name == "two"
    assert "%0: f32[] = constant 2.0" in to_text(graph)
    two.name = before


def test_equal_lines_are_distinct_nodes() -> None:
    text = "graph g(%x: f32[2]) -> (f32[2], f32[2]) {\n  %0: f32[2] = alias %x\n  %1: f32[2] = alias %x\n  return %0, %1\n}\n"
    graph = parse(text)
    assert graph.results[0] is not graph.results[1]
    assert to_text(graph) == text


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_floats_are_exact(dtype: DType) -> None:
    rng = np.random.default_rng(1)
    random_bits = rng.integers(0, 1 << (8 * dtype.bytes - 1), 500, dtype=np.uint64).astype(f"u{dtype.bytes}").view(dtype.numpy)
    tiny, huge = np.finfo(dtype.numpy).smallest_subnormal, np.finfo(dtype.numpy).max
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 0.1, 1e16, float(tiny), float(huge), -1e-5]
    for value in [*special, *map(float, random_bits)]:
        node = constant(value, dtype)
        again = parse(to_text(Graph((), (node,)))).results[0]
        assert again.params["value"].hex() == node.params["value"].hex()


def test_constants_are_short() -> None:
    values = [constant(v, F32) for v in (1, 0.1, -0.0, math.inf, -math.inf, math.nan)]
    values += [constant(True, BOOL), constant(-7, I32), constant(255, U8), constant(-(2**63), I64), constant(0.1, F64)]
    printed = re.findall(r"constant (\S+)", to_text(Graph((), tuple(values))))
    assert printed == ["1.0", "0.1", "-0.0", "inf", "-inf", "nan", "true", "-7", "255", "-9223372036854775808", "0.1"]


def test_parameters_of_all_kinds_are_read_back() -> None:
    x = p((), "x", F64)
    texts = ('a "b" \\ \n c', "=,]")
    custom = {"values": 1, "inputs": 0, "wrt": (), "varying": (), "refusals": texts, "levels": ()}
    scan = {"carries": 0, "xs": 1, "length": 3, "reverse": True}
    body = Region((x,), (apply("cast", x, dtype=F32),))
    schedule = {"dims": (), "outer": 0, "results": ((),), "reduces": ()}
    for node in (
        make(PRIMITIVES["custom"], (x,), custom),
        make(PRIMITIVES["scan"], (p((3,), "xs", F64),), scan, (body,)),
        make(PRIMITIVES["fusion"], (x,), schedule, (body,)),
        constant(-math.inf, F64, (2, 3)),
    ):
        again = parse(to_text(Graph(node.operands, (node,)))).results[0]
        assert again.params == node.params


def test_places_are_comments() -> None:
    current.where = "train.py:12"
    try:
        x = p((2,), "x")
        graph = Graph((x,), (apply("tanh", x),))
    finally:
        current.where = ""
    assert "= tanh %x  # train.py:12\n" in to_text(graph, places=True)
    assert "#" not in to_text(graph)
    assert to_text(parse(to_text(graph, places=True))) == to_text(graph)


def test_describe_shows_the_neighbours() -> None:
    graph = example()
    (total,) = graph.results
    assert describe(total.operands[0], graph, 1) == (
        "    %0: f32[4,3] = broadcast %w {shape=[4,3], axes=[1]}\n"
        "→   %1: f32[4,3] = mul %x, %0\n"
        "    %total: f32[4] = sum %1 {axes=[1]}"
    )
    assert describe(total, context=1) == "  %1: f32[4,3] = mul %x, %0\n→ %total: f32[4] = sum %1 {axes=[1]}"
    assert describe(graph.params[0]) == "→ %x: f32[4,3] is a parameter"


def test_describe_finds_nodes_in_regions() -> None:
    graph = parse(FUSION)
    inner = graph.results[0].operands[0].regions[0].results[1]
    assert "→     %e: f32[4,3] = exp %x\n" in describe(inner, graph)


def test_long_chains_do_not_recurse() -> None:
    x = p((), "x")
    node = x
    for _ in range(5_000):
        node = apply("sin", node)
    text = to_text(Graph((x,), (node,)))
    assert text.count("\n") == 5_003
    assert len(parse(text).nodes()) == 5_000


# -- text that is no graph ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "expected", "got"),
    [
        ("graph f", "grph f", 1, 1, "'graph'", "grph"),
        ("graph f(", "graph (", 1, 7, "the graph's name", "("),
        ("f32[4,3],", "f16[4,3],", 1, 13, "a dtype", "f16"),
        ("f32[4,3],", "f32[4,-3],", 1, 19, "an extent of at least 0", "-3"),
        ("f32[4,3],", "f32[?,3],", 1, 13, "a type of fixed extents", "f32[?,3]"),
        ("f32[4,3],", "f32[4,3", 1, 21, "','", "%w"),
        ("%w:", "%x:", 1, 23, "a name that is not defined yet", "%x"),
        ("-> (f32[4])", "-> (f64[4])", 1, 38, "the types of the results, (f32[4])", "(f64[4])"),
        ("broadcast", "brodcast", 2, 18, "a primitive", "brodcast"),
        ("broadcast", "parameter", 2, 18, "a primitive", "parameter"),
        ("axes=[1]", "axes=[2]", 2, 18, "operands and parameters that fit broadcast", "axis"),
        ("shape=[4,3], ", "", 2, 18, "operands and parameters that fit broadcast", "shape"),
        ("shape=[4,3], ", "axes=[0], ", 2, 42, "each parameter once", "axes"),
        ("axes=[1]", "axes=[1", 2, 52, "','", "}"),
        ("mul %x, %0", "mul %x, %9", 3, 26, "a value that is defined above", "%9"),
        ("mul %x, %0", "mul %x, x", 3, 26, "an operand", "x"),
        ("mul %x, %0", "mul %x", 3, 18, "operands and parameters that fit mul", "mul takes 2 operands, got 1"),
        ("mul %x, %0", "mul %x, @0", 3, 26, "a token", "'@'"),
        ("%1: f32[4,3]", "%1: f32[3,4]", 3, 3, "the type f32[4,3]", "f32[3,4]"),
        ("%1: f32[4,3] =", "%1: f32[4,3]", 3, 16, "'='", "mul"),
        ("return", "retrun", 5, 3, "a node or 'return'", "retrun"),
        ("return %total", "return %tot", 5, 10, "a value that is defined above", "%tot"),
        ("%total\n}\n", "%total\n", 6, 1, "','", "the end of the text"),
    ],
)
def test_errors_say_where_and_what(old: str, new: str, line: int, column: int, expected: str, got: str) -> None:
    with pytest.raises(IRSyntaxError) as caught:
        parse(EXAMPLE.replace(old, new, 1))
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert error.expected.startswith(expected)
    assert got in error.got
    assert str(error).startswith(f"{line}:{column}: expected {expected}")


@pytest.mark.parametrize(
    ("type", "number", "expected"),
    [
        ("i32[]", "0.5", "a number of dtype i32"),
        ("i32[]", "true", "a number of dtype i32"),
        ("bool[]", "1", "a number of dtype bool"),
        ("u8[]", "256", "a number within u8"),
        ("f32[]", '"1"', "a number of dtype f32"),
        ("f32[]", "}", "a number, string, list, dtype or type"),
        ("i64[]", "9" * 50, "an integer of at most 40 digits"),
        ("f32[" + "1" * 5000 + "]", "1", "an integer of at most 40 digits"),
        ("f32[]", "[" * 5000, "at most 64 levels"),
        ("()", "1.0", "operands and parameters that fit constant"),
    ],
)
def test_bad_constants(type: str, number: str, expected: str) -> None:
    with pytest.raises(IRSyntaxError) as caught:
        parse(f"graph g() -> () {{\n %0: {type} = constant {number}\n return }}")
    assert expected in caught.value.expected


def test_text_after_the_graph_is_refused() -> None:
    with pytest.raises(IRSyntaxError, match="7:1: expected the end of the text, got graph"):
        parse(EXAMPLE + EXAMPLE)


def test_deep_regions_are_refused() -> None:
    with pytest.raises(IRSyntaxError, match="at most 64 levels"):
        parse("graph g() -> () {" + "%0: f32[] = fusion () {" * 5000)


def test_damaged_text_never_fails_otherwise() -> None:
    rng = random.Random(0)
    sources = [EXAMPLE, FUSION, to_text(every_kind()), to_text(fuse(softmax_loss(), TARGET))]
    tokens = sorted({t for s in sources for t in re.findall(r"[%\w.]+|\S", s)})
    for _ in range(500):
        pieces = re.findall(r"[%\w.]+|\s+|\S", rng.choice(sources))
        for _ in range(rng.randint(1, 3)):
            i = rng.randrange(len(pieces))
            pieces[i] = rng.choice([*tokens, "", "\n", "é", "[", "-1", "1e999"])
        try:
            graph = parse("".join(pieces))
        except IRSyntaxError as error:
            assert error.line >= 1 and error.column >= 1
        else:
            assert to_text(parse(to_text(graph))) == to_text(graph)


# -- networkx -----------------------------------------------------------------------------------------


def test_networkx_view() -> None:
    graph = example()
    view = to_networkx(graph)
    assert [view.nodes[n]["op"] for n in view] == ["parameter", "parameter", "broadcast", "mul", "sum"]
    assert (view.graph["params"], view.graph["results"], view.graph["name"]) == ([0, 1], [4], "f")
    assert sorted(view.edges(data="operand")) == [(0, 3, 0), (1, 2, 0), (2, 3, 1), (3, 4, 0)]
    assert view.nodes[4]["type"] == "f32[4]" and view.nodes[4]["params"] == {"axes": (1,)} and view.nodes[4]["name"] == "total"


def test_networkx_view_keeps_both_operands_and_regions() -> None:
    x, inner = p((2,), "x"), p((2,))
    (square,) = fusion((x,), Region((inner,), (inner * inner,)))
    view = to_networkx(Graph((x,), (square,)))
    (body,) = view.nodes[1]["regions"]
    assert sorted(body.edges(data="operand")) == [(0, 1, 0), (0, 1, 1)]


# -- the document -------------------------------------------------------------------------------------


def primitives_table() -> str:
    rows = [f"| `{op.name}` | {op.kind} | {op.doc.replace('|', chr(92) + '|')} |" for op in PRIMITIVES.values()]
    return "\n".join(["| primitive | kind | what it is |", "|---|---|---|", *rows])


def test_the_document_has_every_primitive() -> None:
    assert primitives_table() in DOC.read_text(), "run python tests/test_printer.py"


def test_the_document_s_example_is_a_graph() -> None:
    blocks = re.findall(r"```\n(graph .*?\n)```", DOC.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        assert to_text(parse(block)) == block


def test_the_document_s_grammar_has_every_dtype() -> None:
    grammar = re.search(r"dtype +:= (.*)", DOC.read_text())
    assert grammar is not None
    assert re.findall(r"'(\w+)'", grammar[1]) == list(DTYPES)


if __name__ == "__main__":
    text = DOC.read_text()
    DOC.write_text(re.sub(r"\| primitive \|.*?\n(?!\|)", lambda _: primitives_table() + "\n", text, count=1, flags=re.DOTALL))
    print(json.dumps({"primitives": len(PRIMITIVES)}))
