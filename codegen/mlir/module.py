"""Print a graph as MLIR, in the core dialects func, arith, math, tensor, linalg and scf.

Every node becomes structured operations on tensors, mostly one `linalg.generic`; tiling, ordering and bufferization are left
to the consumer.  `mlir-opt` bufferizes the text, IREE compiles it.  Constraints on the output: `tensor.gather` does not
bufferize and IREE rejects `tensor.splat`, so a gather is a `linalg.generic` that extracts, and a splat is a `linalg.fill`;
the syntax of `linalg.map` changes between versions, so it is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from graphc.codegen.mlir.primitives import SPELLING, reshaped
from graphc.codegen.mlir.text import (
    Block,
    Text,
    cut,
    empty,
    extract,
    full_view,
    insert,
    loop,
    tensor,
)
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.core.predicates import is_result
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Loop

__all__ = ["HOLES", "PREFIX", "REGIONS", "to_mlir", "to_mlir_module"]

PREFIX = "graphc_"
"""The prefix of function names: a bare `@select` or `@exp` would clash with the C library when linked."""

HOLES = {
    "argsort": "MLIR's tensor dialects have no sort: it is native code",
    **dict.fromkeys(
        ("cholesky", "triangular_solve", "lu", "lu_solve", "permutation", "qr", "eigh", "svd", "pinv"),
        "MLIR's tensor dialects have no factorizations: it is native code",
    ),
    "parameter": "it is an argument of the function, or what a region is given",
    "result": "it is one of the values that its operand has written",
}
"""Primitives without an MLIR form, and why."""

SCALAR_BOOL = TensorType(BOOL)


def to_mlir(graph: Graph, name: str = "main", *, writable_marks: bool = True) -> str:
    """Return an MLIR module with the function `@graphc_<name>` from the graph's parameters to its results.

    f32, f64, i32, i64 are themselves, u8 is i8, bool is i1.  `writable_marks` marks the arguments
    `{bufferization.writable = false}`, so that bufferization copies rather than overwrites the caller's arrays;
    without it the text has no attribute outside the core dialects.  Raises KeyError for a node without a spelling.
    """
    return to_mlir_module({name: graph}, writable_marks=writable_marks)


def to_mlir_module(graphs: Mapping[str, Graph], *, writable_marks: bool = True) -> str:
    """Return one MLIR module with a function for each graph, as `to_mlir` writes them."""
    lines = [line for name, graph in graphs.items() for line in _function(graph, name, writable_marks)]
    return "\n".join(["module {", *lines, "}", ""])


def _function(graph: Graph, name: str, writable_marks: bool) -> list[str]:
    t = Text()
    mark = " {bufferization.writable = false}" if writable_marks else ""
    arguments = {p: f"%arg{i}" for i, p in enumerate(graph.params)}
    signature = ", ".join(f"{value}: {tensor(p.type)}{mark}" for p, value in arguments.items())
    types = _tensors([r.type for r in graph.results])
    with t.block(f"func.func @{_symbol(PREFIX + name)}({signature}) -> ({types}) {{", "}"):
        values = _region(t, graph, list(arguments.values()))
        t.line(f"return {', '.join(values)} : {types}" if values else "return")
    return t.lines


def _symbol(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_.$]+", name) else json.dumps(name)


def _region(t: Text, region: Region, arguments: list[str]) -> list[str]:
    """Emit the nodes of a region; return the values of its results."""
    values: dict[Node, list[str]] = {p: [a] for p, a in zip(region.params, arguments, strict=True)}
    for node in region.nodes():
        operands = [v for o in node.operands for v in values[o]]
        if node.op.kind == "region":
            values[node] = REGIONS[node.op.name](t, node, operands)
        elif is_result(node):
            values[node] = [operands[node.params["index"]]]
        elif node.op.name in SPELLING:
            values[node] = [SPELLING[node.op.name](t, node, operands)]
        else:
            raise NotImplementedError(f"{node.op.name} has no spelling in MLIR: {HOLES[node.op.name]}")
    return [values[r][0] for r in region.results]


# -- regions --------------------------------------------------------------------------------------------


def _tensors(types: Sequence[TensorType]) -> str:
    return ", ".join(map(tensor, types))


def _several(value: str, count: int) -> list[str]:
    return [f"{value}#{i}" for i in range(count)]


def _call(t: Text, node: Node, operands: list[str]) -> list[str]:
    return _region(t, Call.of(node).body, operands)


def _cond(t: Text, node: Node, operands: list[str]) -> list[str]:
    call = Call.of(node)
    pred, arguments = call.split(operands)
    assert pred is not None
    holds, result, types = extract(t, pred, SCALAR_BOOL, []), t.fresh(), _tensors(node.types)
    yes, no = call.arms
    with t.block(f"{result}:{len(node.types)} = scf.if {holds} -> ({types}) {{", "} else {"):
        t.line(f"scf.yield {', '.join(_region(t, yes, list(arguments)))} : {types}")
    with t.block("", "}"):
        t.line(f"scf.yield {', '.join(_region(t, no, list(arguments)))} : {types}")
    return _several(result, len(node.types))


def _while(t: Text, node: Node, operands: list[str]) -> list[str]:
    if any(u.grows for u in node.types):
        raise NotImplementedError(f"MLIR has no tensor that grows, as {node} stacks: a gradient through a while is native code")
    loop = Loop.of(node)
    test, body = loop.regions
    starts, _, captures = loop.split(operands)
    n, types = len(starts), _tensors(node.types)
    results, before, after = t.fresh(), [t.fresh() for _ in node.types], [t.fresh() for _ in node.types]
    bound = ", ".join(f"{b} = {v}" for b, v in zip(before, starts, strict=True))
    with t.block(f"{results}:{n} = scf.while ({bound}) : ({types}) -> ({types}) {{", "} do {"):
        (holds,) = _region(t, test, [*before, *captures])
        t.line(f"scf.condition({extract(t, holds, SCALAR_BOOL, [])}) {', '.join(before)} : {types}")
    with t.block(f"^bb0({', '.join(f'{a}: {tensor(u)}' for a, u in zip(after, node.types, strict=True))}):", "}"):
        t.line(f"scf.yield {', '.join(_region(t, body, [*after, *captures]))} : {types}")
    return _several(results, n)


def _scan(t: Text, node: Node, operands: list[str]) -> list[str]:
    record = Loop.of(node)
    starts, xs, captures = record.split(operands)
    _, types = record.split_results(node.types)
    length = record.length
    assert length is not None, "what a scan without a length runs over has no MLIR"
    carried = [full_view(v, c.operand.type) for v, c in zip(starts, record.carries, strict=True)]
    stacks = [full_view(empty(t, u), u) for u in types]

    def body(index: str, *values: str) -> list[str]:
        now, so_far = record.split_results(values)
        at = t.op(f"arith.subi {t.index(length - 1)}, {index} : index") if record.reverse else index
        items = [_item(t, v, x.operand.type, at) for v, x in zip(xs, record.xs, strict=True)]
        nexts, ys = record.split_results(_region(t, record.body, [*now, *items, *captures]))
        return [*nexts, *(_stack(t, y, stack, u, at) for y, stack, u in zip(ys, so_far, types, strict=True))]

    return loop(t, length, [*carried, *stacks], body)


def _row_of(type: TensorType, at: str) -> Block:
    return Block(type.with_shape((1, *type.shape[1:])), [at, *(0 for _ in type.shape[1:])])


def _item(t: Text, x: str, type: TensorType, at: str) -> str:
    row = _row_of(type, at)
    return reshaped(t, cut(t, row, x, type), row.type, type.with_shape(type.shape[1:]))


def _stack(t: Text, item: str, into: str, type: TensorType, at: str) -> str:
    row = _row_of(type, at)
    return insert(t, reshaped(t, item, type.with_shape(type.shape[1:]), row.type), row, into, type)


REGIONS: dict[str, Callable[[Text, Node, list[str]], list[str]]] = {
    "fusion": _call,
    "checkpoint": _call,
    "cond": _cond,
    "while": _while,
    "scan": _scan,
    "custom": lambda t, node, operands: list(Custom.of(node).split(operands)[0]),
}
"""The emitter of each primitive with regions: from the values of its operands to those of its results."""
