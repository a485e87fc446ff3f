"""Count the random words that a program draws, where the count does not depend on its data.

A random state is a seed and an offset; each draw advances the offset.  Loops and branches carry the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.ir.core.graph import PARAMETER, Node, Region, toposort
from graphc.ir.core.predicates import is_add, is_call, is_loop, is_result, is_stopped
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Loop

__all__ = ["drawn_words"]

Offsets = dict[Node, "int | None"]
Arrays = Mapping[Node, Any]


def drawn_words(after: Node, before: Node) -> int | None:
    """Return by how much a random state is advanced; 0 if it does not derive from `before` by advancing.

    None means that loops or branches advance it by an amount known only at run time.
    """
    order = toposort([after], lambda n: n is before)
    if before not in order:
        return 0
    offset = _offset(after, {before: 0}, {})
    if offset is None and any(n.regions for n in order):
        return None
    return offset or 0


def _offset(root: Node, offsets: Mapping[Node, int], arrays: Arrays) -> int | None:
    """Return the offset of a state from the given ones; None if unknown.  `arrays` holds known parameters."""
    known: Offsets = dict(offsets)
    for node in toposort([root], known.__contains__):
        if node in known:
            continue
        if is_result(node):
            known[node] = _of_result(node.operands[0], node.params["index"], known, arrays)
        elif node.regions:
            known[node] = _of_result(node, 0, known, arrays) if len(node.types) == 1 else None
        elif is_add(node):
            known[node] = _sum(node.operands, known, arrays)
        elif node.operands and (is_stopped(node) or node.op.has_identity):
            known[node] = known[node.operands[0]]
        else:
            known[node] = None
    return known[root]


def _sum(operands: Sequence[Node], known: Offsets, arrays: Arrays) -> int | None:
    for state, count in (operands, operands[::-1]):
        start, words = known[state], _array(count, arrays)
        if start is not None and words is not None:
            return None if words[0] else start + int(words[1])
    return None


def _array(node: Node, arrays: Arrays) -> Any:
    """Return the value of a node computed from constants; None for any other."""
    needed = toposort([node], arrays.__contains__)
    if any(n.op is PARAMETER and n not in arrays for n in needed) or any(n.regions for n in needed):
        return None
    return evaluate_nodes([node], arrays)[0]


def _of_result(node: Node, index: int, known: Offsets, arrays: Arrays) -> int | None:
    """Return the offset of one result of a loop or branch."""
    if is_call(node):
        call = Call.of(node)
        offsets = {_within(arm, index, call.arguments, known, arrays) for arm in call.arms}
        return offsets.pop() if len(offsets) == 1 else None
    loop = Loop.of(node) if is_loop(node) else None
    if loop is None or index >= len(loop.carries):
        return None
    carry = loop.carries[index]
    captured = {c.param: _array(c.operand, arrays) for c in loop.captures if c.operand.type == carry.next.type}
    count = _offset(carry.next, {carry.param: 0}, {p: a for p, a in captured.items() if a is not None})
    start = known[carry.operand]
    if start is None or count is None or (loop.length is None and count):
        return None
    return start + count * (loop.length or 0)


def _within(region: Region, index: int, operands: Sequence[Node], known: Offsets, arrays: Arrays) -> int | None:
    """Return the offset of a result of a branch."""
    pairs = list(zip(region.params, operands, strict=True))
    offsets = {p: offset for p, o in pairs if (offset := known[o]) is not None}
    fixed = {p: array for p, o in pairs if o.type == region.results[index].type and (array := _array(o, arrays)) is not None}
    return _offset(region.results[index], offsets, fixed)
