"""Predicates on nodes that passes share and that no trait of a primitive answers."""

from __future__ import annotations

from typing import Any

from graphc.ir.core.graph import PARAMETER, Node
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.signatures import NUMBER

__all__ = [
    "adds_updates", "coefficients", "is_add", "is_branch", "is_broadcast", "is_call", "is_cast", "is_concatenate",
    "is_constant", "is_custom", "is_derived", "is_elementwise", "is_fusion", "is_gather", "is_iota", "is_literal",
    "is_loop", "is_matmul", "is_plus_zero", "is_product", "is_reshape", "is_result", "is_scan", "is_scatter", "is_select",
    "is_stopped", "is_while", "is_zero", "may_fail", "stays_within",
]  # fmt: skip


def is_elementwise(node: Node) -> bool:
    """Return whether each element of a node is computed from the operands' elements at the same index."""
    return node.op.kind == "elementwise"


_CONSTANT, _IOTA, _RESULT = (PRIMITIVES[name] for name in ("constant", "iota", "result"))
_FUSION, _SCAN, _WHILE, _COND, _CUSTOM = (PRIMITIVES[name] for name in ("fusion", "scan", "while", "cond", "custom"))
_ADD, _MUL, _SELECT, _CAST = (PRIMITIVES[name] for name in ("add", "mul", "select", "cast"))
_CONCATENATE, _RESHAPE, _DERIVED = (PRIMITIVES[name] for name in ("concatenate", "reshape", "derived"))
_GATHER, _SCATTER_ADD, _MATMUL = (PRIMITIVES[name] for name in ("gather", "scatter_add", "matmul"))
_BROADCAST, _STOP_GRADIENT = PRIMITIVES["broadcast"], PRIMITIVES["stop_gradient"]


def coefficients(node: Node) -> list[Any]:
    """Return the numbers among the attributes of an elementwise node: code generation treats them as additional operands."""
    return [node.params[key] for key, attribute in node.op.attributes.items() if attribute is NUMBER]


def is_result(node: Node) -> bool:
    """Return whether a node selects one result of a node with several."""
    return node.op is _RESULT


def is_loop(node: Node) -> bool:
    """Return whether a node applies a region repeatedly: scan or while."""
    return node.op.is_loop


def is_scan(node: Node) -> bool:
    """Return whether a node is a loop over sequences or with a fixed number of iterations."""
    return node.op is _SCAN


def is_while(node: Node) -> bool:
    """Return whether a node is a loop with a condition."""
    return node.op is _WHILE


def is_call(node: Node) -> bool:
    """Return whether a node applies one of its regions once: fusion, checkpoint or cond."""
    return node.op.is_call


def is_custom(node: Node) -> bool:
    """Return whether a node is values whose derivatives and batching rules are regions."""
    return node.op is _CUSTOM


def is_branch(node: Node) -> bool:
    """Return whether a node applies one of two regions."""
    return node.op is _COND


def is_fusion(node: Node) -> bool:
    """Return whether a node is a region that is compiled as one kernel."""
    return node.op is _FUSION


def is_gather(node: Node) -> bool:
    """Return whether a node reads elements at computed indices."""
    return node.op is _GATHER


def is_add(node: Node) -> bool:
    """Return whether a node is the sum of two operands."""
    return node.op is _ADD


def is_product(node: Node) -> bool:
    """Return whether a node is the elementwise product of two operands."""
    return node.op is _MUL


def is_cast(node: Node) -> bool:
    """Return whether a node converts its operand to another dtype."""
    return node.op is _CAST


def is_select(node: Node) -> bool:
    """Return whether a node takes each element from one of two operands."""
    return node.op is _SELECT


def is_derived(node: Node) -> bool:
    """Return whether a node is its first operand, with a derivative of its own."""
    return node.op is _DERIVED


def is_concatenate(node: Node) -> bool:
    """Return whether a node is its operands one after another along an axis."""
    return node.op is _CONCATENATE


def is_reshape(node: Node) -> bool:
    """Return whether a node is the elements of its operand, in row-major order, under another shape."""
    return node.op is _RESHAPE


def is_matmul(node: Node) -> bool:
    """Return whether a node is a matrix product or a batch of them."""
    return node.op is _MATMUL


def is_broadcast(node: Node) -> bool:
    """Return whether a node repeats its operand along new axes."""
    return node.op is _BROADCAST


def is_stopped(node: Node) -> bool:
    """Return whether a node is its operand, without its derivative."""
    return node.op is _STOP_GRADIENT


def adds_updates(node: Node) -> bool:
    """Return whether a node is its first operand with updates added at indices."""
    return node.op is _SCATTER_ADD


def is_iota(node: Node) -> bool:
    """Return whether a node is the index along an axis."""
    return node.op is _IOTA


def is_constant(node: Node) -> bool:
    """Return whether a node is a constant."""
    return node.op is _CONSTANT


def is_literal(node: Node) -> bool:
    """Return whether a node needs neither operands nor memory: a constant or an iota, which all graphs share."""
    return node.op.kind == "leaf" and not node.operands and node.op is not PARAMETER


def is_scatter(node: Node) -> bool:
    """Return whether a node copies its first operand and updates some elements: it may reuse that operand's buffer."""
    return node.op.indices == 2


def is_zero(node: Node) -> bool:
    """Return whether a node is a constant zero, of either sign, or False."""
    return node.op is _CONSTANT and bool(node.params["value"] == 0)


def is_plus_zero(node: Node) -> bool:
    """Return whether a node is a constant zero other than -0.0: the neutral element of float sums that are not -0.0."""
    return is_zero(node) and str(node.params["value"]) != "-0.0"


_ARGMAX, _ARGMIN, _ARGSORT = (PRIMITIVES[name] for name in ("argmax", "argmin", "argsort"))
_MOVED = frozenset(PRIMITIVES[name] for name in ("reshape", "permute", "broadcast", "slice", "flip"))


def stays_within(node: Node) -> bool:
    """Return whether all indices of a gather are positions along axes of the operand's extents: it cannot fail."""
    if node.op is not _GATHER:
        return False
    extents = node.operands[0].shape
    return all(_is_position(index, extent) for index, extent in zip(node.operands[1:], extents, strict=False))


def _is_position(index: Node, extent: int) -> bool:
    while index.op in _MOVED:
        index = index.operands[0]
    if index.op is _IOTA:
        return bool(index.shape[index.params["axis"]] <= extent)
    if index.op is _ARGMAX or index.op is _ARGMIN or index.op is _ARGSORT:
        return bool(index.operands[0].shape[index.params["axis"]] <= extent)
    if index.op is _SELECT:
        return all(_is_position(x, extent) for x in index.operands[1:])
    return False


def may_fail(node: Node) -> bool:
    """Return whether a node may raise or run forever: it checks indices, is a `while`, or holds a region that may."""
    if not node.regions or node.op is _WHILE:
        return node.op.may_fail
    return any(may_fail(n) for region in node.regions for n in region.nodes())
