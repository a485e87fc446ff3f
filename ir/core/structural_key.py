"""Split a graph into its structure and its numbers, and rebuild it with other numbers.

The numbers are extents, offsets and steps of magnitude above `SMALL`, and float constants that are not simple.  Machine code
does not contain them (codegen/nests/kernel_function.py), so graphs of one structure can share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from graphc.ir.core.graph import Graph, Node, Region, make, parameter
from graphc.ir.core.guards import Symbol
from graphc.ir.core.types import TensorType

__all__ = ["SIMPLE", "SMALL", "exact_body_key", "exact_key", "structure", "with_numbers"]

SMALL = 8
"""Integers of at most this magnitude belong to the structure: they are constants in the code."""

SIMPLE = frozenset([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 4.0, float("inf"), float("-inf")])
"""Float constants that belong to the structure."""

Key = tuple[Any, ...]
Hole = Callable[[Any], Any]


def structure(graph: Graph, layouts: Mapping[Node, tuple[int, ...]]) -> tuple[Key, list[Any]]:
    """Return a description of a graph without its numbers, except their types, and the numbers in traversal order.

    `layouts` gives the strides of the graph's parameters.
    """
    numbers: list[Any] = []

    def hole(number: Any) -> type:
        numbers.append(number)
        return type(number)

    strides = _mapped(tuple([layouts[p] for p in graph.params]), hole, _spelled)
    return (_region_key(graph, hole, {}), strides), numbers


def exact_key(node: Node, *sizes: Any) -> Key:
    """Return a description of a node's attributes and regions with their numbers, and of further sizes.

    Nodes with equal keys differ in their operands, names and source locations only.  Symbols count by identity, since a
    comparison of their values would be recorded.
    """

    attributes = tuple([(name, _mapped(value, _exact, _spelled)) for name, value in node.params.items()])
    return node.op, attributes, tuple(map(_exact_region_key, node.regions)), _mapped(sizes, _exact, _spelled)


def exact_body_key(params: Sequence[Node], nodes: Sequence[Node], results: Sequence[Node]) -> Key:
    """Return such a description of nodes without regions, operands first, which read one another and `params` alone."""
    number_of: dict[Node, int] = {}
    lines = [*_param_lines(params, _exact, number_of), *_node_lines(nodes, _exact, number_of)]
    return (*lines, tuple([number_of[r] for r in results]))


def _exact(number: Any) -> Any:
    kind = type(number)
    return number if kind is int else number.hex() if kind is float else (Symbol, number.at)


_exact_keys: WeakKeyDictionary[Region, Key] = WeakKeyDictionary()


def _exact_region_key(region: Region) -> Key:
    key = _exact_keys.get(region)
    if key is None:
        key = _exact_keys[region] = _region_key(region, _exact, {})
    return key


def with_numbers(
    graph: Graph, layouts: Mapping[Node, tuple[int, ...]], numbers: Sequence[Any]
) -> tuple[Graph, dict[Node, tuple[int, ...]]]:
    """Return the graph and its layouts with other numbers, in the order of `structure`."""
    rest = iter(numbers)

    def hole(_: Any) -> Any:
        return next(rest)

    strides = _mapped(tuple([layouts[p] for p in graph.params]), hole, _itself)
    region = _region_with(graph, hole, {})
    return Graph(region.params, region.results, graph.name), dict(zip(region.params, strides, strict=True))


# regions may share parameters and nodes, as a loop and its copy with more residuals do: describe each node once


def _region_key(region: Region, hole: Hole, number_of: dict[Node, int]) -> Key:
    lines = [*_param_lines(region.params, hole, number_of), *_node_lines(region.nodes(), hole, number_of)]
    return (tuple([number_of[p] for p in region.params]), *lines, tuple([number_of[r] for r in region.results]))


def _param_lines(params: Sequence[Node], hole: Hole, number_of: dict[Node, int]) -> Iterator[Any]:
    for p in params:
        if p not in number_of:
            number_of[p] = len(number_of)
            yield p.types[0].dtype, _mapped(p.types[0].shape, hole, _spelled)


def _node_lines(nodes: Sequence[Node], hole: Hole, number_of: dict[Node, int]) -> Iterator[Any]:
    for node in nodes:
        if node in number_of:
            continue
        line = [node.op, *[number_of[o] for o in node.operands]]
        for name, value in node.params.items():
            line.append(name)
            line.append(_mapped(value, hole if node.op.attributes[name].sizes else _itself, _spelled))
        line += [_region_key(r, hole, number_of) for r in node.regions]
        number_of[node] = len(number_of)
        yield tuple(line)


def _region_with(region: Region, hole: Hole, new: dict[Node, Node]) -> Region:
    for p in region.params:
        if p not in new:
            new[p] = parameter(TensorType(p.dtype, _mapped(p.shape, hole, _itself)), p.name)
    for node in region.nodes():
        if node in new:
            continue
        kinds = node.op.attributes
        params = {n: _mapped(v, hole, _itself) if kinds[n].sizes else v for n, v in node.params.items()}
        operands = [new[o] for o in node.operands]
        regions = tuple([_region_with(r, hole, new) for r in node.regions])
        new[node] = make(node.op, operands, params, regions, like=node, unique=node.op.has_identity)
    return Region(tuple([new[p] for p in region.params]), tuple([new[r] for r in region.results]))


def _mapped(value: Any, hole: Hole, simple: Callable[[float], Any]) -> Any:
    """Apply `hole(number)` to each number in a parameter's value."""
    kind = type(value)
    if kind is tuple:
        return tuple([_mapped(v, hole, simple) for v in value])
    if kind is int:
        return value if -SMALL <= value <= SMALL else hole(value)
    if kind is float:
        return simple(value) if value in SIMPLE or value != value else hole(value)
    return hole(value) if kind is Symbol else value


def _spelled(value: float) -> str:
    return value.hex()  # 0.0 and -0.0 are equal


def _itself(value: float) -> float:
    return value
