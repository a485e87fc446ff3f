"""Batching: from nodes that compute one thing to nodes that compute many of it at once.

A loop and a table, as autodiff is: the loop walks the nodes, operands first, and the table says what each
primitive does when some of its operands have got a batch axis in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.ir.batch_rules import BATCH
from graphc.ir.graph import Node, TypeRuleError, place, toposort
from graphc.ir.types import TensorType

__all__ = ["batch"]


def batch(outputs: Sequence[Node], inputs: Mapping[Node, Node], size: int) -> list[tuple[Node, bool]]:
    '''Return the outputs as they are when some nodes are exchanged for batches of `size` of them.

    `inputs` maps nodes to nodes of the same dtype with one more, leading axis of extent `size`.  Of each pair
    returned the second tells whether the output depends on them: then the first has a leading batch axis too,
    else it is the output itself.  Nodes that do not depend on `inputs` are the same objects afterwards.  Time
    is linear in the number of nodes; nothing recurses.  Raises TypeRuleError for an input of another type,
    and for a region that has no rule.

    >>> from graphc.ir.graph import Graph
    >>> from graphc.ir.parser import parse
    >>> from graphc.ir.printer import to_text
    >>> graph = parse("""graph f(%w: f32[4], %x: f32[4], %xs: f32[9,4]) -> (f32[]) {
    ...   %y: f32[4] = mul %w, %x
    ...   %z: f32[] = sum %y {axes=[0]}
    ...   return %z
    ... }""")
    >>> w, x, xs = graph.params
    >>> [(zs, batched)] = batch(graph.results, {x: xs}, 9)
    >>> print(to_text(Graph((w, xs), (zs,), "many")), end="")
    graph many(%w: f32[4], %xs: f32[9,4]) -> (f32[9]) {
      %0: f32[9,4] = broadcast %w {shape=[9,4], axes=[1]}
      %y: f32[9,4] = mul %0, %xs
      %z: f32[9] = sum %y {axes=[1]}
      return %z
    }
    '''
    for one, many in inputs.items():
        _check_input(one, many, size)
    known: dict[Node, Node] = dict(inputs)
    outer = place.where
    try:
        for node in toposort(outputs, lambda n: n in inputs):
            if node not in known and not known.keys().isdisjoint(node.operands):
                known[node] = _batched(node, known, size)
    finally:
        place.where = outer
    return [(known.get(node, node), node in known) for node in outputs]


def _check_input(one: Node, many: Node, size: int) -> None:
    wanted = TensorType(one.dtype, (size, *one.shape))
    if many.type != wanted:
        raise TypeRuleError(f"a batch of {size} of {one.type} is {wanted}, got {many.type}")


def _batched(node: Node, known: Mapping[Node, Node], size: int) -> Node:
    """Return the batch of a node; what is made has its name and place."""
    rule = BATCH.get(node.op.name)
    if rule is None:
        raise TypeRuleError(f"{node.op.name} has no batching rule")
    place.where = node.where
    made = rule(node, [known.get(o, o) for o in node.operands], [o in known for o in node.operands], size)
    if node.name and not made.name:
        made.name = node.name
    return made
