"""Batching: from nodes that compute one value to nodes that compute a batch of values.

A loop and a table, as in autodiff: the loop visits the nodes, operands first, and the table gives the batched form of each
primitive when some of its operands have a leading batch axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.ir.core.graph import Node, TypeRuleError, current, make, toposort
from graphc.ir.core.predicates import is_result
from graphc.ir.core.types import TensorType
from graphc.ir.transforms.vmap_control import LOOP_BATCH
from graphc.ir.transforms.vmap_rules import BATCH
from graphc.ir.transforms.vmap_run import Run

__all__ = ["batch"]


def batch(outputs: Sequence[Node], inputs: Mapping[Node, Node], size: int, level: int | None = None) -> list[tuple[Node, bool]]:
    '''Return the outputs with some nodes replaced by batches of `size` values.

    `inputs` maps nodes to nodes of the same dtype with one more, leading axis of extent `size`.  The second entry of each
    returned pair says whether the output depends on them: then the first has a leading batch axis too, else it is the output
    itself.  Nodes that do not depend on `inputs` stay the same objects.  Time is linear in the number of nodes; nothing
    recurses.  `level` selects the rules that custom functions have for this batching.  Raises TypeRuleError for an input of
    another type, and for a region that has no rule.

    >>> from graphc.ir.core.graph import Graph
    >>> from graphc.ir.text.parser import parse
    >>> from graphc.ir.text.printer import to_text
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
    return _batched_all(outputs, dict(inputs), Run(size, level, _batched_all))


def _batched_all(outputs: Sequence[Node], inputs: dict[Node, Node], run: Run) -> list[tuple[Node, bool]]:
    known: dict[Node, tuple[Node, bool]] = {one: (many, True) for one, many in inputs.items()}
    several: dict[Node, list[tuple[Node, bool]]] = {}
    outer = current.where
    try:
        for node in toposort(outputs, inputs.__contains__):
            if node in known:
                continue
            if is_result(node) and node.operands[0] in several:
                known[node] = several[node.operands[0]][node.params["index"]]
            elif not known.keys().isdisjoint(node.operands):
                current.where = node.where
                _add(node, [known.get(o, (o, False)) for o in node.operands], known, several, run)
    finally:
        current.where = outer
    return [known.get(node, (node, False)) for node in outputs]


def _add(
    node: Node,
    operands: Sequence[tuple[Node, bool]],
    known: dict[Node, tuple[Node, bool]],
    several: dict[Node, list[tuple[Node, bool]]],
    run: Run,
) -> None:
    """Add the batched form of a node, or of its results."""
    nodes, batched = [x for x, _ in operands], [has for _, has in operands]
    if node.op.name in LOOP_BATCH:
        results = LOOP_BATCH[node.op.name](node, nodes, batched, run)
        if len(node.types) > 1:
            several[node] = results
        else:
            known[node] = results[0]
    elif any(batched):
        known[node] = (_batched(node, nodes, batched, run.size), True)
    else:
        known[node] = (make(node.op, nodes, node.params, node.regions, like=node, unique=node.op.has_identity), False)


def _check_input(one: Node, many: Node, size: int) -> None:
    wanted = TensorType(one.dtype, (size, *one.shape))
    if many.type != wanted:
        raise TypeRuleError(f"a batch of {size} of {one.type} is {wanted}, got {many.type}")


def _batched(node: Node, operands: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    """Return the batched form of a node, under its name."""
    rule = BATCH.get(node.op.name)
    if rule is None:
        raise TypeRuleError(f"{node.op.name} has no batching rule")
    result = rule(node, operands, batched, size)
    if node.name and not result.name:
        result.name = node.name
    return result
