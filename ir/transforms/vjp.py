"""Reverse mode: from a graph to the graph of its gradients.

A loop and a table.  The loop visits the nodes from the outputs back, the table gives the vector-Jacobian product of each
primitive.  Gradients are ordinary nodes, so they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from graphc.ir.core.build import constant, zeros_like
from graphc.ir.core.graph import Graph, Node, TypeRuleError, current, toposort
from graphc.ir.core.predicates import is_result
from graphc.ir.regions.builders import added
from graphc.ir.transforms.vjp_control import LOOP_VJP
from graphc.ir.transforms.vjp_rules import VJP, accumulated

__all__ = ["GRADIENT", "adjoint", "gradients"]

GRADIENT = " (gradient)"
"""The suffix of an adjoint operation's source location."""


class _Cotangents:
    """The cotangent of each node: the contributions of its users, added once all are there and it is read."""

    def __init__(self) -> None:
        self._parts: dict[Node, list[Node]] = {}

    def add(self, node: Node, part: Node) -> None:
        self._parts.setdefault(node, []).append(part)

    def __contains__(self, node: Node) -> bool:
        return node in self._parts

    def get(self, node: Node) -> Node | None:
        return self[node] if node in self._parts else None

    def __getitem__(self, node: Node) -> Node:
        parts = self._parts[node]
        if len(parts) > 1:
            parts[:] = [reduce(added, parts) if node.type.grows else accumulated(parts)]
        return parts[0]


def gradients(outputs: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node]) -> list[Node | None]:
    """Return the gradient with respect to each node of `wrt`, summed over `outputs` weighted with `cotangents`.

    A cotangent has the type of its output.  A gradient has the type of its node; None means that no output depends on the node
    differentiably.  Where one node of `wrt` depends on another, the gradient with respect to the deeper one includes the paths
    through the upper one, as in torch.autograd.grad.  Time is linear in the number of nodes; nothing recurses.  Raises
    TypeRuleError for a cotangent of another type, and for a region that has no rule.
    """
    order = toposort(outputs)
    active = _active(order, wrt)
    adjoints = _Cotangents()
    parts: dict[Node, list[Node | None]] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        _check_cotangent(output, cotangent)
        if output in active:
            adjoints.add(output, cotangent)
    outer = current.where
    try:
        for node in reversed(order):
            if node in adjoints and is_result(node):
                _collect(node, adjoints, parts)
            elif node.op.kind == "region":
                _through_regions(node, active, adjoints, parts)
            elif node in adjoints:
                _propagate(node, active, adjoints)
    finally:
        current.where = outer
    return [adjoints.get(node) for node in wrt]


def adjoint(graph: Graph, wrt: Sequence[int], *, value: bool = True) -> Graph:
    '''Append the gradient of the first result with respect to the parameters numbered in `wrt` to a graph.

    The first result must be a 0-d float.  The results are those of `graph` (none if not `value`), then one gradient for each of
    `wrt`, zeros where nothing depends on it.  Raises TypeRuleError.

    >>> from graphc.ir.text.parser import parse
    >>> from graphc.ir.text.printer import to_text
    >>> graph = parse("""graph f(%x: f32[3]) -> (f32[]) {
    ...   %y: f32[3] = exp %x
    ...   %total: f32[] = sum %y {axes=[0]}
    ...   return %total
    ... }""")
    >>> print(to_text(adjoint(graph, [0])), end="")
    graph f_adjoint(%x: f32[3]) -> (f32[], f32[3]) {
      %y: f32[3] = exp %x
      %total: f32[] = sum %y {axes=[0]}
      %0: f32[] = constant 1.0
      %d_y: f32[3] = broadcast %0 {shape=[3], axes=[]}
      %d_x: f32[3] = mul %d_y, %y
      return %total, %d_x
    }
    '''
    output = graph.results[0]
    if output.shape != () or not output.dtype.is_float:
        raise TypeRuleError(f"adjoint needs a 0-d float as first result, got {output.type}")
    params = [graph.params[i] for i in wrt]
    grads = gradients([output], [constant(1, output.dtype)], params)
    filled = [zeros_like(p) if g is None else g for p, g in zip(params, grads, strict=True)]
    return Graph(graph.params, (*(graph.results if value else ()), *filled), f"{graph.name}_adjoint")


def in_gradient(where: str) -> str:
    """Return the source location of an adjoint operation: that of its primal operation, with a suffix."""
    return where if not where or where.endswith(GRADIENT) else f"{where}{GRADIENT}"


def _check_cotangent(output: Node, cotangent: Node) -> None:
    if output.type != cotangent.type:
        raise TypeRuleError(f"a cotangent has the type of its output, {output.type}, got {cotangent.type}")


def _active(order: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """Return the float nodes on differentiable paths from `wrt`, given all nodes with operands first."""
    active = {node for node in wrt if node.type.dtype.is_float}
    for node in order:
        if active.isdisjoint(node.operands):
            continue
        is_region = node.op.kind == "region"
        if is_region and node.op.name not in LOOP_VJP:
            raise TypeRuleError(f"{node.op.name} has no derivative rule")
        if is_region or ((node.op.name in VJP or is_result(node)) and node.type.dtype.is_float):
            active.add(node)
    return active


def _collect(node: Node, adjoints: _Cotangents, parts: dict[Node, list[Node | None]]) -> None:
    """Store the cotangent of one result of a node beside those of its other results."""
    (node_of_results,) = node.operands
    parts.setdefault(node_of_results, [None] * len(node_of_results.types))[node.params["index"]] = adjoints[node]


def _through_regions(node: Node, active: set[Node], adjoints: _Cotangents, parts: dict[Node, list[Node | None]]) -> None:
    """Propagate the cotangents of a loop's or a branch's results to its active operands."""
    cotangents = [adjoints[node]] if node in adjoints else parts.get(node, [])
    wanted = [operand in active for operand in node.operands]
    if not any(wanted) or all(g is None for g in cotangents):
        return
    current.where = in_gradient(node.where)
    for operand, part in zip(node.operands, LOOP_VJP[node.op.name](node, cotangents, wanted, gradients), strict=True):
        if part is not None:
            adjoints.add(operand, part)


def _propagate(node: Node, active: set[Node], adjoints: _Cotangents) -> None:
    """Propagate the cotangent of a node to its active operands; new nodes have the source location of `node`."""
    total = adjoints[node]
    _name_after(total, node)
    wanted = [operand in active for operand in node.operands]
    if not any(wanted):
        return
    current.where = in_gradient(node.where)
    for operand, part in zip(node.operands, VJP[node.op.name](node, total, wanted), strict=True):
        if part is not None:
            adjoints.add(operand, part)


def _name_after(total: Node, node: Node) -> None:
    # constants are shared, so no one name fits them
    if node.name and not total.name and total.op.kind != "leaf":
        total.name = f"d_{node.name}"
