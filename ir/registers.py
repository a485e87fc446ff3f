"""Tell which loop bodies can live in registers.

A body whose values are all small (a 3×3 matrix, some scalars) gains nothing from kernels over memory: it becomes
straight-line code, each element a value of its own, the carried ones in registers from turn to turn
(`codegen/registers.py`).  Larger arrays may come in from outside, if the body only picks small parts of them.

    %c: f64[3,3] = scan %c0, %xs {…}      each element of the carry is in a register, an item is read where it lies

The fusion pass leaves such bodies as they are, so the decision shows in the fused listing.
"""

from __future__ import annotations

from graphc.ir.graph import PARAMETER, Node, Region
from graphc.ir.types import TensorType

__all__ = ["SMALL_ELEMENTS", "fits_registers", "is_small"]

SMALL_ELEMENTS = 16
"""A value of more elements is in memory."""

MOST_OPERATIONS = 30_000
"""Scalar operations in straight-line code; beyond it a body is compiled as kernels."""

KINDS = ("elementwise", "movement", "reduce")
OTHERS = ("constant", "iota", "random_bits", "concatenate", "cumsum", "gather", "scatter", "scatter_add", "matmul", "result")


def is_small(type: TensorType) -> bool:
    """Tell whether a value of a type is held element by element."""
    return type.size <= SMALL_ELEMENTS and min(type.shape, default=0) >= 0


def fits_registers(node: Node) -> bool:
    """Tell whether the bodies of a loop or branch can be straight-line code."""
    return node.op.name in _LOOPS and _LOOPS[node.op.name](node) and operations(node) <= MOST_OPERATIONS


def operations(node: Node) -> int:
    """Count the scalar operations that a node's code is made of; a body counts once."""
    if node.regions:
        return sum(operations(inner) for region in node.regions for inner in region.nodes())
    if node.op.name == "matmul":
        return node.type.size * node.operands[0].shape[-1]
    if node.op.kind == "reduce":
        return node.operands[0].type.size
    return node.type.size if is_small(node.types[0]) else 0


def _scan(node: Node) -> bool:
    (body,) = node.regions
    n = node.params["carried"]
    if not _carries(body, n) or not all(is_small(r.type) for r in body.results[n:]):
        return False
    return _straight(body)


def _while(node: Node) -> bool:
    test, body = node.regions
    return _carries(body, node.params["carried"]) and _straight(test) and _straight(body)


def _cond(node: Node) -> bool:
    return all(is_small(t) for t in node.types) and all(map(_straight, node.regions))


_LOOPS = {"scan": _scan, "while": _while, "cond": _cond}


def _carries(body: Region, count: int) -> bool:
    """Whether carried values are small, or never change."""
    return all(is_small(r.type) or r is p for r, p in zip(body.results[:count], body.params, strict=False))


def _straight(region: Region) -> bool:
    """Whether every value of a region is small, or in memory and only picked from."""
    for node in region.nodes():
        if node.regions:
            if not fits_registers(node) or not all(is_small(o.type) or in_memory(o) for o in node.operands):
                return False
        elif not (node.op.kind in KINDS or node.op.name in OTHERS) or not _computes_small(node):
            return False
    return True


def _computes_small(node: Node) -> bool:
    if node.op.name == "result":
        return True
    if not is_small(node.type):
        return is_view(node)
    if node.op.name == "gather":
        x, *indices = node.operands
        return (is_small(x.type) or is_view(x)) and all(is_small(i.type) for i in indices)
    return all(is_small(o.type) or (node.op.kind == "movement" and is_view(node)) for o in node.operands)


def in_memory(node: Node) -> bool:
    """Tell whether a value lies densely in memory: a parameter, or what a loop has stacked."""
    return node.op is PARAMETER or node.op.name == "result" or node.op.name == "scan"


def is_view(node: Node) -> bool:
    """Tell whether a node is memory seen with other strides."""
    while node.op.kind == "movement":
        if node.op.name in ("pad", "reshape"):
            return False
        node = node.operands[0]
    return in_memory(node)
