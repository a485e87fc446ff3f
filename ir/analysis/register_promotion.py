"""Tell which loop bodies can live in registers.

A body whose values are all small (a 3×3 matrix, some scalars) gains nothing from kernels over memory: it becomes
straight-line code, each element a value of its own, the carried ones in registers from iteration to iteration
(`codegen/program/register_loops/`).  Larger arrays may come in from outside, if the body only picks small parts of them, and
may be carried, if it only writes small parts of them in place.

    %c: f64[3,3] = scan %c0, %xs {…}      each element of the carry is in a register, an item is read where it lies

The fusion pass leaves such bodies as they are, so the decision shows in the fused listing.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from graphc.ir.analysis.axis_classes import MOST_LANES
from graphc.ir.analysis.in_place import decided_updates
from graphc.ir.core.cost import SHORT_LOOP, SMALL_ELEMENTS, is_small
from graphc.ir.core.graph import PARAMETER, Node, Region
from graphc.ir.core.predicates import is_gather, is_loop, is_matmul, is_result, is_scatter

__all__ = ["fits_registers", "may_fit_with_lanes", "misfit"]

MOST_OPERATIONS = 30_000
"""Scalar operations in straight-line code; beyond it a body is compiled as kernels."""

LARGEST = SMALL_ELEMENTS * MOST_LANES
"""No value of more elements fits, whatever the lanes."""


def fits_registers(node: Node) -> bool:
    """Tell whether the bodies of a loop or branch, whose updates in place are decided, can be straight-line code."""
    if node not in _fitting:
        _fitting[node] = node.op.name in _LOOPS and _LOOPS[node.op.name](node) and operations(node) <= MOST_OPERATIONS
    return _fitting[node]


_fitting: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()


def may_fit_with_lanes(node: Node) -> bool:
    """Tell whether lanes could make all that a longer loop carries and computes small."""
    length = node.params.get("length")
    return (length is None or length > SHORT_LOOP) and all(map(_narrows, node.regions))


def misfit(node: Node) -> str:
    """Return what keeps the bodies of a loop or branch out of registers."""
    if operations(node) > MOST_OPERATIONS:
        return f"its bodies are more than {MOST_OPERATIONS} operations"
    inside = [n for region in node.regions for n in region.nodes()]
    for inner in inside:
        if inner.op.name not in _LOOPS and not _is_known(inner):
            return f"{inner.op.name} is no straight-line code"
    large = [t for n in (*inside, *(p for region in node.regions for p in region.params)) for t in n.types if not is_small(t)]
    return f"{large[0]} is larger than {SMALL_ELEMENTS} elements, and computed" if large else "its values are not small"


def _narrows(region: Region) -> bool:
    for node in region.nodes():
        if node.regions:
            if node.op.name not in _LOOPS or not all(map(_narrows, node.regions)):
                return False
        elif not _is_known(node) or (not is_result(node) and node.op.kind != "movement" and node.type.size > LARGEST):
            return False
    return True


def _is_known(node: Node) -> bool:
    return node.op.kind != "region" and node.op is not PARAMETER


def operations(node: Node) -> int:
    """Count the scalar operations that a node's code is made of; a body counts once."""
    if node.regions:
        return sum(operations(inner) for region in node.regions for inner in region.nodes())
    if is_matmul(node):
        return node.type.size * node.operands[0].shape[-1]
    if node.op.kind == "reduce":
        return node.operands[0].type.size
    return node.type.size if is_small(node.types[0]) else 0


def _scan(node: Node) -> bool:
    (body,) = node.regions
    n = node.params["carried"]
    return all(is_small(r.type) for r in body.results[n:]) and _turns(body, n)


def _while(node: Node) -> bool:
    test, body = node.regions
    n = node.params["carried"]
    return all(is_small(r.type) for r in body.results[n:]) and _straight(test) and _turns(body, n)


def _cond(node: Node) -> bool:
    return all(is_small(t) for t in node.types) and all(map(_straight, node.regions))


_LOOPS = {"scan": _scan, "while": _while, "cond": _cond}


def _turns(body: Region, count: int) -> bool:
    """Whether a body is straight, and its carried values small, the same all the time, or changed in place."""
    found = decided_updates(body, count)
    carried = zip(body.results[:count], body.params, strict=False)
    kept = all(is_small(r.type) or r is p or i in found.carried for i, (r, p) in enumerate(carried))
    return kept and _straight(body, found.links)


def _straight(region: Region, links: frozenset[Node] = frozenset()) -> bool:
    """Whether every value of a region is small, or in memory and only picked from, or one of the links of such."""
    for node in region.nodes():
        if node in links:
            if not all(is_small(o.type) for o in node.operands[1:]):
                return False
        elif node.regions:
            if not fits_registers(node) or not all(is_small(o.type) or in_memory(o) for o in node.operands):
                return False
        elif not _is_known(node) or not _computes_small(node):
            return False
    return True


def _computes_small(node: Node) -> bool:
    if is_result(node):
        return True
    if not is_small(node.type):
        return is_view(node)
    if is_gather(node):
        x, *indices = node.operands
        return (is_small(x.type) or is_view(x)) and all(is_small(i.type) for i in indices)
    return all(is_small(o.type) or (node.op.kind == "movement" and is_view(node)) for o in node.operands)


def in_memory(node: Node) -> bool:
    """Tell whether a value lies densely in memory: a parameter, or what a loop has stacked."""
    return node.op is PARAMETER or is_result(node) or is_loop(node)


def is_view(node: Node) -> bool:
    """Tell whether a node is memory seen with other strides."""
    while node.op.kind == "movement":
        if not node.op.view or node.op.name == "reshape":
            return False
        node = node.operands[0]
    return in_memory(node) or is_scatter(node)
