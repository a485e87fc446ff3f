"""Dependence analysis: which input elements the derivative of each result element depends on.

A loop and a table, as in autodiff: the loop visits the nodes, operands first, and the table gives, for each primitive, the
operand elements that each result element differentiably depends on.  Data that select (an index, a condition) are followed
exactly where they are known before the program runs; otherwise everything that they may select counts.  The analysis is
conservative: an element is independent only if its tangent is always zero, so directions that several elements share never
mix their derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from graphc.ir.core.graph import Node, Region, TypeRuleError, toposort
from graphc.ir.core.predicates import is_result
from graphc.ir.sparse.loops import LOOP_RULES
from graphc.ir.sparse.rules import RULES, Parts, Values, filled, passes_on
from graphc.ir.sparse.sparsity import Sparsity, identity

__all__ = ["dependence"]

def dependence(results: Sequence[Node], wrt: Sequence[Node], values: Values | None = None) -> list[Sparsity]:
    '''Return for each result the pattern of its Jacobian: its elements by those of the nodes of `wrt`, one after another.

    Elements are numbered in row-major order.  Nodes of `wrt` depend on themselves alone, whatever they are made of.
    `values` knows arrays beforehand.  Raises TypeRuleError for a primitive without a rule.

    >>> from graphc.ir.text.parser import parse
    >>> graph = parse("""graph f(%x: f32[4]) -> (f32[3]) {
    ...   %a: f32[3] = slice %x {start=[0], stop=[3], step=[1]}
    ...   %b: f32[3] = slice %x {start=[1], stop=[4], step=[1]}
    ...   %y: f32[3] = mul %a, %b
    ...   return %y
    ... }""")
    >>> (found,) = dependence(graph.results, graph.params)
    >>> print(found.toarray().astype(int))
    [[1 1 0 0]
     [0 1 1 0]
     [0 0 1 1]]
    '''
    sizes = [node.type.size for node in wrt]
    width = sum(sizes)
    seeds: dict[Node, Parts] = {}
    for node, size, offset in zip(wrt, sizes, accumulate(sizes, initial=0), strict=False):
        seeds[node] = [identity(size, width, offset) if node.dtype.is_float else None]
    patterns = _propagate(results, seeds, values or Values({}))
    return [filled(part, node, width) for part, node in zip(patterns, results, strict=True)]


def _propagate(results: Sequence[Node], seeds: Mapping[Node, Parts], values: Values) -> Parts:
    """Return the patterns of results, given those of some nodes."""
    known = dict(seeds)
    for node in toposort(results, known.__contains__):
        if node not in known:
            parts = _parts(node, known, values)
            if any(p is not None for p in parts):
                known[node] = parts
    return [known[r][0] if r in known else None for r in results]


def _parts(node: Node, known: Mapping[Node, Parts], values: Values) -> Parts:
    name = node.op.name
    if is_result(node):
        results = known.get(node.operands[0])
        return [None if results is None else results[node.params["index"]]]
    operands = [known[o][0] if o in known else None for o in node.operands]
    if not passes_on(node.op) or all(o is None for o in operands):
        return [None] * len(node.types)
    if name in LOOP_RULES:
        parts = LOOP_RULES[name](node, operands, values, _enter)
        return [p if t.dtype.is_float else None for p, t in zip(parts, node.types, strict=True)]
    if name not in RULES:
        raise TypeRuleError(f"{name} has no dependence rule")
    return [RULES[name](node, operands, values) if node.dtype.is_float else None]


def _enter(region: Region, operands: Sequence[Sparsity | None], arrays: Sequence[Any]) -> tuple[Parts, Values]:
    """Return the patterns and known arrays of a region's results, given those of its parameters."""
    values = Values({p: a for p, a in zip(region.params, arrays, strict=True) if a is not None})
    seeds: dict[Node, Parts] = {p: [o] for p, o in zip(region.params, operands, strict=True) if o is not None}
    return _propagate(region.results, seeds, values), values
