"""Count the work of a program: operations on elements, bytes, kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphc.ir.core.cost import weight
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_fusion, is_matmul, is_result

__all__ = ["Cost", "everything", "work_of"]


@dataclass(frozen=True)
class Cost:
    """The work of one call: operations on elements, bytes read and written, kernel calls, arena bytes."""

    flops: int
    bytes: int
    kernels: int
    arena_bytes: int


def work_of(region: Region) -> tuple[int, int]:
    """Count operations on elements, and bytes of values between kernels; a scan counts all iterations, a while loop one."""
    flops = moved = 0
    for node in region.nodes():
        if is_fusion(node):
            inner = node.regions[0].nodes()
            flops += sum(weight(n) * (n.operands[0] if n.op.kind == "reduce" else n).type.size for n in inner)
        elif is_matmul(node):
            flops += 2 * node.type.size * node.operands[0].shape[-1]
        elif node.regions:
            each = [work_of(r) for r in node.regions]
            times = node.params.get("length", 1) or 1
            flops += times * sum(f for f, _ in each)
            moved += 0 if "registers" in node.params else times * sum(m for _, m in each)
        elif node.op.kind in ("elementwise", "reduce"):
            flops += weight(node) * (node.operands[0] if node.op.kind == "reduce" else node).type.size
        computed = node.op.kind not in ("movement", "leaf") and len(node.types) == 1
        if node not in region.results and (computed or is_result(node)) and not node.type.grows:
            moved += 2 * node.type.bytes
    return flops, moved


def everything(region: Region) -> Iterator[Node]:
    """Yield the nodes of a region and of the regions in it."""
    for node in region.nodes():
        yield node
        for inner in node.regions:
            yield from everything(inner)
