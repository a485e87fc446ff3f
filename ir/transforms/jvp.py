"""Forward mode: from a graph to the graph of its directional derivatives.

A loop and a table, as in reverse mode, but the loop visits operands first.  Tangents are ordinary nodes, so both modes can be
applied to them again.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.core.graph import Node, TypeRuleError, current, toposort
from graphc.ir.core.predicates import is_result
from graphc.ir.transforms.jvp_control import LOOP_JVP
from graphc.ir.transforms.jvp_rules import JVP

__all__ = ["tangents"]


def tangents(outputs: Sequence[Node], wrt: Sequence[Node], seeds: Sequence[Node]) -> list[Node | None]:
    '''Return the derivative of each output in the direction in which each node of `wrt` changes by its seed.

    A seed has the type of its node, a tangent that of its output; None means that the output does not depend
    on `wrt` in a differentiable way.  Nodes of `wrt` change by their seeds alone, whatever they are made of;
    seeds of one node that is given several times add up.  Time is linear in the number of nodes; nothing
    recurses.  Raises TypeRuleError for a seed of another type, and for a region that has no rule.

    >>> from graphc.ir.core.graph import Graph, parameter
    >>> from graphc.ir.text.parser import parse
    >>> from graphc.ir.text.printer import to_text
    >>> graph = parse("""graph f(%x: f32[3], %v: f32[3]) -> (f32[]) {
    ...   %y: f32[3] = exp %x
    ...   %total: f32[] = sum %y {axes=[0]}
    ...   return %total
    ... }""")
    >>> x, v = graph.params
    >>> print(to_text(Graph((x, v), (*graph.results, *tangents(graph.results, [x], [v])), "f_tangent")), end="")
    graph f_tangent(%x: f32[3], %v: f32[3]) -> (f32[], f32[]) {
      %y: f32[3] = exp %x
      %total: f32[] = sum %y {axes=[0]}
      %t_y: f32[3] = mul %v, %y
      %t_total: f32[] = sum %t_y {axes=[0]}
      return %total, %t_total
    }
    '''
    known: dict[Node, Node] = {}
    for node, seed in zip(wrt, seeds, strict=True):
        _check_seed(node, seed)
        if node.dtype.is_float:
            known[node] = known[node] + seed if node in known else seed
    fixed = frozenset(known)
    several: dict[Node, list[Node | None]] = {}
    outer = current.where
    try:
        for node in toposort(outputs, fixed.__contains__):
            if node in fixed:
                continue
            if is_result(node):
                _pick(node, known, several)
            elif not known.keys().isdisjoint(node.operands):
                if node.op.kind == "region":
                    _through_regions(node, known, several)
                else:
                    _propagate(node, known)
    finally:
        current.where = outer
    return [known.get(node) for node in outputs]


def _check_seed(node: Node, seed: Node) -> None:
    if node.type != seed.type:
        raise TypeRuleError(f"a seed has the type of its node, {node.type}, got {seed.type}")


def _pick(node: Node, known: dict[Node, Node], several: dict[Node, list[Node | None]]) -> None:
    """Add the tangent of one result of a node that has several."""
    tangent = several[node.operands[0]][node.params["index"]] if node.operands[0] in several else None
    if tangent is not None:
        known[node] = tangent


def _through_regions(node: Node, known: dict[Node, Node], several: dict[Node, list[Node | None]]) -> None:
    """Add the tangents of all results of a loop or a branch."""
    if node.op.name not in LOOP_JVP:
        raise TypeRuleError(f"{node.op.name} has no derivative rule")
    current.where = node.where
    results = LOOP_JVP[node.op.name](node, [known.get(o) for o in node.operands], tangents)
    if len(node.types) > 1:
        several[node] = results
    elif results[0] is not None:
        known[node] = results[0]


def _propagate(node: Node, known: dict[Node, Node]) -> None:
    """Add the tangent of a node, if it has one; new nodes have the source location of `node`."""
    if node.op.name not in JVP or not node.dtype.is_float:
        return
    current.where = node.where
    known[node] = tangent = JVP[node.op.name](node, [known.get(o) for o in node.operands])
    # constants are shared, so no one name fits them
    if node.name and not tangent.name and tangent.op.kind != "leaf":
        tangent.name = f"t_{node.name}"
