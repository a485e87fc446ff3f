"""Which values of a region have a buffer, and whether a region that is compiled has one for all that needs it.

A region of kernels computes in fusions alone; what other nodes read, and what it returns, is a buffer or a view of one.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.access.index_map import index_map
from graphc.ir.analysis.views import whole_buffer
from graphc.ir.core.cost import is_small
from graphc.ir.core.graph import PARAMETER, Node, Region
from graphc.ir.core.predicates import is_constant, is_fusion, is_literal

__all__ = ["has_buffer", "in_registers", "is_compute", "is_inlined", "read_from_memory", "unstored"]


def is_compute(node: Node) -> bool:
    """Return whether a node computes elements at the points of an iteration domain."""
    return node.op.kind in ("elementwise", "reduce") or node.op.jumps


def is_inlined(node: Node) -> bool:
    """Whether a node is inlined into every kernel that reads it."""
    return node.op.kind == "movement" or is_literal(node)


def has_buffer(node: Node) -> bool:
    """Return whether a node has a buffer without being part of a fusion."""
    return node.op is PARAMETER or not (is_compute(node) or is_inlined(node))


def read_from_memory(node: Node) -> list[Node]:
    """Return the operands that must be in memory: all except the scalars that a loop in registers starts from."""
    if not in_registers(node):
        return list(node.operands)
    return [o for o in node.operands if not is_constant(o) or not is_small(o.type, node.params["registers"])]


def in_registers(node: Node) -> bool:
    """Return whether a node is a loop or branch in registers."""
    return "registers" in node.params


def unstored(region: Region) -> Iterator[tuple[Node, str]]:
    """Yield what a region of kernels computes in no kernel, and what is read or returned and has no buffer."""
    nodes = region.nodes()
    for node in nodes:
        if is_fusion(node) and not node.params:
            yield node, "a fusion has no schedule"
        elif is_compute(node):
            yield node, f"{node.op.name} is computed in no kernel, and not in registers"
        elif has_buffer(node) and node.op is not PARAMETER:
            for operand in read_from_memory(node):
                if not _is_view(operand):
                    yield node, f"{node.op.name} reads {operand.op.name}, which has no buffer"
    returned: set[Node] = set()
    for result in region.results:
        buffer = whole_buffer(result)
        if buffer is None or buffer.op is PARAMETER or not has_buffer(buffer) or buffer in returned:
            yield result, f"{result.op.name} is a result, and no buffer of its own"
        returned.update(() if buffer is None else (buffer,))


def _is_view(node: Node) -> bool:
    while node.op.kind == "movement":
        if index_map(node).guards:
            return False
        node = node.operands[0]
    return has_buffer(node)
