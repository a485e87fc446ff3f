"""Write a graph as text: one line per node, operands before users.

    graph f(%x: f32[4,3], %w: f32[3]) -> (f32[4]) {
      %0: f32[4,3] = broadcast %w {shape=[4,3], axes=[1]}
      %1: f32[4,3] = mul %x, %0
      %total: f32[4] = sum %1 {axes=[1]}
      return %total
    }

A node is printed under its name, with a suffix where several nodes of a region share it, or else under a number.  Each region
has its own names, since values enter it through parameters only: equal kernels have equal text.
`graphc.ir.text.parser` reads the text back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from graphc.ir.core.graph import Graph, Node, Region, toposort
from graphc.ir.core.predicates import is_constant, is_literal
from graphc.ir.core.types import F32, DType, TensorType

__all__ = ["describe", "has_name", "to_text"]

Line = tuple[str, Node | None]
INDENT = "  "


def to_text(graph: Graph, *, places: bool = False) -> str:
    """Return the graph as text that `graphc.ir.text.parser.parse` reads back; it ends with a newline.

    `places` adds the user's file and line to each node that has one, as a comment.  Recurses only into regions.
    """
    return "".join(f"{text}\n" for text, _ in _graph_lines(graph, places))


def describe(node: Node, graph: Graph | None = None, context: int = 5) -> str:
    """Return the lines around one node, with an arrow before its own line.

    Without a graph the lines before it are the nodes it depends on; so too for a node that is not in the graph or its regions.
    """
    lines = list(_graph_lines(graph, True)) if graph is not None else []
    position = next((i for i, (_, owner) in enumerate(lines) if owner is node), None)
    if position is None:
        lines = [*_node_lines(Region((), (node,)), "", True)]
        position = next((i for i, (_, owner) in enumerate(lines) if owner is node), None)
    if position is None:
        return f"→ %{_plain(node.name) or '0'}: {node.type} is a parameter"
    first, last = max(0, position - context), position + context + 1
    return "\n".join(("→ " if i == position else "  ") + text for i, (text, _) in enumerate(lines[:last]) if i >= first)


def has_name(node: Node) -> bool:
    """Return whether a listing shows the node's name: not for constants and iotas, which all graphs of the process share."""
    return not is_literal(node)


def _graph_lines(graph: Graph, places: bool) -> Iterator[Line]:
    names = _names(graph)
    results = ", ".join(_types(r) for r in graph.results)
    yield f"graph {_plain(graph.name) or 'graph'}({_parameters(graph, names)}) -> ({results}) {{", None
    yield from _region_lines(graph, names, INDENT, places)
    yield "}", None


def _region_lines(region: Region, names: dict[Node, str], indent: str, places: bool) -> Iterator[Line]:
    yield from _node_lines(region, indent, places, names)
    yield f"{indent}return {', '.join(names[r] for r in region.results)}".rstrip(), None


def _node_lines(region: Region, indent: str, places: bool, names: dict[Node, str] | None = None) -> Iterator[Line]:
    names = names or _names(region)
    for node in region.nodes():
        head = f"{indent}{names[node]}: {_types(node)} = {_application(node, names)}"
        comment = f"  # {node.where}" if places and node.where else ""
        if not node.regions:
            yield head + comment, node
            continue
        for inner in node.regions:
            inside = _names(inner)
            yield f"{head} ({_parameters(inner, inside)}) {{{comment}", node
            yield from _region_lines(inner, inside, indent + INDENT, places)
            head, comment = indent + "}", ""
        yield head, None


def _application(node: Node, names: dict[Node, str]) -> str:
    if is_constant(node):
        return f"constant {_constant(node)}"
    operands = " " + ", ".join(names[o] for o in node.operands) if node.operands else ""
    params = ", ".join(f"{key}={_value(node.params[key])}" for key in node.op.attributes if key in node.params)
    return node.op.name + operands + (f" {{{params}}}" if params else "")


def _parameters(region: Region, names: dict[Node, str]) -> str:
    return ", ".join(f"{names[p]}: {_types(p)}" for p in region.params)


def _types(node: Node) -> str:
    return str(node.types[0]) if len(node.types) == 1 else f"({', '.join(map(str, node.types))})"


def _names(region: Region) -> dict[Node, str]:
    """Return the name of every node of a region, parameters first, free parameters included."""
    names: dict[Node, str] = {}
    used: set[str] = set()
    count: dict[str, int] = {}
    number = 0
    for node in dict.fromkeys([*region.params, *toposort(region.results)]):
        name = wanted = _plain(node.name) if has_name(node) else ""
        while wanted and name in used:
            count[wanted] = count.get(wanted, 0) + 1
            name = f"{wanted}_{count[wanted]}"
        if not wanted:
            name, number = str(number), number + 1
        used.add(name)
        names[node] = f"%{name}"
    return names


def _plain(name: str) -> str:
    """Return a name that conforms to the grammar: letters, digits, dots and underscores, no digit first."""
    name = re.sub(r"[^A-Za-z0-9_.]", "_", name)
    return f"_{name}" if name[:1].isdigit() or name[:1] == "." else name


def _constant(node: Node) -> str:
    """Return the shortest text that rounds or wraps to the constant's value in its dtype."""
    value = node.params["value"]
    if not isinstance(value, (bool, int, float)):
        return _value(value)
    value = node.dtype.scalar(value)
    return str(np.float32(value)) if node.dtype is F32 else _value(value)


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{','.join(map(_value, value))}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, (int, float, DType, TensorType)):
        return str(value)
    return f"<{type(value).__name__}>"
